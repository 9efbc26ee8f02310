"""The engine's side of a fork server: its start, what it is told, and its end. The other side is ``warm.server``."""

import array
import asyncio
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from playbook_engine.runs.environment import run_environment
from playbook_engine.runs.lessons import Lessons
from playbook_engine.runs.pipes import Pipes
from playbook_engine.runs.supervise import KILL_SECONDS

READY = "ready"
START_SECONDS = 60.0


class ForkServer:
    """One process of ``warm.server`` and the socket to it; ``runs`` is how many it was told to make."""

    def __init__(self, root: Path, modules: tuple[str, ...], settings: Mapping[str, str]) -> None:
        """Start nothing yet; its directory will be below ``root``.

        ``modules`` need no process of their own, ``settings`` are variables of Ansible's for all runs.
        """
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

    async def send(self, order: Mapping[str, object]) -> Pipes:
        """Have a run made; give the pipes to it."""
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
        return await Pipes.opened(control, events=events, errors=errors)

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
