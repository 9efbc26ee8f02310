"""Where the demonstration plays: a control plane of its own, or the cluster that the user names."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.demo.kube import LAUNCHER, Kubectl

INSTANCE = "demo"
NAMESPACE = "semantic-router-demo"
CRD = "semanticrouters.vllm.ai"


class DeclinedError(Exception):
    """The user did not agree, or the cluster is not one to demonstrate on; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A cluster to play on; ``own`` when it was started for this and is thrown away as a whole."""

    kubectl: Kubectl
    own: bool
    crd_was_there: bool
    has_kserve: bool

    @property
    def shown(self) -> str:
        """How a reader would call kubectl here."""
        return " ".join(self.kubectl.command) if self.own else "kubectl"


def start_own(*, keep: bool) -> Place:
    """Start the control plane of the demonstration; unless ``keep``, it ends with this process."""
    owner = () if keep else ("--owner-pid", str(os.getpid()))
    subprocess.run([LAUNCHER, "up", "--name", INSTANCE, *owner], check=True, stdout=subprocess.DEVNULL)
    told = subprocess.run(
        [LAUNCHER, "status", "--name", INSTANCE, "--output", "json"],
        check=True,
        capture_output=True,
        text=True,
    )
    status = json.loads(told.stdout)
    kubectl = Kubectl(command=tuple(status["kubectl"]), kubeconfig=Path(status["kubeconfig"]))
    return look_at(kubectl, own=True)


def stop_own() -> None:
    """Stop that control plane and throw its data away."""
    subprocess.run([LAUNCHER, "down", "--name", INSTANCE], check=True, stdout=subprocess.DEVNULL)


def own_is_running() -> bool:
    """Whether a control plane of an earlier demonstration still runs."""
    asked = subprocess.run([LAUNCHER, "list"], check=True, capture_output=True, text=True)
    return INSTANCE in asked.stdout.split()


def look_at(kubectl: Kubectl, *, own: bool) -> Place:
    """Find out what is on the cluster already."""
    served = kubectl.run("api-resources", "-o", "name", check=False)
    return Place(
        kubectl=kubectl,
        own=own,
        crd_was_there=kubectl.get("crd", CRD) is not None,
        has_kserve="inferenceservices.serving.kserve.io" in served.split(),
    )


def agree(place: Place, *, yes: bool) -> None:
    """Say what will be done on the user's cluster and ask; raises DeclinedError."""
    operators = place.kubectl.items(
        "deployments", "-A", "-l", "app.kubernetes.io/name=semantic-router-operator"
    )
    if operators:
        message = (
            f"an operator runs in namespace {operators[0]['metadata']['namespace']} of this cluster and "
            "would act on the demonstration's resource too; use another cluster, or none (unset KUBECONFIG)"
        )
        raise DeclinedError(message)
    print(f"The demonstration will use the cluster at {place.kubectl.server()}:")
    print(f"  - make the namespace {NAMESPACE}, a ClusterRole and a ClusterRoleBinding of the same name")
    print(
        f"  - {'use the installed' if place.crd_was_there else 'install the'} CustomResourceDefinition {CRD}"
    )
    print(f"  - run the operator on this machine, for the namespace {NAMESPACE} only")
    print("  - remove all that it made when it ends")
    if yes:
        return
    if not sys.stdin.isatty():
        message = "not a terminal, so nobody can be asked: run YES=1 make demo to agree"
        raise DeclinedError(message)
    if input("Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
        message = "nothing was done"
        raise DeclinedError(message)
