"""The warm executor: runs are forks of a server that has loaded Ansible already.

Where the server cannot be used, because Ansible is of an untested version, its trial failed or it died too often,
runs take the cold way; ``on_state`` hears of it.
"""

import array
import asyncio
import json
import os
import shutil
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

from playbook_engine.fence import Fence, Tenure
from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.environment import MARK, run_environment
from playbook_engine.runs.folding import conclude, step
from playbook_engine.runs.following import LINE_BYTES, Followed, Streams, follow
from playbook_engine.runs.lessons import Lessons
from playbook_engine.runs.processes import kill_all, marked
from playbook_engine.runs.records import USUAL, OnTask, Rules, RunOutcome, RunRequest, unheard
from playbook_engine.runs.redaction import bound, redact, secret_values
from playbook_engine.runs.supervise import KILL_SECONDS
from playbook_engine.runs.workspace import (
    UNSAFE,
    added_environment,
    inventory_in,
    make_root,
    make_warm_workspace,
    options_of,
    playbook_in,
)

READY = "ready"
START_SECONDS = 60.0
MOST_STARTS = 3
"""A server that dies that often in a row is not started again."""

type OnState = Callable[[str], None]
"""Called when a server has started, with an empty text, or with why runs are cold from now on."""


class WarmExecutor:
    """An ``Executor`` that forks; several runs may go on at once."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        rules: Rules = USUAL,
        on_state: OnState | None = None,
        fence: Fence | None = None,
        modules: Sequence[str] = (),
    ) -> None:
        """Make the private directory of the runs; raises OSError. The server starts with the first run.

        Runs end with the tenure of ``fence``; without one they may go on for ever. ``modules`` are those, by full
        name, that need no process of their own.
        """
        self._modules = tuple(modules)
        self.directory = self._root = make_root(directory)
        self._fence = fence or Fence()
        self._cold = ColdExecutor(directory, rules=rules, fence=fence)
        self._rules = rules
        self._lessons = Lessons()
        self._tell = on_state or (lambda _reason: None)
        self._closing = asyncio.Event()
        self._running: set[asyncio.Future[object]] = set()
        self._server: _Server | None = None
        self._starting = asyncio.Lock()
        self._failures = 0

    async def run(self, request: RunRequest, *, on_task: OnTask = unheard) -> RunOutcome:
        """Run to the end, as the cold executor does and with the same outcome."""
        if self._closing.is_set():
            raise RuntimeError(f"run {request.ident} of {request.playbook}: the executor is closed")
        server = None if _is_special(request) else await self._ready_server()
        if server is None:
            return await self._cold.run(request, on_task=on_task)
        directory = make_warm_workspace(self._root, request)
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._running.add(done)
        try:
            return await self._in(directory, request, server, on_task)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            self._running.discard(done)
            done.set_result(None)

    async def prepare(self) -> None:
        """Start the server before the first run needs it."""
        await self._ready_server()

    async def renew(self) -> None:
        """Start a new server, and only then end the old one."""
        async with self._starting:
            old = self._server
            if old is None or self._closing.is_set():
                return
            await self._start()
            if self._server is not old:
                await old.end()

    async def close(self) -> None:
        """Kill what still runs, wait until it is gone, and end the server."""
        self._closing.set()
        if self._running:
            await asyncio.wait(tuple(self._running))
        await self._cold.close()
        async with self._starting:
            if self._server:
                await self._server.end()
        shutil.rmtree(self._root, ignore_errors=True)

    async def _ready_server(self) -> "_Server | None":
        async with self._starting:
            old = self._server
            if old and old.lives and old.runs < self._rules.runs_per_server:
                return old
            if old:
                self._failures = 0 if old.lives else self._failures + 1
                await old.end()
                self._server = None
            if self._failures >= MOST_STARTS or self._closing.is_set():
                return None
            await self._start()
            return self._server

    async def _start(self) -> None:
        server = _Server(self._root, self._modules, self._rules.settings)
        reason = await server.start()
        if reason:
            await server.end()
            self._failures = MOST_STARTS
        else:
            self._server = server
            server.teach(self._lessons)
        self._tell(reason)

    async def _in(
        self, directory: Path, request: RunRequest, server: "_Server", on_task: OnTask
    ) -> RunOutcome:
        mark = uuid.uuid4().hex
        environment = run_environment(
            os.environ,
            directory=directory,
            mark=mark,
            added=added_environment(directory, request),
            settings=self._rules.settings,
        )
        began = time.monotonic()
        followed = Followed(on_task=on_task)
        pipes = await server.send(
            _order(directory, request, environment, self._rules) | {"limits": asdict(self._rules.limits)}
        )
        try:
            with self._fence.followed(pipes.tell):
                cause = await follow(
                    pipes.streams, followed, seconds=request.timeout_seconds, closing=self._closing
                )
        finally:
            await _hang_up(pipes, mark, ended=followed.ended)
        self._learn(followed.lessons)
        written = {"event": "error", "stdout": followed.stderr}
        seconds = time.monotonic() - began
        end = followed.end(cause, seconds=seconds, lost="the fork server ended", warm=True)
        return conclude(step(followed.progress, written), end, clean=partial(self._clean, environment))

    def _learn(self, told: Lessons) -> None:
        """Have what a run had to do itself done by the server, for the runs to come."""
        new = told.new_to(self._lessons)
        self._lessons |= new
        if self._server:
            self._server.teach(new)

    def _clean(self, environment: Mapping[str, str], text: str, /) -> str:
        return bound(
            redact(text, secrets=secret_values(environment.items())), characters=self._rules.message_bound
        )


class _Pipes:
    """The engine's ends of a run's pipes."""

    def __init__(self, control: int, streams: Streams, transports: tuple[asyncio.ReadTransport, ...]) -> None:
        self.control = control
        self.streams = streams
        self._transports = transports

    def tell(self, tenure: Tenure) -> None:
        """Say until when the run may go on; one that has ended need not hear it."""
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(self.control, tenure.line())

    def close(self) -> None:
        """Close all."""
        for transport in self._transports:
            transport.close()


class _Server:
    """One process of ``warm.server`` and the socket to it."""

    def __init__(self, root: Path, modules: tuple[str, ...], settings: Mapping[str, str]) -> None:
        self._root = root
        self._modules = modules
        self._settings = settings
        self._directory: Path | None = None
        self._socket: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.runs = 0

    @property
    def lives(self) -> bool:
        """Whether it has started and not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> str:
        """Start it, and wait until it is ready; give why it is not."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # noqa: FBT003 - the standard library's
        self._socket = ours
        directory = self._directory = Path(tempfile.mkdtemp(prefix="", dir=self._root))
        (directory / "tmp").mkdir(mode=0o700)
        (directory / "ansible.cfg").touch()
        environment = run_environment(os.environ, directory=directory, mark="server", settings=self._settings)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "playbook_engine.warm.server", str(theirs.fileno()), *self._modules),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=None,
                env=environment, cwd=directory, pass_fds=(theirs.fileno(),),
            )  # fmt: skip
        return await self._answer()

    async def _answer(self) -> str:
        assert self._socket is not None  # noqa: S101 - it has just been made
        loop = asyncio.get_running_loop()
        try:
            answer = await asyncio.wait_for(loop.sock_recv(self._socket, 4096), START_SECONDS)
        except (TimeoutError, OSError) as error:
            return f"the fork server does not start: {str(error) or type(error).__name__}"
        text = answer.decode() or "the fork server ended at its start"
        return "" if text == READY else text

    def teach(self, lessons: Lessons) -> None:
        """Have done in advance what runs had to do."""
        for message in lessons.messages():
            with suppress(OSError):  # it has died, or has no time: runs do it for themselves
                self._socket and self._socket.send(message)

    async def send(self, order: Mapping[str, object]) -> _Pipes:
        """Send an order; give the pipes to the run."""
        assert self._socket is not None  # noqa: S101 - it is ready
        self.runs += 1
        control_theirs, control = os.pipe()
        os.set_blocking(control, False)
        events, events_theirs = os.pipe()
        errors, errors_theirs = os.pipe()
        theirs = (control_theirs, events_theirs, errors_theirs)
        try:
            message = [json.dumps(order).encode()]
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", theirs))]
            with suppress(OSError):  # a server that has died: the pipes end at once, which tells it
                self._socket.sendmsg(message, rights)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        opened = [await _reader(descriptor) for descriptor in (events, errors)]
        streams = Streams(opened[0][0], opened[1][0])
        return _Pipes(control, streams, tuple(transport for _, transport in opened))

    async def end(self) -> None:
        """Close the socket, which ends it, and wait."""
        if self._socket:
            self._socket.close()
        if self._process and self._process.returncode is None:
            try:
                await asyncio.wait_for(self._process.wait(), KILL_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)


async def _reader(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    file = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return reader, transport


def _is_special(request: RunRequest) -> bool:
    """Ansible reads its settings when it is loaded; a run with settings of its own cannot be warm."""
    return any(name.startswith("ANSIBLE_") for name in request.environment)


def _order(
    directory: Path, request: RunRequest, environment: Mapping[str, str], rules: Rules
) -> dict[str, object]:
    tags = ["--tags", ",".join(request.tags)] if request.tags else []
    loud = ["-" + "v" * request.verbosity] if request.verbosity else []
    playbook = playbook_in(directory, request)
    files = ["-i", str(inventory_in(directory, rules)), "-e", f"@{directory / 'env' / 'extravars'}"]
    files += ["-e", f"@{directory / UNSAFE}"]
    return {
        "directory": str(directory),
        "working_directory": str(playbook.parent),
        "environment": dict(environment),
        "arguments": [*files, *options_of(request, rules), *tags, *loud, str(playbook)],
    }


async def _hang_up(pipes: _Pipes, mark: str, *, ended: bool) -> None:
    """End the run, and wait until nothing of it is left; a cancellation that comes meanwhile waits."""
    os.close(pipes.control)
    if not ended:
        ending = asyncio.ensure_future(_gone(pipes, mark))
        while not ending.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(ending)
    pipes.close()


async def _gone(pipes: _Pipes, mark: str) -> None:
    """The owner of the run's processes holds its end of the pipe until it has killed them all."""
    with suppress(TimeoutError):
        await asyncio.wait_for(pipes.streams.events.read(), KILL_SECONDS)
    await asyncio.to_thread(kill_all, partial(marked, MARK, mark), seconds=KILL_SECONDS)
