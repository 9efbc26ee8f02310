"""Single values of a ``watches.yaml``: each reader gives the value, or notes the problem and gives None."""

import re
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.durations import DurationError, parse_duration
from playbook_engine.expressions import Expression, ExpressionError
from playbook_engine.objects import GroupVersionKind
from playbook_engine.watches.nodes import Place, plain

_GROUP = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_VERSION = re.compile(r"v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPANSION = re.compile(
    r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<bad>\$\{)"
)

RESERVED_VARIABLES = ("resource", "observed", "field_manager", "operation")
"""Variables that every run gets from the engine."""


def required(section: Mapping[str, Place], name: str, *, at: Place) -> Place | None:
    """Give a member that must be there."""
    if name not in section and at.is_mapping():
        at.wrong(f"{name!r} is missing; add it")
    return section.get(name)


def matching(place: Place | None, pattern: re.Pattern[str], *, form: str) -> str | None:
    """Give a text that is of a form."""
    text = place.text() if place else None
    if place and text is not None and not pattern.fullmatch(text):
        place.wrong(f"{text!r} is not {form}")
        return None
    return text


def group_version_kind(section: Mapping[str, Place], *, at: Place) -> GroupVersionKind | None:
    """Give the kind that ``group`` (none for the core group), ``version`` and ``kind`` name."""
    form = "an API group such as apps; leave it out for the core group, and put the version under 'version'"
    group = ""
    if "group" in section and section["group"].node.value != "":
        group = matching(section["group"], _GROUP, form=form) or ""
    version = matching(required(section, "version", at=at), _VERSION, form="a version such as v1 or v1beta2")
    kind = matching(required(section, "kind", at=at), _KIND, form="a kind such as ConfigMap")
    if version is None or kind is None:
        return None
    return GroupVersionKind(group=group, version=version, kind=kind)


def duration(place: Place | None, environ: Mapping[str, str], *, zero: bool = False) -> float | None:
    """Give the seconds of a duration, which ``${NAME}`` may stand for; 0 only where it means something."""
    text = place.text() if place else None
    if place is None or text is None:
        return None
    try:
        seconds = parse_duration(str(_expanded(text, environ, at=place)))
    except DurationError as error:
        place.wrong(str(error))
        return None
    if seconds == 0 and not zero:
        place.wrong("must be longer than 0")
        return None
    return seconds


def expression(place: Place | None) -> Expression | None:
    """Give a JMESPath expression that compiles."""
    text = place.text() if place else None
    if place is None or text is None:
        return None
    try:
        return Expression(text)
    except ExpressionError as error:
        place.wrong(" ".join(str(error).split()))
        return None


def boolean(place: Place | None) -> bool | None:
    """Give true or false."""
    if place is None:
        return None
    value = plain(place)
    if isinstance(value, bool):
        return value
    place.wrong(f"must be true or false, but is {place.kind()}")
    return None


def whole_number(place: Place | None, *, most: int) -> int | None:
    """Give a number from 0 to ``most``."""
    text = place.text() if place else None
    if place is None or text is None:
        return None
    if not text.isdecimal() or int(text) > most:
        place.wrong(f"{text!r} is not a whole number from 0 to {most}")
        return None
    return int(text)


def playbook(place: Place | None, *, directory: Path) -> Path | None:
    """Give the absolute path of a playbook that exists; relative ones start at ``directory``."""
    text = place.text() if place else None
    if place is None or text is None:
        return None
    path = (directory / text).absolute()
    if not path.is_file():
        place.wrong(f"no playbook at {path}; relative paths start at {directory.absolute()}")
        return None
    return path


def variables(place: Place | None, environ: Mapping[str, str], *, reserved: bool = True) -> dict[str, object]:
    """Give extra variables, ``${NAME}`` and ``${NAME:-default}`` in their texts expanded from ``environ``.

    Where the names of the engine's own variables are not ``reserved``, neither is anything expanded: it has been.
    """
    if place is None:
        return {}
    found = {}
    for name, member in place.members().items():
        if not _VARIABLE.fullmatch(name):
            member.wrong(f"{name!r} is no name of a variable; use letters, digits and _")
        elif not reserved:
            found[name] = plain(member)
        elif name in RESERVED_VARIABLES:
            member.wrong(f"{name!r} is set by the engine; choose another name")
        else:
            found[name] = _expanded(plain(member), environ, at=member)
    return found


def _expanded(value: object, environ: Mapping[str, str], *, at: Place) -> object:
    if isinstance(value, str):
        return _EXPANSION.sub(lambda match: _replacement(match, environ, at=at), value)
    if isinstance(value, list):
        return [_expanded(item, environ, at=at) for item in value]
    if isinstance(value, dict):
        return {name: _expanded(item, environ, at=at) for name, item in value.items()}
    return value


def _replacement(match: re.Match[str], environ: Mapping[str, str], *, at: Place) -> str:
    if match["bad"]:
        at.wrong("'${' begins no ${NAME} or ${NAME:-default}; write $${ for the characters themselves")
        return match[0]
    if not match["name"]:
        return "${"
    value = environ.get(match["name"]) or match["default"]
    if value is None and match["name"] not in environ:
        name = match["name"]
        at.wrong(f"environment variable {name!r} is not set; set it, or write ${{{name}:-default}}")
    return value or ""
