"""What an operator does not see, sees late or sees again: watches that lose events, reads that answer of the past."""

import json
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.support.faults.scripts import Answer, Call, Fault, Script

STALE_SECONDS = 8.0
"""So long an API server is behind; longer than the operator waits between two comparisons in a campaign."""

EXPIRED = {
    "type": "ERROR",
    "object": {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version", "reason": "Expired", "code": 410,
    },
}  # fmt: skip


class Blur(StrEnum):
    """How the operator's sight is blurred during a step."""

    BLIND = "blind"  # no event of any watch arrives
    DEAF = "deaf"  # nobody hears that something was deleted
    SWAPPED = "swapped"  # of two events of a watch the later comes first
    EXPIRED = "expired"  # every other event says that the watch is too old
    HIDDEN = "hidden"  # for a while lists are empty
    AWAY = "away"  # for a while no request is answered, and watches are silent
    STALE = "stale"  # for a while reads answer what they answered before the step, and watches are silent


@dataclass(slots=True)
class Remembering(Script):
    """Lets everything pass, and keeps the last answer to each read."""

    past: dict[str, Answer] = field(default_factory=dict)

    def answer(self, call: Call, answer: Answer) -> Answer:
        """Keep it."""
        if not call.writes:
            self.past[call.path] = answer
        return answer


@dataclass(slots=True)
class Blurred(Script):
    """One blur; ``past`` are the answers to reads before it. ``touched`` counts what it has changed."""

    blur: Blur
    past: dict[str, Answer]
    began: float = field(default_factory=time.monotonic)
    touched: int = 0
    _held: dict[str, dict[str, Any]] = field(default_factory=dict)
    _heard: int = 0

    def fault(self, call: Call) -> Fault | None:
        """Break the connection of whatever is asked of an API server that is away."""
        del call
        if self.blur is not Blur.AWAY or not self._is_behind():
            return None
        self.touched += 1
        return Fault.REFUSED

    def events(self, call: Call, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Lose, hold back or replace an event of a watch; bookmarks always pass."""
        if event.get("type") == "BOOKMARK":
            return [event]
        given = self._given(call, event)
        self.touched += given != [event]
        return given

    def _given(self, call: Call, event: dict[str, Any]) -> list[dict[str, Any]]:
        match self.blur:
            case Blur.BLIND:
                return []
            case Blur.DEAF:
                return [] if event.get("type") == "DELETED" else [event]
            case Blur.STALE | Blur.AWAY:
                return [] if self._is_behind() else [event]
            case Blur.SWAPPED:
                held = self._held.pop(call.path, None)
                if held is None:
                    self._held[call.path] = event
                return [event, held] if held else []
            case Blur.EXPIRED:
                self._heard += 1
                return [EXPIRED] if self._heard % 2 else [event]
            case Blur.HIDDEN:
                return [event]

    def answer(self, call: Call, answer: Answer) -> Answer:
        """Answer of the past, or with an empty list."""
        if call.writes or not self._is_behind():
            return answer
        given = answer
        if self.blur is Blur.STALE:
            given = self.past.get(call.path, answer)
        elif self.blur is Blur.HIDDEN:
            given = _emptied(answer)
        self.touched += given != answer
        return given

    @property
    def passes(self) -> bool:
        """Whether it has an end of its own, after STALE_SECONDS."""
        return self.blur in (Blur.HIDDEN, Blur.STALE, Blur.AWAY)

    def _is_behind(self) -> bool:
        return time.monotonic() < self.began + STALE_SECONDS


def _emptied(answer: Answer) -> Answer:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return answer
    if not str(body.get("kind")).endswith("List") or not body.get("items"):
        return answer
    return Answer(answer.status, json.dumps({**body, "items": []}).encode())
