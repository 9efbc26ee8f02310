"""Imports of libraries without what they would import besides and the engine has no use for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let optional libraries of a library be absent while the block imports it; those that are loaded stay.

    The engine's process lives as long as its pod, so what it never uses costs memory for ever.
    """
    hidden = [name for name in names if name not in sys.modules]
    absent: dict[str, Any] = dict.fromkeys(hidden)  # by which Python marks what is absent
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
