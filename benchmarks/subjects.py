"""What is measured: an operator with a ServiceAccount, a namespace and a process tree of its own.

Subjects run beside each other, so that measurements can be taken in turns: what else the machine does then slows all
of them alike.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.trees import memory_bytes, processor_seconds, size_bytes
from tests.support.api import Space
from tests.support.audit import WRITING, AuditLog
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.routers import service
from tests.support.waiting import wait_for
from tools.demo.actors import Operator, free_port
from tools.demo.credentials import ACCOUNT, rbac_objects, write_kubeconfig
from tools.demo.kube import Kubectl
from tools.demo.processes import OperatorProcess, stop_tree

READY_SECONDS = 120.0
TWIN = CHECKOUT / "benchmarks" / "twin" / "watches.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests to the API server over some time; watches that go on do not count."""

    total: int
    writes: int


@dataclass(slots=True, kw_only=True)
class Subject:
    """One operator. ``command`` starts another implementation; KUBECONFIG names its credentials."""

    name: str
    cluster: DevCluster
    space: Space
    arguments: Sequence[str] = ()
    watches: Path = CHECKOUT / "watches.yaml"
    command: str = ""
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="bench-")))
    process: subprocess.Popen[bytes] | None = None
    operator: Operator | None = None

    def prepare(self) -> None:
        """Make its namespace, account and rights, and what its resources refer to."""
        self.cluster.apply(*rbac_objects(namespace=self.home, suffix=f"-{self.space.name}"))
        self.space.create({"kind": "Namespace", "metadata": {"name": self.space.name}})
        self.space.create(service())

    @property
    def home(self) -> str:
        """The namespace of its account; its resources are in that of ``space``."""
        return f"{self.space.name}-operator"

    def start(self) -> None:
        """Start it; return when it is ready."""
        kubectl = Kubectl(command=self.cluster.kubectl_command, kubeconfig=self.cluster.kubeconfig)
        path = self.directory / "kubeconfig"
        kubeconfig = write_kubeconfig(kubectl, path, namespace=self.home)
        if self.command:
            given = {
                "KUBECONFIG": str(kubeconfig),
                "WATCH_NAMESPACE": self.space.name,
                "TMPDIR": str(self.directory),
            }
            self.process = subprocess.Popen(shlex.split(self.command), env={**os.environ, **given})
            return
        address = f"127.0.0.1:{free_port()}"
        options = ["--watches-file", str(self.watches), "--namespaces", self.space.name, *self.arguments]
        options += ["--health-probe-bind-address", address, "--metrics-bind-address", address]
        started = OperatorProcess.start(
            kubeconfig=kubeconfig,
            log=self.directory / "log",
            arguments=options,
            directory=CHECKOUT,
            TMPDIR=str(self.directory),
        )
        operator = Operator(process=started, probes=f"http://{address}")
        self.process, self.operator = started.process, operator
        wait_for(lambda: operator.ready()[0], timeout=READY_SECONDS, what=f"{self.name} gets ready")

    def stop(self) -> None:
        """Stop it."""
        if self.process:
            stop_tree(self.process.pid, 40.0)
            self.process.wait()
            self.process = None

    @property
    def pid(self) -> int:
        """The process at the top of its tree."""
        if self.process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self.process.pid

    def processor_seconds(self) -> float:
        """Return what its tree has used since its start."""
        return processor_seconds(self.pid)

    def memory_bytes(self) -> int:
        """Return the memory of its tree."""
        return memory_bytes(self.pid)

    def disk_bytes(self) -> int:
        """Return what lies in its temporary directory, but for its log."""
        log = self.directory / "log"
        return size_bytes(self.directory) - (log.stat().st_size if log.exists() else 0)

    def runs(self) -> int:
        """Count the runs in its log; other implementations have none."""
        log = self.directory / "log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        return text.count('"message": "run ended"')

    def mark(self) -> int:
        """Return a mark in the audit log for this moment."""
        return AuditLog(self.cluster.audit_log).now()

    def requests(self, since: int) -> Requests:
        """Count what it asked the API server for since the mark."""
        user = f"system:serviceaccount:{self.home}:{ACCOUNT}"
        verbs = AuditLog(self.cluster.audit_log).requests(user, since)
        return Requests(total=len(verbs), writes=sum(verb in WRITING for verb in verbs))
