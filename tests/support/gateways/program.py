"""Envoy Gateway, the real controller: a Go module whose checksum is pinned, built once for a machine.

``python -m tests.support.gateways.program`` builds it, which shows how far it is, and prints where it lies.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODULE, VERSION = "github.com/envoyproxy/gateway", "v1.6.0"
CHECKSUM = "h1:AWKXQpvnNs6vqSeDgSwOyqMKlPircGXvw97mkfcDh/w="
"""Of the module with its own go.sum, and so of everything that it is built from."""

PACKAGE = "./cmd/envoy-gateway"
SETTINGS = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
SAY_SECONDS = 6.0


def source() -> Path:
    """Return the directory of the module, fetched when it is not there; raises AssertionError for another checksum."""
    asked = ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd="/")
    module = json.loads(done.stdout)
    assert module["Sum"] == CHECKSUM, f"{MODULE} {VERSION} has the checksum {module['Sum']}"
    return Path(module["Dir"])


def definitions() -> list[Path]:
    """Return the files of Envoy Gateway's own kinds."""
    return sorted((source() / "charts" / "gateway-helm" / "crds" / "generated").glob("*.yaml"))


def program() -> Path:
    """Return where the program is, or will be when it has been built."""
    default = Path.home() / ".cache" / "semantic-router-operator"
    cache = Path(os.environ.get("SEMANTIC_ROUTER_CACHE") or default)
    return cache / "envoy-gateway" / VERSION / "envoy-gateway"


def build() -> Path:
    """Build the program unless it is there; raises RuntimeError with the compiler's words."""
    target = program()
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.parent / "lock"):
        if not target.exists():
            _compile(target)
    return target


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait for whoever builds it already."""
    with lock.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compile(target: Path) -> None:
    began, environment, directory = time.monotonic(), {**os.environ, **SETTINGS}, source()
    listed = subprocess.run(
        ["go", "list", "-deps", PACKAGE], capture_output=True, text=True, check=True, cwd=directory,
        env=environment,
    )  # fmt: skip
    total = len(listed.stdout.splitlines())
    _say(f"building {VERSION} into {target} (4 to 12 minutes on two cores, once)")
    unfinished = target.with_suffix(".unfinished")
    flags = ["-v", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(unfinished)]
    with subprocess.Popen(
        ["go", "build", *flags, PACKAGE], stderr=subprocess.PIPE, text=True, cwd=directory, env=environment
    ) as compiler:
        said = list(_shown(compiler, total, began))
    if compiler.returncode != 0:
        message = f"go build of {MODULE} {VERSION} failed:\n{''.join(said[-20:])}"
        raise RuntimeError(message)
    unfinished.rename(target)
    _say(f"built in {time.monotonic() - began:.0f} s")


def _shown(compiler: subprocess.Popen[str], total: int, began: float) -> Iterator[str]:
    """Yield what the compiler says, a line for each package, and tell now and then how far it is."""
    latest = began
    for number, line in enumerate(compiler.stderr or ()):
        yield line
        if time.monotonic() - latest > SAY_SECONDS:
            latest = time.monotonic()
            _say(f"{number + 1} of at most {total} packages, {latest - began:.0f} s")


def _say(text: str) -> None:
    print(f"envoy-gateway: {text}", file=sys.stderr, flush=True)  # noqa: T201 - for who waits


if __name__ == "__main__":
    print(build())  # noqa: T201 - its output is its interface
