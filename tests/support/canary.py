"""A secret that must be found in its Secret only: looked for in processes and files all the time."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.api import KINDS, Space
from tests.support.operators import MARK, OperatorUnderTest, processes_with

CANARY = "canary-7f3a91d0c2"
FORMS = (CANARY, base64.b64encode(CANARY.encode()).decode().rstrip("="))
HOLDERS = {"redis", "keys"}
"""The Secrets in which tests put it."""

SAMPLE_SECONDS = 0.5
OF_PROCESSES = ("cmdline", "environ")


@dataclass(slots=True)
class Lookout:
    """Looks at the processes of an operator, and at the files below its directory, while a block is played."""

    operator: OperatorUnderTest
    scratch: Path
    found: set[str] = field(default_factory=set)
    looks: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look once more and end."""
        self._ended.set()
        self._thread.join(timeout=30)

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.look()
        self.look()

    def look(self) -> None:
        """Look at everything that runs and lies there now."""
        self.looks += 1
        self.found.update(in_processes(self.operator), in_files(self.scratch))


def in_processes(operator: OperatorUnderTest) -> Iterator[str]:
    """Name the arguments and environments of the operator's processes that have it."""
    for pid in processes_with(MARK, operator.mark):
        for what in OF_PROCESSES:
            with suppress(OSError):  # it has ended
                if _is_in(Path(f"/proc/{pid}/{what}").read_bytes()):
                    yield f"{what} of a process"


def in_files(directory: Path) -> Iterator[str]:
    """Name the files below a directory that have it."""
    for path in directory.rglob("*"):
        with suppress(OSError):  # it is gone, or a socket
            if path.is_file() and _is_in(path.read_bytes()):
                yield f"file {path.name}"


def in_objects(space: Space) -> Iterator[str]:
    """Name the objects of a namespace that have it, as text or coded, but for the Secrets that should."""
    for kind in KINDS:
        for item in space.list(kind):
            name = item["metadata"]["name"]
            if not (kind == "Secret" and name in HOLDERS) and _is_in(json.dumps(item).encode()):
                yield f"{kind} {name}"


def anywhere(space: Space, operator: OperatorUnderTest) -> Iterator[str]:
    """Name where it is now: objects, events among them; the log; the metrics; processes."""
    yield from in_objects(space)
    if _is_in(operator.log.encode()):
        yield "the log"
    if operator.current is not None and _is_in(operator.exposition()):
        yield "the metrics"
    yield from in_processes(operator)


def _is_in(content: bytes) -> bool:
    return any(form.encode() in content for form in FORMS)
