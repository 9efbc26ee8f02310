"""Random resources under the real operator: a second run finds nothing to do, and edits end as the last one alone.

What is rendered for them without a cluster is what the operator makes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.runs.records import RunStatus
from tests.conftest import temporary_space
from tests.support.api import Api, Space
from tests.support.examples import dear
from tests.support.operators import conditions
from tests.support.playing import Player, playing
from tests.support.rendering import check_rendered, render
from tests.support.resources import SECRET, specs
from tests.support.routers import CHILD_KINDS, SWITCHED, Router
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.usefixtures("operator"), pytest.mark.timeout(900)]

PATIENCE = 120.0
"""Seconds for a resource to settle: several runs, one after another."""

SERVICES = ("s", "t")
MOST_PODS = 3
FEWEST_BLOCKS = 2
ELSEWHERE = ("nodeSelector", "affinity", "resources")
"""Blocks by which pods may find no node, so that older ones stay as they should."""

CLAIM = "PersistentVolumeClaim"
COMPARED = tuple(kind for kind in (*CHILD_KINDS, *SWITCHED, "Secret") if kind != CLAIM)
OF_THE_SERVER = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "ownerReferences",
)
GIVEN_BY_THE_SERVER = ("clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort")
ROLLED = "deployment.kubernetes.io/revision"
IMMUTABLE: tuple[dict[str, Any], ...] = (
    {"accessMode": "ReadWriteOncePod"},
    {"accessMode": "ReadWriteMany"},
    {"storageClassName": "another"},
    {"size": "1Mi"},
)


def bounded(spec: dict[str, Any]) -> dict[str, Any]:
    """Take from a specification what asks for thousands of pods, and what keeps pods from ever running."""
    kept = {name: block for name, block in spec.items() if name not in ELSEWHERE}
    if "replicas" in kept:
        kept["replicas"] = min(kept["replicas"], MOST_PODS)
    for name in ("minReplicas", "maxReplicas"):
        if name in kept.get("autoscaling", {}):
            kept["autoscaling"] = {**kept["autoscaling"], name: MOST_PODS}
    return kept


def without_volume(spec: dict[str, Any]) -> dict[str, Any]:
    """A claim is kept as it is through every edit, and how pods roll depends on it."""
    return {name: block for name, block in spec.items() if name != "persistence"}


BUSY = specs().map(bounded).filter(lambda spec: len(spec) >= FEWEST_BLOCKS)
"""What says something: each example costs a minute."""


@contextmanager
def place(api: Api) -> Iterator[Space]:
    """A namespace with what random resources refer to."""
    with temporary_space(api, operated=True) as space:
        space.create(
            {"kind": "Secret", "metadata": {"name": SECRET["name"]}, "stringData": {SECRET["key"]: "v"}}
        )
        for name in SERVICES:
            ports = [{"name": f"p{port}", "port": port} for port in (80, 443, 8000)]
            labels = {"app": "a", "tier": "b"}
            space.create(
                {"kind": "Service", "metadata": {"name": name, "labels": labels}, "spec": {"ports": ports}}
            )
        yield space


def replace(router: Router, spec: Mapping[str, Any]) -> None:
    """Put a whole specification in place of the other, as ``kubectl replace`` does."""

    def put() -> bool:
        path = router.space.path("SemanticRouter", router.name)
        router.space.api.request("PUT", path, body={**router.read(), "spec": dict(spec)})
        return True

    wait_for(put, timeout=10, what="the specification is replaced")


def run_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition that tells of the last run, which must have gone through."""
    found: dict[str, Any] = conditions(resource).get("Reconciled", {})
    assert found.get("status") == "True", found
    assert found.get("observedGeneration") == resource["metadata"]["generation"], found
    return found


def settle(router: Router) -> dict[str, Any]:
    """Force a run until one changes nothing, when all that rolls has rolled; return the resource."""
    rounds = iter(range(1000))

    def settled() -> dict[str, Any]:
        resource = router.read()
        run_of(resource)
        told = conditions(resource)
        if told["RouterReady"]["status"] == "True":
            assert told["Progressing"]["status"] == "False", told["Progressing"]
        found = force(router, str(next(rounds)))
        assert " 0 changed" in run_of(found)["message"], run_of(found)
        return found

    return wait_for(settled, timeout=PATIENCE, what=f"{router.name} settles", poll=0.5)


def force(router: Router, value: str) -> dict[str, Any]:
    """Ask for a run by the annotation, and wait for it; return the resource."""
    annotations = {"annotations": {"vllm.ai/reconcile-at": value}}
    router.space.patch("SemanticRouter", router.name, {"metadata": annotations})

    def is_done() -> dict[str, Any]:
        resource = router.read()
        assert resource.get("status", {}).get("reconcileAt") == value
        run_of(resource)
        return resource

    return wait_for(is_done, timeout=PATIENCE, what="the run that was asked for")


def outcome(router: Router) -> dict[str, Any]:
    """Return what it has made, without what the API server and other controllers say of it."""
    return {f"{kind} {name}": plain(item, router) for (kind, name), item in named(router).items()}


def named(router: Router) -> dict[tuple[str, str], dict[str, Any]]:
    """Return its objects by kind and name; those of a revision without its digest."""
    found = router.children(*COMPARED).items()
    return {(kind, re.sub("-[0-9a-f]{12}$", "-REVISION", name)): item for (kind, name), item in found}


def plain(item: Mapping[str, Any], router: Router) -> Any:  # noqa: ANN401 - JSON
    metadata = {key: value for key, value in item["metadata"].items() if key not in OF_THE_SERVER}
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != ROLLED}
    kept = {key: value for key, value in item.items() if key != "status"}
    text = json.dumps(without({**kept, "metadata": {**metadata, "annotations": annotations}}))
    revision = router.deployment()["spec"]["template"]["metadata"]["annotations"]["vllm.ai/revision"]
    text = text.replace(router.space.name, "NAMESPACE").replace(revision, "REVISION")
    text = re.sub("/drain/[0-9a-f]{32}", "/drain/PATH", text)
    return json.loads(re.sub(r"(?<=/)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/\d+", "VERSION", text))


def without(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Leave out what the API server gives to each object anew."""
    if isinstance(value, dict):
        return {key: without(item) for key, item in value.items() if key not in GIVEN_BY_THE_SERVER}
    return [without(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """Runs playbooks, which need no operator."""
    with playing() as player:
        yield player


@dear(4)
@given(spec=BUSY)
def test_a_second_run_changes_nothing_and_rendering_gives_the_same(
    api: Api, player: Player, tmp_path_factory: pytest.TempPathFactory, spec: dict[str, Any]
) -> None:
    with place(api) as space:
        router = Router.create(space, spec)
        settle(router)
        writers = versions(router)
        assert " 0 changed" in run_of(force(router, "again"))["message"]
        assert versions(router) == writers, "and nothing was written by any other way"
        companions = [space.get("Secret", SECRET["name"]), *(space.get("Service", name) for name in SERVICES)]
        directory = tmp_path_factory.mktemp("rendered")
        if router.condition("Degraded")["status"] == "False":
            check_rendered(player, directory, router, router.read(), companions)
        else:
            assert render(player, directory, space, router.read(), companions).status is RunStatus.FAILED


def versions(router: Router) -> dict[tuple[str, str], str]:
    """Return the versions of what is not written by controllers all the time."""
    quiet = [
        kind
        for kind in COMPARED
        if kind not in {"Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
    ]
    return {key: item["metadata"]["resourceVersion"] for key, item in router.children(*quiet).items()}


@dear(3)
@given(edits=st.lists(BUSY.map(without_volume), min_size=3, max_size=3))
def test_edits_end_as_if_only_the_last_had_been_made(api: Api, edits: list[dict[str, Any]]) -> None:
    """But for volumes, and for the last good state that stays while a specification cannot be applied."""
    with place(api) as space, place(api) as other:
        alone = Router.create(other, edits[-1])
        edited = Router.create(space, edits[0])
        for spec in edits[1:]:
            settle(edited)
            replace(edited, spec)
        settle(edited)
        settle(alone)
        if alone.condition("RouterReady")["status"] != "True":
            assert edited.condition("RouterReady")["status"] != "True"
            return

        def are_alike() -> bool:
            assert outcome(edited) == outcome(alone)
            return True

        wait_for(
            are_alike, timeout=PATIENCE, what="the edited one is as the other, with older revisions gone"
        )


@dear(3)
@given(
    edits=st.lists(BUSY.map(without_volume), min_size=2, max_size=2),
    change=st.sampled_from(IMMUTABLE),
)
def test_what_cannot_be_changed_in_between_is_told_and_nothing_is_made_anew(
    api: Api, edits: list[dict[str, Any]], change: dict[str, Any]
) -> None:
    first, second = edits
    with place(api) as space:
        router = Router.create(space, {**first, "persistence": {"size": "2Gi"}})
        settle(router)
        before = {kind: uid_of(space, kind) for kind in ("Deployment", "Service", CLAIM)}
        claim = space.get(CLAIM, "router-models")["spec"] if before[CLAIM] else None
        replace(router, {**second, "persistence": {"size": "2Gi", **change}})
        settle(router)
        if claim:
            router.wait_condition("PersistenceReady", "False", reason="ImmutableField")
            assert space.get(CLAIM, "router-models")["spec"] == claim
        after = {kind: uid_of(space, kind) for kind in before}
        assert {kind: uid for kind, uid in after.items() if before[kind]} == {
            kind: uid for kind, uid in before.items() if uid
        }


def uid_of(space: Space, kind: str) -> str:
    """Return the uid of the object of the router's name, or of its claim; empty for none."""
    found = space.get(kind, "router-models" if kind == CLAIM else "router")
    return str(found["metadata"]["uid"]) if found else ""
