"""Durations as people write them (``1h30m``, ``45s``, ``0``): the notation of Go and of Kubernetes' tools."""

import re
from decimal import Decimal

_UNIT_SECONDS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
}
_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(h|ms|m|s|us|µs|ns)"
_WHOLE = re.compile(rf"(?:{_PART})+")
_EACH = re.compile(_PART)

FORM = "a duration such as 1h30m, 10m, 45s or 0"
"""The allowed form, for error messages."""


class DurationError(ValueError):
    """The text is no duration."""


def parse_duration(text: str) -> float:
    """Give the seconds that ``text`` means; raise DurationError when it means none.

    The notation is that of Go's ``time.ParseDuration`` without a sign: numbers with units, and a bare ``0``.
    """
    if text == "0":
        return 0.0
    if not _WHOLE.fullmatch(text):
        message = f"{text!r} is not {FORM}"
        raise DurationError(message)
    return float(sum(Decimal(number) * _UNIT_SECONDS[unit] for number, unit in _EACH.findall(text)))


def render_duration(seconds: float) -> str:
    """Write ``seconds`` so that ``parse_duration`` reads the same number (to the millisecond)."""
    milliseconds = round(seconds * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0"
