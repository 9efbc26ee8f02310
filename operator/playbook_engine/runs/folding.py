"""Events of a run folded into its outcome: pure, and the same for every executor.

Events are those of ansible-runner: a mapping with ``event``, ``stdout`` and ``event_data``. ``step``
keeps of them what the outcome needs; ``conclude`` judges once it is known how the process ended.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Protocol

from playbook_engine.durations import DurationError, parse_duration
from playbook_engine.runs.failures import failure_message, failure_reason
from playbook_engine.runs.records import RunOutcome, RunStatus, TaskCounts, TaskFailure

MOST_FAILURES = 20
_OUTPUT_CHARACTERS = 20_000
_ERROR = re.compile(
    r"\[ERROR\]:\s*(?P<what>.*?)\s*(?:\n\s*Origin: (?P<origin>[^\n]*?)\s*)?(?:\n\s*\n|\Z)", re.DOTALL
)


class Cause(Enum):
    """Why a run's process ended."""

    ITSELF = auto()
    TIMEOUT = auto()
    STOPPED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a run's process ended; ``code`` is that of ansible-playbook, None when a signal ended it."""

    cause: Cause
    code: int | None
    seconds: float
    processor_seconds: float = 0.0
    warm: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What was seen of a run so far."""

    task: str = ""
    busy: bool = False
    failed: tuple[TaskFailure, ...] = ()
    unreachable: tuple[TaskFailure, ...] = ()
    output: str = ""
    stats: Mapping[str, object] | None = None
    unmatched: bool = False
    requeue: float | None = None


class Clean(Protocol):
    """Makes a text fit for people: redacted and bounded."""

    def __call__(self, text: str, /) -> str:
        """Give the text made fit."""
        ...


def step(progress: Progress, event: Mapping[str, object]) -> Progress:
    """Take one event in."""
    change = _CHANGES.get(str(event.get("event")))
    return replace(progress, **change(progress, event)) if change else progress


def conclude(progress: Progress, end: End, *, clean: Clean) -> RunOutcome:
    """Judge the run."""
    failures = _unrescued(progress) if end.cause is Cause.ITSELF else ()
    status, detail = _verdict(progress, end, failures)
    unfinished = status in (RunStatus.DIED, RunStatus.TIMED_OUT)
    return RunOutcome(
        status=status,
        counts=_counts(progress.stats or {}),
        duration_seconds=end.seconds,
        processor_seconds=end.processor_seconds,
        warm=end.warm,
        custom=_mapping((progress.stats or {}).get("artifact_data")),
        requeue_seconds=progress.requeue,
        failures=tuple(replace(failure, message=clean(failure.message)) for failure in failures),
        last_task=progress.task if unfinished else "",
        detail=clean(detail),
    )


def _verdict(progress: Progress, end: End, failures: tuple[TaskFailure, ...]) -> tuple[RunStatus, str]:
    if end.cause is Cause.TIMEOUT:
        return RunStatus.TIMED_OUT, ""
    if end.cause is Cause.STOPPED:
        return RunStatus.DIED, "stopped"
    error = end.note or _error(progress.output)
    code = f"ansible-playbook ended with exit code {end.code}"
    if progress.stats is not None:
        return _finished(progress, end, failures=failures, error=error or code)
    if end.code is None:
        return RunStatus.DIED, error or "killed by a signal"
    if progress.busy or not error:
        return RunStatus.DIED, error or code
    return RunStatus.FAILED, error


def _finished(
    progress: Progress, end: End, *, failures: tuple[TaskFailure, ...], error: str
) -> tuple[RunStatus, str]:
    if failures:
        return RunStatus.FAILED, ""
    if end.code != 0:
        return RunStatus.FAILED, error
    if progress.unmatched and not _mapping((progress.stats or {}).get("processed")):
        return RunStatus.FAILED, "no play matched a host, so nothing ran; write 'hosts: localhost'"
    return RunStatus.SUCCESSFUL, ""


def _unrescued(progress: Progress) -> tuple[TaskFailure, ...]:
    """Ansible does not say which failures were rescued, but how many; those come first.

    After a failure that nobody rescues, a host runs only ``always`` sections. (Should one of those rescue a
    failure of its own, that one is named instead of the first. The counts are right in any case.)
    """
    stats = progress.stats or {}
    failed, dark = _mapping(stats.get("failures")), _mapping(stats.get("dark"))
    found = [*_last(progress.failed, failed), *_last(progress.unreachable, dark)]
    return tuple(found[:MOST_FAILURES])


def _last(failures: tuple[TaskFailure, ...], counts: Mapping[str, object]) -> list[TaskFailure]:
    found = []
    for host, count in counts.items():
        of_host = [failure for failure in failures if failure.host == host]
        found += of_host[-_number(count) :] if _number(count) else []
    return found


def _started(_progress: Progress, event: Mapping[str, object]) -> dict[str, Any]:
    return {"busy": True, "task": _task(_mapping(event.get("event_data")))}


def _passed(progress: Progress, event: Mapping[str, object]) -> dict[str, Any]:
    asked = _mapping(event.get("event_data")).get("requeue")
    asked = asked if isinstance(asked, list) else []
    told = [seconds for one in asked if (seconds := _seconds(one)) is not None]
    known = [] if progress.requeue is None else [progress.requeue]
    return {"busy": False, "requeue": min([*known, *told], default=None)}


def _seconds(asked: object) -> float | None:
    """Read a number of seconds, or a duration as Go writes it; None for what is neither."""
    if isinstance(asked, (int, float)):
        return float(asked)
    try:
        return parse_duration(str(asked))
    except DurationError:
        return None


def _failed(progress: Progress, event: Mapping[str, object]) -> dict[str, Any]:
    data = _mapping(event.get("event_data"))
    ignored = bool(data.get("ignore_errors"))
    return {"busy": False, "failed": progress.failed if ignored else _with(progress.failed, data)}


def _unreached(progress: Progress, event: Mapping[str, object]) -> dict[str, Any]:
    data = _mapping(event.get("event_data"))
    return {"busy": False, "unreachable": _with(progress.unreachable, data)}


def _wrote(progress: Progress, event: Mapping[str, object]) -> dict[str, Any]:
    output = f"{progress.output}{event.get('stdout') or ''}\n"
    return {"output": output.replace("\r", "")[-_OUTPUT_CHARACTERS:]}


def _unmatched(_progress: Progress, _event: Mapping[str, object]) -> dict[str, Any]:
    return {"unmatched": True}


def _recapped(_progress: Progress, event: Mapping[str, object]) -> dict[str, Any]:
    return {"busy": False, "stats": _mapping(event.get("event_data"))}


_CHANGES: Mapping[str, Callable[[Progress, Mapping[str, object]], dict[str, Any]]] = {
    "runner_on_start": _started,
    "runner_on_ok": _passed,
    "runner_on_skipped": _passed,
    "runner_on_failed": _failed,
    "runner_on_unreachable": _unreached,
    "verbose": _wrote,
    "error": _wrote,
    "playbook_on_no_hosts_matched": _unmatched,
    "playbook_on_stats": _recapped,
}


def _with(failures: tuple[TaskFailure, ...], data: Mapping[str, object]) -> tuple[TaskFailure, ...]:
    failure = TaskFailure(
        role=str(data.get("role") or ""),
        task=str(data.get("task") or ""),
        host=str(data.get("host") or ""),
        message=failure_message(_mapping(data.get("res"))),
        reason=failure_reason(_mapping(data.get("res"))),
    )
    return (*failures, failure)[-2 * MOST_FAILURES :]


def _task(data: Mapping[str, object]) -> str:
    role = data.get("role")
    return f"{role} : {data.get('task')}" if role else str(data.get("task") or "")


def _error(output: str) -> str:
    """Give the last error that Ansible displayed, on one line; else whatever it wrote."""
    errors = list(_ERROR.finditer(output))
    if not errors:
        return " ".join(output.split())
    what, origin = errors[-1]["what"], errors[-1]["origin"]
    return " ".join(what.split()) + (f" (at {origin})" if origin else "")


def _counts(stats: Mapping[str, object]) -> TaskCounts:
    def total(key: str) -> int:
        return sum(_number(count) for count in _mapping(stats.get(key)).values())

    return TaskCounts(
        ok=total("ok"),
        changed=total("changed"),
        failed=total("failures"),
        skipped=total("skipped"),
        rescued=total("rescued"),
        ignored=total("ignored"),
        unreachable=total("dark"),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
