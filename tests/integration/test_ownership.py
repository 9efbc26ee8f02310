"""What belongs to somebody else is left exactly as it was, whenever it comes; what is given away is taken."""

from typing import Any

import pytest

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router

pytestmark = pytest.mark.usefixtures("operator")

FOREIGN: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # kind: name, what the foreign object is beside its metadata, the specification that wants one of that name
    "ServiceAccount": ("router", {}, {}),
    "PersistentVolumeClaim": (
        "router-models",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        {},
    ),
    "Service": ("router", {"spec": {"ports": [{"port": 1}]}}, {}),
    "Deployment": (
        "router",
        {
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "i"}]},
                },
            }
        },
        {},
    ),
    "HorizontalPodAutoscaler": (
        "router",
        {
            "spec": {
                "maxReplicas": 2,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
            }
        },
        {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": "1"}}},
    ),
    "Ingress": (
        "router",
        {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 1}}}}},
        {"ingress": {"enabled": True, "hosts": [{"host": "a.example", "paths": [{"path": "/"}]}]}},
    ),
    "PodDisruptionBudget": (
        "router",
        {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
        {"replicas": 2},
    ),
    "HTTPRoute": (
        "router",
        {"spec": {"hostnames": ["a.example"]}},
        {"gateway": {"existingRef": {"name": "shared", "namespace": "elsewhere"}}},
    ),
    "Route": (
        "router",
        {"spec": {"to": {"kind": "Service", "name": "x", "weight": 1}}},
        {"openshift": {"routes": {"enabled": True}}},
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_object_is_named_and_left_exactly_as_it_was(space: Space, kind: str) -> None:
    name, body, spec = FOREIGN[kind]
    space.create({"kind": kind, "metadata": {"name": name}, **body})
    before = space.get(kind, name)
    router = Router.create(space, spec)
    condition = router.wait_condition("RouterReady", "False", reason="Conflict", says=f"{kind} ")
    assert name in condition["message"]
    router.wait_condition("Degraded", "True")
    assert spec_and_owners(space.get(kind, name)) == spec_and_owners(before)
    made = space.get("Deployment", "router")
    assert made is None or kind == "Deployment", "no half of a router is made"


def test_a_conflict_is_over_when_the_foreign_object_is_gone(space: Space) -> None:
    taken = {"kind": "Service", "metadata": {"name": "router-headless"}, **FOREIGN["Service"][1]}
    space.create(taken)
    router = Router.create(space)
    router.wait_condition("RouterReady", "False", reason="Conflict", says="router-headless")
    space.delete("Service", "router-headless")
    router.wait_available()


def test_an_object_that_is_given_away_is_taken_over_and_no_other(
    space: Space, control_plane: DevCluster
) -> None:
    for name in ("router", "other"):
        space.create({"kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 1}]}})
    before = {name: space.get("Service", name) for name in ("router", "other")}
    router = Router.create(space)
    told = router.wait_condition("RouterReady", "False", reason="Conflict")["message"]
    command = told.split("`")[1].split()
    assert command[0] == "kubectl"
    control_plane.kubectl(*command[1:])
    router.wait_available()
    service = router.children("Service")["Service", "router"]
    assert service["metadata"]["uid"] == before["router"]["metadata"]["uid"]
    assert {port["name"] for port in service["spec"]["ports"]} >= {"api", "grpc"}
    assert space.get("Service", "other") == before["other"]


def test_an_object_that_comes_after_the_resource_is_left_alone(
    space: Space, operator: OperatorUnderTest
) -> None:
    router = Router.create(space)
    router.wait_available()
    taken = space.create({"kind": "Ingress", "metadata": {"name": "router"}, **FOREIGN["Ingress"][1]})
    router.edit(FOREIGN["Ingress"][2])
    router.wait_condition("RouterReady", "False", reason="Conflict", says="Ingress")
    assert space.get("Ingress", "router")["metadata"]["uid"] == taken["metadata"]["uid"]
    router.edit({"ingress": {"enabled": False}})
    router.wait_condition("RouterReady", "True")
    assert space.get("Ingress", "router") is not None, "what is not ours is not removed either"
    assert "Traceback" not in operator.log


def spec_and_owners(live: dict[str, Any]) -> object:
    """All of an object but its status, and what the API server counts when controllers write that."""
    metadata = {
        key: value
        for key, value in live["metadata"].items()
        if key not in {"resourceVersion", "managedFields", "annotations"}
    }
    return {**live, "metadata": metadata, "status": None}
