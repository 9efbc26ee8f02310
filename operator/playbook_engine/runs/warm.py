"""The warm executor: runs are forks of a server that has loaded Ansible already.

Where the server cannot be used, because Ansible is of an untested version, its trial failed or it died too often,
runs take the cold way; ``on_state`` hears of it.
"""

import asyncio
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from playbook_engine.fence import Fence
from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.folding import conclude, step
from playbook_engine.runs.following import Followed, follow
from playbook_engine.runs.lessons import Lessons
from playbook_engine.runs.ongoing import Ongoing
from playbook_engine.runs.records import USUAL, OnTask, Rules, RunOutcome, RunRequest, unheard
from playbook_engine.runs.redaction import cleaner
from playbook_engine.runs.servers import ForkServer
from playbook_engine.runs.workspace import (
    UNSAFE,
    environment_in,
    inventory_in,
    make_root,
    make_warm_workspace,
    options_of,
    playbook_in,
)

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
        self._ongoing = Ongoing()
        self._server: ForkServer | None = None
        self._starting = asyncio.Lock()
        self._failures = 0

    async def run(self, request: RunRequest, *, on_task: OnTask = unheard) -> RunOutcome:
        """Run to the end, as the cold executor does and with the same outcome."""
        self._ongoing.check(request)
        server = None if _is_special(request) else await self._ready_server()
        if server is None:
            return await self._cold.run(request, on_task=on_task)
        directory = make_warm_workspace(self._root, request)
        with self._ongoing.run(directory):
            return await self._in(directory, request, server, on_task)

    async def prepare(self) -> None:
        """Start the server before the first run needs it."""
        await self._ready_server()

    async def renew(self) -> None:
        """Start a new server, and only then end the old one."""
        async with self._starting:
            old = self._server
            if old is None or self._ongoing.closing.is_set():
                return
            await self._start()
            if self._server is not old:
                await old.end()

    async def close(self) -> None:
        """Kill what still runs, wait until it is gone, and end the server."""
        await self._ongoing.close()
        await self._cold.close()
        async with self._starting:
            if self._server:
                await self._server.end()
        shutil.rmtree(self._root, ignore_errors=True)

    async def _ready_server(self) -> ForkServer | None:
        async with self._starting:
            old = self._server
            if old and old.lives and old.runs < self._rules.runs_per_server:
                return old
            if old:
                self._failures = 0 if old.lives else self._failures + 1
                await old.end()
                self._server = None
            if self._failures >= MOST_STARTS or self._ongoing.closing.is_set():
                return None
            await self._start()
            return self._server

    async def _start(self) -> None:
        server = ForkServer(self._root, self._modules, self._rules.settings)
        reason = await server.start()
        if reason:
            await server.end()
            self._failures = MOST_STARTS
        else:
            self._server = server
            server.teach(self._lessons)
        self._tell(reason)

    async def _in(
        self, directory: Path, request: RunRequest, server: ForkServer, on_task: OnTask
    ) -> RunOutcome:
        mark = uuid.uuid4().hex
        environment = environment_in(directory, request, self._rules, mark=mark)
        began = time.monotonic()
        followed = Followed(on_task=on_task)
        pipes = await server.send(_order(directory, request, environment, self._rules))
        try:
            with self._fence.followed(pipes.tell):
                closing = self._ongoing.closing
                cause = await follow(
                    pipes.streams, followed, seconds=request.timeout_seconds, closing=closing
                )
        finally:
            await pipes.hang_up(mark, ended=followed.ended)
        self._learn(followed.lessons)
        written = {"event": "error", "stdout": followed.stderr}
        seconds = time.monotonic() - began
        end = followed.end(cause, seconds=seconds, lost="the fork server ended", warm=True)
        clean = cleaner(environment, characters=self._rules.message_bound)
        return conclude(step(followed.progress, written), end, clean=clean)

    def _learn(self, told: Lessons) -> None:
        """Have what a run had to do itself done by the server, for the runs to come."""
        new = told.new_to(self._lessons)
        self._lessons |= new
        if self._server:
            self._server.teach(new)


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
        "limits": asdict(rules.limits),
        "arguments": [*files, *options_of(request, rules), *tags, *loud, str(playbook)],
    }
