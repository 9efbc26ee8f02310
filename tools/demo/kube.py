"""kubectl as a Python object: which one, against which cluster, and errors that repeat its own words."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
LAUNCHER = CHECKOUT / "devcluster" / "devcluster"
FIELD_MANAGER = "semantic-router-operator-install"
TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.2


class KubectlError(Exception):
    """kubectl failed; the message is the command and kubectl's own words."""


def default_command() -> tuple[str, ...]:
    """Return the kubectl to use: ``KUBECTL``, the one on PATH, or the one that devcluster builds."""
    given = os.environ.get("KUBECTL")
    if given:
        return tuple(given.split())
    found = shutil.which("kubectl")
    return (found,) if found else (str(LAUNCHER), "kubectl", "--name", "none", "--")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """A kubectl and the cluster it talks to; ``kubeconfig`` None is what kubectl itself would choose."""

    command: tuple[str, ...] = field(default_factory=default_command)
    kubeconfig: Path | None = None

    def run(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run it and return what it prints; raises KubectlError when it fails and ``check`` is set."""
        given = () if self.kubeconfig is None else ("--kubeconfig", str(self.kubeconfig))
        done = subprocess.run(
            [*self.command, *given, *arguments],
            input=stdin, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
        if check and done.returncode != 0:
            message = f"kubectl {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}"
            raise KubectlError(message)
        return done.stdout

    def get(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the API server says, as decoded JSON
        """Return ``kubectl get … -o json``; None for an object, or a kind, that does not exist."""
        text = self.run("get", *arguments, "-o", "json", "--ignore-not-found", check=False)
        return json.loads(text) if text.strip() else None

    def items(self, *arguments: str) -> list[Any]:
        """Return the objects of a list; empty when the kind does not exist."""
        found = self.get(*arguments)
        return [] if found is None else list(found.get("items", [found]))

    def apply(self, objects: Sequence[Any]) -> None:
        """Apply plain objects by server-side apply."""
        arguments = ("--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "-f", "-")
        self.run("apply", *arguments, stdin=yaml.safe_dump_all(objects))

    def wait_established(self, name: str) -> None:
        """Wait until the kinds of a definition are served; raises KubectlError after a minute.

        ``kubectl wait`` cannot do it: it fails on a definition that is so new that it has no status.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not _is_established(self.get("crd", name) or {}):
            if time.monotonic() > deadline:
                raise KubectlError(f"the definition {name} is not served within {TIMEOUT_SECONDS:g} s")
            time.sleep(POLL_SECONDS)

    def server(self) -> str:
        """Return the address of the API server; raises KubectlError when there is no cluster or no answer."""
        self.run("get", "--raw", "/readyz", "--request-timeout=10s")
        config = json.loads(self.run("config", "view", "--minify", "-o", "json"))
        return str(config["clusters"][0]["cluster"]["server"])


def _is_established(definition: Mapping[str, Any]) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def documents(path: Path) -> list[Any]:
    """Return the objects of a YAML file."""
    return [item for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item]
