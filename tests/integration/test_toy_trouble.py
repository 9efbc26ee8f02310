"""What goes wrong ends in words that help, holds nobody else up, and is over when its reason is."""

import json
import os
import signal

import pytest

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.toys import FINALIZER, Gate, Toy, fork_servers, install_kind, runs
from tests.support.waiting import stays, wait_for

pytestmark = pytest.mark.usefixtures("toymaker")

FIRST_RETRY_SECONDS = 3.2
"""The shortest wait after one failure with ``--backoff-base=4s``; after two failures it is twice as long."""


def test_a_run_that_fails_is_told_once_and_backs_off_and_a_change_is_tried_at_once(
    toymaker: OperatorUnderTest, space: Space
) -> None:
    toy = Toy.create(space, breaks=True, secret="hunter2-hunter2")  # noqa: S106 - the secret that must not be seen
    message = toy.wait_condition("Reconciled", "False", reason="RunFailed")["message"]
    assert message.startswith("toy.yml: task 'Break when the specification says so': the spring is broken")
    assert "password=********" in message
    before = runs(toymaker)

    def not_yet() -> None:
        assert runs(toymaker) == before

    stays(not_yet, seconds=FIRST_RETRY_SECONDS - 1.5)
    wait_for(lambda: runs(toymaker) == before + 1, timeout=15, what="the second try")
    toy.edit(breaks=False)
    toy.wait_made(timeout=2 * FIRST_RETRY_SECONDS)
    assert "broken" not in json.dumps(toy.read()["status"])
    (event,) = toy.events("RunFailed")
    assert (event["type"], event["message"]) == ("Warning", f"Reconciled: {message}")
    assert "hunter2" not in toymaker.log


def test_toys_do_not_wait_for_one_that_fails_and_one_that_hangs(space: Space, gate: Gate) -> None:
    broken = Toy.create(space, name="broken", breaks=True)
    broken.wait_condition("Reconciled", "False", reason="RunFailed")
    hanging = Toy.create(space, name="hanging", gate=str(gate.directory))
    gate.wait_arrived()
    Toy.create(space, name="good").wait_made()
    assert len(gate.arrived) == 1
    gate.open()
    hanging.wait_made()
    broken.wait_condition("Reconciled", "False", reason="RunFailed")


def test_a_finalizer_that_refuses_keeps_the_toy_and_says_why(space: Space) -> None:
    toy = Toy.create(space, loved=True)
    toy.wait_made()
    toy.delete()
    condition = toy.wait_condition("Reconciled", "False", reason="RunFailed")
    assert "farewell.yml" in condition["message"]
    assert "the toy is loved; set spec.loved to false" in condition["message"]
    assert toy.read()["metadata"]["finalizers"] == [FINALIZER]
    toy.edit(loved=False)
    toy.wait_gone()
    # The garbage collector looks each half minute whether there are new kinds.
    wait_for(lambda: space.get("ConfigMap", "toy") is None, timeout=60, what="its object goes")


def test_a_run_outlives_the_fork_server_and_the_next_one_gets_a_new_one(
    toymaker: OperatorUnderTest, space: Space, gate: Gate
) -> None:
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    (server,) = fork_servers(toymaker)
    os.kill(server, signal.SIGKILL)
    gate.open()
    toy.wait_made()
    toy.edit(colour="red")
    toy.wait_made()
    toy.wait_data(colour="red")
    assert len(gate.arrived) == 2, "no run was made twice"
    assert fork_servers(toymaker) not in ([], [server])


def test_the_kind_can_be_removed_and_installed_again(
    toymaker: OperatorUnderTest, space: Space, control_plane: DevCluster
) -> None:
    Toy.create(space).wait_made()
    control_plane.kubectl("delete", "crd", "toys.example.com", "--timeout=30s")
    install_kind(control_plane)
    again = Toy.create(space, name="again")
    again.wait_made()
    assert toymaker.running.ready()[0]


def test_the_log_has_no_traceback(toymaker: OperatorUnderTest) -> None:
    assert "Traceback" not in toymaker.log
