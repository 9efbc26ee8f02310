"""Two operators, one Lease: one works, the other takes over, and what the first had begun ends before that."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Starter
from tests.support.api import APPLY, MERGE, Api, Space
from tests.support.audit import AuditLog, credential_of
from tests.support.operators import MARK, USER, OperatorUnderTest, processes_with
from tests.support.toys import DIRECTORY, Gate, Toy, lineage
from tests.support.waiting import stays, wait_for
from tools.demo.credentials import NAMESPACE

FAILOVER_SECONDS = 20.0
LEASE = "semantic-router-operator"
ELECT = ("--leader-elect", "--leader-election-id", LEASE, "--leader-election-namespace", NAMESPACE)
LEASE_PATH = f"apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{LEASE}"
LEASE_SECONDS = 15
HOUR = timedelta(hours=1)
PLAYBOOK = 2
"""How far below the engine the process is that runs the playbook."""


@pytest.fixture(scope="module")
def watches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy's watches file, with time for a run to stand at the gate through a failover."""
    directory = tmp_path_factory.mktemp("patient")
    entries = yaml.safe_load((DIRECTORY / "watches.yaml").read_text(encoding="utf-8"))
    entries[0].update(runTimeout="2m", reconcilePeriod="10m")
    (directory / "playbooks").symlink_to(DIRECTORY / "playbooks")
    (directory / "watches.yaml").write_text(yaml.safe_dump(entries), encoding="utf-8")
    return directory / "watches.yaml"


@pytest.fixture
def pair(toy_kind: None, start_operator: Starter, watches: Path) -> Iterator[tuple[OperatorUnderTest, ...]]:
    """Two operators, the leader first; what is left of them afterwards is killed."""
    del toy_kind
    first = start_operator(watches=watches, arguments=ELECT)
    wait_for(lambda: leads(first), timeout=30, what="the first operator leads")
    second = start_operator(watches=watches, arguments=ELECT)
    yield first, second
    for operator in (first, second):
        for pid in processes_with(MARK, operator.mark):
            os.kill(pid, signal.SIGKILL)
        operator.running.process.process.wait()
        operator.current = None


def leads(operator: OperatorUnderTest) -> bool:
    return operator.metric("playbook_engine_leader") == 1


def token(operator: OperatorUnderTest) -> str:
    return credential_of(operator.directory / "operator.kubeconfig")


def turns(audit: AuditLog, since: int) -> list[str]:
    """Return who wrote anything but the Lease, in order, each once for all that it wrote in a row."""
    found: list[str] = []
    for one in audit.signed(USER, since):
        if one.write.resource != "leases" and found[-1:] != [one.credential]:
            found.append(one.credential)
    return found


def take_over(second: OperatorUnderTest) -> float:
    """Wait until the second operator leads; return how many seconds that took."""
    began = time.monotonic()
    wait_for(lambda: leads(second), timeout=60, what="the second operator leads")
    seconds = time.monotonic() - began
    print(f"failover: {seconds:.1f} s")  # noqa: T201 - for docs/reliability.md
    return seconds


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_one_works_and_hands_over_within_seconds_when_it_is_stopped(
    pair: tuple[OperatorUnderTest, ...], space: Space, audit: AuditLog
) -> None:
    first, second = pair
    mark = audit.now()
    toy = Toy.create(space)
    toy.wait_made()
    assert second.running.ready() == (True, "ready"), "a replica that waits counts as available"
    assert (leads(first), leads(second)) == (True, False)
    assert turns(audit, mark) == [token(first)]
    os.kill(first.running.process.process.pid, signal.SIGTERM)
    assert first.running.process.process.wait(timeout=40) == 0
    assert take_over(second) < 10, "the Lease was released, so nobody had to wait for its end"
    toy.edit(colour="red")
    toy.wait_data(colour="red")
    assert turns(audit, mark) == [token(first), token(second)]


def test_a_leader_that_is_killed_during_a_run_is_followed_without_a_double_write(
    pair: tuple[OperatorUnderTest, ...], space: Space, gate: Gate, audit: AuditLog
) -> None:
    first, second = pair
    mark = audit.now()
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    uid = toy.config_map()["metadata"]["uid"]
    os.kill(first.running.process.process.pid, signal.SIGKILL)
    assert take_over(second) < FAILOVER_SECONDS
    gate.open()
    toy.wait_made()
    assert toy.config_map()["metadata"]["uid"] == uid
    assert turns(audit, mark) == [token(first), token(second)]


@pytest.mark.parametrize("frozen", ["engine", "everything"])
def test_a_leader_that_is_frozen_is_dead_before_another_leads(
    pair: tuple[OperatorUnderTest, ...], space: Space, gate: Gate, audit: AuditLog, frozen: str
) -> None:
    first, second = pair
    mark = audit.now()
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    engine = first.running.process.process.pid
    *_, playbook = lineage(first, gate.arrived[0])[: PLAYBOOK + 1]
    held = [engine] if frozen == "engine" else processes_with(MARK, first.mark)
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    assert take_over(second) < FAILOVER_SECONDS
    assert gone(playbook), "the run's process ended with the tenure"
    assert gone(engine), "the kernel has killed the engine, though it was stopped"
    for pid in processes_with(MARK, first.mark):
        os.kill(pid, signal.SIGCONT)
    gate.open()
    toy.wait_made()
    stays(lambda: _in_turn(audit, mark, first, second), seconds=3)


def _in_turn(audit: AuditLog, mark: int, first: OperatorUnderTest, second: OperatorUnderTest) -> None:
    assert turns(audit, mark) == [token(first), token(second)]


def hold_lease(api: Api, now: str) -> None:
    """Write the Lease as a leader in another program does; it is made when it is not there."""
    held = {"holderIdentity": "rival", "leaseDurationSeconds": LEASE_SECONDS}
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": LEASE, "namespace": NAMESPACE},
        "spec": {**held, "acquireTime": now, "renewTime": now},
    }
    api.request("PATCH", LEASE_PATH, body=body, kind=APPLY, fieldManager="rival", force="true")


def by_a_clock(ahead: timedelta) -> str:
    """Return the time of a clock that is ahead of this one."""
    return (datetime.now(UTC) + ahead).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def standby(
    toy_kind: None, start_operator: Starter, watches: Path, api: Api, ahead: timedelta
) -> Iterator[OperatorUnderTest]:
    """A replica that comes when a leader whose clock is wrong holds the Lease."""
    del toy_kind
    hold_lease(api, by_a_clock(ahead))
    operator = start_operator(watches=watches, arguments=ELECT)
    yield operator
    operator.stop()


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_leader_whose_clock_is_wrong_is_neither_followed_early_nor_waited_for(
    standby: OperatorUnderTest, api: Api, ahead: timedelta
) -> None:
    """What counts is for how long the Lease has not changed, by the clock of who waits."""

    def renew() -> None:
        hold_lease(api, by_a_clock(ahead))
        assert not leads(standby)

    stays(renew, seconds=LEASE_SECONDS + 5, poll=2.0)
    assert LEASE_SECONDS - 0.5 < take_over(standby) < FAILOVER_SECONDS


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_lease_with_a_wrong_time_costs_the_leader_nothing(
    pair: tuple[OperatorUnderTest, ...], api: Api, ahead: timedelta
) -> None:
    first, second = pair
    before = read_lease(api)
    api.request("PATCH", LEASE_PATH, body={"spec": {"renewTime": by_a_clock(ahead)}}, kind=MERGE)

    def goes_on() -> None:
        assert (leads(first), leads(second)) == (True, False)

    stays(goes_on, seconds=LEASE_SECONDS + 5)
    after = read_lease(api)
    assert (after["holderIdentity"], after["leaseTransitions"]) == (
        before["holderIdentity"],
        before["leaseTransitions"],
    )
    renewed = datetime.fromisoformat(after["renewTime"])
    assert abs(datetime.now(UTC) - renewed) < timedelta(seconds=LEASE_SECONDS), "by its own clock again"


def read_lease(api: Api) -> dict[str, Any]:
    spec: dict[str, Any] = api.request("GET", LEASE_PATH)["spec"]
    return spec
