"""Annotations of a resource by which somebody says otherwise than the watches file. Pure."""

from dataclasses import replace

from playbook_engine.durations import DurationError, parse_duration
from playbook_engine.objects import Object, mapping, metadata_of
from playbook_engine.watches.records import Watch

_PREFIX = "ansible.sdk.operatorframework.io/"
RECONCILE_PERIOD = f"{_PREFIX}reconcile-period"
VERBOSITY = f"{_PREFIX}verbosity"
MAX_RUNNER_ARTIFACTS = f"{_PREFIX}max-runner-artifacts"

_MOST_VERBOSITY = 7


class AnnotationError(ValueError):
    """An annotation that nobody can guess the meaning of: nothing is run until it is put right."""


def annotated(watch: Watch, resource: Object) -> tuple[Watch, tuple[str, ...]]:
    """Give the entry as the annotations change it for one resource, and a line for each that is ignored.

    Raises AnnotationError when the period is none.
    """
    found = mapping(metadata_of(resource).get("annotations"))
    ignored: list[str] = []
    watch = replace(watch, reconcile_seconds=_period(found.get(RECONCILE_PERIOD), watch.reconcile_seconds))
    for name, most in ((VERBOSITY, _MOST_VERBOSITY), (MAX_RUNNER_ARTIFACTS, None)):
        text = found.get(name)
        number = _number(text, most)
        if text is not None and number is None:
            ignored.append(f"{name}: {text!r} is not a whole number{f' from 0 to {most}' if most else ''}")
        elif name == VERBOSITY and number is not None:
            watch = replace(watch, verbosity=number)
    return watch, tuple(ignored)


def _period(text: object, otherwise: float) -> float:
    if text is None:
        return otherwise
    try:
        return parse_duration(str(text))
    except DurationError as error:
        raise AnnotationError(f"annotation {RECONCILE_PERIOD}: {error}") from error


def _number(text: object, most: int | None) -> int | None:
    if not isinstance(text, str) or not text.isdecimal():
        return None
    return int(text) if most is None or int(text) <= most else None
