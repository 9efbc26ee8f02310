"""What the demonstration shows: steps with their time, live progress on a terminal, else plain lines."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

POLL_SECONDS = 0.3
QUIET_SECONDS = 5.0
"""Without a terminal, a wait says at least this often that it still goes on."""


class WaitedTooLongError(Exception):
    """What was waited for did not come; the message says what, and what was seen last."""


@dataclass(slots=True)
class Display:
    """Writes to standard output; ``began`` is when the first step began."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    began: float = field(default_factory=time.monotonic)
    timings: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and say how long it took when it took long enough to notice."""
        self.console.print(Text(f"==> {title}", style="bold cyan"))
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        self.timings.append((title, took))
        if took > 1:
            self.note(f"took {took:.1f} s")

    def note(self, text: str) -> None:
        """Write a remark."""
        self.console.print(Text(f"    {text}", style="dim"))

    def failure(self, text: str) -> None:
        """Say what went wrong."""
        self.console.print(Text(f"failed: {text}", style="bold red"))

    def show(self, command: str, output: str) -> None:
        """Show a command that the reader could type, and what it printed."""
        self.console.print(Text(f"$ {command}", style="green"))
        self.console.print(Text(output.rstrip()))

    def wait(self, what: str, look: Callable[[], tuple[bool, str]], *, timeout: float) -> float:
        """Call ``look`` until it says it is done; show the state that it tells. Return the seconds it took.

        Raises WaitedTooLongError after ``timeout`` seconds.
        """
        began = time.monotonic()
        with self._progress(what) as show:
            while True:
                done, state = look()
                took = time.monotonic() - began
                show(state, took)
                if done:
                    return took
                if took > timeout:
                    message = f"{what}: not within {timeout:g} s; last seen: {state}"
                    raise WaitedTooLongError(message)
                time.sleep(POLL_SECONDS)

    @contextmanager
    def _progress(self, what: str) -> Iterator[Callable[[str, float], None]]:
        if not self.console.is_terminal:
            yield self._lines(what)
            return
        with self.console.status(what) as status:
            yield lambda state, took: status.update(Text(f"{what} ({took:.0f} s) {state}"))

    def _lines(self, what: str) -> Callable[[str, float], None]:
        """Return a function that writes a line for each new state, and for an old one every few seconds."""
        last: list[tuple[str, float]] = [("", -QUIET_SECONDS)]

        def show(state: str, took: float) -> None:
            text, at = last[0]
            if state != text or took - at >= QUIET_SECONDS:
                self.note(f"{what} ({took:.0f} s) {state}")
                last[0] = (state, took)
                sys.stdout.flush()

        return show

    def summary(self) -> None:
        """Say how long the whole took, and what of it most."""
        total = time.monotonic() - self.began
        slowest = sorted(self.timings, key=lambda timing: -timing[1])[:3]
        self.note(
            f"{total:.0f} s in all; most of it: " + ", ".join(f"{t.lower()} {s:.0f} s" for t, s in slowest)
        )
