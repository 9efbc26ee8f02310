"""A project for ansible-operator, warm and cold, beside a plain cold ``ansible-runner`` of the same playbook.

``python -m benchmarks.dropin``. The plain one is a lower bound of what an operator takes that starts ansible-runner for
each change: it watches nothing, writes no status and adds no owner. All are measured in turns.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.results import Results
from benchmarks.trees import processor_seconds
from tests.support.api import Api, Space
from tests.support.cluster import CHECKOUT, DevCluster, running
from tests.support.operators import OperatorUnderTest, conditions
from tests.support.waiting import wait_for
from tools.demo.credentials import rbac_objects

PROJECT = CHECKOUT / "tests" / "dropin" / "project"
ROUNDS = 3
PLAIN = "ansible-runner"
PAIRS = ((PLAIN, "warm"), ("cold", "warm"), (PLAIN, "cold"))


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that makes a site of a specification: ``make`` returns when it is made."""

    name: str
    make: Callable[[str, dict[str, Any]], None]
    used: Callable[[], float]


def main() -> None:
    """Measure and print."""
    results = Results()
    with ExitStack() as stack:
        cluster = stack.enter_context(running(crds=()))
        cluster.apply(*rbac_objects())
        cluster.kubectl("apply", "--server-side", "-f", str(PROJECT / "rbac"))
        cluster.kubectl("apply", "--server-side", "-f", str(PROJECT / "crds"))
        cluster.wait_established("sites.dropin.example.com")
        api = Api.connect(cluster.kubeconfig)
        subjects = [engine(stack, cluster, api, name) for name in ("warm", "cold")]
        subjects.append(plain(stack, cluster, api))
        for number in range(ROUNDS):
            for subject in subjects:
                for what, colour in (("create", "grey"), ("update", "red")):
                    measure(
                        results, subject, what, f"site-{number}", {"siteTitle": "Home", "siteColour": colour}
                    )
    results.show(Console(width=140), PAIRS)


def measure(results: Results, subject: Subject, what: str, name: str, spec: dict[str, Any]) -> None:
    """Have one site made or changed."""
    began, used = time.monotonic(), subject.used()
    subject.make(name, spec)
    results.add(what, subject.name, "latency", "s", time.monotonic() - began)
    time.sleep(1.0)  # what comes after it counts too
    results.add(what, subject.name, "processor", "s", subject.used() - used)


def engine(stack: ExitStack, cluster: DevCluster, api: Api, name: str) -> Subject:
    """Start the engine with the project, for a namespace of its own."""
    space = Space(api, f"bench-{name}")
    space.create({"kind": "Namespace", "metadata": {"name": space.name}})
    operator = OperatorUnderTest(
        cluster=cluster,
        directory=Path(stack.enter_context(tempfile.TemporaryDirectory())),
        watches=Path("watches.yaml"),
        home=PROJECT,
        arguments=[
            *("--compatibility", "ansible-operator", "--namespaces", space.name),
            *("--executor", "cold" if name == "cold" else "auto"),
        ],
        environment={"DROPIN_ORIGIN": "bench"},
    )
    stack.callback(operator.stop)
    operator.start()

    def make(site: str, spec: dict[str, Any]) -> None:
        if space.get("Site", site):
            space.patch("Site", site, {"spec": spec})
        else:
            space.create({"kind": "Site", "metadata": {"name": site}, "spec": spec})

        def made() -> bool:
            told, style = conditions(space.get("Site", site)), space.get("ConfigMap", f"{site}-style")
            if not told or not style or style["data"]["colour"] != spec["siteColour"]:
                return False
            successful = told.get("Successful", {}).get("status")
            return (told["Running"]["reason"], successful) == ("Successful", "True")

        wait_for(made, timeout=300, what=f"{site} of {name}")

    return Subject(name, make, lambda: processor_seconds(operator.running.process.process.pid))


def plain(stack: ExitStack, cluster: DevCluster, api: Api) -> Subject:
    """Give what ansible-operator starts for each change, without all that is around it."""
    space = Space(api, "bench-plain")
    space.create({"kind": "Namespace", "metadata": {"name": space.name}})
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (directory / "project").symlink_to(PROJECT)
    for name in ("env", "inventory"):
        (directory / name).mkdir()
    host = f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    (directory / "inventory" / "hosts").write_text(host, encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "KUBECONFIG": str(cluster.kubeconfig),
        "ANSIBLE_ROLES_PATH": str(PROJECT / "roles"),
    }

    def make(site: str, spec: dict[str, Any]) -> None:
        variables = {
            "ansible_operator_meta": {"name": site, "namespace": space.name},
            "origin": "bench",
            "site_title": spec["siteTitle"],
            "site_colour": spec["siteColour"],
        }
        (directory / "env" / "extravars").write_text(json.dumps(variables), encoding="utf-8")
        command = [sys.executable, "-m", "ansible_runner", "run", str(directory), "-q"]
        subprocess.run([*command, "-p", "playbooks/site.yml", "-i", site], env=environment, check=True)

    return Subject(PLAIN, make, children_seconds)


def children_seconds() -> float:
    """Give what all processes have used that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
