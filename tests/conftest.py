"""Fixtures that need a control plane; nothing is started for tests that use none of them.

Property tests try the same examples each time, so that a change is judged by itself; EXPLORE=1 tries many others.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.api import Api, ApiError, Space
from tests.support.audit import AuditLog
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.cluster import running as running_cluster
from tests.support.operators import OperatorUnderTest, conditions
from tests.support.waiting import wait_for
from tools.demo.credentials import rbac_objects

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("exploring", deadline=None, max_examples=1000)
settings.load_profile("exploring" if os.environ.get("EXPLORE") else "repeatable")

OPERATOR = pytest.StashKey[OperatorUnderTest]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the campaigns; see docs/reliability.md."""
    group = parser.getgroup("campaigns")
    group.addoption(
        "--campaign", choices=("short", "long"), default="short", help="how many points are tried"
    )
    group.addoption("--campaign-seed", default="1", help="decides which points the short form tries")
    group.addoption("--campaign-point", help="try these only: <step>:<number>:<fault>, separated by commas")
    group.addoption(
        "--campaign-table", help="a file with a row for each point; what has one is not tried again"
    )
    group.addoption("--campaign-minutes", help="begin nothing new after so many minutes")


@pytest.fixture(scope="session")
def control_plane() -> Iterator[DevCluster]:
    """A control plane with all foreign kinds, our definition, and the operator's account and rights."""
    with running_cluster() as cluster:
        prepare(cluster)
        yield cluster


def prepare(cluster: DevCluster) -> None:
    """Install our definition, and the operator's account and rights."""
    definition = CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml"
    cluster.kubectl("apply", "--server-side", "-f", str(definition))
    cluster.wait_established("semanticrouters.vllm.ai")
    cluster.apply(*rbac_objects())


@pytest.fixture(scope="session")
def api(control_plane: DevCluster) -> Api:
    """The API server of the control plane, as administrator."""
    return Api.connect(control_plane.kubeconfig)


@pytest.fixture(scope="session")
def audit(control_plane: DevCluster) -> AuditLog:
    """The control plane's audit log."""
    return AuditLog(control_plane.audit_log)


type Starter = Callable[..., OperatorUnderTest]


@pytest.fixture(scope="module")
def start_operator(
    control_plane: DevCluster, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Starter]:
    """A function that starts an operator; what it started is stopped, and checked, after the module."""
    with ExitStack() as stack:

        def start(**fields: object) -> OperatorUnderTest:
            directory = tmp_path_factory.mktemp("operator")
            operator = OperatorUnderTest(cluster=control_plane, directory=directory, **fields)  # type: ignore[arg-type]
            request.session.stash[OPERATOR] = operator
            stack.callback(operator.stop)
            operator.start()
            return operator

        yield start


@pytest.fixture(scope="module")
def operator(start_operator: Starter) -> OperatorUnderTest:
    """The operator as it is shipped, one for the module."""
    return start_operator()


@pytest.fixture
def space(api: Api, request: pytest.FixtureRequest) -> Iterator[Space]:
    """A namespace for one test; its resources are deleted, and must go, while the operator still runs."""
    operated = "operator" in request.fixturenames or "start_operator" in request.fixturenames
    with temporary_space(api, operated=operated) as space:
        yield space


@pytest.fixture(scope="module")
def module_space(api: Api) -> Iterator[Space]:
    """A namespace for the tests of a module; what they make in it, they remove."""
    with temporary_space(api, operated=False) as space:
        yield space


@contextmanager
def temporary_space(api: Api, *, operated: bool) -> Iterator[Space]:
    """A namespace for the length of a block; ``operated`` says whether an operator lets its resources go."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    space = Space(api, name)
    space.create({"kind": "Namespace", "metadata": {"name": name}})
    yield space
    for resource in _resources(space):
        space.delete(resource["kind"], resource["metadata"]["name"])
    if operated:
        wait_for(lambda: not _resources(space), timeout=60, what=f"the resources of {name} go")
    space.delete("Namespace", name)


def _resources(space: Space) -> list[Any]:
    return [resource for kind in ("SemanticRouter", "Toy") for resource in space.list(kind)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the operator's log and the resources' state to the report of a failed test."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        with suppress(OSError, ApiError):  # the control plane may be what has failed, or is stopped already
            report.sections.extend(_explanations(item))
    return report  # type: ignore[return-value]


def _explanations(item: pytest.Item) -> Iterator[tuple[str, str]]:
    operator = item.session.stash.get(OPERATOR, None)
    if operator is not None:
        yield "operator log", "\n".join(operator.log.splitlines()[-60:])
    space = getattr(item, "funcargs", {}).get("space")
    if isinstance(space, Space):
        for resource in _resources(space):
            lines = [
                f"{kind}={c['status']} {c['reason']}: {c['message']}"
                for kind, c in conditions(resource).items()
            ]
            yield f"{resource['kind']} {resource['metadata']['name']}", "\n".join(lines)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs a control plane, so that ``-m 'not cluster'`` leaves it out."""
    for item in items:
        if "control_plane" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the repository."""
    return CHECKOUT
