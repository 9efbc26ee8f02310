"""What the demonstration knows of the custom resource: its state in one line, and when it is reached."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.demo.kube import Kubectl
from tools.demo.places import NAMESPACE

KINDS = "deployment,replicaset,pod,service,configmap,serviceaccount,persistentvolumeclaim"


@dataclass(frozen=True, slots=True)
class Resource:
    """The SemanticRouter of the demonstration."""

    kubectl: Kubectl
    name: str

    def read(self) -> dict[str, Any]:
        """Return it; empty when it does not exist."""
        return self.kubectl.get("semanticrouter", self.name, "-n", NAMESPACE) or {}

    def deployment(self) -> dict[str, Any]:
        """Return its Deployment; empty when it does not exist."""
        return self.kubectl.get("deployment", self.name, "-n", NAMESPACE) or {}

    def available(self) -> tuple[bool, str]:
        """Look whether it is Available and Running; in the form that ``Display.wait`` wants."""
        resource = self.read()
        status = resource.get("status", {})
        seen = status.get("observedGeneration") == resource.get("metadata", {}).get("generation")
        is_available = conditions(resource).get("Available", {}).get("status") == "True"
        return seen and is_available and status.get("phase") == "Running", line(resource)

    def rolled_beyond(self, generation: int) -> Callable[[], tuple[bool, str]]:
        """Look whether the Deployment has rolled to a newer template than ``generation`` of it had."""

        def look() -> tuple[bool, str]:
            deployment = self.deployment()
            status, wanted = deployment.get("status", {}), deployment.get("spec", {}).get("replicas", 1)
            current = status.get("observedGeneration", 0) == deployment.get("metadata", {}).get("generation")
            newer = status.get("observedGeneration", 0) > generation
            complete = status.get("updatedReplicas") == status.get("replicas") == wanted
            updated, there = status.get("updatedReplicas", 0), status.get("replicas", 0)
            counts = f"{updated} of {wanted} pods updated, {there} there"
            done = newer and current and complete and status.get("availableReplicas") == wanted
            return done and self.available()[0], counts

        return look

    def gone(self) -> tuple[bool, str]:
        """Look whether it and everything that it owned is gone."""
        left = self.kubectl.items(KINDS, "-n", NAMESPACE, "-l", f"app.kubernetes.io/instance={self.name}")
        resource = self.read()
        names = [
            f"{item['kind']} {item['metadata']['name']}"
            for item in [*([resource] if resource else []), *left]
        ]
        return not names, f"still there: {', '.join(names)}" if names else "nothing is left"


def conditions(resource: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the conditions by type."""
    return {condition["type"]: condition for condition in resource.get("status", {}).get("conditions", [])}


def line(resource: dict[str, Any]) -> str:
    """Return the state in one line: phase, replicas, and the first condition that says what is missing."""
    status = resource.get("status", {})
    told = [
        f"{kind}: {condition.get('message') or condition.get('reason')}"
        for kind, condition in conditions(resource).items()
        if condition["status"] == ("True" if kind in {"Degraded", "Progressing"} else "False")
    ]
    counts = f"{status.get('readyReplicas', 0)}/{status.get('replicas', 0)} ready"
    return "; ".join([status.get("phase", "no status yet"), counts, *told[:1]])
