"""A SemanticRouter in a namespace, as tests talk about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.api import Space
from tests.support.operators import conditions
from tests.support.waiting import wait_for

CHILD_KINDS = ("ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "Service", "Deployment")
SWITCHED = (
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "Ingress",
    "HTTPRoute",
    "EnvoyExtensionPolicy",
    "Route",
)
ALL_KINDS = (*CHILD_KINDS, *SWITCHED, "ReplicaSet", "Pod")
DERIVED = re.compile(r"\b(?:[0-9a-f]{12}|[0-9a-f]{32})\b")
"""What differs from life to life, for it is made from uids: revisions, and the path by which Envoy is told to drain."""

SETTLED_SECONDS = 60.0
"""A create takes a run of about 10 s on two busy cores; the rest is room."""


@dataclass(frozen=True, slots=True)
class Router:
    """One resource by name; it need not exist yet."""

    space: Space
    name: str = "router"

    @classmethod
    def create(cls, space: Space, spec: Mapping[str, Any] | None = None, *, name: str = "router") -> "Router":
        """Create a resource."""
        space.create({"kind": "SemanticRouter", "metadata": {"name": name}, "spec": dict(spec or {})})
        return cls(space, name)

    def read(self) -> dict[str, Any]:
        """Return the resource; raises AssertionError when it does not exist."""
        found: dict[str, Any] | None = self.space.get("SemanticRouter", self.name)
        assert found is not None, f"no SemanticRouter {self.name}"
        return found

    @property
    def uid(self) -> str:
        """The uid of the resource."""
        return str(self.read()["metadata"]["uid"])

    def edit(self, spec: Mapping[str, Any]) -> int:
        """Merge into the spec; return the new generation."""
        changed = self.space.patch("SemanticRouter", self.name, {"spec": dict(spec)})
        return int(changed["metadata"]["generation"])

    def delete(self) -> None:
        """Ask for its deletion."""
        self.space.delete("SemanticRouter", self.name)

    def condition(self, kind: str) -> dict[str, Any]:
        """Return a condition; raises AssertionError when it is not set."""
        found = conditions(self.read())
        assert kind in found, f"no condition {kind}, there are {sorted(found)}"
        return dict(found[kind])

    def wait_condition(
        self, kind: str, status: str, *, says: str = "", reason: str = "", timeout: float = SETTLED_SECONDS
    ) -> dict[str, Any]:
        """Wait for a condition of the current generation with that status, reason and words in its message."""

        def holds() -> dict[str, Any]:
            generation = self.read()["metadata"]["generation"]
            condition = self.condition(kind)
            assert condition["status"] == status, condition
            assert condition.get("observedGeneration") == generation, condition
            assert not reason or condition["reason"] == reason, condition
            assert says in condition["message"], condition
            return condition

        return wait_for(holds, timeout=timeout, what=f"{kind}={status} {reason} {says!r} of {self.name}")

    def wait_available(self, timeout: float = SETTLED_SECONDS) -> dict[str, Any]:
        """Wait until it is Available and Running for its current generation; return the resource."""

        def holds() -> dict[str, Any]:
            resource = self.read()
            status = resource.get("status", {})
            told = {
                kind: (c["status"], c["reason"], c["message"]) for kind, c in conditions(resource).items()
            }
            assert status.get("observedGeneration") == resource["metadata"]["generation"], told
            assert told.get("Available", ("?",))[0] == "True", told
            assert told.get("Progressing", ("False",))[0] == "False", told
            assert status.get("phase") == "Running", status
            return resource

        return wait_for(holds, timeout=timeout, what=f"{self.name} is Available")

    def children(self, *kinds: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Return what it owns directly, by kind and name."""
        uid = self.uid
        return {
            (kind, item["metadata"]["name"]): item
            for kind in kinds or ALL_KINDS
            for item in self.space.list(kind)
            if any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", []))
        }

    def deployment(self) -> dict[str, Any]:
        """Return its Deployment; raises AssertionError when there is none."""
        found: dict[str, Any] | None = self.space.get("Deployment", self.name)
        assert found is not None, "no Deployment"
        return found

    def container(self, name: str) -> dict[str, Any]:
        """Return a container of its pod template."""
        containers = self.deployment()["spec"]["template"]["spec"]["containers"]
        return {str(one["name"]): dict(one) for one in containers}[name]

    def wait_rolled(self, timeout: float = SETTLED_SECONDS) -> dict[str, Any]:
        """Wait until the Deployment has rolled to its newest template; return it."""

        def complete() -> dict[str, Any]:
            deployment = self.deployment()
            status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
            assert status.get("observedGeneration") == deployment["metadata"]["generation"], status
            counts = [status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas")]
            assert counts == [wanted] * 3, status
            return deployment

        return wait_for(complete, timeout=timeout, what=f"the Deployment of {self.name} rolls")

    def events(self) -> list[dict[str, Any]]:
        """Return the events about it."""
        return [event for event in self.space.list("Event") if event["involvedObject"].get("uid") == self.uid]


def service(name: str = "model", port: int = 8000) -> dict[str, Any]:
    """Return a Service that a model server could stand behind."""
    spec = {"selector": {"app": name}, "ports": [{"port": port}]}
    return {"kind": "Service", "metadata": {"name": name}, "spec": spec}


def endpoint(model: str = "llama", service: str = "model", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an entry of ``vllmEndpoints`` that names a Service."""
    backend = {"type": "service", "service": {"name": service, "port": 8000}}
    return {"name": f"{model}-endpoint", "model": model, "backend": backend, **more}


def redis_cache(**connection: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a ``config`` with a Redis cache; ``connection`` are its fields."""
    return {"semantic_cache": {"backend_type": "redis", "redis": {"connection": connection}}}
