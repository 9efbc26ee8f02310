"""Extra variables as a file for ``ansible-playbook -e @file``, in which unsafe values are never templates.

Ansible trusts what such a file holds: every string in it is a template. Its YAML tag ``!unsafe`` takes that
trust from a value and everything in it. The JSON form ``{"__ansible_unsafe": …}`` is not used: the JSON
reader interprets such keys wherever they occur, so data that happens to have one would arrive changed.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence

_SIMPLE_KEY = 512  # YAML allows 1024 characters for a key without "?", escapes included
_SPECIAL = re.compile(r"[^ !#-\[\]-~]")
_INERT = re.compile(r"[-+.:~<=\w\s]*|[!&*]", re.ASCII)  # a lone mark is taken for one, whatever its quotes


def render_variables(variables: Mapping[str, object], *, unsafe: frozenset[str]) -> str:
    """Write ``variables`` as YAML, one per line; those named in ``unsafe`` are tagged as such.

    Raises TypeError when a value is not what JSON can hold; the message names where.
    """
    lines = (
        f"{_text(name)}: {_mark(value) if name in unsafe else ''}{_render(value, at=name)}\n"
        for name, value in variables.items()
    )
    return "---\n" + ("".join(lines) or "{}\n")


def render_plain(variables: Mapping[str, object]) -> str:
    """Write ``variables`` as JSON, for a run that takes what it gets so for data and never for templates.

    Raises TypeError as ``render_variables`` does.
    """
    try:
        return json.dumps(variables, allow_nan=False, default=_as_plain)
    except (TypeError, ValueError):
        render_variables(variables, unsafe=frozenset(variables))  # which tells where what is wrong
        raise


def _as_plain(value: object) -> object:
    """Give a mapping or sequence of another type as one that JSON knows."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return list(value)
    raise TypeError(type(value).__name__)


def _mark(value: object) -> str:
    # The tag makes Ansible guess the type of a lone scalar again, so that "1" would arrive as a number. Texts
    # that YAML could take for something else hold nothing that could be a template: they need no tag.
    lone_text = isinstance(value, str) and not _INERT.fullmatch(value)
    return "!unsafe " if lone_text or isinstance(value, (Mapping, list, tuple)) else ""


def _render(value: object, *, at: str) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(_member(key, item, at=at) for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return "[" + ", ".join(_render(item, at=f"{at}[{index}]") for index, item in enumerate(value)) + "]"
    return _scalar(value, at=at)


def _scalar(value: object, *, at: str) -> str:
    match value:
        case str():
            return _text(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float() if math.isfinite(value):
            return _float(value)
    kind = "nan or infinity" if isinstance(value, float) else type(value).__name__
    message = f"variable {at}: {kind} has no place in JSON; convert it before the run"
    raise TypeError(message)


def _member(key: object, value: object, *, at: str) -> str:
    if not isinstance(key, str):
        message = f"variable {at}: key {key!r} is no text; convert it before the run"
        raise TypeError(message)
    text = _text(key)
    long = "? " if len(text) > _SIMPLE_KEY else ""
    return f"{long}{text}: {_render(value, at=f'{at}.{key}')}"


def _float(value: float) -> str:
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    return text if "." in mantissa or not exponent else f"{mantissa}.0e{power}"  # YAML 1.1 wants the dot


def _text(text: str) -> str:
    return f'"{_SPECIAL.sub(_character, text)}"'


def _character(found: re.Match[str]) -> str:
    one = found.group()
    if one in '"\\':
        return f"\\{one}"
    return f"\\u{ord(one):04x}" if ord(one) <= 0xFFFF else f"\\U{ord(one):08x}"  # noqa: PLR2004 - the last \u
