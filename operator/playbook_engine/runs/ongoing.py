"""The runs of one executor that go on; the same for every executor."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playbook_engine.runs.records import RunRequest


class Ongoing:
    """Knows the runs that go on; ``closing`` is set when they have to end."""

    def __init__(self) -> None:
        """No run goes on yet."""
        self.closing = asyncio.Event()
        self._ended: set[asyncio.Future[object]] = set()

    def check(self, request: RunRequest) -> None:
        """Raise RuntimeError when a run may not begin any more."""
        if self.closing.is_set():
            raise RuntimeError(f"run {request.ident} of {request.playbook}: the executor is closed")

    @contextmanager
    def run(self, directory: Path) -> Iterator[None]:
        """Have a run go on during the block; its directory is gone afterwards."""
        ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._ended.add(ended)
        try:
            yield
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            self._ended.discard(ended)
            ended.set_result(None)

    async def close(self) -> None:
        """Have every run end, and wait until the last is gone."""
        self.closing.set()
        if self._ended:
            await asyncio.wait(tuple(self._ended))
