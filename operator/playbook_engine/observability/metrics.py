"""Metrics of the engine; the only importer of prometheus_client.

Labels never carry names of objects: their number has no bound.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_RUN_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600)
_WAIT_BUCKETS = (0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300)


class Metrics:
    """Everything that is counted; one registry per engine, so that several engines can be tested at once."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry(auto_describe=True)
        self._runs = Counter(
            "playbook_engine_runs", "Runs of playbooks by their end.",
            ("kind", "operation", "status"), registry=self._registry,
        )  # fmt: skip
        self._run_seconds = Histogram(
            "playbook_engine_run_duration_seconds", "Wall time of a run.",
            ("kind", "operation"), buckets=_RUN_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._run_processor_seconds = Counter(
            "playbook_engine_run_processor_seconds", "Processor time of runs, with all their processes.",
            ("kind", "operation"), registry=self._registry,
        )  # fmt: skip
        self._passes = Counter(
            "playbook_engine_reconciles", "Passes over an object: with a run, without one, or ended by an error.",
            ("kind", "result"), registry=self._registry,
        )  # fmt: skip
        self._writes = Counter(
            "playbook_engine_status_writes", "Writes of a status.", ("kind",), registry=self._registry
        )
        self._wait_seconds = Histogram(
            "playbook_engine_queue_wait_seconds", "Time from when an object was due until its pass began.",
            buckets=_WAIT_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self.warm = Gauge(
            "playbook_engine_warm_executor", "1 while runs are forks of a server that has loaded Ansible.",
            registry=self._registry,
        )  # fmt: skip
        self.leader = Gauge(
            "playbook_engine_leader", "1 while this process makes passes, 0 while it waits for the lease.",
            registry=self._registry,
        )  # fmt: skip
        self.queued = Gauge(
            "playbook_engine_queue_depth",
            "Objects that are due and wait for a pass.",
            registry=self._registry,
        )
        self.running = Gauge(
            "playbook_engine_runs_in_progress", "Runs that go on now.", registry=self._registry
        )

    def run_ended(
        self, kind: str, operation: str, *, status: str, seconds: float, processor_seconds: float
    ) -> None:
        """Count a run."""
        self._runs.labels(kind, operation, status).inc()
        self._run_seconds.labels(kind, operation).observe(seconds)
        self._run_processor_seconds.labels(kind, operation).inc(processor_seconds)

    def pass_ended(self, kind: str, result: str) -> None:
        """Count a pass; ``result`` is ``run``, ``settled``, ``gone`` or ``error``."""
        self._passes.labels(kind, result).inc()

    def status_written(self, kind: str) -> None:
        """Count a write of a status."""
        self._writes.labels(kind).inc()

    def waited(self, seconds: float) -> None:
        """Record how long an object that was due had to wait."""
        self._wait_seconds.observe(seconds)

    def exposition(self) -> bytes:
        """Give all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
