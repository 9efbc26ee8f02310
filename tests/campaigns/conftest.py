"""Fixtures of the campaigns: one operator behind the proxy, and one namespace, for each campaign."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns.points import Reference, reference_life
from tests.campaigns.stage import COMPARE_SECONDS, Stage
from tests.conftest import Starter
from tests.support.api import Api, Space
from tests.support.audit import AuditLog
from tests.support.faults.proxy import FaultProxy
from tests.support.operators import derived_watches
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def proxy(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultProxy]:
    """A proxy that lets everything pass until a script is played."""
    proxy = FaultProxy(api, tmp_path_factory.mktemp("proxy"))
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def stage(
    api: Api, proxy: FaultProxy, audit: AuditLog, start_operator: Starter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:  # fmt: skip
    """Everything that a campaign needs; the operator is quick to look again and to try again."""
    watches = derived_watches(
        tmp_path_factory.mktemp("campaign") / "w", reconcilePeriod="20s", runTimeout="20s"
    )
    operator = start_operator(
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
    )
    space = Space(api, f"campaign-{random.randrange(16**8):08x}")  # noqa: S311 - a name
    space.create({"kind": "Namespace", "metadata": {"name": space.name}})
    stage = Stage(space, operator, proxy, audit)
    yield stage
    proxy.play()
    if operator.current is None:
        operator.start()
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
def table(request: pytest.FixtureRequest) -> Path | None:
    """Where the campaigns write their rows, if anywhere."""
    given = request.config.getoption("--campaign-table")
    return Path(given) if given else None
