"""The ClusterServiceVersion: what OLM installs, and what consoles show of it."""

import base64
import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from tools.demo.credentials import ACCOUNT
from tools.demo.kube import CHECKOUT
from tools.olm import sources
from tools.olm.sources import Object

ADVANCED = "urn:alm:descriptor:com.tectonic.ui:advanced"
HIDDEN = "urn:alm:descriptor:com.tectonic.ui:hidden"
INSTALL_MODES = ("OwnNamespace", "SingleNamespace", "MultiNamespace", "AllNamespaces")


def service_version(image: str) -> Object:
    """Return it, with the image of the operator."""
    about = sources.about()
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "ClusterServiceVersion",
        "metadata": {
            "name": sources.name(),
            "namespace": "placeholder",
            "annotations": annotations(about, image),
            "labels": {
                **{f"operatorframework.io/arch.{arch}": "supported" for arch in about["architectures"]},
                "operatorframework.io/os.linux": "supported",
            },
        },
        "spec": {
            **{key: about[key] for key in ("displayName", "description", "maturity", "minKubeVersion")},
            **{key: about[key] for key in ("keywords", "provider", "links")},
            "version": sources.version(),
            "icon": [
                {
                    "base64data": base64.b64encode(sources.ICON.read_bytes()).decode(),
                    "mediatype": "image/svg+xml",
                }
            ],
            "customresourcedefinitions": {"owned": [owned(about)]},
            "installModes": [{"type": mode, "supported": True} for mode in INSTALL_MODES],
            "install": {"strategy": "deployment", "spec": install(image)},
            "relatedImages": [
                {"name": name, "image": image if name == "manager" else one}
                for name, one in sources.images().items()
            ],
        },
    }


def annotations(about: Mapping[str, Any], image: str) -> dict[str, str]:
    """Return what catalogs sort and filter by, and the examples."""
    examples = json.dumps(sources.samples(), indent=2, ensure_ascii=False)
    return {
        "alm-examples": examples,
        "containerImage": image,
        "description": about["summary"],
        **about["annotations"],
    }


def install(image: str) -> Object:
    """Return Deployment and rights. Users and groups are left to the image and, on OpenShift, to the namespace."""
    deployment = sources.manager()
    spec = copy.deepcopy(deployment["spec"])
    pod = spec["template"]["spec"]
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        del pod["securityContext"][field]
    (container,) = pod["containers"]
    container["image"] = image
    watched = {"fieldRef": {"fieldPath": "metadata.annotations['olm.targetNamespaces']"}}
    container["env"].append({"name": "WATCH_NAMESPACE", "valueFrom": watched})
    within, on_cluster = sources.rules()
    return {
        "deployments": [
            {
                "name": deployment["metadata"]["name"],
                "label": deployment["metadata"]["labels"],
                "spec": spec,
            }
        ],
        "permissions": [{"serviceAccountName": ACCOUNT, "rules": within}],
        "clusterPermissions": [{"serviceAccountName": ACCOUNT, "rules": on_cluster}],
    }


def owned(about: Mapping[str, Any]) -> Object:
    """Return what is said of the resource, field by field."""
    definition, schema = sources.definition(), sources.definition_schema()
    shown = about["descriptors"]
    advanced = [
        field for field in schema["spec"]["properties"] if not any(_first(path) == field for path in shown)
    ]
    status = schema["status"]["properties"]
    watches = yaml.safe_load((CHECKOUT / "watches.yaml").read_text(encoding="utf-8"))
    return {
        "name": definition["metadata"]["name"],
        "kind": definition["spec"]["names"]["kind"],
        "version": definition["spec"]["versions"][0]["name"],
        "displayName": about["kindDisplayName"],
        "description": definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"],
        "resources": [
            {"kind": kind["kind"], "name": "", "version": kind["version"]} for kind in watches[0]["owns"]
        ],
        "specDescriptors": [
            *(descriptor(schema["spec"], path, how) for path, how in shown.items()),
            *(descriptor(schema["spec"], path, ADVANCED) for path in advanced),
        ],
        "statusDescriptors": [
            descriptor(schema["status"], path, about["statusDescriptors"].get(path, "")) for path in status
        ],
    }


def descriptor(schema: Mapping[str, Any], path: str, how: str) -> Object:
    """Return the descriptor of a field; raises KeyError for one that the schema does not have."""
    field: Any = schema
    for step in path.split("."):
        field = field["properties"][step]
    text = field.get("description") or field.get("items", {}).get("description", "")
    result = {"path": path, "displayName": words(path), "description": text}
    return {**result, "x-descriptors": [how]} if how else result


def words(path: str) -> str:
    """Return a path as words: ``persistence.storageClassName`` is Persistence Storage Class Name."""
    found = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", path)
    return " ".join(word[0].upper() + word[1:] for word in found)


def _first(path: str) -> str:
    return path.partition(".")[0]
