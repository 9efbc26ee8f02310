"""Traces while they are off cost nothing, and while they are on need their packages and sensible variables."""

import subprocess
import sys

import pytest

from playbook_engine.observability.tracers import TracesError, traces
from playbook_engine.observability.tracing import NO_TRACES, NoSpan, Span, Steps
from playbook_engine.settings.choices import Traces


class Noted(NoSpan):
    """A span that notes what becomes of its children."""

    def __init__(self, notes: list[str], name: str = "run") -> None:
        self._notes, self._name = notes, name

    def begin(self, name: str) -> Span:
        self._notes.append(f"+{name}")
        return Noted(self._notes, name)

    def end(self) -> None:
        self._notes.append(f"-{self._name}")


def test_steps_follow_each_other_and_the_last_one_ends_once() -> None:
    notes: list[str] = []
    steps = Steps(Noted(notes))
    for name in ("cut", "glue", ""):
        steps.begin(name)
    steps.end()
    assert notes == ["+cut", "-cut", "+glue", "-glue"]


def test_nothing_is_told_while_they_are_off() -> None:
    with traces(Traces.OFF) as tracer, tracer.span("reconcile", kind="Pot", name="pot") as span:
        assert tracer is NO_TRACES
        assert span.identity == {}
        assert span.begin("gather") is span


def test_the_library_is_not_loaded_while_they_are_off() -> None:
    script = (
        "import sys, playbook_engine.cli\n"
        "from playbook_engine.observability.tracers import traces\n"
        "from playbook_engine.settings.choices import Traces\n"
        "with traces(Traces.OFF): pass\n"
        "print([name for name in sys.modules if name in ('opentelemetry.trace', 'google.protobuf')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_its_packages_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "playbook_engine.observability.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(TracesError, match="install the extra `traces`"), traces(Traces.OTLP):
        pass


def test_a_variable_that_cannot_be_used_is_an_error_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    with pytest.raises(TracesError, match="OTEL_"), traces(Traces.OTLP):
        pass


def test_a_switch_of_the_library_turns_them_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with traces(Traces.OTLP) as tracer, tracer.span("reconcile") as span:
        assert span.identity == {}
