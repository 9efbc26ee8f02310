"""The operator with the rights of ``deploy/namespaced``: it works in its namespace, and sees nothing else."""

import re
from typing import Any

import yaml

from tests.conftest import Starter
from tests.support.api import Api, Space, may
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.routers import Router
from tests.support.waiting import wait_for

NARROW = "team-a"


def test_an_operator_that_is_bound_to_one_namespace_works_there_and_sees_nothing_else(
    control_plane: DevCluster, api: Api, start_operator: Starter, space: Space
) -> None:
    overlay = control_plane.kubectl("kustomize", str(CHECKOUT / "deploy" / "namespaced")).stdout
    text = re.sub(r"\bsemantic-router-operator-system\b", NARROW, overlay)
    text = text.replace("name: semantic-router-operator-cluster-reads", f"name: {NARROW}-cluster-reads")
    objects = [item for item in yaml.safe_load_all(text) if item["kind"] not in ("Deployment", "ClusterRole")]
    objects += [item for item in yaml.safe_load_all(text) if item["metadata"]["name"].startswith(NARROW)]
    assert {item["kind"] for item in objects} >= {"RoleBinding", "ServiceAccount", "Namespace"}
    control_plane.apply(*_distinct(objects))
    narrow = start_operator(namespace=NARROW, arguments=["--namespaces", NARROW])
    user = f"system:serviceaccount:{NARROW}:semantic-router-operator"
    assert may(api, user, "patch", "deployments.apps", namespace=NARROW)
    assert not may(api, user, "patch", "deployments.apps", namespace=space.name)
    assert not may(api, user, "get", "secrets", namespace=space.name)
    within = Router.create(Space(api, NARROW))
    within.wait_available()
    assert "forbidden" not in narrow.log.lower()
    outside = Router.create(space)
    within.edit({"replicas": 2})
    within.wait_available()
    assert "status" not in outside.read(), "nobody has looked at it"
    outside.delete()
    within.delete()
    wait_for(lambda: within.space.get("SemanticRouter", within.name) is None, timeout=60, what="it goes")


def _distinct(objects: list[Any]) -> list[Any]:
    return list({(item["kind"], item["metadata"]["name"]): item for item in objects}.values())
