"""Which way a change of a field takes to the pods. ``revisions`` makes it so; a test holds the two together.

``docs/reference/changes.md`` shows this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """What happens when a field is edited."""

    ROLLS = "rolls"  # new pods with configuration of their own take the place of the old ones
    LIVE = "live"  # pods that run take it over from their mounted configuration
    BESIDE = "beside"  # another object than the pods changes


@dataclass(frozen=True, slots=True)
class Row:
    """The way of a field, and what it leads to."""

    way: Way
    what: str


TABLE: Mapping[str, Row] = {
    "affinity": Row(Way.ROLLS, "pod template"),
    "args": Row(Way.ROLLS, "pod template"),
    "autoscaling": Row(Way.BESIDE, "HorizontalPodAutoscaler, and the number of pods"),
    "config": Row(Way.ROLLS, "`config.yaml`"),
    "env": Row(Way.ROLLS, "pod template"),
    "envoy": Row(Way.ROLLS, "pod template"),
    "gateway": Row(Way.ROLLS, "with a Gateway there is no Envoy in the pods"),
    "gateway.existingRef.name": Row(Way.BESIDE, "HTTPRoute"),
    "gateway.existingRef.namespace": Row(Way.BESIDE, "HTTPRoute"),
    "gateway.existingRef.sectionName": Row(Way.BESIDE, "HTTPRoute"),
    "gateway.hostnames": Row(Way.BESIDE, "HTTPRoute"),
    "image": Row(Way.ROLLS, "pod template"),
    "imagePullSecrets": Row(Way.ROLLS, "pod template"),
    "ingress": Row(Way.BESIDE, "Ingress"),
    "livenessProbe": Row(Way.ROLLS, "pod template"),
    "nodeSelector": Row(Way.ROLLS, "pod template"),
    "openshift": Row(Way.BESIDE, "Route"),
    "openshift.routes.tls": Row(Way.BESIDE, "Route; a certificate that Envoy comes to serve rolls"),
    "persistence": Row(Way.ROLLS, "the volume of the pods"),
    "persistence.annotations": Row(Way.BESIDE, "PersistentVolumeClaim"),
    "persistence.retentionPolicy": Row(Way.BESIDE, "PersistentVolumeClaim"),
    "persistence.size": Row(Way.BESIDE, "PersistentVolumeClaim, which grows"),
    "persistence.storageClassName": Row(Way.BESIDE, "PersistentVolumeClaim, before it is made"),
    "podAnnotations": Row(Way.ROLLS, "pod template"),
    "podSecurityContext": Row(Way.ROLLS, "pod template"),
    "readinessProbe": Row(Way.ROLLS, "pod template"),
    "replicas": Row(Way.BESIDE, "the number of pods"),
    "resources": Row(Way.ROLLS, "pod template"),
    "securityContext": Row(Way.ROLLS, "pod template"),
    "service": Row(Way.BESIDE, "Service"),
    "service.api.protocol": Row(Way.ROLLS, "ports of the containers"),
    "service.api.targetPort": Row(Way.ROLLS, "ports of the containers"),
    "service.grpc.protocol": Row(Way.ROLLS, "ports of the containers"),
    "service.grpc.targetPort": Row(Way.ROLLS, "ports of the containers"),
    "service.metrics.protocol": Row(Way.ROLLS, "ports of the containers"),
    "service.metrics.targetPort": Row(Way.ROLLS, "ports of the containers"),
    "serviceAccount": Row(Way.ROLLS, "pod template"),
    "serviceAccount.annotations": Row(Way.BESIDE, "ServiceAccount"),
    "startupProbe": Row(Way.ROLLS, "pod template"),
    "terminationGracePeriodSeconds": Row(Way.ROLLS, "pod template"),
    "tolerations": Row(Way.ROLLS, "pod template"),
    "toolsDb": Row(Way.ROLLS, "`tools_db.json`"),
    "vllmEndpoints": Row(Way.LIVE, "`backend_refs` in `config.yaml`, Envoy's routes and clusters"),
    "vllmEndpoints[].loras": Row(Way.ROLLS, "model cards in `config.yaml`"),
    "vllmEndpoints[].model": Row(Way.ROLLS, "models in `config.yaml`"),
    "vllmEndpoints[].reasoningFamily": Row(Way.ROLLS, "models in `config.yaml`"),
}
"""By path below ``spec``; a field that is not named goes the way of the nearest one above it."""


def way_of(path: str) -> Way:
    """Return the way of a field by its path below ``spec``, such as ``image.tag``; raises KeyError."""
    above = path
    while above not in TABLE:
        if not above:
            raise KeyError(path)
        above = above.removesuffix("[]") if above.endswith("[]") else above.rpartition(".")[0]
    return TABLE[above].way


def as_markdown() -> str:
    """Return the table for the documentation."""
    lines = ["| field of `spec` | way | what changes |", "|---|---|---|"]
    lines += [f"| `{path}` | {row.way} | {row.what} |" for path, row in TABLE.items()]
    return "\n".join(lines) + "\n"
