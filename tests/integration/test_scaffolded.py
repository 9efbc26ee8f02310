"""A project that ansible-operator was scaffolded for has few rights, and a status with the usual conditions alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Starter
from tests.support.api import Api, Space, may
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.operators import OperatorUnderTest, conditions
from tests.support.waiting import wait_for

PROJECT = CHECKOUT / "tests" / "integration" / "pots"
NAMESPACE = "pots-system"
USER = f"system:serviceaccount:{NAMESPACE}:semantic-router-operator"
SECONDS = 150.0
"""A run that gathers facts takes 2 s on two idle cores; the rest is room."""


@pytest.fixture(scope="module")
def potter(control_plane: DevCluster, start_operator: Starter) -> Iterator[OperatorUnderTest]:
    """The engine with the project, as its Deployment starts it."""
    for name in ("crd.yaml", "rbac.yaml"):
        control_plane.kubectl("apply", "--server-side", "-f", str(PROJECT / name))
    control_plane.wait_established("pots.example.com")
    operator = start_operator(
        namespace=NAMESPACE,
        watches=PROJECT / "watches.yaml",
        arguments=["--compatibility", "ansible-operator", "--ansible-roles-path", str(PROJECT / "roles")],
    )
    yield operator
    operator.stop()


def settled(space: Space, kind: str) -> dict[str, Any]:
    """Wait until a condition of the newest generation is true; return all conditions."""

    def holds() -> dict[str, Any]:
        pot = space.get("Pot", "pot")
        assert pot is not None
        found = conditions(pot)
        assert found.get(kind, {}).get("status") == "True", found
        assert found[kind]["observedGeneration"] == pot["metadata"]["generation"]
        return found

    return wait_for(holds, timeout=SECONDS, what=f"{kind} of the pot")


def test_it_works_with_the_rights_that_it_was_scaffolded_with(
    potter: OperatorUnderTest, api: Api, space: Space
) -> None:
    assert not may(api, USER, "list", "customresourcedefinitions.apiextensions.k8s.io")
    space.create({"kind": "Pot", "metadata": {"name": "pot"}, "spec": {"potSize": 3}})
    settled(space, "Successful")
    made = space.get("ConfigMap", "pot")
    assert made is not None
    assert made["data"] == {"size": "3"}
    assert [one["kind"] for one in made["metadata"]["ownerReferences"]] == ["Pot"]

    space.patch("Pot", "pot", {"spec": {"potSize": 0}})
    found = settled(space, "Failure")
    assert "a pot has a size above 0" in found["Failure"]["message"]
    assert found["Running"]["status"] == "False"

    space.patch("Pot", "pot", {"spec": {"potSize": 5}})
    settled(space, "Successful")
    wait_for(lambda: space.get("ConfigMap", "pot")["data"] == {"size": "5"}, timeout=5, what="the new size")
    space.delete("Pot", "pot")
    wait_for(lambda: space.get("Pot", "pot") is None, timeout=SECONDS, what="the pot goes")
    assert space.get("ConfigMap", "pot") is None, "the finalizer has run the role with its variables"
    assert potter.metric("playbook_engine_watch_ends_total") == 0
    assert "Traceback" not in potter.log
    assert "orbidden" not in potter.log
