"""Fixtures for the toy: a kind of its own, and an operator that knows nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.toys import DIRECTORY, Gate, install_kind


@pytest.fixture(scope="session")
def toy_kind(control_plane: DevCluster) -> None:
    """The definition of the toy, and the rights for it."""
    install_kind(control_plane)
    control_plane.kubectl("apply", "--server-side", "-f", str(DIRECTORY / "rbac.yaml"))


@pytest.fixture(scope="module")
def executor() -> str:
    """How the toymaker runs playbooks; a module that wants both ways overrides it."""
    return "auto"


@pytest.fixture(scope="module")
def toymaker(toy_kind: None, start_operator: Starter, executor: str) -> Iterator[OperatorUnderTest]:
    """The engine with the watches file of the toy; its back-off is long, so that a test can tell it from a change."""
    del toy_kind
    operator = start_operator(
        watches=DIRECTORY / "watches.yaml",
        arguments=[
            *("--max-concurrent-runs", "2", "--executor", executor),
            *("--backoff-base", "4s", "--graceful-shutdown-timeout", "2s"),
        ],
        environment={"TOY_WORKSHOP": "cellar"},
    )
    yield operator
    operator.stop()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """A closed gate."""
    return Gate(tmp_path)
