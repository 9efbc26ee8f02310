"""How long to wait: after a failure, and until it is time to look again."""

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

JITTER = 0.2
"""The share of a wait that chance decides, so that what failed together is not tried again together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits that double from ``base`` to ``most`` seconds; ``chance`` gives numbers from 0 to 1."""

    base: float
    most: float
    chance: Callable[[], float]

    def wait(self, failures: int) -> float:
        """Give the seconds to wait after that many failures in a row, at least one."""
        doubled = self.base * 2.0 ** min(failures - 1, 60)
        return spread(min(doubled, self.most), self.chance)


def until_turn(ident: str, period: float, now: float) -> float | None:
    """Give the seconds until it is the turn of ``ident``, once in each ``period``; None without a period.

    Each has its turn at another time, so that what began together is looked at evenly over the period.
    """
    if not period:
        return None
    offset = crc32(ident.encode()) / 2**32 * period
    return period - (now - offset) % period


def spread(seconds: float, chance: Callable[[], float]) -> float:
    """Take up to a fifth off ``seconds``, by chance."""
    return seconds * (1 - JITTER * chance())
