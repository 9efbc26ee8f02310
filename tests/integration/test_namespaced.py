"""The operator with the rights of ``deploy/namespaced``: it works in its namespace, and sees nothing else."""

import json
import re
from functools import partial
from typing import Any

import pytest
import yaml

from tests.conftest import Starter
from tests.support.api import Api, Space, may
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.routers import Router
from tests.support.waiting import wait_for

NARROW = "team-a"
USER = f"system:serviceaccount:{NARROW}:semantic-router-operator"


@pytest.fixture
def rights(control_plane: DevCluster) -> list[Any]:
    """The operator's account and its rights in one namespace, as the overlay gives them."""
    overlay = control_plane.kubectl("kustomize", str(CHECKOUT / "deploy" / "namespaced")).stdout
    text = re.sub(r"\bsemantic-router-operator-system\b", NARROW, overlay)
    text = text.replace("name: semantic-router-operator-cluster-reads", f"name: {NARROW}-cluster-reads")
    objects = [item for item in yaml.safe_load_all(text) if item["kind"] not in ("Deployment", "ClusterRole")]
    objects += [item for item in yaml.safe_load_all(text) if item["metadata"]["name"].startswith(NARROW)]
    assert {item["kind"] for item in objects} >= {"RoleBinding", "ServiceAccount", "Namespace"}
    control_plane.apply(*_distinct(objects))
    return objects


def test_an_operator_that_is_bound_to_one_namespace_works_there_and_sees_nothing_else(
    rights: list[Any], api: Api, start_operator: Starter, space: Space
) -> None:
    del rights
    narrow = start_operator(namespace=NARROW, arguments=["--namespaces", NARROW])
    assert may(api, USER, "patch", "deployments.apps", namespace=NARROW)
    assert not may(api, USER, "patch", "deployments.apps", namespace=space.name)
    assert not may(api, USER, "get", "secrets", namespace=space.name)
    within = Router.create(Space(api, NARROW))
    within.wait_available()
    assert "forbidden" not in narrow.log.lower()
    outside = Router.create(space)
    within.edit({"replicas": 2})
    within.wait_available()
    assert "status" not in outside.read(), "nobody has looked at it"
    _delete(outside, within)
    narrow.stop()


def test_a_namespace_of_the_list_that_is_refused_is_told_and_the_others_go_on_until_it_is_not(
    rights: list[Any], api: Api, control_plane: DevCluster, start_operator: Starter, space: Space
) -> None:
    names = ["--namespaces", f"{NARROW},{space.name}"]
    operator = start_operator(namespace=NARROW, arguments=[*names, "--compare-period", "5s"])
    refused = Router.create(space)
    within = Router.create(Space(api, NARROW))
    within.wait_available()
    within.edit({"replicas": 2})
    within.wait_available()
    assert operator.metric("playbook_engine_watch_ends_total") == 0, "the others are watched all the time"
    assert "status" not in refused.read()
    told = [line for line in operator.log.splitlines() if space.name in line and "forbidden" in line]
    assert [line for line in told if "SemanticRouter" in line]
    kinds = [json.loads(line)["kind"] for line in told]
    assert len(kinds) == len(set(kinds)), "each kind is told once"
    assert "kopf" not in "".join(told), "and kopf is not let run against it"
    bindings = [item for item in rights if item["kind"] == "RoleBinding"]
    control_plane.apply(*(_moved(item, space.name) for item in bindings))
    refused.wait_available()
    refused.edit({"replicas": 2})
    refused.wait_available()
    assert operator.metric("playbook_engine_watch_ends_total") == 0
    assert "Traceback" not in operator.log
    _delete(refused, within)


def _moved(item: Any, namespace: str) -> Any:  # noqa: ANN401 - an object
    return {**item, "metadata": {"name": item["metadata"]["name"], "namespace": namespace}}


def _delete(*routers: Router) -> None:
    for router in routers:
        router.delete()
    for router in routers:
        gone = partial(router.space.get, "SemanticRouter", router.name)
        wait_for(lambda found=gone: found() is None, timeout=60, what=f"{router.name} goes")  # type: ignore[misc]


def _distinct(objects: list[Any]) -> list[Any]:
    return list({(item["kind"], item["metadata"]["name"]): item for item in objects}.values())
