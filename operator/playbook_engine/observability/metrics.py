"""Metrics of the engine; the only importer of prometheus_client.

Labels never carry names of objects: their number has no bound.
"""

import time
from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from playbook_engine import __version__

CONTENT_TYPE = CONTENT_TYPE_LATEST
_RUN_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600)
_WAIT_BUCKETS = (0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300)
_PHASE_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 15, 60, 300)


class State(NamedTuple):
    """One condition of one resource."""

    kind: str
    condition: str
    status: str


type Look = Callable[[], Iterable[State]]
"""Gives the conditions of every resource, as the engine knows them now."""


class Metrics:
    """Everything that is counted; one registry per engine, so that several engines can be tested at once."""

    def __init__(self) -> None:
        """Start at zero."""
        registry = self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        Info("playbook_engine_build", "The version of the engine.", registry=registry).info(
            {"version": __version__}
        )
        self._runs = Counter(
            "playbook_engine_runs",
            "Runs of playbooks by their end; mode is warm for a fork of a server that has loaded Ansible, else cold.",
            ("kind", "operation", "status", "mode"), registry=registry,
        )  # fmt: skip
        self._run_seconds = Histogram(
            "playbook_engine_run_duration_seconds", "Wall time of a run.",
            ("kind", "operation"), buckets=_RUN_BUCKETS, registry=registry,
        )  # fmt: skip
        self._run_processor_seconds = Counter(
            "playbook_engine_run_processor_seconds", "Processor time of runs, with all their processes.",
            ("kind", "operation"), registry=registry,
        )  # fmt: skip
        self._passes = Counter(
            "playbook_engine_reconciles", "Passes over a resource: with a run, without one, or ended by an error.",
            ("kind", "result"), registry=registry,
        )  # fmt: skip
        self._phases = Histogram(
            "playbook_engine_reconcile_phase_duration_seconds",
            "Wall time of the phases of passes: gather reads the world, write tells the status.",
            ("kind", "phase"), buckets=_PHASE_BUCKETS, registry=registry,
        )  # fmt: skip
        self._writes = Counter(
            "playbook_engine_status_writes", "Writes of a status.", ("kind",), registry=registry
        )
        self._wait_seconds = Histogram(
            "playbook_engine_queue_wait_seconds", "How long a pass that has to run waited for its turn.",
            buckets=_WAIT_BUCKETS, registry=registry,
        )  # fmt: skip
        self._requests = Counter(
            "playbook_engine_api_requests",
            "Requests of the engine's own, without watches and those of runs; code is none when nobody answered.",
            ("method", "code"), registry=registry,
        )  # fmt: skip
        self._heard = Gauge(
            "playbook_engine_kind_heard_timestamp_seconds",
            "When an event or a listing of a watched kind came last; each kind is listed once a compare period.",
            ("kind",), registry=registry,
        )  # fmt: skip
        self.watch_ends = Counter(
            "playbook_engine_watch_ends",
            "How often watching ended and had to start again.",
            registry=registry,
        )
        self.server_starts = Counter(
            "playbook_engine_fork_server_starts", "Starts of the server that warm runs are forks of.",
            registry=registry,
        )  # fmt: skip
        self.server_started = Gauge(
            "playbook_engine_fork_server_start_timestamp_seconds", "When that server started last.",
            registry=registry,
        )  # fmt: skip
        self.warm = Gauge(
            "playbook_engine_warm_executor", "1 while runs are forks of a server that has loaded Ansible.",
            registry=registry,
        )  # fmt: skip
        self.leader = Gauge(
            "playbook_engine_leader", "1 while this process makes passes, 0 while it waits for the lease.",
            registry=registry,
        )  # fmt: skip
        self.queued = Gauge(
            "playbook_engine_queue_depth",
            "Passes that have to run and wait for their turn.",
            registry=registry,
        )
        self.running = Gauge("playbook_engine_runs_in_progress", "Runs that go on now.", registry=registry)

    def run_ended(  # noqa: PLR0913 - one call, each part of it named
        self, kind: str, operation: str, *, status: str, mode: str, seconds: float, processor_seconds: float
    ) -> None:
        """Count a run."""
        self._runs.labels(kind, operation, status, mode).inc()
        self._run_seconds.labels(kind, operation).observe(seconds)
        self._run_processor_seconds.labels(kind, operation).inc(processor_seconds)

    def pass_ended(self, kind: str, result: str) -> None:
        """Count a pass.

        ``result`` is ``run``, ``settled``, ``held``, ``paused``, ``unselected``, ``refused``, ``gone`` or ``error``.
        """
        self._passes.labels(kind, result).inc()

    @contextmanager
    def phase(self, kind: str, name: str) -> Iterator[None]:
        """Measure a phase of a pass; one that ends by an error counts too."""
        with self._phases.labels(kind, name).time():
            yield

    def status_written(self, kind: str) -> None:
        """Count a write of a status."""
        self._writes.labels(kind).inc()

    def waited(self, seconds: float) -> None:
        """Record how long a pass had to wait for its turn."""
        self._wait_seconds.observe(seconds)

    def answered(self, method: str, code: int | None) -> None:
        """Count a request by its answer; None when there was none."""
        self._requests.labels(method, "none" if code is None else str(code)).inc()

    def heard_of(self, kind: str) -> None:
        """Record that an event or a listing of a kind has come."""
        self._heard.labels(kind).set_to_current_time()

    def warm_state(self, *, warm: bool) -> None:
        """Record that a fork server has started, or that runs are cold from now on."""
        self.warm.set(int(warm))
        if warm:
            self.server_starts.inc()
            self.server_started.set(time.time())

    def show_states(self, look: Look) -> None:
        """Show, whenever the metrics are read, how many resources there are in each state."""
        self._registry.register(_States(look))

    def exposition(self) -> bytes:
        """Give all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


class _States(Collector):
    """Counts when it is asked, so that resources that went leave no number behind."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "playbook_engine_resources_by_condition",
            "How many resources have the condition with that status.",
            labels=State._fields,
        )
        for state, number in sorted(Count(self._look()).items()):
            family.add_metric(state, number)
        yield family
