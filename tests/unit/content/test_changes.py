"""The table of ways says what the revision and the files do, for every field of the definition."""

import copy
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils import revisions
from ansible_collections.vllm.semantic_router.plugins.module_utils.changes import (
    TABLE,
    Way,
    as_markdown,
    way_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation

from tests.support.cluster import CHECKOUT
from tests.unit.content.routers import observed, resource
from tests.unit.crd.schemas import fields

GATEWAY = {"name": "g", "namespace": "n"}
ROUTES = {"enabled": True}
ENDPOINT = {
    "name": "e",
    "model": "llama",
    "backend": {"type": "service", "service": {"name": "vllm", "port": 8000}},
}
BASE: dict[str, Any] = {"vllmEndpoints": [ENDPOINT]}
PROBE = {"periodSeconds": 77}
EXAMPLES: dict[str, Any] = {
    "affinity": {"nodeAffinity": {}},
    "args": ["--verbose"],
    "autoscaling": {"enabled": True, "maxReplicas": 3},
    "config": {"tools": {"top_k": 9}},
    "env": [{"name": "A", "value": "b"}],
    "envoy": {"image": "mine/envoy:v1"},
    "gateway": {"existingRef": GATEWAY},
    "gateway.existingRef.name": "other",
    "gateway.existingRef.namespace": "other",
    "gateway.existingRef.sectionName": "web",
    "gateway.hostnames": ["a.example"],
    "image": {"tag": "v9"},
    "imagePullSecrets": [{"name": "registry"}],
    "ingress": {"enabled": True, "hosts": [{"host": "a.example", "paths": [{"path": "/"}]}]},
    "livenessProbe": PROBE,
    "nodeSelector": {"gpu": "yes"},
    "openshift": {"routes": ROUTES},
    "openshift.routes.tls": {"termination": "edge"},
    "persistence": {"enabled": False},
    "persistence.annotations": {"a": "b"},
    "persistence.retentionPolicy": "Retain",
    "persistence.size": "20Gi",
    "persistence.storageClassName": "standard",
    "podAnnotations": {"a": "b"},
    "podSecurityContext": {"fsGroup": 7},
    "readinessProbe": PROBE,
    "replicas": 5,
    "resources": {"limits": {"cpu": "2"}},
    "securityContext": {"runAsUser": 7},
    "service": {"type": "NodePort", "api": {"port": 80}, "metrics": {"enabled": False}},
    "service.api.protocol": "SCTP",
    "service.api.targetPort": 8888,
    "service.grpc.protocol": "SCTP",
    "service.grpc.targetPort": 50052,
    "service.metrics.protocol": "SCTP",
    "service.metrics.targetPort": 9191,
    "serviceAccount": {"name": "mine"},
    "serviceAccount.annotations": {"a": "b"},
    "startupProbe": PROBE,
    "terminationGracePeriodSeconds": 60,
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "toolsDb": [{"name": "t", "description": "d"}],
    "vllmEndpoints": [{**ENDPOINT, "name": "renamed", "weight": 7}],
    "vllmEndpoints[].loras": [{"name": "law"}],
    "vllmEndpoints[].model": "qwen",
    "vllmEndpoints[].reasoningFamily": "qwen3",
}
"""A value for every row; it is set in ``BASE``, or in a block around it that is given too."""

AROUND: dict[str, dict[str, Any]] = {
    "gateway": {"gateway": {"existingRef": GATEWAY}},
    "openshift": {"openshift": {"routes": ROUTES}},
}
"""What is there before a field inside of such a block is edited."""


def before_of(path: str) -> dict[str, Any]:
    block = path.partition(".")[0]
    return copy.deepcopy({**BASE, **(AROUND.get(block, {}) if path != block else {})})


def edited(path: str) -> dict[str, Any]:
    spec = before_of(path)
    place: Any = spec
    *above, last = path.split(".")
    for part in above:
        place = place[part[:-2]][0] if part.endswith("[]") else place.setdefault(part, {})
    place[last] = EXAMPLES[path]
    return spec


def seen() -> dict[str, Any]:
    found = observed()
    service = {"metadata": {"namespace": "ml", "name": "vllm"}, "spec": {"ports": [{"port": 8000}]}}
    found["references"]["services"] = [service]
    return found


def state(spec: dict[str, Any]) -> tuple[str, dict[str, str]]:
    found = Situation(resource(**spec), seen())
    envoy = revisions.envoy_files(found) if found.is_standalone else {}
    return revisions.revision_of(found), {**revisions.router_files(found), **envoy}


@pytest.mark.parametrize("path", TABLE)
def test_an_edit_goes_the_way_that_the_table_says(path: str) -> None:
    (revision, files), (revision_after, files_after) = state(before_of(path)), state(edited(path))
    way = way_of(path)
    assert (revision_after != revision) == (way is Way.ROLLS)
    if way is Way.LIVE:
        assert files_after != files
    if way is Way.BESIDE:
        assert files_after == files


def test_every_field_of_the_definition_has_a_way() -> None:
    paths = [field.path.removeprefix("spec.") for field in fields() if field.path.startswith("spec.")]
    assert len(paths) > 300
    for path in paths:
        assert way_of(path) in Way


def test_every_row_is_a_field_of_the_definition() -> None:
    known = {field.path.removeprefix("spec.") for field in fields()}
    known |= {path.removesuffix("[]").removesuffix(".*") for path in known}
    assert set(TABLE) <= known


def test_a_field_goes_the_way_of_the_nearest_one_above_it() -> None:
    assert way_of("vllmEndpoints[].weight") is Way.LIVE
    assert way_of("vllmEndpoints[].loras[].name") is Way.ROLLS
    assert way_of("service.api.port") is Way.BESIDE
    with pytest.raises(KeyError):
        way_of("nothing")


def test_the_documentation_shows_the_table() -> None:
    assert as_markdown() in (CHECKOUT / "docs" / "reference" / "changes.md").read_text(encoding="utf-8")
