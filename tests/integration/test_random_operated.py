"""Random resources under the real operator: a second run finds nothing to do, and what is immutable is told.

What is rendered for them without a cluster is what the operator makes.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.runs.records import RunStatus
from tests.support.api import Api, Space
from tests.support.examples import dear
from tests.support.operated import (
    BUSY,
    CLAIM,
    COMPARED,
    SERVICES,
    force,
    place,
    replace,
    run_of,
    settle,
    without_volume,
)  # fmt: skip
from tests.support.playing import Player, playing
from tests.support.rendering import check_rendered, render
from tests.support.resources import SECRET
from tests.support.routers import Router

pytestmark = [pytest.mark.usefixtures("operator"), pytest.mark.timeout(900)]

IMMUTABLE: tuple[dict[str, Any], ...] = (
    {"accessMode": "ReadWriteOncePod"},
    {"accessMode": "ReadWriteMany"},
    {"storageClassName": "another"},
    {"size": "1Mi"},
)


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
