"""Control planes for tests: started by ``devcluster``, gone with the process that started them."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
LAUNCHER = CHECKOUT / "devcluster" / "devcluster"
ALL_CRDS = ("gateway", "kserve", "route")


@dataclass(frozen=True, slots=True, kw_only=True)
class DevCluster:
    """A running control plane. Stops with :meth:`stop`, and by itself when this process ends, however it ends."""

    name: str
    kubeconfig: Path
    audit_log: Path
    kubectl_command: tuple[str, ...]

    @classmethod
    def start(cls, name: str | None = None, crds: Sequence[str] = ALL_CRDS) -> "DevCluster":
        """Start one and wait until it can run pods (about 7 s); builds the program first when it is not cached."""
        name = name or f"test-{uuid.uuid4().hex[:8]}"
        up = ["up", "--name", name, "--crds", ",".join(crds) or "none", "--owner-pid", str(os.getpid())]
        _devcluster(*up)
        description = json.loads(_devcluster("status", "--name", name, "--output", "json"))
        return cls(
            name=name,
            kubeconfig=Path(description["kubeconfig"]),
            audit_log=Path(description["auditLog"]),
            kubectl_command=tuple(description["kubectl"]),
        )

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as administrator, or as ``kubeconfig`` says.

        Raises AssertionError with kubectl's own words, unless told not to check.
        """
        done = subprocess.run(
            [*self.kubectl_command, "--kubeconfig", str(kubeconfig or self.kubeconfig), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode != 0:
            message = f"kubectl {' '.join(arguments)}: {done.stderr or done.stdout}"
            raise AssertionError(message)
        return done

    def get(self, *arguments: str) -> Any:  # noqa: ANN401 — whatever the API server says, as decoded JSON
        """``kubectl get … -o json``."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def apply(self, *objects: object, arguments: Sequence[str] = ("--server-side",)) -> None:
        """Apply plain objects."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", *arguments, "-f", "-", stdin=json.dumps(items))

    def wait_established(self, name: str) -> None:
        """Wait until the kinds of a definition are served; right after its creation kubectl cannot wait for it."""
        wait = ("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
        wait_for(
            lambda: self.kubectl(*wait, check=False).returncode == 0,
            timeout=60,
            what=f"the definition {name} is established",
        )

    def stop(self) -> None:
        """Stop it and throw its data away."""
        _devcluster("down", "--name", self.name)


@contextmanager
def running(name: str | None = None, crds: Sequence[str] = ALL_CRDS) -> Iterator[DevCluster]:
    """A control plane for the length of a block."""
    cluster = DevCluster.start(name, crds)
    try:
        yield cluster
    finally:
        cluster.stop()


def _devcluster(*arguments: str) -> str:
    """Run the launcher; a first build takes minutes and shows its progress on the terminal."""
    return subprocess.run(
        [LAUNCHER, *arguments], stdout=subprocess.PIPE, text=True, check=True, timeout=1800
    ).stdout
