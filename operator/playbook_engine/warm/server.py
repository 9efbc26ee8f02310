"""The fork server: one thread, one socket, a fork for each order.

Started as ``python -m playbook_engine.warm.server SOCKET [MODULE…]`` where SOCKET is the number of an inherited
socket of type SOCK_SEQPACKET, and each MODULE may run in the process of a run. It writes ``ready`` or why it is not.
Each message is an order as JSON with three descriptors: the reading end of a pipe whose closing ends the run, the
writing end for events, and the one for what Ansible writes to standard error. A message without descriptors says what
to do in advance for the runs to come (``runs.lessons``). It ends when the socket closes; runs that still go on do not
need it.
"""

import array
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from playbook_engine.runs.lessons import Lessons
from playbook_engine.runs.processes import reap
from playbook_engine.runs.supervise import LEFT_OVER, Limits, oversee, tell
from playbook_engine.warm.versions import untested

MESSAGE_BYTES = 256 * 1024
DESCRIPTORS = 3
READY = "ready"
CRASHED = 250
"""Exit code of a run that ended by an exception that Ansible did not handle."""


def main(arguments: list[str]) -> int:
    """Serve until the socket closes."""
    connection = socket.socket(fileno=int(arguments[0]))
    reason = untested() or _prepared(arguments[1:])
    connection.send((reason or READY).encode())
    if reason:
        return 1
    signal.signal(signal.SIGCHLD, _collect)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the engine decides
    while True:
        order, descriptors = _receive(connection)
        if not order:
            return 0
        if not descriptors:
            _learn(Lessons.of(json.loads(order)))
        elif os.fork() == 0:
            connection.close()
            _serve(order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _collect(*_: object) -> None:
    """Wait for the runs that have ended: so the processor time of this process includes theirs."""
    reap()


def _prepared(modules: list[str]) -> str:
    """Load Ansible and try it; give why that is impossible."""
    from playbook_engine.warm.preload import preload  # noqa: PLC0415 - takes a second

    try:
        preload(modules)
        from playbook_engine.warm.trial import trial  # noqa: PLC0415 - imports Ansible

        return trial()
    except Exception as error:  # noqa: BLE001 - whatever it is, the engine goes on the cold way
        return f"Ansible cannot be loaded: {type(error).__name__}: {error}"


def _learn(lessons: Lessons) -> None:
    from playbook_engine.warm import files, modules, playbooks, templates  # noqa: PLC0415 - imports Ansible
    from playbook_engine.warm.preload import settle  # noqa: PLC0415

    files.parse(lessons.files)
    modules.load(sorted(lessons.modules))
    templates.learn(sorted(lessons.templates))
    playbooks.load(sorted(lessons.playbooks))
    settle()


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    size = array.array("i").itemsize
    message, ancillary, _, _ = connection.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(DESCRIPTORS * size))
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % size])
    return message, list(found)


def _serve(order: bytes, descriptors: list[int]) -> NoReturn:
    """Go on as the process that owns the run's process tree."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = 1
    try:
        request = json.loads(order)
        control, events, errors = descriptors
        os.dup2(control, 0)
        os.dup2(events, 1)
        os.dup2(errors, 2)
        for descriptor in descriptors:
            os.close(descriptor)
        limits = Limits(**request.pop("limits"))
        end = oversee(Path(request["directory"]), lambda: _play(request), limits)
        os.write(1, json.dumps({"ended": {"code": end.code}}).encode() + b"\n")
        tell(end)
        code = LEFT_OVER if end.left else 0
    except BaseException:  # noqa: BLE001 - nothing may return into the server's loop
        traceback.print_exc()
    finally:
        os._exit(code)


def _play(request: dict[str, Any]) -> NoReturn:
    """Go on as the process that runs the playbook."""
    from playbook_engine.warm.play import Order, play  # noqa: PLC0415 - imports Ansible

    code = CRASHED
    try:
        events = os.fdopen(os.dup(1), "w", encoding="utf-8")
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        play(Order(**request, shared=str(Path.cwd())), events)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may return into the server's loop
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
