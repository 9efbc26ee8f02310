"""Traces of passes: sent to a collector by OTLP, whole at the end of the process, and found from the log."""

import json
from collections.abc import Iterator
from itertools import groupby, pairwise

import pytest

from tests.conftest import Starter
from tests.support.api import Space
from tests.support.collector import Collector, Span, collecting
from tests.support.operators import OperatorUnderTest
from tests.support.toys import DIRECTORY, Toy

SECRET = "hunter2-hunter2"  # noqa: S105 - the secret that must not be seen


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(toy_kind: None, collector: Collector, start_operator: Starter) -> OperatorUnderTest:
    """The engine with traces on; what is not sent within a minute is sent at its end only."""
    del toy_kind
    return start_operator(
        watches=DIRECTORY / "watches.yaml",
        arguments=["--traces", "otlp"],
        environment={
            "TOY_WORKSHOP": "cellar",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20let-me-in",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_SERVICE_NAME": "toymaker",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=cellar",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
        },
    )


@pytest.fixture(scope="module")
def seen(
    traced: OperatorUnderTest, collector: Collector, request: pytest.FixtureRequest
) -> tuple[list[list[Span]], str]:
    """The traces of a toy that breaks, is mended and goes, and the log; the engine has ended."""
    space: Space = request.getfixturevalue("module_space")
    toy = Toy.create(space, breaks=True, secret=SECRET)
    toy.wait_condition("Reconciled", "False", reason="RunFailed")
    toy.edit(breaks=False)
    toy.wait_made()
    toy.delete()
    toy.wait_gone()
    assert not collector.spans, "none is due yet"
    traced.stop()
    return collector.traces_of("Toy", space.name, toy.name), traced.log


def run_of(trace: list[Span]) -> Span | None:
    return next((one for one in trace if one.name == "run"), None)


def runs_of(traces: list[list[Span]], operation: str) -> list[list[Span]]:
    return [trace for trace in traces if (run := run_of(trace)) and run.facts["operation"] == operation]


def test_a_pass_is_a_trace_of_its_phases_and_of_the_tasks_of_its_run(
    seen: tuple[list[list[Span]], str],
) -> None:
    *_, made = runs_of(seen[0], "reconcile")
    root, run = made[0], run_of(made)
    assert run is not None
    phases = [one for one in made if one.parent == root.ident]
    # What has moved while the run waited for its turn is seen, and then what it left, once or twice.
    assert [name for name, _ in groupby(one.name for one in phases)] == [
        "gather",
        "decide",
        "wait",
        "gather",
        "decide",
        "run",
        "judge",
        "gather",
        "write",
    ]
    tasks = [one.name for one in made if one.parent == run.ident]
    assert tasks == [
        "Break when the specification says so",
        "Apply the toy",
        "Wait at the gate until it opens",
        "Hand the result back",
    ]
    assert len(made) == 1 + len(phases) + len(tasks)
    assert (run.facts["status"], run.facts["mode"], run.failed) == ("successful", "warm", False)
    assert root.facts["priority"] in {"change", "dependent"}


def test_no_span_is_longer_than_that_which_it_is_part_of(seen: tuple[list[list[Span]], str]) -> None:
    spans = {one.ident: one for trace in seen[0] for one in trace}
    for one in spans.values():
        if one.parent:
            assert spans[one.parent].begin <= one.begin <= one.end <= spans[one.parent].end, one
    by_parent: dict[str, list[Span]] = {}
    for one in spans.values():
        by_parent.setdefault(one.parent, []).append(one)
    for parent, children in by_parent.items():
        for former, later in pairwise(children):
            assert not parent or former.end <= later.begin, "one after the other"


def test_a_run_that_fails_is_a_span_that_failed(seen: tuple[list[list[Span]], str]) -> None:
    run = run_of(runs_of(seen[0], "reconcile")[0])
    assert run is not None
    assert run.failed
    assert run.facts["error.type"] == "failed"


def test_the_finalizer_is_traced(seen: tuple[list[list[Span]], str]) -> None:
    (last,) = runs_of(seen[0], "finalize")
    run = run_of(last)
    assert run is not None
    assert run.facts["playbook"] == "farewell.yml"


def test_log_lines_of_a_run_name_its_trace(seen: tuple[list[list[Span]], str]) -> None:
    traces, log = seen
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    told = {line["run"]: line["trace_id"] for line in lines if line["message"] == "run ended"}
    sent = {run.facts["run"]: run.trace for trace in traces if (run := run_of(trace))}
    assert sent
    assert sent.items() <= told.items()


def test_what_the_variables_of_opentelemetry_say_holds(
    seen: tuple[list[list[Span]], str], collector: Collector
) -> None:
    del seen
    assert collector.headers["authorization"] == "Bearer let-me-in"
    assert collector.headers["content-encoding"] == "gzip"
    assert collector.resource["service.name"] == "toymaker"
    assert collector.resource["deployment.environment.name"] == "cellar"


def test_no_secret_is_in_a_trace(seen: tuple[list[list[Span]], str], collector: Collector) -> None:
    assert seen[0]
    assert SECRET.encode() not in collector.received
    assert b"the spring is broken" not in collector.received, "messages stay in the log and in the condition"


def test_a_collector_that_is_not_there_holds_nobody_up(
    toy_kind: None, start_operator: Starter, space: Space
) -> None:
    del toy_kind
    operator = start_operator(
        watches=DIRECTORY / "watches.yaml",
        arguments=["--traces", "otlp"],
        environment={"TOY_WORKSHOP": "cellar", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
    )
    toy = Toy.create(space)
    toy.wait_made()
    toy.delete()
    toy.wait_gone()
    operator.stop()
    assert "opentelemetry" in operator.log, "the log says that spans are lost"
