"""An API server that is away for a whole minute: what was asked for meanwhile is done afterwards, once."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.cluster import DevCluster
from tests.support.operators import USER, OperatorUnderTest
from tests.support.routers import CHILD_KINDS, Router
from tests.support.waiting import stays, wait_for

AWAY_SECONDS = 60.0
BACK_SECONDS = 120.0


def api_server(cluster: DevCluster) -> int:
    """Return the process of a control plane's API server."""
    instance = str(cluster.kubeconfig.parent)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text(encoding="utf-8", errors="replace").split("\0")
        except OSError:
            continue  # it has ended
        if any(word.endswith("kube-apiserver") for word in words[:2]) and any(
            instance in word for word in words
        ):
            return int(path.parent.name)
    message = f"no API server of {cluster.name} runs"
    raise AssertionError(message)


@pytest.mark.timeout(600)
def test_an_api_server_that_is_away_for_a_minute_loses_nothing(
    control_plane: DevCluster, operator: OperatorUnderTest, space: Space, audit: AuditLog
) -> None:
    """It is frozen in the middle of a run: connections stay open and nothing answers."""
    router = Router.create(space, {"persistence": {"enabled": False}})
    router.wait_available()
    before = {key: child["metadata"]["uid"] for key, child in router.children(*CHILD_KINDS).items()}
    runs, process = operator.metric("playbook_engine_runs_total"), operator.running.process.process.pid
    router.edit({"podAnnotations": {"example.com/colour": "blue"}})
    wait_for(lambda: operator.metric("playbook_engine_runs_in_progress"), timeout=30, what="a run", poll=0.02)
    server = api_server(control_plane)
    os.kill(server, signal.SIGSTOP)
    try:
        stays(lambda: _lives(operator), seconds=AWAY_SECONDS, poll=1.0)
    finally:
        os.kill(server, signal.SIGCONT)
    router.wait_available(timeout=BACK_SECONDS)
    router.edit({"replicas": 2})
    router.wait_available(timeout=BACK_SECONDS)
    assert router.wait_rolled()["spec"]["replicas"] == 2
    template = router.deployment()["spec"]["template"]
    assert template["metadata"]["annotations"]["example.com/colour"] == "blue"
    after = {key: child["metadata"]["uid"] for key, child in router.children(*CHILD_KINDS).items()}
    assert {key: after.get(key) for key in before if key[0] != "ConfigMap"} == {
        key: uid for key, uid in before.items() if key[0] != "ConfigMap"
    }, "nothing was made again"
    assert operator.running.process.process.pid == process
    assert operator.metric("playbook_engine_runs_total") > runs
    assert "Traceback" not in operator.log
    _is_at_rest(audit, space)


def _lives(operator: OperatorUnderTest) -> None:
    assert operator.running.process.running, operator.running.process.tail()


def _is_at_rest(audit: AuditLog, space: Space) -> None:
    mark = audit.now()

    def silent() -> None:
        written = [write for write in audit.writes(USER, mark) if write.namespace == space.name]
        assert not written, written

    stays(silent, seconds=3)
