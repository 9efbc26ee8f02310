"""A stand-in for the router's process: the same flags, ports, files and refusals, without any model in it.

It exits with code 1 and a message where the real one would not come up; it keeps its last good
configuration and says so when a changed file is refused. It runs inside a pod's own file system, where only
the packages of this environment are shown to it.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support import standin_extproc
from tests.support.router_loader import Loaded, RefusedError, listener, load
from tests.support.standin_choice import chosen_model

MODELS = Path("models")
POLL_SECONDS = 0.1


class Flags(argparse.Namespace):
    """The flags of the real router that are known; any other is refused."""

    config: str
    port: int
    api_port: int
    api_bind: str
    metrics_port: int
    enable_api: bool


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Parse flags as Go does: one dash or two, ``--flag value`` or ``--flag=value``, ``--switch=false``."""
    parser = argparse.ArgumentParser(prog="router", add_help=False, allow_abbrev=False)
    parser.add_argument("-config", "--config", default="config/config.yaml")
    parser.add_argument("-port", "--port", type=int, default=50051)
    parser.add_argument("-api-port", "--api-port", type=int, default=0)
    parser.add_argument("-api-bind", "--api-bind", default="")
    parser.add_argument("-metrics-port", "--metrics-port", type=int, default=9190)
    parser.add_argument(
        "-enable-api", "--enable-api", nargs="?", const=True, default=True, type=lambda text: text == "true"
    )
    return parser.parse_args(arguments, namespace=Flags())


def log(level: str, message: str) -> None:
    """Write one line of the log."""
    print(json.dumps({"level": level, "msg": message}), flush=True)  # noqa: T201 - a container's log


@dataclass(slots=True)
class State:
    """The configuration in use; replaced as a whole by a reload."""

    loaded: Loaded
    digest: str
    lock: threading.Lock = field(default_factory=threading.Lock)


def read_configuration(path: Path) -> State:
    """Load the file and the files that it names; raises RefusedError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise RefusedError(message) from error
    loaded = load(text, os.environ)
    check_tools(loaded)
    for name in loaded.ignored:
        log("warn", f"unknown key {name}")
    return State(loaded=loaded, digest=hashlib.sha256(text.encode()).hexdigest())


def check_tools(loaded: Loaded) -> None:
    """Refuse a configuration whose tools are enabled and whose file of tools is no JSON list."""
    integrations = (loaded.document.get("global") or {}).get("integrations") or {}
    tools = integrations.get("tools") or {}
    if not tools.get("enabled") or not tools.get("tools_db_path"):
        return
    path = Path(tools["tools_db_path"])
    try:
        database = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"cannot read the tools of {path}: {error}"
        raise RefusedError(message) from error
    if not isinstance(database, list):
        message = f"{path} is no list of tools"
        raise RefusedError(message)


def download_models() -> None:
    """Write to the place of the models, as the real router does at its first start; raises RefusedError."""
    try:
        MODELS.mkdir(exist_ok=True)
        (MODELS / "downloaded").write_text("nothing, this is a stand-in\n", encoding="utf-8")
    except OSError as error:
        message = f"cannot write models below {MODELS.resolve()}: {error.strerror}"
        raise RefusedError(message) from error


def watch(path: Path, state: State, stopped: threading.Event) -> None:
    """Reload the configuration when the file's content changes."""
    seen = state.digest
    while not stopped.wait(POLL_SECONDS):
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            continue  # between two versions of the mounted directory
        if digest == seen:
            continue
        seen = digest
        try:
            fresh = read_configuration(path)
        except RefusedError as error:
            log("error", f"reload refused, keeping the old configuration: {error}")
            continue
        with state.lock:
            state.loaded, state.digest = fresh.loaded, fresh.digest
        log("info", f"configuration reloaded, sha256 {digest}")


def choose(body: Mapping[str, Any], state: State) -> str:
    """Return the model that the configuration in use chooses for a request."""
    with state.lock:
        loaded = state.loaded
    return chosen_model(loaded.document, loaded.models, body)


def answer(path: str, state: State) -> tuple[int, str]:
    """Return status and JSON body of a GET of the management API."""
    with state.lock:
        models, digest = state.loaded.models, state.digest
    listing = {"object": "list", "data": [{"id": model, "object": "model"} for model in models]}
    bodies: dict[str, object] = {
        "/health": {"status": "healthy"},
        "/ready": {"status": "ready"},
        "/v1/models": listing,
        "/info/models": {"models": models},
        "/config/hash": {"sha256": digest},
    }
    return (200, json.dumps(bodies[path])) if path in bodies else (404, json.dumps({"error": "not found"}))


def serve_http(address: str, port: int, state: State, *, metrics: bool) -> None:
    """Serve the management API or the metrics; raises OSError when the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = (200, "standin_router_up 1\n") if metrics else answer(self.path, state)
            if "?" in self.path:
                log(
                    "info",
                    f"request {self.path} with headers {' '.join(sorted(map(str.lower, self.headers)))}",
                )
            self.send_response(code)
            self.send_header("Content-Type", "text/plain" if metrics else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Write no line for each request."""

    server = ThreadingHTTPServer((address, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def start(flags: Flags, state: State) -> Any:  # noqa: ANN401 - the gRPC server, to be kept
    """Open all ports; raises RefusedError or OSError."""
    address, port = listener(state.loaded.document, os.environ, flags.api_bind)
    serve_http("", flags.metrics_port, state, metrics=True)
    if flags.enable_api:
        serve_http(address, flags.api_port or port, state, metrics=False)
    return standin_extproc.serve(flags.port, lambda body: choose(body, state), log)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; return 1 when the router would not start."""
    flags = parse_flags(sys.argv[1:] if arguments is None else arguments)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        state = read_configuration(Path(flags.config))
        download_models()
        server = start(flags, state)
    except (RefusedError, OSError) as error:
        log("fatal", str(error))
        return 1
    log("info", f"serving {len(state.loaded.models)} models")
    watch(Path(flags.config), state, stopped)
    server.stop(grace=None)
    log("info", "stopped")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
