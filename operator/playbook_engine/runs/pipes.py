"""The pipes between the engine and a run that is a fork of the fork server."""

import asyncio
import os
from contextlib import ExitStack, suppress
from functools import partial
from typing import BinaryIO

from playbook_engine.fence import Tenure
from playbook_engine.runs.environment import MARK
from playbook_engine.runs.following import LINE_BYTES, Streams
from playbook_engine.runs.processes import kill_all, marked
from playbook_engine.runs.supervise import KILL_SECONDS
from playbook_engine.tasks import finished


class Pipes:
    """The engine's ends: ``streams`` to read, and one to say until when the run may go on."""

    def __init__(self, control: int, streams: Streams, transports: tuple[asyncio.ReadTransport, ...]) -> None:
        """Own the descriptor and the transports until ``hang_up``."""
        self.streams = streams
        self._control = control
        self._transports = transports

    @classmethod
    async def opened(cls, control: int, *, events: int, errors: int) -> "Pipes":
        """Take the descriptors of the engine's ends; they are closed when this is cancelled, which ends the run."""
        with ExitStack() as otherwise:
            otherwise.callback(os.close, control)
            files = [otherwise.enter_context(os.fdopen(end, "rb", buffering=0)) for end in (events, errors)]
            readers: list[asyncio.StreamReader] = []
            transports: list[asyncio.ReadTransport] = []
            for file in files:
                reader, transport = await _reader(file)
                otherwise.callback(transport.close)
                readers.append(reader)
                transports.append(transport)
            otherwise.pop_all()
        return cls(control, Streams(*readers), tuple(transports))

    def tell(self, tenure: Tenure) -> None:
        """Say until when the run may go on; one that has ended need not hear it."""
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(self._control, tenure.line())

    async def hang_up(self, mark: str, *, ended: bool) -> None:
        """End the run if it has not ``ended``, and wait until nothing is left of its processes, which have ``mark``.

        A cancellation that comes meanwhile waits.
        """
        os.close(self._control)
        if not ended:
            await finished(self._gone(mark))
        for transport in self._transports:
            transport.close()

    async def _gone(self, mark: str) -> None:
        """The owner of the run's processes holds its end of the pipe until it has killed them all."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.streams.events.read(), KILL_SECONDS)
        await asyncio.to_thread(kill_all, partial(marked, MARK, mark), seconds=KILL_SECONDS)


async def _reader(file: BinaryIO) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return reader, transport
