"""Runs end with all their processes, whoever ends: the run, its owner or the engine; warm and cold."""

import os
import signal
import time

import pytest

from tests.support.api import Space
from tests.support.operators import MARK, OperatorUnderTest, processes_with
from tests.support.toys import Gate, Toy, lineage, run_processes, runs, wait_passes
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("toymaker")

OWNER = {"auto": 1, "cold": 0}
"""How far below the engine the process is that owns a run's tree: a warm one is a child of the fork server."""

PLAYBOOK = 2
"""How far below the engine the process is that runs the playbook."""


@pytest.fixture(scope="module", params=["auto", "cold"])
def executor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def kill_alone(operator: OperatorUnderTest) -> None:
    """Kill the operator's own process only; what it had started has to notice by itself."""
    process = operator.running.process.process
    process.kill()
    process.wait()
    operator.current = None
    wait_for(lambda: not processes_with(MARK, operator.mark), timeout=15, what="everything of it ends")


def test_a_run_that_takes_too_long_is_ended_with_all_its_processes(
    toymaker: OperatorUnderTest, space: Space, gate: Gate
) -> None:
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    assert run_processes(toymaker)
    message = toy.wait_condition("Reconciled", "False", reason="RunTimedOut")["message"]
    assert run_processes(toymaker) == []
    assert "after 15 s in task 'Wait at the gate until it opens'" in message
    gate.open()
    toy.wait_made()
    # A fork server that has learned from the run may still try an import in a fork.
    wait_for(lambda: run_processes(toymaker) == [], timeout=5, what="no process after a run that succeeds")


@pytest.mark.parametrize("victim", ["owner", "playbook"])
def test_a_run_that_is_killed_is_told_and_tried_again(
    toymaker: OperatorUnderTest, executor: str, space: Space, gate: Gate, victim: str
) -> None:
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    processes = lineage(toymaker, gate.arrived[0])
    os.kill(processes[OWNER[executor] if victim == "owner" else PLAYBOOK], signal.SIGKILL)
    message = toy.wait_condition("Reconciled", "False", reason="RunDied")["message"]
    assert run_processes(toymaker) == []
    assert "in task 'Wait at the gate until it opens'" in message
    gate.open()
    toy.wait_made()


def test_an_engine_that_is_killed_during_a_run_goes_on_where_it_was(
    toymaker: OperatorUnderTest, space: Space, gate: Gate
) -> None:
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    uid = toy.config_map()["metadata"]["uid"]
    kill_alone(toymaker)
    gate.open()
    toymaker.start()
    toy.wait_made()
    owned = [one for one in space.list("ConfigMap") if "ownerReferences" in one["metadata"]]
    assert [one["metadata"]["uid"] for one in owned] == [uid]
    wait_passes(toymaker, 2)
    kill_alone(toymaker)
    toymaker.start()
    wait_passes(toymaker, 2)
    assert runs(toymaker) == 0, "it was at rest"


def test_a_run_may_end_when_the_engine_is_stopped(
    toymaker: OperatorUnderTest, space: Space, gate: Gate
) -> None:
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    os.kill(toymaker.running.process.process.pid, signal.SIGTERM)
    gate.open()
    toymaker.stop()
    toy.wait_condition("Reconciled", "True", reason="RunSucceeded", timeout=0)
    toymaker.start()
    wait_passes(toymaker, 1)
    assert runs(toymaker) == 0


def test_a_run_that_goes_on_for_too_long_is_ended_when_the_engine_is_stopped(
    toymaker: OperatorUnderTest, space: Space, gate: Gate
) -> None:
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    began = time.monotonic()
    toymaker.stop()
    assert time.monotonic() - began < 2 + 5, "the grace is 2 s"
    gate.open()
    toymaker.start()
    toy.wait_made()


def test_the_log_has_no_traceback(toymaker: OperatorUnderTest) -> None:
    assert "Traceback" not in toymaker.log
