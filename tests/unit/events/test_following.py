"""A kind that is watched by and by loses nothing, and takes in only what belongs to a resource."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from playbook_engine.cluster.errors import ClusterError, ConflictError, ForbiddenError, UnavailableError
from playbook_engine.events.following import Following
from playbook_engine.events.intake import Intake
from playbook_engine.events.wakes import Wakes
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey, key_of
from playbook_engine.observability.metrics import Metrics
from playbook_engine.queue.backoff import Backoff
from playbook_engine.queue.schedule import Priority
from playbook_engine.store import Store
from playbook_engine.testing.cluster import FakeCluster
from playbook_engine.watches.records import Dependents
from tests.unit.reconcile.stage import CONFIG_MAP, KEY, WATCH, pot

ENTRY = type(WATCH)(gvk=WATCH.gvk, playbook=WATCH.playbook, field_manager="m", dependents=Dependents())


@dataclass(slots=True)
class Stage:
    """A cluster in memory with scripted watches; ``asked`` are namespaces and versions from which was watched."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    store: Store = field(default_factory=Store)
    woken: list[tuple[ObjectKey, Priority]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    script: list[Iterable[Mapping[str, Any]] | ClusterError | Callable[[], ClusterError]] = field(
        default_factory=list
    )
    waits: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def following(self, **given: Any) -> Following:  # noqa: ANN401 - as Following takes it
        """Give a follower, and a resource that is known."""
        wakes = Wakes([ENTRY])
        intake = Intake(self.cluster, self.store, wakes, Metrics(), add=lambda *wake: self.woken.append(wake))
        self.cluster.put(pot())
        intake.seen(self.cluster.look(KEY) or {})
        self.woken.clear()
        backoff = Backoff(base=2.0, most=60.0, chance=lambda: 0.0)
        return Following(self, intake, known=[WATCH.gvk], backoff=backoff, sleep=self.sleep, **given)

    async def is_namespaced(self, gvk: GroupVersionKind) -> bool:
        return await self.cluster.is_namespaced(gvk)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def watch(
        self, gvk: GroupVersionKind, namespace: str = "", *, since: str = ""
    ) -> AsyncIterator[Mapping[str, Any]]:
        assert gvk == CONFIG_MAP
        self.asked.append((namespace, since))
        if not self.script:
            self.over.set()
            await asyncio.Event().wait()
        step = self.script.pop(0)
        step = step() if callable(step) else step
        if isinstance(step, ClusterError):
            raise step
        for event in step:
            yield event


def made(name: str = "made", version: str = "5", **metadata: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"u-{name}",
            "resourceVersion": version,
            **metadata,
        },
    }


def owned(found: Object) -> list[dict[str, object]]:
    return [{"uid": found["metadata"]["uid"]}]  # type: ignore[index]


async def test_events_of_owned_objects_are_taken_in_and_wake_the_owner() -> None:
    stage = Stage()
    following = stage.following()
    mine = made(ownerReferences=owned(stage.cluster.look(KEY) or {}))
    theirs = made("theirs", "6")
    stage.script = [
        [{"type": "ADDED", "object": mine}, {"type": "ADDED", "object": theirs}],
        [{"type": "BOOKMARK", "object": {"kind": "ConfigMap", "metadata": {"resourceVersion": "9"}}}],
        [{"type": "DELETED", "object": mine}],
    ]
    await following.follow(CONFIG_MAP)
    await following.follow(CONFIG_MAP)
    await stage.over.wait()
    assert [since for _, since in stage.asked] == ["", "6", "9", "5"], "each goes on where the last has ended"
    assert stage.woken == [(KEY, Priority.DEPENDENT)] * 2
    assert stage.store.keys(CONFIG_MAP) == frozenset()
    await following.close()


async def test_objects_are_known_when_following_returns_and_annotations_say_whose_they_are() -> None:
    stage = Stage()
    following = stage.following()
    annotations = {
        "operator-sdk/primary-resource": "ns/pot",
        "operator-sdk/primary-resource-type": "Pot.example.com",
    }
    mine = stage.cluster.put(made(annotations=annotations))
    stage.cluster.put(made("theirs"))
    await following.follow(CONFIG_MAP)
    assert stage.store.keys(CONFIG_MAP) == {key_of(mine)}
    await following.close()


@pytest.mark.parametrize("error", [UnavailableError("no answer"), ForbiddenError("not allowed")])
async def test_a_kind_that_cannot_be_watched_is_tried_again_after_longer_and_longer_waits(
    error: ClusterError,
) -> None:
    stage = Stage(script=[error, error, error])
    following = stage.following()
    await following.follow(CONFIG_MAP)
    await stage.over.wait()
    assert len(stage.waits) == 3
    assert stage.waits == sorted(stage.waits)
    assert stage.waits[0] < stage.waits[-1]
    await following.close()


async def test_after_a_version_that_is_too_old_what_was_deleted_meanwhile_is_found() -> None:
    stage = Stage()
    following = stage.following()
    mine = stage.cluster.put(made(ownerReferences=owned(stage.cluster.look(KEY) or {})))

    def deleted() -> ClusterError:
        assert stage.store.get(key_of(mine))
        stage.cluster.delete(key_of(mine))
        return ConflictError("too old")

    stage.script = [deleted]
    await following.follow(CONFIG_MAP)
    await stage.over.wait()
    assert stage.store.keys(CONFIG_MAP) == frozenset()
    assert stage.asked == [("", ""), ("", "")]
    await following.close()


async def test_only_the_namespaces_of_the_operator_are_watched_and_no_kind_twice() -> None:
    stage = Stage()
    following = stage.following(namespaces=("one", "two"))
    await following.follow(WATCH.gvk)
    assert stage.asked == [], "that is watched anyway"
    await following.follow(CONFIG_MAP)
    await stage.over.wait()
    await asyncio.sleep(0)
    assert sorted(stage.asked) == [("one", ""), ("two", "")]
    await following.close()
