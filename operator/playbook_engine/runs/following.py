"""Follows a run's two streams to its end, or to the moment when it has to end; the same for every executor."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from playbook_engine.runs.folding import Cause, End, Progress, step
from playbook_engine.runs.lessons import Lessons
from playbook_engine.runs.records import OnTask, unheard
from playbook_engine.tasks import cancelled

LINE_BYTES = 64 * 1024 * 1024
"""The longest line of events: the recap carries all that set_stats collected."""

_STDERR_CHARACTERS = 20_000


@dataclass(slots=True)
class Followed:
    """What a run has told so far; ``code`` is the exit code of ansible-playbook once it has ``ended``.

    ``broken`` says which limit it broke; ``lessons`` are what a fork had to do itself.
    """

    progress: Progress = field(default_factory=Progress)
    ended: bool = False
    code: int | None = None
    stderr: str = ""
    processor_seconds: float = 0.0
    broken: str = ""
    lessons: Lessons = field(default_factory=Lessons)
    on_task: OnTask = unheard

    def end(self, cause: Cause, *, seconds: float, lost: str, warm: bool = False) -> End:
        """Say how the run ended; ``lost`` is what is known of a process that went without a word."""
        return End(
            cause=cause,
            code=self.code,
            seconds=seconds,
            processor_seconds=self.processor_seconds,
            warm=warm,
            note=self.broken or ("" if self.ended else lost),
        )

    def take(self, event: Mapping[str, object]) -> None:
        """Take one event of ansible-runner in."""
        before, self.progress = self.progress, step(self.progress, event)
        if self.progress.task != before.task:
            self.on_task(self.progress.task)


@dataclass(frozen=True, slots=True)
class Streams:
    """What a run's process writes: events as JSON lines, and standard error."""

    events: asyncio.StreamReader
    errors: asyncio.StreamReader


async def follow(streams: Streams, followed: Followed, *, seconds: float, closing: asyncio.Event) -> Cause:
    """Read until both streams end; give up after ``seconds`` or when ``closing`` is set. Say which it was."""
    reading = asyncio.create_task(_read(streams, followed))
    stopping = asyncio.create_task(closing.wait())
    try:
        await asyncio.wait({reading, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            await reading
            return Cause.ITSELF
        return Cause.STOPPED if stopping.done() else Cause.TIMEOUT
    finally:
        await cancelled((reading, stopping))


async def _read(streams: Streams, followed: Followed) -> None:
    await asyncio.gather(_read_events(streams.events, followed), _read_errors(streams.errors, followed))


async def _read_events(events: asyncio.StreamReader, followed: Followed) -> None:
    async for line in events:
        event = json.loads(line)
        if "ended" in event:
            followed.ended, followed.code = True, event["ended"]["code"]
        elif "used" in event:
            used = event["used"]
            followed.processor_seconds, followed.broken = used["processor_seconds"], used["broken"]
        elif "lessons" in event:
            followed.lessons = Lessons.of(event["lessons"])
        else:
            followed.take(event)


async def _read_errors(errors: asyncio.StreamReader, followed: Followed) -> None:
    while chunk := await errors.read(_STDERR_CHARACTERS):
        followed.stderr = (followed.stderr + chunk.decode(errors="replace"))[-_STDERR_CHARACTERS:]
