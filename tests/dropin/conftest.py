"""A project as ansible-operator takes it, run by the engine on a real control plane, warm and cold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Starter, temporary_space
from tests.support.api import Api, Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.waiting import wait_for

PROJECT = CHECKOUT / "tests" / "dropin" / "project"
KINDS = ("Site", "Gadget", "Echo", "Zone", "Beacon")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests out of the others: cold runs take their time."""
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.dropin)


@pytest.fixture(scope="session")
def project_kinds(control_plane: DevCluster) -> None:
    """The definitions of the project, and the rights that it has."""
    for path in sorted((PROJECT / "crds").glob("*.yaml")):
        control_plane.kubectl("apply", "--server-side", "-f", str(path))
        control_plane.wait_established(f"{path.stem}.dropin.example.com")
    control_plane.kubectl("apply", "--server-side", "-f", str(PROJECT / "rbac" / "role.yaml"))


@pytest.fixture(scope="module", params=["auto", "cold"], ids=["warm", "cold"])
def engine(
    project_kinds: None, start_operator: Starter, request: pytest.FixtureRequest
) -> Iterator[OperatorUnderTest]:
    """The engine in the directory of the project, told nothing but that it is one for ansible-operator."""
    del project_kinds
    operator = start_operator(
        watches=Path("watches.yaml"),
        home=PROJECT,
        arguments=["--compatibility", "ansible-operator", "--executor", request.param],
        environment={"DROPIN_ORIGIN": "the environment"},
    )
    yield operator
    operator.stop()


@pytest.fixture
def space(api: Api, engine: OperatorUnderTest) -> Iterator[Space]:
    """A namespace; its resources must go, by their finalizers, while the engine still runs."""
    del engine
    with temporary_space(api, operated=False) as space:
        yield space
        for kind in KINDS:
            for found in space.list(kind):
                space.delete(kind, found["metadata"]["name"])
        wait_for(lambda: not _left(space), timeout=120, what="the resources go")


def _left(space: Space) -> list[Any]:
    return [found for kind in KINDS for found in space.list(kind)]
