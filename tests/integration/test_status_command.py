"""The command ``status``: what it says of a resource, and of a run that goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router, endpoint
from tests.support.toys import Gate, Toy
from tests.support.waiting import wait_for

PROGRAM = Path(sys.executable).with_name("semantic-router-operator")


def status(cluster: DevCluster, operator: OperatorUnderTest, space: Space, *options: str) -> str:
    """Return what the command prints."""
    command = [str(PROGRAM), "status", "--watches-file", str(operator.watches), "--namespace", space.name]
    done = subprocess.run(
        [*command, "--engine", operator.running.probes, *options],
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def row(cluster: DevCluster, operator: OperatorUnderTest, space: Space) -> dict[str, Any]:
    """Return the only row."""
    (found,) = json.loads(status(cluster, operator, space, "--output", "json"))
    return dict(found)


def test_a_router_is_shown_with_what_is_wrong(
    control_plane: DevCluster, operator: OperatorUnderTest, space: Space
) -> None:
    router = Router.create(space, {"vllmEndpoints": [endpoint()], "persistence": {"enabled": False}})
    router.wait_condition("Degraded", "True")
    found = row(control_plane, operator, space)
    assert (found["kind"], found["namespace"], found["name"]) == ("SemanticRouter", space.name, "router")
    assert {"Replicas", "Ready", "Phase", "Mode", "Age"} <= set(found["cells"])
    assert found["conditions"]["BackendsReady"] == "False"
    assert "model" in found["wrong"]
    assert "ok" in found["last_run"]
    shown = status(control_plane, operator, space)
    assert "router" in shown
    assert "BackendsReady" in shown


def test_a_run_that_goes_on_is_shown_with_its_task(
    control_plane: DevCluster, toymaker: OperatorUnderTest, space: Space, gate: Gate
) -> None:
    Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()

    def shown() -> bool:
        assert row(control_plane, toymaker, space)["running"].startswith("reconcile for ")
        return True

    wait_for(shown, timeout=20, what="the run is shown")
    gate.open()


def test_a_cluster_that_does_not_answer_is_told_in_one_line(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    cluster = {"name": "gone", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "gone", "context": {"cluster": "gone", "user": "nobody"}}
    user = {"name": "nobody", "user": {"token": "none"}}
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "gone",
                "clusters": [cluster],
                "contexts": [context],
                "users": [user],
            }
        )
    )
    done = subprocess.run(
        [PROGRAM, "status"], env={**os.environ, "KUBECONFIG": str(kubeconfig)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the API server does not answer" in done.stderr
    assert "Traceback" not in done.stderr
