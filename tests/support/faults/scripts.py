"""What goes wrong between an operator and the API server, and when."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What happens to one request. A status is answered in the API server's place."""

    CONFLICT = "409"
    INVALID = "422"
    BUSY = "429"
    BROKEN = "500"
    UNAVAILABLE = "503"
    REFUSED = "reset-before"  # the connection breaks, and the API server has heard nothing
    RESET = "reset-after"  # the connection breaks when the API server has done it
    TRUNCATED = "truncated"  # half of the answer
    HANG = "hang"  # the answer comes after HANG_SECONDS
    KILL_BEFORE = "kill-before"  # the operator dies, and the API server has heard nothing
    KILL_AFTER = "kill-after"  # the operator dies, and does not hear that it is done

    @property
    def status(self) -> int | None:
        """The HTTP status of those that are one."""
        return int(self) if self.isdecimal() else None


KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
ANSWERS = tuple(fault for fault in Fault if fault not in KILLS)
HANG_SECONDS = 6.0
READING = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of the operator."""

    method: str
    path: str
    watches: bool

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method not in READING

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server answers to a request that is no watch."""

    status: int
    body: bytes


class Script:
    """Lets everything pass; campaigns override what they need. It is called from the proxy's thread."""

    def fault(self, call: Call) -> Fault | None:
        """Say what goes wrong with a call."""
        del call
        return None

    def events(self, call: Call, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Give the watch events that take the place of one."""
        del call
        return [event]

    def answer(self, call: Call, answer: Answer) -> Answer:
        """Give the answer that takes the place of the API server's."""
        del call
        return answer

    def killed(self) -> None:
        """Kill the operator."""
        raise NotImplementedError


@dataclass(slots=True)
class AtCall(Script):
    """One fault at the ``number``-th call (from 1) that ``counts``."""

    number: int
    what: Fault
    counts: Callable[[Call], bool]
    kill: Callable[[], None] = lambda: None
    seen: int = 0
    at: Call | None = None
    reached: threading.Event = field(default_factory=threading.Event)

    def fault(self, call: Call) -> Fault | None:
        """Count."""
        if not self.counts(call):
            return None
        self.seen += 1
        if self.seen != self.number:
            return None
        self.at = call
        if self.what not in KILLS:
            self.reached.set()
        return self.what

    def killed(self) -> None:
        """Kill, and say that it is done."""
        self.kill()
        self.reached.set()


@dataclass(slots=True)
class AtCalls(Script):
    """Several of them, at different calls."""

    parts: list[AtCall]

    def fault(self, call: Call) -> Fault | None:
        """Let each count."""
        found = [fault for part in self.parts if (fault := part.fault(call)) is not None]
        return found[0] if found else None

    def killed(self) -> None:
        """Kill, and say that it is done; a death is alone."""
        (part,) = self.parts
        part.killed()


def is_call(call: Call) -> bool:
    """Everything but watches, which have campaigns of their own."""
    return not call.watches


def is_write(call: Call) -> bool:
    """What changes something."""
    return call.writes


def status_body(code: int) -> bytes:
    """Return what the API server says with a status."""
    reasons = {409: "Conflict", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError"}
    reason = reasons.get(code, "ServiceUnavailable")
    body = {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": f"injected by a campaign: {reason}", "reason": reason, "code": code,
    }  # fmt: skip
    return json.dumps(body).encode()
