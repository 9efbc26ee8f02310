"""Some minutes in the life of an operator, as a real Prometheus sees them; what the panels show of them."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import prometheus
from tests.support.api import Api, Space
from tests.support.cluster import DevCluster, running
from tests.support.operators import OperatorUnderTest
from tests.support.prometheus import Prometheus, groups
from tests.support.routers import Router, endpoint, service
from tools.dashboard.panels import Panel
from tools.demo.actors import DEFINITION
from tools.demo.credentials import rbac_objects
from tools.demo.display import Display
from tools.demo.places import CRD

ROUTERS = 6
ROUNDS = 5
PAUSE_SECONDS = 12.0
STEP_SECONDS = 2.0
SPACE = "semantic-router-dashboard"

type Line = list[tuple[float, float]]
"""Points: seconds since the begin, value."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The lines of every panel by its title and the name of the series, and how long it took."""

    lines: Mapping[str, Mapping[str, Line]]
    seconds: float


def record(panels: list[Panel], display: Display) -> Recording:
    """Start a control plane, the operator and Prometheus; let people work; read what the panels ask for."""
    with running() as cluster, tempfile.TemporaryDirectory(prefix="dashboard-") as temporary:
        directory = Path(temporary)
        with _operator(cluster, directory) as operator:
            target = operator.running.probes.removeprefix("http://")
            with prometheus.running(directory, [target], groups()) as scraper:
                begin = time.time()
                _live(Space(Api.connect(cluster.kubeconfig), SPACE), display)
                end = time.time()
                lines = {panel.title: _lines(scraper, panel, begin, end) for panel in panels}
    return Recording(lines, end - begin)


@contextmanager
def _operator(cluster: DevCluster, directory: Path) -> Iterator[OperatorUnderTest]:
    cluster.kubectl("apply", "--server-side", "-f", str(DEFINITION))
    cluster.wait_established(CRD)
    cluster.apply(*rbac_objects())
    operator = OperatorUnderTest(cluster=cluster, directory=directory)
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()


def _live(space: Space, display: Display) -> None:
    """Make routers one after the other, the last without its model server; edit them; give the server at last."""
    space.create({"kind": "Namespace", "metadata": {"name": SPACE}})
    space.create(service())
    routers = []
    for number in range(ROUTERS):
        display.note(f"router {number + 1} of {ROUTERS}")
        late = number == ROUTERS - 1
        backend = endpoint(service="late") if late else endpoint()
        spec = {"vllmEndpoints": [backend], "persistence": {"enabled": False}}
        routers.append(Router.create(space, spec, name=f"router-{number + 1}"))
        time.sleep(PAUSE_SECONDS / 2)
    for turn in range(ROUNDS):
        display.note(f"edits, round {turn + 1} of {ROUNDS}")
        for router in routers:
            space.patch("SemanticRouter", router.name, {"spec": {"replicas": 2 + turn % 2}})
        time.sleep(PAUSE_SECONDS)
    space.create(service("late"))
    for router in routers:
        router.wait_available()
    time.sleep(PAUSE_SECONDS)


def _lines(scraper: Prometheus, panel: Panel, begin: float, end: float) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    for query in panel.queries:
        asked = {"query": query.expression, "start": str(begin), "end": str(end), "step": str(STEP_SECONDS)}
        for series in scraper.ask("query_range", **asked)["result"]:
            points = [(moment - begin, float(value)) for moment, value in series["values"]]
            lines[query.name(series["metric"])] = points
    return lines
