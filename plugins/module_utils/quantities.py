"""Quantities as Kubernetes writes them, such as ``10Gi``."""

import re
from decimal import Decimal

_QUANTITY = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE](?P<power>[+-]?[0-9]+)|(?P<suffix>[A-Za-z]*))"
)
_SUFFIXES = {
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    "m": Decimal("1e-3"),
    "": Decimal(1),
}


def quantity(text: object) -> Decimal:
    """Read a quantity of Kubernetes, such as ``10Gi``, ``1500M`` or ``1e9``; raises ValueError."""
    match = _QUANTITY.fullmatch(str(text))
    suffix = (match["suffix"] or "") if match else "?"
    if match is None or suffix not in _SUFFIXES:
        raise ValueError(f"{str(text)!r} is no quantity")
    return Decimal(match["number"]) * Decimal(10) ** int(match["power"] or 0) * _SUFFIXES[suffix]
