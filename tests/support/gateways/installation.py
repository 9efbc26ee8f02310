"""What an installation of Envoy Gateway is made of, as objects; decided here, without asking anybody."""

from pathlib import Path
from typing import Any

import yaml

from tests.support.gateways.program import VERSION
from tests.support.pods.objects import Object

NAMESPACE, NAME = "envoy-gateway-system", "envoy-gateway"
CONTROLLER, CLASS, INSIDE = "gateway.envoyproxy.io/gatewayclass-controller", "envoy", "inside"
API_SERVER_ADDRESS, API_SERVER_PORT = "10.96.0.1", 443
"""The Service ``kubernetes`` of the control plane, which its certificate names."""

XDS_PORT = 18000
GROUP, GATEWAY_API = "gateway.envoyproxy.io/v1alpha1", "gateway.networking.k8s.io/v1"
_IMAGE = f"docker.io/envoyproxy/gateway:{VERSION}"
_SETTINGS = {
    "apiVersion": GROUP,
    "kind": "EnvoyGateway",
    "gateway": {"controllerName": CONTROLLER},
    "provider": {"type": "Kubernetes", "kubernetes": {"shutdownManager": {"image": _IMAGE}}},
    "proxyTopologyInjector": {"disabled": True},
}
_FILES = {"kubeconfig": "/kubeconfig", "settings": "/config"}


def kubeconfig(path: Path) -> str:
    """Return the administrator's kubeconfig with the API server's address inside of the cluster."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["clusters"][0]["cluster"]["server"] = f"https://{API_SERVER_ADDRESS}:{API_SERVER_PORT}"
    return yaml.safe_dump(config)


def objects(access: str) -> list[Object]:
    """Return what has to be there before the controller starts; ``access`` is its kubeconfig."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        _own("Secret", "kubeconfig", stringData={"config": access}),
        _own("ConfigMap", "settings", data={"settings.yaml": yaml.safe_dump(_SETTINGS)}),
        _own("Service", NAME, spec={"ports": [{"name": "grpc", "port": XDS_PORT}]}),
        {
            "apiVersion": GROUP,
            "kind": "EnvoyProxy",
            "metadata": {"name": INSIDE, "namespace": NAMESPACE},
            "spec": {
                "provider": {"type": "Kubernetes", "kubernetes": {"envoyService": {"type": "ClusterIP"}}}
            },
        },
        {
            "apiVersion": GATEWAY_API,
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": CONTROLLER, "parametersRef": _parameters()},
        },
    ]


def certificate_maker() -> Object:
    """Return a pod that makes the certificates with which the controller and its Envoys know each other."""
    arguments = ["certgen", "--disable-topology-injector"]
    return _pod("certgen", {"initContainers": [_container(arguments)], "containers": []}, "kubeconfig")


def controller() -> Object:
    """Return the controller's pod."""
    probe = {"httpGet": {"path": "/readyz", "port": 8081}}
    container = _container(["server", "--config-path=/config/settings.yaml"], readinessProbe=probe)
    container["volumeMounts"] += [_mount("settings"), {"name": "certs", "mountPath": "/certs"}]
    return _pod(NAME, {"containers": [container]}, "kubeconfig", "settings", "certs")


def _pod(name: str, spec: dict[str, Any], *volumes: str) -> Object:
    sources = {
        "kubeconfig": {"secret": {"secretName": "kubeconfig"}},
        "settings": {"configMap": {"name": "settings"}},
        "certs": {"secret": {"secretName": NAME}},
    }
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {**spec, "volumes": [{"name": volume, **sources[volume]} for volume in volumes]},
    }


def _container(arguments: list[str], **more: object) -> dict[str, Any]:
    place = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    environment = [
        {"name": "ENVOY_GATEWAY_NAMESPACE", "valueFrom": place},
        {"name": "KUBECONFIG", "value": f"{_FILES['kubeconfig']}/config"},
    ]
    mounts = [_mount("kubeconfig")]
    return {
        "name": NAME,
        "image": _IMAGE,
        "args": arguments,
        "env": environment,
        "volumeMounts": mounts,
        **more,
    }


def _mount(name: str) -> dict[str, str]:
    return {"name": name, "mountPath": _FILES[name]}


def _own(kind: str, name: str, **more: object) -> Object:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


def _parameters() -> dict[str, str]:
    group = GROUP.partition("/")[0]
    return {"group": group, "kind": "EnvoyProxy", "name": INSIDE, "namespace": NAMESPACE}
