"""``make molecule``: molecule's scenarios, one for each processor at once, on one control plane with one operator.

``SCENARIO=simple,drift``  runs these only.
``WORKERS=4``              how many at once.

A scenario that fails leaves its namespace; objects, events and the operator's log are shown before all of it goes.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.cluster import CHECKOUT, DevCluster, running
from tests.support.operators import OperatorUnderTest
from tools.demo.actors import DEFINITION
from tools.demo.credentials import rbac_objects
from tools.demo.display import Display
from tools.demo.places import CRD

FOLDER = CHECKOUT / "molecule"
LABEL = "vllm.ai/molecule"
LOG_LINES = 150
DUMPED = (
    "semanticrouters,deployments,replicasets,pods,services,configmaps,serviceaccounts,persistentvolumeclaims,"
    "horizontalpodautoscalers,poddisruptionbudgets,ingresses,httproutes,routes"
)
"""No Secrets: what is shown may be kept in the log of a pipeline."""


def main() -> int:
    """Run the scenarios; return the exit code."""
    display = Display()
    known = sorted(path.parent.name for path in FOLDER.glob("*/molecule.yml"))
    asked = [name for name in os.environ.get("SCENARIO", "").split(",") if name]
    if unknown := sorted(set(asked) - set(known)):
        display.failure(f"no scenario {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="molecule-") as directory:
        return play(display, Path(directory), asked or known)


def play(display: Display, directory: Path, scenarios: Sequence[str]) -> int:
    """Start everything, run the scenarios, and stop everything, whatever happens."""
    with display.step("Starting a control plane on loopback"):
        stage = running()
        cluster = stage.__enter__()
    try:
        operator = OperatorUnderTest(cluster=cluster, directory=directory)
        with display.step("Starting the operator, with the rights that it is shipped with"):
            cluster.kubectl("apply", "--server-side", "-f", str(DEFINITION))
            cluster.wait_established(CRD)
            cluster.apply(*rbac_objects())
            operator.start()
        try:
            return run(display, cluster, operator, scenarios, home=directory / "home")
        finally:
            operator.stop()
    finally:
        stage.__exit__(None, None, None)


def run(
    display: Display,
    cluster: DevCluster,
    operator: OperatorUnderTest,
    scenarios: Sequence[str],
    *,
    home: Path,
) -> int:
    """Run molecule; show what there is to see of the scenarios that failed."""
    began = time.monotonic()
    with display.step(f"Running {len(scenarios)} scenarios"):
        done = subprocess.run(command(scenarios), cwd=CHECKOUT, env=environment(cluster, home), check=False)
    if done.returncode:
        dump(display, cluster, operator)
        display.failure(f"molecule ended with {done.returncode}; what it left is shown above")
    else:
        display.note(f"{len(scenarios)} scenarios passed in {time.monotonic() - began:.0f} s")
    return done.returncode


def command(scenarios: Sequence[str]) -> list[str]:
    """Return the command for these scenarios; one that fails is never cleaned up, so that it can be looked at."""
    workers = min(len(scenarios), int(os.environ.get("WORKERS") or os.cpu_count() or 1))
    names = [word for name in scenarios for word in ("--scenario-name", name)]
    several = ["--workers", str(workers), "--continue-on-failure"]
    program = str(Path(sys.executable).with_name("molecule"))
    return [program, "test", "--report", *names, *(several if workers > 1 else ["--destroy", "never"])]


def environment(cluster: DevCluster, home: Path) -> dict[str, str]:
    """Return what molecule needs to know beside what this process knows.

    It remembers under ``home`` which scenarios are prepared; this control plane has seen none.
    """
    binaries = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_HOME": str(home),
        "KUBECONFIG": str(cluster.kubeconfig),
        "MOLECULE_KUBECTL": " ".join(cluster.kubectl_command),
    }


def dump(display: Display, cluster: DevCluster, operator: OperatorUnderTest) -> None:
    """Show the objects and events of every scenario that is left, and the end of the operator's log."""
    for item in cluster.get("namespaces", "-l", LABEL)["items"]:
        if "deletionTimestamp" in item["metadata"]:
            continue
        name = item["metadata"]["name"]
        for asked in (("get", DUMPED, "-o", "yaml"), ("get", "events", "--sort-by=.lastTimestamp")):
            words = (*asked, "-n", name)
            display.show(f"kubectl {' '.join(words)}", cluster.kubectl(*words, check=False).stdout)
    display.show("the operator's log", "\n".join(operator.log.splitlines()[-LOG_LINES:]))


if __name__ == "__main__":
    raise SystemExit(main())
