"""The way of a run to the API server: whatever client asks, what it creates belongs to the resource of the run."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from playbook_engine.cluster.client import RealCluster
from playbook_engine.fence import ENDED, Fence
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey, owner_uids
from playbook_engine.proxy.owning import Owner
from playbook_engine.proxy.server import Proxy
from playbook_engine.proxy.sessions import Session
from playbook_engine.watches.records import Dependents
from tests.support.api import Space
from tests.support.cluster import DevCluster

SECRET = GroupVersionKind(group="", version="v1", kind="Secret")


@dataclass(slots=True)
class Heard:
    """What the engine hears of runs."""

    objects: list[Object] = field(default_factory=list)
    lost: list[ObjectKey] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    runs: list[ObjectKey] = field(default_factory=list)

    def seen(self, found: Object) -> None:
        self.objects.append(found)

    def gone(self, key: ObjectKey, uid: str) -> None:
        assert uid
        self.lost.append(key)

    async def follow(self, gvk: GroupVersionKind) -> None:
        self.kinds.append(gvk.kind)

    def ended(self, owner: ObjectKey) -> None:
        self.runs.append(owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A proxy in front of the control plane, and a resource whose runs ask there."""

    cluster: DevCluster
    space: Space
    proxy: Proxy
    heard: Heard
    fence: Fence
    directory: Path
    owner: Owner

    def lead(self, session: Session) -> "Client":
        """Give the clients of a run."""
        path = self.directory / "kubeconfig"
        path.write_text(session.kubeconfig, encoding="utf-8")
        return Client(self.cluster, path)

    def live(self, kind: str, name: str) -> dict[str, Any]:
        """Give an object as it is, read beside the proxy."""
        found: dict[str, Any] | None = self.space.get(kind, name)
        assert found is not None
        return found

    def is_owned(self, name: str) -> bool:
        """Whether a ConfigMap belongs to the resource."""
        return self.owner.uid in owner_uids(self.live("ConfigMap", name))


@dataclass(frozen=True, slots=True)
class Client:
    """kubectl with the kubeconfig of a run."""

    cluster: DevCluster
    kubeconfig: Path

    async def kubectl(self, *arguments: str, given: object = None, check: bool = True) -> str:
        """Run it; give what it prints on both streams."""
        done = await asyncio.to_thread(
            self.cluster.kubectl,
            *arguments,
            stdin=None if given is None else json.dumps(given),
            check=check,
            kubeconfig=self.kubeconfig,
        )
        return done.stdout + done.stderr


@pytest.fixture
async def stage(
    control_plane: DevCluster, space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """A proxy that listens, for a ConfigMap that plays the resource."""
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    owner = Owner.of({"apiVersion": "v1", **space.create(config_map("owner"))})
    fence, heard = Fence(), Heard()
    cluster = RealCluster(fence)
    proxy = Proxy(cluster, heard)
    async with proxy.serving():
        yield Stage(
            cluster=control_plane,
            space=space,
            proxy=proxy,
            heard=heard,
            fence=fence,
            directory=tmp_path,
            owner=owner,
        )
    await cluster.close()
    # A connection that was given up in the midst of an answer says farewell by TLS, and nobody waits for that.
    await asyncio.sleep(0.1)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


WAYS = {
    "create": ("create", "-f", "-"),
    "apply": ("apply", "-f", "-"),
    "server-side apply": ("apply", "--server-side", "--force-conflicts", "-f", "-"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_run_creates_by_kubectl_belongs_to_its_resource(stage: Stage, way: str) -> None:
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        await stage.lead(session).kubectl(*WAYS[way], given=config_map("made", colour="red"))
        await session.settled()
    (reference,) = stage.live("ConfigMap", "made")["metadata"]["ownerReferences"]
    assert reference == {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": stage.owner.uid}
    assert [found["kind"] for found in stage.heard.objects] == ["ConfigMap"]
    assert stage.heard.kinds == ["ConfigMap"], "the kind is followed from now on"
    assert stage.heard.runs == [stage.owner.key]


async def test_an_object_stays_the_resources_whoever_writes_it_how(stage: Stage) -> None:
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        client = stage.lead(session)
        for way in ("server-side apply", "server-side apply"):
            await client.kubectl(*WAYS[way], given=config_map("made", colour="red"))
        assert stage.is_owned("made"), (
            "the second apply says nothing of the reference, which would take it away"
        )
        await client.kubectl("replace", "-f", "-", given=config_map("made", colour="green"))
        assert stage.is_owned("made")
        other = {"metadata": {"ownerReferences": None}, "data": {"colour": "blue"}}
        await client.kubectl("patch", "configmap", "made", "--type=merge", "-p", json.dumps(other))
        assert stage.is_owned("made")
    assert stage.live("ConfigMap", "made")["data"] == {"colour": "blue"}


@pytest.mark.parametrize("way", ["apply", "server-side apply"])
async def test_an_object_of_somebody_else_is_left_alone(stage: Stage, way: str) -> None:
    stage.space.create(config_map("theirs", colour="red"))
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        await stage.lead(session).kubectl(*WAYS[way], given=config_map("theirs", colour="green"))
        await stage.lead(session).kubectl("replace", "-f", "-", given=config_map("theirs", colour="blue"))
    found = stage.live("ConfigMap", "theirs")
    assert found["data"] == {"colour": "blue"}
    assert "ownerReferences" not in found["metadata"]
    assert stage.heard.objects == []


async def test_an_object_with_another_owner_is_created_as_it_is_written(stage: Stage) -> None:
    other = Owner.of({"apiVersion": "v1", **stage.space.create(config_map("other"))})
    body = config_map("made")
    body["metadata"]["ownerReferences"] = [dict(other.reference)]
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        await stage.lead(session).kubectl("create", "-f", "-", given=body)
    assert owner_uids(stage.live("ConfigMap", "made")) == {other.uid}


async def test_what_cannot_have_a_reference_says_by_annotations_whose_it_is(
    stage: Stage, control_plane: DevCluster
) -> None:
    name = f"{stage.space.name}-reader"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [],
    }
    async with stage.proxy.session(stage.owner, Dependents(cluster_scoped=True)) as session:
        client = stage.lead(session)
        await client.kubectl("create", "-f", "-", given=role)
        far = {**config_map("made"), "metadata": {"name": stage.space.name, "namespace": "default"}}
        await client.kubectl("create", "-f", "-", given=far)
        await session.settled()
    wanted = {
        "operator-sdk/primary-resource": f"{stage.space.name}/owner",
        "operator-sdk/primary-resource-type": "ConfigMap.",
    }
    for found in (
        control_plane.get("clusterrole", name),
        control_plane.get("configmap", "-n", "default", stage.space.name),
    ):
        assert found["metadata"]["annotations"] == wanted
        assert "ownerReferences" not in found["metadata"]
    assert stage.heard.kinds == ["ClusterRole", "ConfigMap"]
    control_plane.kubectl("delete", "clusterrole", name)
    control_plane.kubectl("delete", "configmap", "-n", "default", stage.space.name)


async def test_what_the_entry_does_not_want_is_not_owned_and_not_heard_of(stage: Stage) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "made"}}
    async with stage.proxy.session(stage.owner, Dependents(ignored=(SECRET,))) as session:
        await stage.lead(session).kubectl("create", "-f", "-", given=secret)
    assert "ownerReferences" not in stage.live("Secret", "made")["metadata"]
    async with stage.proxy.session(stage.owner, Dependents(inject_owner=False)) as session:
        await stage.lead(session).kubectl("create", "-f", "-", given=config_map("free"))
    assert "ownerReferences" not in stage.live("ConfigMap", "free")["metadata"]
    async with stage.proxy.session(stage.owner, Dependents(watch=False)) as session:
        await stage.lead(session).kubectl("create", "-f", "-", given=config_map("unheard"))
    assert stage.is_owned("unheard")
    assert (stage.heard.objects, stage.heard.kinds) == ([], [])


async def test_a_trial_and_a_review_are_nothing_that_belongs_to_anybody(stage: Stage) -> None:
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        client = stage.lead(session)
        await client.kubectl("create", "--dry-run=server", "-f", "-", given=config_map("trial"))
        assert "yes" in await client.kubectl("auth", "can-i", "get", "pods")
    assert stage.space.get("ConfigMap", "trial") is None
    assert (stage.heard.objects, stage.heard.kinds, session.seen) == ([], [], {})


async def test_a_read_of_an_owned_object_makes_its_kind_known_again_and_a_deletion_is_heard_of(
    stage: Stage,
) -> None:
    stage.space.create({**stage.owner.adopt(config_map("made"), stage.space.name), "kind": "ConfigMap"})
    stage.space.create(config_map("theirs"))
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        client = stage.lead(session)
        await client.kubectl("get", "configmap", "theirs", "-o", "json")
        await client.kubectl("get", "configmap", "made")
        assert session.seen == {}, "the one is not ours, and a table is no object"
        await client.kubectl("get", "configmap", "made", "-o", "json")
        (key,) = session.seen
        assert key.name == "made"
        await client.kubectl("delete", "configmap", "made", "--wait=false")
        assert session.seen == {key: None}
        await session.settled()
    assert (stage.heard.lost, stage.heard.kinds) == ([key], ["ConfigMap"])


async def test_an_event_is_owned_and_not_watched(stage: Stage) -> None:
    about = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "namespace": stage.space.name}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "told"}, "involvedObject": about}
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        await stage.lead(session).kubectl("create", "-f", "-", given=event)
    assert owner_uids(stage.live("Event", "told")) == {stage.owner.uid}
    assert stage.heard.kinds == []


async def test_a_watch_comes_as_it_happens(stage: Stage) -> None:
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        path = stage.lead(session).kubeconfig
        command = [
            *stage.cluster.kubectl_command,
            "--kubeconfig",
            str(path),
            "get",
            "configmap",
            "--watch-only",
            "-o",
            "name",
        ]
        watching = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert watching.stdout is not None
        try:
            while True:  # until it watches: what comes before is not told
                stage.space.apply(config_map("news", at=os.urandom(4).hex()), force=True)
                try:
                    line = await asyncio.wait_for(watching.stdout.readline(), 1)
                except TimeoutError:
                    continue
                break
            assert line == b"configmap/news\n"
        finally:
            watching.kill()
            await watching.wait()


async def test_a_token_holds_as_long_as_its_run_and_nothing_is_written_after_the_tenure(stage: Stage) -> None:
    async with stage.proxy.session(stage.owner, Dependents()) as session:
        client = stage.lead(session)
        assert "made" in await client.kubectl("create", "configmap", "made")
        stage.fence.move(ENDED)
        assert "the lease is not held any more" in await client.kubectl(
            "create", "configmap", "late", check=False
        )
        assert "made" in await client.kubectl("get", "configmap", "-o", "name")
    assert stage.space.get("ConfigMap", "late") is None
    assert "made" not in await client.kubectl("get", "configmap", "-o", "name", check=False)
