"""The commands of all pages, typed one after the other as a newcomer would, on a control plane of their own.

``commands.yaml`` has them in their order. No node here starts a container, so the operator that some of
them need runs beside it, with the arguments of the Deployment and the token of its account.
"""

import os
import pty
import select
import shlex
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import CHECKOUT, LAUNCHER, DevCluster
from tests.support.cluster import running as running_cluster
from tests.support.operators import OperatorUnderTest
from tests.support.page_commands import Walked, table
from tools.demo.credentials import NAMESPACE
from tools.demo.processes import kill_tree

pytestmark = [pytest.mark.cluster, pytest.mark.pages, pytest.mark.timeout(900)]

SAMPLE = "samples/vllm.ai_v1alpha1_semanticrouter_{}.yaml"
LAST_WITH_OPERATOR = [one for one in table().walked if one.with_operator][-1]
LONGEST_SECONDS = 600.0
PATIENCE_SECONDS = 120.0


def kind_of(name: str, group: str, plural: str) -> dict[str, Any]:
    """Return a definition that takes anything: of the Prometheus Operator only the names are needed here."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": name, "plural": plural}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@dataclass(slots=True)
class Terminal:
    """A shell in the checkout whose ``kubectl`` and ``make`` are those of the test."""

    cluster: DevCluster
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Put the programs on its path; what ``make cluster-up`` starts ends with this process."""
        programs = self.directory / "bin"
        programs.mkdir()
        own = f"--name pages-{uuid.uuid4().hex[:8]} --owner-pid {os.getpid()}"
        for name, command in {
            "kubectl": f'{shlex.join(self.cluster.kubectl_command)} "$@"',
            "make": '/usr/bin/make -o env "$@"',
            "own": f'"{LAUNCHER}" "$@" {own}',
        }.items():
            path = programs / name
            path.write_text(f"#!/bin/sh\nexec {command}\n", encoding="utf-8")
            path.chmod(0o755)
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("KEEP", "YES", "MAKEFLAGS")},
            "PATH": os.pathsep.join((str(programs), str(CHECKOUT / ".venv" / "bin"), os.environ["PATH"])),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "OWN": str(programs / "own"),
            "COLUMNS": "200",
            "SIMPLE": str(CHECKOUT / SAMPLE.format("simple")),
            "FILE": str(CHECKOUT / SAMPLE.format("mmbert")),
            "CLUSTER": str(self._describe_cluster()),
            "OUT": str(self.directory),
        }

    def _describe_cluster(self) -> Path:
        """Write what a cluster would show: the shipped description, with the model server of the file."""
        path = self.directory / "cluster.yaml"
        parts = (
            CHECKOUT / "samples" / name for name in ("observed/kubernetes.yaml", "prerequisites/mmbert.yaml")
        )
        path.write_text("---\n".join(part.read_text(encoding="utf-8") for part in parts), encoding="utf-8")
        return path

    def type(self, command: str) -> str:
        """Run it to its end and return what it prints; raises AssertionError when it fails."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=CHECKOUT, env=self.environment, text=True, timeout=LONGEST_SECONDS, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def type_until(self, command: str, text: str) -> None:
        """Run one that goes on until it prints the text, and end it as Ctrl-C does."""
        screen, keyboard = pty.openpty()
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=CHECKOUT, env={**self.environment, "TERM": "xterm", "LINES": "50"},
            stdin=keyboard, stdout=keyboard, stderr=keyboard, start_new_session=True,
        )  # fmt: skip
        os.close(keyboard)
        seen, deadline = b"", time.monotonic() + PATIENCE_SECONDS
        try:
            while text.encode() not in seen:
                rest = max(0.0, deadline - time.monotonic())
                assert select.select([screen], [], [], rest)[0], seen.decode(errors="replace")
                seen += os.read(screen, 65536)
            os.killpg(process.pid, signal.SIGINT)
            with suppress(OSError):  # how a terminal says that nobody writes to it any more
                while os.read(screen, 65536):
                    pass
            process.wait(timeout=60)
        finally:
            kill_tree(process.pid)
            os.close(screen)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with running_cluster() as cluster:
        group = "monitoring.coreos.com"
        cluster.apply(
            kind_of("ServiceMonitor", group, "servicemonitors"),
            kind_of("PrometheusRule", group, "prometheusrules"),
        )
        terminal = Terminal(cluster, tmp_path_factory.mktemp("pages"))
        terminal.prepare()
        yield terminal


@pytest.fixture(scope="module")
def operator(terminal: Terminal) -> Iterator[OperatorUnderTest]:
    """The operator with the arguments of the Deployment; outside of a pod it has to be told its namespace."""
    cluster = terminal.cluster
    manager = cluster.get("deployment", "semantic-router-operator", "-n", NAMESPACE)
    _, *arguments = manager["spec"]["template"]["spec"]["containers"][0]["args"]
    operator = OperatorUnderTest(
        cluster=cluster,
        directory=terminal.directory,
        arguments=[*arguments, f"--leader-election-namespace={NAMESPACE}"],
    )
    operator.start()
    yield operator
    operator.stop()


@pytest.mark.parametrize("walked", table().walked, ids=lambda walked: walked.command)
def test_a_command_of_a_page_works(
    terminal: Terminal, walked: Walked, request: pytest.FixtureRequest
) -> None:
    operator = request.getfixturevalue("operator") if walked.with_operator else None
    if walked.until:
        terminal.type_until(walked.typed, walked.until)
    else:
        assert walked.says in terminal.type(walked.typed)
    if operator and walked == LAST_WITH_OPERATOR:
        operator.stop()
