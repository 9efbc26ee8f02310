"""A Toy in a namespace: a kind that the engine has never heard of, as tests talk about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.api import Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.operators import MARK, OperatorUnderTest, conditions, processes_with
from tests.support.waiting import wait_for

DIRECTORY = CHECKOUT / "tests" / "integration" / "toy"
FINALIZER = "example.com/toy"
SETTLED_SECONDS = 45.0
"""A run of the toy takes about 2 s on two idle cores; the rest is room."""

SERVER = "playbook_engine.warm.server"


def install_kind(cluster: DevCluster) -> None:
    """Install the definition of the toy and wait until it is served."""
    cluster.kubectl("apply", "--server-side", "-f", str(DIRECTORY / "crd.yaml"))
    cluster.wait_established("toys.example.com")


@dataclass(frozen=True, slots=True)
class Toy:
    """One resource by name; it need not exist yet."""

    space: Space
    name: str = "toy"

    @classmethod
    def create(
        cls, space: Space, *, name: str = "toy", finalizers: tuple[str, ...] = (), **spec: object
    ) -> "Toy":
        """Create a toy; ``spec`` are fields of its specification."""
        metadata = {"name": name, "finalizers": list(finalizers)}
        space.create({"kind": "Toy", "metadata": metadata, "spec": spec})
        return cls(space, name)

    def read(self) -> dict[str, Any]:
        """Return the toy; raises AssertionError when it does not exist."""
        found: dict[str, Any] | None = self.space.get("Toy", self.name)
        assert found is not None, f"no Toy {self.name}"
        return found

    def edit(self, **spec: object) -> None:
        """Merge into the specification; None removes a field."""
        self.space.patch("Toy", self.name, {"spec": spec})

    def mark(self, **metadata: Mapping[str, str]) -> None:
        """Merge into the metadata."""
        self.space.patch("Toy", self.name, {"metadata": metadata})

    def delete(self) -> None:
        """Ask for its deletion."""
        self.space.delete("Toy", self.name)

    def wait_gone(self) -> None:
        """Wait until it is gone."""
        wait_for(lambda: self.space.get("Toy", self.name) is None, timeout=30, what=f"{self.name} goes")

    def wait_condition(
        self, kind: str, status: str, *, reason: str = "", timeout: float = SETTLED_SECONDS
    ) -> dict[str, Any]:
        """Wait for a condition of the current generation with that status and reason."""

        def holds() -> dict[str, Any]:
            toy = self.read()
            condition: dict[str, Any] = conditions(toy).get(kind, {})
            assert condition, f"no condition {kind}"
            assert condition["observedGeneration"] == toy["metadata"]["generation"], condition
            assert (condition["status"], reason or condition["reason"]) == (status, condition["reason"]), (
                condition
            )
            return condition

        return wait_for(holds, timeout=timeout, what=f"{kind}={status} {reason} of {self.name}")

    def wait_made(self, timeout: float = SETTLED_SECONDS) -> dict[str, Any]:
        """Wait until the newest specification has been run and the toy is Available; return it."""
        self.wait_condition("Reconciled", "True", reason="RunSucceeded", timeout=timeout)
        self.wait_condition("Available", "True", timeout=timeout)
        return self.read()

    def config_map(self) -> dict[str, Any]:
        """Return what the playbook makes; raises AssertionError when there is none."""
        found: dict[str, Any] | None = self.space.get("ConfigMap", self.name)
        assert found is not None, f"no ConfigMap {self.name}"
        return found

    def wait_data(self, **wanted: str) -> dict[str, Any]:
        """Wait until the ConfigMap has these fields; return it."""

        def has() -> dict[str, Any]:
            found = self.config_map()
            assert {name: found["data"].get(name) for name in wanted} == wanted
            return found

        return wait_for(has, timeout=SETTLED_SECONDS, what=f"{wanted} in the ConfigMap of {self.name}")

    def events(self, reason: str) -> list[dict[str, Any]]:
        """Return the events about it with that reason."""
        uid = self.read()["metadata"]["uid"]
        events = self.space.list("Event")
        return [one for one in events if (one["involvedObject"].get("uid"), one["reason"]) == (uid, reason)]


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate that runs of a toy wait at, in a directory of its own."""

    directory: Path

    @property
    def arrived(self) -> list[int]:
        """The processes that have come to the gate, one of each run."""
        path = self.directory / "arrived"
        return [int(line) for line in path.read_text(encoding="utf-8").split()] if path.exists() else []

    def wait_arrived(self, runs: int = 1) -> None:
        """Wait until so many runs have come."""
        wait_for(
            lambda: len(self.arrived) >= runs, timeout=SETTLED_SECONDS, what=f"{runs} runs come to the gate"
        )

    def open(self) -> None:
        """Let everybody through, now and later."""
        (self.directory / "open").touch()


def run_processes(operator: OperatorUnderTest) -> list[int]:
    """Return the processes of the operator's runs, also those that have left its tree."""
    own = operator.running.process.process.pid
    others = [pid for pid in processes_with(MARK, operator.mark) if pid != own]
    return [pid for pid in others if pid not in fork_servers(operator)]


def fork_servers(operator: OperatorUnderTest) -> list[int]:
    """Return the processes that warm runs are forks of."""
    own = operator.running.process.process.pid
    return [
        pid for pid in processes_with(MARK, operator.mark) if parent(pid) == own and SERVER in command(pid)
    ]


def lineage(operator: OperatorUnderTest, pid: int) -> list[int]:
    """Return the processes from the operator's first descendant down to ``pid``."""
    own, found = operator.running.process.process.pid, [pid]
    while (above := parent(found[0])) != own:
        assert above > 1, f"process {pid} is not below the operator"
        found.insert(0, above)
    return found


def parent(pid: int) -> int:
    """Return the parent of a process, 0 when that has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def command(pid: int) -> list[str]:
    """Return the command line of a process, empty when that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


def passes(operator: OperatorUnderTest) -> float:
    """How many passes the running operator has made."""
    return operator.metric("playbook_engine_reconciles_total")


def runs(operator: OperatorUnderTest) -> float:
    """How many runs of the running operator have ended."""
    return operator.metric("playbook_engine_runs_total")


def wait_passes(operator: OperatorUnderTest, count: int) -> None:
    """Wait until the operator has made so many passes more."""
    before = passes(operator)
    wait_for(lambda: passes(operator) >= before + count, timeout=20, what=f"{count} passes")
