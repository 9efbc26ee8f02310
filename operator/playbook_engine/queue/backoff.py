"""How long to wait after a failure."""

from collections.abc import Callable
from dataclasses import dataclass

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


def spread(seconds: float, chance: Callable[[], float]) -> float:
    """Take up to a fifth off ``seconds``, by chance."""
    return seconds * (1 - JITTER * chance())
