"""Fixtures of the campaigns: one operator behind the proxy, and one namespace, for each campaign."""

import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.campaigns.asked import Asked
from tests.campaigns.points import Reference, reference_life
from tests.campaigns.stage import COMPARE_SECONDS, Stage
from tests.conftest import Starter
from tests.support.api import Api, Space
from tests.support.audit import AuditLog
from tests.support.canary import Lookout, anywhere
from tests.support.faults.proxy import FaultProxy
from tests.support.operators import OperatorUnderTest, derived_watches
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def proxy(api: Api) -> Iterator[FaultProxy]:
    """A proxy that lets everything pass until a script is played."""
    proxy = FaultProxy(api)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Where the operator's temporary files go; a short path, for Ansible opens sockets there."""
    with TemporaryDirectory(prefix="c-") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def quick(
    start_operator: Starter, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory, scratch: Path
) -> OperatorUnderTest:
    """An operator behind the proxy that is quick to look again and to try again."""
    watches = derived_watches(
        tmp_path_factory.mktemp("campaign") / "w", reconcilePeriod="20s", runTimeout="20s"
    )
    return start_operator(
        watches=watches,
        arguments=[
            "--backoff-base",
            "300ms",
            "--backoff-max",
            "2s",
            "--compare-period",
            f"{COMPARE_SECONDS}s",
        ],
        route=proxy.lead_through,
        environment={"TMPDIR": str(scratch), "HOME": str(scratch)},
    )


@pytest.fixture(scope="module")
def stage(
    api: Api, proxy: FaultProxy, audit: AuditLog, quick: OperatorUnderTest, scratch: Path
) -> Iterator[Stage]:
    """Everything that a campaign needs."""
    space = Space(api, f"campaign-{random.randrange(16**8):08x}")  # noqa: S311 - a name
    space.create({"kind": "Namespace", "metadata": {"name": space.name}})
    stage = Stage(space, quick, proxy, audit, scratch)
    yield stage
    proxy.play()
    stage.revive()
    stage.router.delete()
    wait_for(
        lambda: space.get("SemanticRouter", stage.router.name) is None, timeout=60, what="the router goes"
    )
    space.delete("Namespace", space.name)


@pytest.fixture(scope="module")
def references(stage: Stage) -> dict[str, Reference]:
    """The life without a fault."""
    return reference_life(stage)


@pytest.fixture(scope="session")
def asked(request: pytest.FixtureRequest) -> Asked:
    """What the command line asks for; the time that it gives is for all campaigns together."""
    return Asked.of(request.config)


@pytest.fixture(autouse=True)
def oracle(stage: Stage) -> Iterator[None]:
    """After every campaign: no line in the log that should not be there, and the secret nowhere but in its Secret."""
    said = len(stage.operator.log)
    with Lookout(stage.operator, stage.scratch) as lookout:
        yield
    found = {*lookout.found, *anywhere(stage.space, stage.operator)}
    assert not found, f"the secret is in {sorted(found)}"
    unexpected = stage.unexpected(said)
    assert not unexpected, unexpected[:5]
