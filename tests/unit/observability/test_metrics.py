"""What Prometheus reads: names by its conventions, and labels whose values are few."""

from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.parser import text_string_to_metric_families

from playbook_engine.observability.metrics import Metrics, State


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return what is exposed, by name and labels."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, frozenset(labels.items())]


def test_a_run_is_counted_by_its_end_and_by_how_it_was_made() -> None:
    metrics = Metrics()
    metrics.run_ended("Pot", "reconcile", status="failed", mode="warm", seconds=0.3, processor_seconds=0.2)
    labels = {"kind": "Pot", "operation": "reconcile"}
    assert value(metrics, "playbook_engine_runs_total", status="failed", mode="warm", **labels) == 1
    assert value(metrics, "playbook_engine_run_duration_seconds_bucket", le="0.5", **labels) == 1
    assert value(metrics, "playbook_engine_run_duration_seconds_bucket", le="0.25", **labels) == 0
    assert value(metrics, "playbook_engine_run_processor_seconds_total", **labels) == 0.2


def test_requests_are_counted_by_their_answer() -> None:
    metrics = Metrics()
    metrics.answered("GET", 200)
    metrics.answered("PATCH", 409)
    metrics.answered("PATCH", None)
    assert value(metrics, "playbook_engine_api_requests_total", method="GET", code="200") == 1
    assert value(metrics, "playbook_engine_api_requests_total", method="PATCH", code="409") == 1
    assert value(metrics, "playbook_engine_api_requests_total", method="PATCH", code="none") == 1


def test_a_phase_that_ends_by_an_error_is_measured_too() -> None:
    metrics = Metrics()
    with suppress(ZeroDivisionError), metrics.phase("Pot", "gather"):
        1 / 0  # noqa: B018 - whatever goes wrong
    name = "playbook_engine_reconcile_phase_duration_seconds_count"
    assert value(metrics, name, kind="Pot", phase="gather") == 1


def test_resources_are_counted_by_condition_as_they_are_when_somebody_reads() -> None:
    metrics, states = Metrics(), [State("Pot", "Available", "True")] * 2

    def look() -> Iterator[State]:
        yield from states

    metrics.show_states(look)
    name, labels = "playbook_engine_resources_by_condition", {"kind": "Pot", "condition": "Available"}
    assert value(metrics, name, status="True", **labels) == 2
    states[0] = State("Pot", "Available", "False")
    assert value(metrics, name, status="True", **labels) == 1
    assert value(metrics, name, status="False", **labels) == 1
    states.clear()
    assert name not in {sample for sample, _ in samples(metrics)}, "what went leaves no number behind"


def test_a_fork_server_is_counted_when_it_starts_and_runs_that_got_cold_are_seen() -> None:
    metrics = Metrics()
    metrics.warm_state(warm=True)
    metrics.warm_state(warm=True)
    assert value(metrics, "playbook_engine_fork_server_starts_total") == 2
    assert value(metrics, "playbook_engine_warm_executor") == 1
    metrics.warm_state(warm=False)
    assert value(metrics, "playbook_engine_warm_executor") == 0
    assert value(metrics, "playbook_engine_fork_server_starts_total") == 2
