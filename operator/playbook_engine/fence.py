"""Until when this process may write: what keeps a process that was frozen from writing on.

A process cannot notice that it was stopped, suspended or starved of its processor between a look at the clock and
the write that follows. So there are two limits. Before each write the clock is compared with ``Tenure.until``;
and the kernel kills the process at ``Tenure.killed``, also while it is stopped, by a timer that was armed before.
Times are seconds of the clock that goes on while a machine sleeps, the same for all processes of a machine.
"""

import ctypes
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_SIGEV_SIGNAL = 0  # asm-generic/siginfo.h
_TIMER_ABSTIME = 1  # linux/time.h

type Listener = Callable[["Tenure"], None]


def boot_seconds() -> float:
    """Give the seconds since the machine has started, those in which it slept too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Tenure:
    """``until`` is when the last write may begin, ``killed`` when a process that has not ended is killed."""

    until: float
    killed: float

    def line(self) -> bytes:
        """Write it as a line, for a process that is told of it."""
        return f"{self.until!r} {self.killed!r}\n".encode()

    @classmethod
    def of_line(cls, line: bytes) -> "Tenure":
        """Read it from a line; raises ValueError."""
        until, killed = line.split()
        return cls(float(until), float(killed))


FOREVER = Tenure(math.inf, math.inf)
ENDED = Tenure(-math.inf, math.inf)
"""Nothing may be written, and nobody is killed for it."""


class Fence:
    """The tenure of this process; it moves as long as it is renewed."""

    def __init__(
        self, *, clock: Callable[[], float] = boot_seconds, arm: Callable[[float], None] | None = None
    ) -> None:
        """Let everything pass, for ever; ``arm`` has this process killed at a time, infinity for never."""
        self._clock = clock
        self._arm = arm or (lambda _at: None)
        self._tenure = FOREVER
        self._listeners: list[Listener] = []

    @property
    def left(self) -> float:
        """How many seconds of the tenure are left; not above 0 when it is over."""
        return self._tenure.until - self._clock()

    def move(self, tenure: Tenure) -> None:
        """Have another tenure from now on."""
        self._tenure = tenure
        self._arm(tenure.killed)
        for tell in tuple(self._listeners):
            tell(tenure)

    def close(self) -> None:
        """Let nothing be written from now on; what has begun still has its time to end."""
        self.move(Tenure(-math.inf, self._tenure.killed))

    @contextmanager
    def followed(self, tell: Listener) -> Iterator[None]:
        """Tell of the tenure now, and of each that comes while the block runs."""
        tell(self._tenure)
        self._listeners.append(tell)
        try:
            yield
        finally:
            self._listeners.remove(tell)


class Deadman:
    """A timer of the kernel that kills this process; forks do not inherit it."""

    def __init__(self) -> None:
        """Make nothing before it is armed."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer: ctypes.c_void_p | None = None

    def arm(self, at: float) -> None:
        """Kill this process at ``at`` and no earlier time said before; never, when that is infinite.

        Raises OSError when the kernel refuses.
        """
        if self._timer is None:
            if math.isinf(at):
                return
            self._timer = self._made()
        whole, part = (0, 0) if math.isinf(at) else (int(at), int(at % 1 * 1e9))
        setting = (ctypes.c_long * 4)(0, 0, whole, part)  # struct itimerspec: no interval, the time
        self._call("timer_settime", self._timer, _TIMER_ABSTIME, setting, None)

    def _made(self) -> ctypes.c_void_p:
        timer = ctypes.c_void_p()
        wanted = (ctypes.c_int * 16)(0, 0, signal.SIGKILL, _SIGEV_SIGNAL)  # struct sigevent
        self._call("timer_create", time.CLOCK_BOOTTIME, wanted, ctypes.byref(timer))
        return timer

    def _call(self, name: str, *arguments: object) -> None:
        if getattr(self._libc, name)(*arguments) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"{name}: {os.strerror(code)}")
