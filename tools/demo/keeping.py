"""A demonstration that was left running with ``KEEP=1``: remembered in a file, so that it can be ended."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.demo.processes import alive
from tools.env.install_collections import cache_directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What runs: the operator's process (with its start, since ids are used again) and where it works."""

    pid: int
    started: str
    own: bool
    kubeconfig: str
    command: tuple[str, ...]
    directory: str
    name: str
    remove_crd: bool

    @property
    def operator_runs(self) -> bool:
        """Whether the operator still runs, and not another program that got its id."""
        return alive(self.pid) and started_at(self.pid) == self.started

    def save(self) -> None:
        """Remember it."""
        record().parent.mkdir(parents=True, exist_ok=True)
        record().write_text(json.dumps(asdict(self)), encoding="utf-8")


def record() -> Path:
    """Return the file that remembers."""
    return cache_directory() / "demo" / "kept.json"


def load() -> Kept | None:
    """Return what was left running, None when there is nothing."""
    if not record().exists():
        return None
    data = json.loads(record().read_text(encoding="utf-8"))
    return Kept(**{**data, "command": tuple(data["command"])})


def started_at(pid: int) -> str:
    """Return when the process started, in ticks since the machine did; empty when it does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""
