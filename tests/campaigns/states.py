"""What is there at rest, without what differs from life to life, and how two such states differ."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.api import KINDS, Space
from tests.support.operators import conditions
from tests.support.routers import DERIVED

OF_CONTROLLERS = {"EndpointSlice", "Pod", "ReplicaSet"}
"""Kinds that Kubernetes makes of what others have made."""

MADE = tuple(
    kind
    for kind in KINDS
    if kind not in {"Event", "Namespace", "StorageClass", "SemanticRouter", "Toy", *OF_CONTROLLERS}
)
VOLATILE = {"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "namespace"}
OF_OTHERS = (
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
)
ASSIGNED = ("clusterIP", "clusterIPs", "volumeName", "nodePort", "ipFamilies", "healthCheckNodePort")
OF_THE_CLUSTER = ("default", "kube-root-ca.crt")

REVISION = re.compile(r"\b[0-9a-f]{12}\b")
VERSION = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-<revision>/\d+\b")
"""Uid and version of a Secret; any write to it makes another, and other pods."""


@dataclass(frozen=True, slots=True)
class State:
    """What is there at rest: the router's status and every object with a name, without what differs each time."""

    told: Mapping[str, Any]
    objects: Mapping[str, Any]

    def differences(self, other: "State") -> list[str]:
        """Say how ``other`` differs from this one, which is the reference."""
        found = [f"status: {self.told} became {other.told}"] if self.told != other.told else []
        for name in sorted({*self.objects, *other.objects}):
            one, two = self.objects.get(name), other.objects.get(name)
            if one is None or two is None:
                found.append(f"{name} is {'missing' if two is None else 'too much'}")
            elif one != two:
                found.append(f"{name}: {first_difference(one, two)}")
        return found


def state_of(space: Space, router: str) -> State:
    """Look at everything in a namespace with one router."""
    resource = space.get("SemanticRouter", router)
    owner = str(resource["metadata"]["uid"]) if resource else ""
    return State(_told(resource) if resource else {}, objects_of(space, owner))


def objects_of(space: Space, owner: str = "") -> dict[str, Any]:
    """Return every object by its name; a revision differs from life to life, for it depends on uids."""
    return {
        stable(f"{kind}/{item['metadata']['name']}"): plain(item, owner)
        for kind in MADE
        for item in space.list(kind)
        if item["metadata"]["name"] not in OF_THE_CLUSTER
    }


def stable(name: str) -> str:
    """Return a name without the revision in it."""
    return REVISION.sub("<revision>", name)


def _told(resource: Mapping[str, Any]) -> dict[str, Any]:
    told = {kind: (one["status"], one["reason"]) for kind, one in conditions(resource).items()}
    status = resource.get("status", {})
    kept = {name: status.get(name) for name in ("phase", "replicas", "readyReplicas", "gatewayMode")}
    return {**kept, **told, "finalizers": resource["metadata"].get("finalizers")}


def plain(item: Mapping[str, Any], owner: str) -> Any:  # noqa: ANN401 - decoded JSON
    """Return an object without what differs from life to life; ``owner`` is the uid of the router."""
    kept = {name: value for name, value in item.items() if name not in ("apiVersion", "status", "metadata")}
    metadata = {name: value for name, value in item["metadata"].items() if name not in VOLATILE}
    annotations = metadata.get("annotations", {})
    metadata["annotations"] = {n: v for n, v in annotations.items() if not n.startswith(OF_OTHERS)}
    text = json.dumps({**kept, "metadata": metadata}, sort_keys=True)
    text = DERIVED.sub("<revision>", text.replace(owner, "<owner>") if owner else text)
    decoded = json.loads(VERSION.sub("<version>", text))
    spec = decoded.get("spec")
    if isinstance(spec, dict):
        for name in ASSIGNED:
            spec.pop(name, None)
    return decoded


def first_difference(one: Any, two: Any, path: str = "") -> str:  # noqa: ANN401 - decoded JSON
    """Say where two values differ first, and how."""
    if isinstance(one, dict) and isinstance(two, dict):
        for name in sorted({*one, *two}):
            if one.get(name) != two.get(name):
                return first_difference(one.get(name), two.get(name), f"{path}.{name}")
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for index, (left, right) in enumerate(zip(one, two, strict=True)):
            if left != right:
                return first_difference(left, right, f"{path}[{index}]")
    return f"{path or '.'}: {str(one)[:200]} became {str(two)[:200]}"
