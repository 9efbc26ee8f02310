"""Who a SemanticRouter is to its objects: their names, labels, and the reference by which they belong to it."""

from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

MANAGER = "semantic-router-operator"
APPLICATION = "semantic-router"

ADOPTION_ANNOTATION = "vllm.ai/adopt-by"
"""The name of the SemanticRouter that shall take an object over. On objects of somebody else it is set by hand; objects
that a playbook makes without the operator carry it, so that the operator takes them over when it comes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Name, namespace and uid of a SemanticRouter, and what follows from them.

    ``uid`` is empty when the SemanticRouter is only a file, from which a playbook provisions without the operator.
    """

    api_version: str
    kind: str
    name: str
    namespace: str
    uid: str

    @property
    def selector(self) -> dict[str, str]:
        """Labels that select its pods. A Deployment's selector can never be changed, so neither can these."""
        return {"app.kubernetes.io/name": APPLICATION, "app.kubernetes.io/instance": self.name}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object that belongs to it."""
        return {
            **self.selector,
            "app.kubernetes.io/component": "router",
            "app.kubernetes.io/part-of": "vllm-semantic-router",
            "app.kubernetes.io/managed-by": MANAGER,
        }

    @property
    def owner_references(self) -> list[dict[str, Any]]:
        """The reference that makes Kubernetes delete an object together with the SemanticRouter; none without uid."""
        if not self.uid:
            return []
        names = {"apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.uid}
        return [{**names, "controller": True, "blockOwnerDeletion": True}]

    def owns(self, live: Object) -> bool:
        """Whether an object belongs to the SemanticRouter: by reference, or by its mark when there is no uid."""
        metadata = live["metadata"]
        if self.uid:
            return any(one.get("uid") == self.uid for one in metadata.get("ownerReferences") or ())
        marked = (metadata.get("annotations") or {}).get(ADOPTION_ANNOTATION) == self.name
        return marked and not metadata.get("ownerReferences")

    def name_of(self, part: str) -> str:
        """Return the name of one of its objects, such as ``test-router-config``."""
        return f"{self.name}-{part}"


def identity_of(resource: Object) -> Identity:
    """Read the identity of a SemanticRouter."""
    metadata = resource["metadata"]
    return Identity(
        api_version=str(resource["apiVersion"]),
        kind=str(resource["kind"]),
        name=str(metadata["name"]),
        namespace=str(metadata["namespace"]),
        uid=str(metadata.get("uid") or ""),
    )
