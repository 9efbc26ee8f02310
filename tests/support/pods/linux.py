"""The few Linux calls that Python does not offer: mounts, capabilities, the loopback interface."""

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME = 0x1, 0x2, 0x4, 0x8, 0x400
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x20, 0x1000, 0x4000, 0x40000
KEPT_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME
MNT_DETACH = 0x2
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 24, 38, 1
SIOCSIFADDR, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8916, 0x8913, 0x8914
IFF_UP = 0x1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str = "", *, flags: int = 0, options: str = "") -> None:
    """Mount a file system; raises OSError that names the target (see the manual page, section 2)."""
    arguments = [text.encode() or None for text in (source, target, kind)]
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), options.encode() or None), f"mount on {target}")


def bind(source: str, target: str, *, read_only: bool) -> None:
    """Let ``source`` with everything below it appear at ``target``, which must exist."""
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        kept = os.statvfs(target).f_flag & KEPT_FLAGS  # a user namespace may not take flags away
        mount("", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def pivot_root(new_root: str) -> None:
    """Make ``new_root`` (a mount point) the root of this mount namespace and let go of the old one."""
    os.chdir(new_root)
    _check(_libc.pivot_root(b".", b"."), f"pivot_root to {new_root}")
    _check(_libc.umount2(b".", MNT_DETACH), "umount of the old root")
    os.chdir("/")


def forbid_new_privileges() -> None:
    """Let no program that is started from here gain rights (``allowPrivilegeEscalation: false``)."""
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(no_new_privs)")


def drop_all_capabilities() -> None:
    """Empty the bounding set, so that even root starts programs without any capability."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="utf-8"))
    for capability in range(last + 1):
        _check(_libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), f"prctl(drop capability {capability})")


def die_with_parent(signal: int) -> None:
    """Ask for ``signal`` when the parent process ends, however it ends."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl(pdeathsig)")


def _interface_call(request: int, payload: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        return fcntl.ioctl(control, request, payload)


def raise_loopback(address: str) -> None:
    """Bring ``lo`` up in a fresh network namespace and give it ``address`` (IPv4) besides 127.0.0.1."""
    answer = _interface_call(SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
    (flags,) = struct.unpack_from("h", answer, 16)
    _interface_call(SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    packed = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(address))
    _interface_call(SIOCSIFADDR, packed)
