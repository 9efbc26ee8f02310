"""A container image that is built and run here without an engine: buildah builds it, runc runs a container of it.

The official Python images are not to be had without a registry of images, so a plain Debian with its Python, made by
debootstrap, stands for them. Everything else is as it is shipped: the Dockerfile, the image's own settings, and
what a pod template says of the container. Needs root.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.env.install_collections import cache_directory

CHECKOUT = Path(__file__).resolve().parents[2]
BASE = "localhost/python:stand-in"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PIP_SETTINGS = "/etc/pip.conf"
ENVIRONMENT = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
STOP_SECONDS = 45.0


def output(*command: str | Path, timeout: float = 900) -> str:
    """Run a program and return what it prints; raises AssertionError with its own words."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=timeout, env=ENVIRONMENT, cwd=CHECKOUT
    )
    assert done.returncode == 0, (
        f"{' '.join(map(str, command))}: {done.stderr[-4000:] or done.stdout[-4000:]}"
    )
    return done.stdout


def base_image() -> str:
    """Make the stand-in for the official Python image when it is not there; return its name."""
    if BASE in output("buildah", "images", "--format", "{{.Name}}:{{.Tag}}").split():
        return BASE
    root = cache_directory() / "image-base" / "rootfs"
    if not (root / "usr" / "bin" / "python3").exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        output("debootstrap", "--variant=minbase", "--include=python3-venv,ca-certificates", "trixie", root)
    container = output("buildah", "from", "scratch").strip()
    output("buildah", "add", "--quiet", container, root, "/")
    output("buildah", "commit", "--quiet", "--rm", container, BASE)
    return BASE


def build(name: str, target: str) -> None:
    """Build a target of the Dockerfile as ``make docker-build`` does it; it sees this machine's settings of pip."""
    seen = [f"--volume {path}:{path}:ro" for path in (CERTIFICATES, PIP_SETTINGS) if Path(path).exists()]
    given = {"CONTAINER_TOOL": "buildah", "IMG": name, "IMAGE_TARGET": target, "PYTHON_IMAGE": base_image()}
    words = [f"{variable}={value}" for variable, value in given.items()]
    output("make", "docker-build", *words, f"BUILD_FLAGS={' '.join(seen)}")


@dataclass(frozen=True, slots=True)
class Image:
    """An image as files: ``root`` is its file system, ``config`` what it says of its containers."""

    root: Path
    config: Mapping[str, Any]

    def files(self, below: str) -> Iterator[Path]:
        """Yield every file below a directory of the image."""
        for directory, _names, files in os.walk(self.root / below):
            yield from (Path(directory, name) for name in files)


@contextmanager
def mounted(name: str) -> Iterator[Image]:
    """The files of an image, and its settings, for the length of a block."""
    container = output("buildah", "from", "--pull-never", name).strip()
    try:
        config = json.loads(output("buildah", "inspect", container))["Docker"]["config"]
        yield Image(Path(output("buildah", "mount", container).strip()), config)
    finally:
        output("buildah", "rm", container)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A container that has been started; ``identity`` is its name for runc."""

    identity: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        """What it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def execute(self, *command: str) -> str:
        """Run a program in the container and return what it prints."""
        return output("runc", "exec", self.identity, *command)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Send SIGTERM to process 1 as a kubelet does; return the exit code, -9 when it had to be killed."""
        output("runc", "kill", self.identity, "TERM")
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return -9


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What a pod says of a container beside its image; ``binds`` are files of this machine, by their place in it."""

    uid: int
    arguments: Sequence[str]
    environment: Mapping[str, str]
    binds: Mapping[str, Path]


@contextmanager
def started(bundle: Path, image: Image, container: Container) -> Iterator[Running]:
    """A container with a read-only root, no capability, no way to get more rights, and this machine's network.

    ``bundle`` is a directory that is not there yet, for what runc wants to have in one.
    """
    bundle.mkdir(parents=True)
    identity = f"test-{os.getpid()}-{time.monotonic_ns()}"
    (bundle / "config.json").write_text(json.dumps(_specification(image, container)), encoding="utf-8")
    log = bundle / "log"
    with log.open("wb") as written:
        command = ["runc", "run", "--bundle", str(bundle), identity]
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        yield Running(identity=identity, process=running, log=log)
    finally:
        subprocess.run(["runc", "delete", "--force", identity], check=False, capture_output=True)
        running.wait(STOP_SECONDS)


def _specification(image: Image, container: Container) -> dict[str, Any]:
    """Return the container as a runtime of the Open Container Initiative wants to be told of it."""
    variables = [f"{name}={value}" for name, value in container.environment.items()]
    process = {
        "terminal": False,
        "user": {"uid": container.uid, "gid": 0},
        "args": [*image.config["Entrypoint"], *container.arguments],
        "env": [*image.config["Env"], *variables],
        "cwd": image.config["WorkingDir"] or "/",
        "noNewPrivileges": True,
        "capabilities": {},
    }
    return {
        "ociVersion": "1.0.2",
        "process": process,
        "root": {"path": str(image.root), "readonly": True},
        "mounts": [*_MOUNTS, *(_bind(source, target) for target, source in container.binds.items())],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]},
    }


def _bind(source: Path, target: str) -> dict[str, Any]:
    return {"destination": target, "source": str(source), "type": "bind", "options": ["rbind", "ro"]}


def _tmpfs(target: str, *options: str) -> dict[str, Any]:
    return {
        "destination": target,
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "nodev", *options],
    }


_MOUNTS = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
    _tmpfs("/dev/shm", "mode=1777", "size=65536k"),  # noqa: S108 - where a runtime has it
    _tmpfs("/tmp", "mode=1777", "size=268435456"),  # noqa: S108 - the volume of the Deployment
)
