"""Puts together the file system that a container's program sees.

There is no container image on this machine, so the programs and libraries of the machine itself stand for
its content (read-only), and everything that the *pod* says is real: volumes at their mount paths, a read-only
root, private ``/tmp``. Nothing else of the machine is visible, so a program that finds a file has it from
there.
"""

from collections.abc import Iterable
from pathlib import Path

from tests.support.pods import linux
from tests.support.pods.specs import Bind, ContainerSpec

PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
SETTINGS = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "passwd",
    "group",
    "nsswitch.conf",
    "ssl",
    "alternatives",
)
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
"""What container runtimes put below /dev, and where it leads to below /proc/self."""

EMPTY_DIRECTORIES = (
    ("tmp", 0o1777),
    ("run", 0o755),
    ("var", 0o755),
    ("etc", 0o755),
    ("dev", 0o755),
    ("proc", 0o555),
)


def build(spec: ContainerSpec) -> None:
    """Build the file system on ``spec.root`` and make it the root of the calling process.

    The caller has a mount namespace of its own and is in the pod's PID namespace.
    """
    root = Path(spec.root)
    linux.mount("", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", spec.root, "tmpfs", flags=linux.MS_NOSUID, options="mode=755")
    for name, mode in EMPTY_DIRECTORIES:
        (root / name).mkdir()
        (root / name).chmod(mode)
    holes = [Path(bind.target) for bind in spec.binds]
    for directory in PROGRAMS:
        _mirror(Path(directory), root=root, holes=holes)
    for name in SETTINGS:
        _mirror(Path("/etc", name), root=root, holes=holes)
    for name in DEVICES:
        _place(Bind(source=f"/dev/{name}", target=f"/dev/{name}", read_only=False), root=root)
    for name, shown in LINKS.items():
        (root / "dev" / name).symlink_to(f"/proc/self/{shown}")
    _mount_proc(root)
    for bind in spec.binds:
        _place(bind, root=root)
    (root / spec.working_directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
    if spec.read_only_root:
        linux.mount("", spec.root, flags=linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID)
    linux.pivot_root(spec.root)


def _mirror(path: Path, *, root: Path, holes: Iterable[Path]) -> None:
    """Show ``path`` of the machine in ``root``; go down where a hole lies below it, to be mounted later."""
    shown = root / path.relative_to("/")
    if path.is_symlink():
        shown.symlink_to(path.readlink())
    elif path.is_dir() and any(path in hole.parents for hole in holes):
        shown.mkdir()
        for child in path.iterdir():
            if child not in holes:
                _mirror(child, root=root, holes=holes)
    elif path.exists():
        _place(Bind(source=str(path), target=str(path)), root=root)


def _place(bind: Bind, *, root: Path) -> None:
    """Make the mount point of ``bind`` in ``root`` and mount it."""
    target = root / bind.target.lstrip("/")
    if Path(bind.source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.bind(bind.source, str(target), read_only=bind.read_only)


def _mount_proc(root: Path) -> None:
    """Mount the pod's own ``/proc``; where the machine forbids that, show the machine's."""
    try:
        linux.mount("proc", str(root / "proc"), "proc", flags=linux.MS_NOSUID | linux.MS_NODEV)
    except PermissionError:
        linux.bind("/proc", str(root / "proc"), read_only=True)
