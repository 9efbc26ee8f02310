"""The operator's own rights on any cluster: the objects of ``deploy/rbac``, and a kubeconfig for them."""

import json
import os
from pathlib import Path
from typing import Any

import yaml

from tools.demo.kube import CHECKOUT, Kubectl, documents

RBAC = CHECKOUT / "deploy" / "rbac"
ACCOUNT = "semantic-router-operator"
NAMESPACE = "semantic-router-operator-system"
VALID_FOR = "24h"


def rbac_objects(*, namespace: str = NAMESPACE, suffix: str = "") -> list[Any]:
    """Return the objects of ``deploy/rbac``, if asked in another namespace and with other cluster-wide names.

    So a second operator can run beside an installed one without touching its rights.
    """
    names = yaml.safe_load((RBAC / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    objects = [item for name in names for item in documents(RBAC / name)]
    for item in objects:
        if item["kind"] == "Namespace":
            item["metadata"]["name"] = namespace
        elif "namespace" in item["metadata"]:
            item["metadata"]["namespace"] = namespace
        else:
            item["metadata"]["name"] += suffix
        if item["kind"] == "ClusterRoleBinding":
            item["roleRef"]["name"] += suffix
        for subject in item.get("subjects", []):
            subject["namespace"] = namespace
    return objects


def write_kubeconfig(kubectl: Kubectl, path: Path, *, namespace: str = NAMESPACE) -> Path:
    """Write a kubeconfig for the operator's ServiceAccount, readable by its owner only, and return its path.

    The account must exist; its token is good for a day. Raises KubectlError.
    """
    token = kubectl.run("create", "token", ACCOUNT, "-n", namespace, f"--duration={VALID_FOR}").strip()
    view = json.loads(kubectl.run("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": view["clusters"][0]["cluster"]}],
        "users": [{"name": ACCOUNT, "user": {"token": token}}],
        "contexts": [{"name": ACCOUNT, "context": {"cluster": "cluster", "user": ACCOUNT}}],
        "current-context": ACCOUNT,
    }
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file)
    return path
