"""What the operator in Go leaves behind: objects of its shape and names, written without server-side apply."""

from collections.abc import Iterator
from typing import Any

from tests.support.api import KINDS, Space

MANAGER = "manager"
FINALIZER = "semanticrouter.vllm.ai/finalizer"


def write(space: Space, body: dict[str, Any]) -> dict[str, Any]:
    """Create an object as that operator does."""
    prefix = KINDS[body["kind"]][0].removeprefix("apis/").removeprefix("api/")
    path = space.path(body["kind"])
    found: dict[str, Any] = space.api.request(
        "POST", path, body={"apiVersion": prefix, **body}, fieldManager=MANAGER
    )
    return found


def leave_behind(space: Space, resource: dict[str, Any], password: str) -> dict[str, dict[str, Any]]:
    """Make everything that it makes for a resource with a Redis cache; return the objects by kind and name."""
    made = [write(space, body) for body in _objects(resource, password)]
    conditions = [
        {
            "type": "Available",
            "status": "False",
            "reason": "Reconciling",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ]
    status = {"phase": "Progressing", "replicas": 2, "conditions": conditions}
    name = resource["metadata"]["name"]
    space.patch("SemanticRouter", name, {"status": status}, manager=MANAGER, subresource="status")
    return {f"{one['kind']} {one['metadata']['name']}": one for one in made}


def _objects(resource: dict[str, Any], password: str) -> Iterator[dict[str, Any]]:
    name = resource["metadata"]["name"]

    def named(kind: str, suffix: str = "") -> dict[str, Any]:
        owner = {
            "apiVersion": "vllm.ai/v1alpha1",
            "kind": "SemanticRouter",
            "name": name,
            "uid": resource["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        labels = {**_selector(name), "app.kubernetes.io/managed-by": "semantic-router-operator"}
        metadata = {"name": f"{name}{suffix}", "labels": labels, "ownerReferences": [owner]}
        return {"kind": kind, "metadata": metadata}

    config = f"response_cache: {{redis: {{connection: {{password: {password}}}}}}}"
    yield named("ServiceAccount")
    yield {**named("ConfigMap", "-config"), "data": {"config.yaml": config, "tools_db.json": "[]"}}
    yield {**named("ConfigMap", "-envoy-config"), "data": {"envoy.yaml": "static_resources: {}"}}
    yield {**named("PersistentVolumeClaim", "-models"), "spec": _CLAIM}
    yield {**named("Service"), "spec": {"selector": _selector(name), "ports": _PORTS}}
    yield {**named("Deployment"), "spec": _deployment(name)}


def _selector(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "semantic-router", "app.kubernetes.io/instance": name}


_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
_PORTS = [
    {"name": "grpc", "port": 50051, "targetPort": "grpc"},
    {"name": "api", "port": 8080, "targetPort": "envoy-http"},
    {"name": "metrics", "port": 9190, "targetPort": "metrics"},
    {"name": "old", "port": 7000, "targetPort": 7000},
]


def _deployment(name: str) -> dict[str, Any]:
    router = {
        "name": "semantic-router",
        "image": "ghcr.io/vllm-project/semantic-router/extproc:latest",
        "args": ["--secure=false"],
        "env": [{"name": "LD_LIBRARY_PATH", "value": "/app/lib"}],
        "ports": [{"name": "grpc", "containerPort": 50051}, {"name": "metrics", "containerPort": 9190}],
        "volumeMounts": [
            {"name": "config-volume", "mountPath": "/app/config"},
            {"name": "models-volume", "mountPath": "/app/models"},
        ],
    }
    envoy = {
        "name": "envoy-proxy",
        "image": "envoyproxy/envoy:v1.35.3",
        "ports": [{"name": "envoy-http", "containerPort": 8080}],
        "volumeMounts": [{"name": "envoy-config-volume", "mountPath": "/etc/envoy"}],
    }
    volumes = [
        {"name": "config-volume", "configMap": {"name": f"{name}-config"}},
        {"name": "envoy-config-volume", "configMap": {"name": f"{name}-envoy-config"}},
        {"name": "models-volume", "persistentVolumeClaim": {"claimName": f"{name}-models"}},
    ]
    pod = {"serviceAccountName": name, "containers": [router, envoy], "volumes": volumes}
    template = {"metadata": {"labels": _selector(name)}, "spec": pod}
    return {"replicas": 2, "selector": {"matchLabels": _selector(name)}, "template": template}
