"""Waiting for a fact with a deadline; the only place of the tests that sleeps."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POLL_SECONDS = 0.1


class NotYetError(AssertionError):
    """The fact did not come true in time."""


def wait_for[T](fact: Callable[[], T | None], *, timeout: float, what: str, poll: float = POLL_SECONDS) -> T:
    """Call ``fact`` until it gives something true and return that.

    An AssertionError inside ``fact`` counts as "not yet" and its text is shown when time is up, so a fact can
    be written as assertions. ``timeout`` and ``poll`` are seconds. Raises NotYetError.
    """
    deadline = time.monotonic() + timeout
    reason = ""
    while True:
        try:
            found = fact()
        except AssertionError as error:
            found, reason = None, f"; last seen: {error}"
        if found:
            return found
        if time.monotonic() > deadline:
            message = f"not within {timeout:g} s: {what}{reason}"
            raise NotYetError(message)
        time.sleep(poll)


def stays[T](fact: Callable[[], T], *, seconds: float, poll: float = POLL_SECONDS) -> T:
    """Call ``fact`` for ``seconds`` and return its last value; it asserts what should stay."""
    deadline = time.monotonic() + seconds
    while True:
        found = fact()
        if time.monotonic() > deadline:
            return found
        time.sleep(poll)


@contextmanager
def meanwhile(act: Callable[[], None], *, each: float) -> Iterator[None]:
    """Call ``act`` again and again while the block runs, with so many seconds in between: another client at work."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(each):
            act()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=30)
