"""The program inside a pod: ``python -m tests.support.pods.sandbox <command>``; standard library only.

``pause <address> <name>`` makes a pod: fresh network, PID, IPC and host name namespaces that live until stdin
closes. It prints the id of the process that holds them; when that goes, the kernel kills the pod.

``run <holder>`` reads a ContainerSpec from stdin, builds its file system, runs its program in the pod of
process ``holder`` and exits with the program's exit code.

``exec <process>`` does the same in the file system of the running container's ``process`` (``kubectl exec``).

``enter <holder> <argv>`` runs a program of this machine in the pod's network, as the kubelet probes.

As root no user namespace is needed and programs get the user ids of the pod. For any other user the pod has
a user namespace in which only root exists, so user ids are not applied.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from tests.support.pods import linux, rootfs
from tests.support.pods.specs import ContainerSpec

POD_NAMESPACES = ("net", "ipc", "uts", "pid")
KINDS = {"user": os.CLONE_NEWUSER, "net": os.CLONE_NEWNET, "ipc": os.CLONE_NEWIPC, "uts": os.CLONE_NEWUTS}
KINDS |= {"pid": os.CLONE_NEWPID, "mnt": os.CLONE_NEWNS}
POD_FLAGS = os.CLONE_NEWNET | os.CLONE_NEWIPC | os.CLONE_NEWUTS | os.CLONE_NEWPID | os.CLONE_NEWNS


def pause(address: str, host_name: str) -> int:
    """Hold a new pod open until stdin closes."""
    if os.geteuid() != 0:
        _become_root_of_a_user_namespace()
    os.unshare(POD_FLAGS)
    holder = os.fork()
    if holder == 0:
        linux.die_with_parent(signal.SIGKILL)
        _adopt_orphans()
    linux.raise_loopback(address)
    socket.sethostname(host_name)
    print(holder, flush=True)  # noqa: T201 - the answer to the caller
    sys.stdin.read()
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    return 0


def run(holder: int) -> int:
    """Run the container that stdin describes."""
    spec = ContainerSpec.from_json(sys.stdin.read())
    _join(holder, POD_NAMESPACES)

    def start() -> None:
        os.unshare(os.CLONE_NEWNS)  # in the child: the root of every process in a mount namespace is pivoted
        rootfs.build(spec)
        _start_program(spec)

    return _in_child(start, pid_file=spec.pid_file)


def execute(process: int) -> int:
    """Run the program that stdin describes beside the one of ``process``."""
    spec = ContainerSpec.from_json(sys.stdin.read())
    _join(process, (*POD_NAMESPACES, "mnt"))
    return _in_child(lambda: _start_program(spec))


def enter(holder: int, argv: Sequence[str]) -> NoReturn:
    """Become ``argv`` in the network of the pod."""
    _join(holder, ("net",))
    os.execvp(argv[0], list(argv))  # noqa: S606 - what the caller asks for


def _become_root_of_a_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="utf-8")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="utf-8")


def _join(process: int, names: Sequence[str]) -> None:
    wanted = names if os.geteuid() == 0 else ("user", *names)
    handles = [(os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), name) for name in wanted]
    for handle, name in handles:
        os.setns(handle, KINDS[name])
        os.close(handle)


def _adopt_orphans() -> NoReturn:
    """Be process 1 of the pod: collect what dies, for ever."""
    os.closerange(0, 3)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        signal.sigwait({signal.SIGCHLD})
        _collect()


def _collect() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _in_child(start: Callable[[], None], *, pid_file: str = "") -> int:
    """Run ``start`` in a child, because only children are in a joined PID namespace; return its exit code.

    SIGTERM is passed on to it.
    """
    child = os.fork()
    if child == 0:
        try:
            start()
        except OSError as error:
            print(f"cannot start the container: {error}", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(127)
    if pid_file:
        Path(pid_file).write_text(str(child), encoding="utf-8")
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _start_program(spec: ContainerSpec) -> NoReturn:
    if spec.drop_capabilities:
        linux.drop_all_capabilities()
    linux.forbid_new_privileges()
    if _has_all_ids():
        os.setgroups(spec.identity.groups)
        os.setresgid(*[spec.identity.gid] * 3)
        os.setresuid(*[spec.identity.uid] * 3)
    os.chdir(spec.working_directory)
    os.execvpe(spec.argv[0], list(spec.argv), spec.environment)  # noqa: S606 - the container


def _has_all_ids() -> bool:
    """Tell whether this is the machine's root, not the single user of a user namespace."""
    _first, _outside, count = Path("/proc/self/uid_map").read_text(encoding="utf-8").split()[:3]
    return int(count) > 1


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; see the module's text."""
    match arguments:
        case ["pause", address, host_name]:
            return pause(address, host_name)
        case ["run", holder]:
            return run(int(holder))
        case ["exec", process]:
            return execute(int(process))
        case ["enter", holder, *argv]:
            enter(int(holder), argv)
        case _:
            print(__doc__, file=sys.stderr)  # noqa: T201 - how to use it
            return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
