"""The real operator process for tests: its own rights, its log, and a check that nothing of it is left."""

import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.waiting import wait_for
from tools.demo.actors import Operator, free_port
from tools.demo.credentials import NAMESPACE, write_kubeconfig
from tools.demo.kube import Kubectl
from tools.demo.processes import PROGRAM, OperatorProcess, alive, kill_tree

USER = f"system:serviceaccount:{NAMESPACE}:semantic-router-operator"
READY_SECONDS = 60.0
MARK = "OPERATOR_UNDER_TEST"


def derived_watches(directory: Path, **changes: object) -> Path:
    """Write ``watches.yaml`` with some keys changed, beside links to what it names; return it."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("roles", "playbooks", "plugins"):
        (directory / name).symlink_to(CHECKOUT / name)
    entries = yaml.safe_load((CHECKOUT / "watches.yaml").read_text(encoding="utf-8"))
    entries[0].update(changes)
    path = directory / "watches.yaml"
    path.write_text(yaml.safe_dump(entries, sort_keys=False), encoding="utf-8")
    return path


@dataclass(slots=True, kw_only=True)
class OperatorUnderTest:
    """An operator that can be started, killed and started again; ``log`` has what all of them printed."""

    cluster: DevCluster
    directory: Path
    watches: Path = CHECKOUT / "watches.yaml"
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    route: Callable[[Path], None] = lambda _kubeconfig: None
    """Changes the operator's kubeconfig before it is used, to lead it through a proxy for example."""

    within: Sequence[str] = ()
    """A command that becomes the operator's program, such as ``unshare``."""

    namespace: str = NAMESPACE
    """Where the operator's account is."""

    home: Path = CHECKOUT
    """The working directory of the operator."""

    program: Path = PROGRAM
    """What is run; that of another version, for example."""

    current: Operator | None = None
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def log(self) -> str:
        """Everything that was printed so far."""
        path = self.directory / "operator.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        kubectl = Kubectl(command=self.cluster.kubectl_command, kubeconfig=self.cluster.kubeconfig)
        path = self.directory / "operator.kubeconfig"
        kubeconfig = write_kubeconfig(kubectl, path, namespace=self.namespace)
        self.route(kubeconfig)
        address = f"127.0.0.1:{free_port()}"
        addresses = ["--health-probe-bind-address", address, "--metrics-bind-address", address]
        process = OperatorProcess.start(
            self.program,
            kubeconfig=kubeconfig,
            log=self.directory / "operator.log",
            arguments=["--watches-file", str(self.watches), *addresses, *self.arguments],
            directory=self.home,
            within=self.within,
            **{MARK: self.mark, **self.environment},
        )
        self.current = Operator(process=process, probes=f"http://{address}")
        wait_for(lambda: self.running.ready()[0], timeout=READY_SECONDS, what="the operator gets ready")

    @property
    def running(self) -> Operator:
        """The running process; raises AssertionError when there is none."""
        assert self.current is not None, "the operator has not been started"
        return self.current

    def kill(self) -> None:
        """Kill it and all its children with SIGKILL, as an out-of-memory killer of the node would."""
        kill_tree(self.running.process.process.pid)
        self.running.process.process.wait()
        self.current = None

    def stop(self) -> None:
        """Stop it gracefully; it must end by itself with code 0 and leave no process."""
        if self.current is None:
            return
        code = self.current.process.stop()
        self.current = None
        left = processes_with(MARK, self.mark)
        for pid in left:
            kill_tree(pid)
        assert code == 0, f"the operator ended with {code}"
        assert not left, f"processes {left} are left of the operator"
        assert "Unclosed" not in self.log, "a connection was left open"

    def metric(self, name: str) -> float:
        """Return the sum of all samples of a metric, 0 when there is none."""
        lines = self.exposition().decode().splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
        )

    def exposition(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        with urllib.request.urlopen(f"{self.running.probes}/metrics", timeout=5) as answer:  # noqa: S310
            return bytes(answer.read())


def processes_with(variable: str, value: str) -> list[int]:
    """Return the running processes that have the variable in their environment."""
    wanted = f"{variable}={value}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = path.read_bytes().split(b"\0")
        except OSError:
            continue  # ended, or another user's
        if wanted in environment and alive(int(path.parent.name)):
            found.append(int(path.parent.name))
    return found


def conditions(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions of an object by type."""
    return {condition["type"]: condition for condition in resource.get("status", {}).get("conditions", [])}
