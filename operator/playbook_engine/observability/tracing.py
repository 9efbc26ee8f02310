"""Traces of passes: what is told of them, and nothing at all while they are off.

A span is a piece of work with a begin, an end and facts; those begun inside it are its children. ``tracers`` chooses
who is told of them.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

type Fact = str | int | float | bool


class Span(Protocol):
    """A piece of work that goes on; ``identity`` is what log lines carry of it: the identifier of its trace."""

    @property
    def identity(self) -> dict[str, str]:
        """Give ``trace_id`` as 32 hexadecimal digits, or nothing when nobody is told of the span."""
        ...

    def tell(self, **facts: Fact) -> None:
        """Add facts."""
        ...

    def fail(self, reason: str) -> None:
        """Say that the work failed; ``reason`` is one of few words, never a message."""
        ...

    def begin(self, name: str) -> "Span":
        """Begin a child that lasts until its ``end``."""
        ...

    def end(self) -> None:
        """End a span that ``begin`` gave."""
        ...


class Tracer(Protocol):
    """Makes spans; a block that is left by an error has failed."""

    def span(self, name: str, /, **facts: Fact) -> AbstractContextManager[Span]:
        """Have a span during a block; spans of blocks inside it, and of tasks started there, are its children."""
        ...

    def current(self) -> Span:
        """Give the innermost span whose block goes on."""
        ...

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        ...


class NoSpan:
    """The span of work that nobody wants to hear of."""

    identity: dict[str, str] = {}  # noqa: RUF012 - as empty for all of them

    def tell(self, **facts: Fact) -> None:
        """Take no notice."""

    def fail(self, reason: str) -> None:
        """Take no notice."""

    def begin(self, name: str) -> Span:
        """Give itself."""
        del name
        return self

    def end(self) -> None:
        """Take no notice."""


class NoTracer:
    """Traces are off."""

    _no_span = NoSpan()
    _nothing = nullcontext[Span](_no_span)

    def span(self, name: str, /, **facts: Fact) -> AbstractContextManager[Span]:
        """Give a span that is told to nobody."""
        del name, facts
        return self._nothing

    def current(self) -> Span:
        """Give the span that is told to nobody."""
        return self._no_span

    def close(self) -> None:
        """Have nothing to send."""


NO_TRACES = NoTracer()


class Steps:
    """Children of a span, one after the other: each ends when the next one begins."""

    def __init__(self, span: Span) -> None:
        """Begin none yet."""
        self._span = span
        self._going: Span | None = None

    def begin(self, name: str) -> None:
        """End the one that goes on, and begin the next."""
        self.end()
        self._going = self._span.begin(name) if name else None

    def end(self) -> None:
        """End the one that goes on."""
        if self._going:
            self._going.end()
        self._going = None
