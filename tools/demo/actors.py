"""Puts the operator onto the stage: its rights, its process, and the resource that it will act on."""

import json
import shutil
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.demo.credentials import rbac_objects, write_kubeconfig
from tools.demo.kube import CHECKOUT, Kubectl, documents
from tools.demo.places import CRD, NAMESPACE, Place
from tools.demo.processes import OperatorProcess

SAMPLES = CHECKOUT / "samples"
SAMPLE = SAMPLES / "vllm.ai_v1alpha1_semanticrouter_simple.yaml"
PREREQUISITES = SAMPLES / "prerequisites" / "simple.yaml"
DEFINITION = CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml"
SUFFIX = "-demo"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The running operator and where it tells that it is ready."""

    process: OperatorProcess
    probes: str

    def ready(self) -> tuple[bool, str]:
        """Look whether it is ready; in the form that ``Display.wait`` wants."""
        if not self.process.running:
            message = f"the operator ended: {self.process.tail()}"
            raise OperatorEndedError(message)
        try:
            with urllib.request.urlopen(f"{self.probes}/readyz", timeout=1) as answer:  # noqa: S310 - our own address
                return answer.status == 200, "ready"  # noqa: PLR2004 - HTTP OK
        except (urllib.error.URLError, OSError) as error:
            return False, str(getattr(error, "reason", error))


class OperatorEndedError(Exception):
    """The operator's process ended by itself; the message has the end of its log."""


def stage_is_free(place: Place) -> tuple[bool, str]:
    """Look whether the namespace of a demonstration before this one is gone; in the form of ``Display.wait``."""
    namespace = place.kubectl.get("namespace", NAMESPACE) or {"metadata": {}}
    ending = "deletionTimestamp" in namespace["metadata"]
    return not ending, f"namespace {NAMESPACE} is being deleted" if ending else "free"


def install(place: Place) -> None:
    """Install the definition, unless the user's cluster has one, and the operator's rights."""
    if place.own or not place.crd_was_there:
        place.kubectl.apply(documents(DEFINITION))
        place.kubectl.wait_established(CRD)
    place.kubectl.apply(rbac_objects(namespace=NAMESPACE, suffix=SUFFIX))


def start_operator(place: Place, directory: Path) -> Operator:
    """Start the operator with its own account's rights, for the namespace of the demonstration only."""
    kubeconfig = write_kubeconfig(place.kubectl, directory / "operator.kubeconfig", namespace=NAMESPACE)
    address = f"127.0.0.1:{free_port()}"
    arguments = ["--watches-file", str(CHECKOUT / "watches.yaml"), "--namespaces", NAMESPACE]
    arguments += ["--health-probe-bind-address", address, "--metrics-bind-address", address]
    process = OperatorProcess.start(
        kubeconfig=kubeconfig, log=directory / "operator.log", arguments=arguments, directory=CHECKOUT
    )
    return Operator(process=process, probes=f"http://{address}")


def manifests(place: Place, directory: Path) -> tuple[Path, Path]:
    """Return the files of what the sample refers to and of the sample.

    On a cluster without KServe the sample's backend becomes a plain Service, in copies in ``directory``.
    """
    if place.has_kserve:
        return PREREQUISITES, SAMPLE
    (resource,) = documents(SAMPLE)
    service = {"name": "demo-model", "port": 8000}
    for endpoint in resource["spec"].get("vllmEndpoints", []):
        endpoint["backend"] = {"type": "service", "service": service}
    files = (directory / "prerequisites.yaml", directory / "semanticrouter.yaml")
    for file, item in zip(files, (_service(service), resource), strict=True):
        file.write_text(yaml.safe_dump(item, sort_keys=False), encoding="utf-8")
    return files


def _service(service: dict[str, Any]) -> dict[str, Any]:
    spec = {"selector": {"app": service["name"]}, "ports": [{"port": service["port"]}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": service["name"]}, "spec": spec}


def leave(kubectl: Kubectl, *, remove_crd: bool) -> None:
    """Remove what the demonstration made on a user's cluster; the resources are gone already."""
    for item in reversed(rbac_objects(namespace=NAMESPACE, suffix=SUFFIX)):
        kubectl.run("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=json.dumps(item))
    if remove_crd and not kubectl.items("semanticrouters.vllm.ai", "-A"):
        kubectl.run("delete", "--ignore-not-found", "crd", CRD)


def forget(directory: Path) -> None:
    """Remove the working directory with the operator's credentials and log."""
    shutil.rmtree(directory, ignore_errors=True)
