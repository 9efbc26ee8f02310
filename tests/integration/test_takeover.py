"""Routers of the operator in Go go on under this one, and the two never fight."""

import json
from typing import Any

import pytest

from tests.conftest import Starter
from tests.support import go_operator
from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router, redis_cache
from tests.support.waiting import stays, wait_for

PASSWORD = "hunter-two-of-old"  # noqa: S105 - what must not be left


def is_available(router: Router) -> bool:
    return bool(router.deployment().get("status", {}).get("availableReplicas") == 2)


def writers(found: dict[str, Any]) -> set[tuple[str, str]]:
    entries = found["metadata"]["managedFields"]
    return {(one["manager"], one["operation"]) for one in entries if "subresource" not in one}


def test_what_the_operator_in_go_left_is_taken_over_while_pods_serve(
    space: Space, start_operator: Starter, control_plane: DevCluster
) -> None:
    spec = {"replicas": 2, "config": redis_cache(host="redis.example", password=PASSWORD)}
    body = {"kind": "SemanticRouter", "metadata": {"name": "router", "finalizers": [go_operator.FINALIZER]}}
    resource = space.create({**body, "spec": spec})
    router = Router(space)
    left = go_operator.leave_behind(space, resource, PASSWORD)
    wait_for(lambda: is_available(router), timeout=60, what="the pods of the operator in Go")
    since = space.version("Deployment")
    operator = start_operator()
    router.wait_available()
    router.wait_rolled()

    for key in ("Deployment router", "Service router", "PersistentVolumeClaim router-models"):
        kind, name = key.split()
        assert space.get(kind, name)["metadata"]["uid"] == left[key]["metadata"]["uid"], key
    claim = space.get("PersistentVolumeClaim", "router-models")
    assert claim["spec"]["resources"] == left["PersistentVolumeClaim router-models"]["spec"]["resources"]
    served = [found["status"].get("availableReplicas", 0) for found in space.history("Deployment", since)]
    assert min(served) >= 1, "there was a moment without a pod that serves"

    deployment = router.deployment()
    containers = deployment["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in containers] == ["semantic-router", "envoy"]
    assert "LD_LIBRARY_PATH" not in json.dumps(containers)
    assert "old" not in {port["name"] for port in space.get("Service", "router")["spec"]["ports"]}
    for found in (deployment, space.get("Service", "router"), space.get("ServiceAccount", "router")):
        assert (go_operator.MANAGER, "Update") not in writers(found)

    def is_scrubbed() -> bool:
        texts = control_plane.kubectl("get", "cm,deploy,rs,pods", "-n", space.name, "-o", "json").stdout
        return PASSWORD not in texts

    wait_for(is_scrubbed, timeout=60, what="the password is in no object but its Secret")
    assert "False" not in {
        one["status"] for one in router.read()["status"]["conditions"] if one["type"] == "Available"
    }
    router.delete()
    wait_for(lambda: space.get("SemanticRouter", "router") is None, timeout=60, what="the resource goes")
    wait_for(lambda: space.get("Deployment", "router") is None, timeout=60, what="the Deployment goes")
    operator.stop()


@pytest.mark.usefixtures("operator")
def test_another_operator_that_writes_on_is_reported_and_not_fought(
    space: Space, control_plane: DevCluster, operator: OperatorUnderTest
) -> None:
    router = Router.create(space)
    router.wait_available()
    theirs = {"spec": {"template": {"metadata": {"annotations": {"vllm.ai/revision": "theirs"}}}}}
    space.patch("Deployment", "router", theirs, manager=go_operator.MANAGER)
    condition = router.wait_condition("RouterReady", "False", reason="AnotherOperator", says="manager")
    before = router.deployment()["spec"]
    assert before["template"]["metadata"]["annotations"]["vllm.ai/revision"] == "theirs"
    router.edit({"podAnnotations": {"example.com/colour": "blue"}})
    router.wait_condition("RouterReady", "False", reason="AnotherOperator")
    stays(lambda: _is_left(router, before), seconds=2)

    command = condition["message"].split("`")[1].split()
    assert command[0] == "kubectl"
    control_plane.kubectl(*command[1:])
    router.wait_condition("RouterReady", "True")
    router.wait_available()
    template = router.deployment()["spec"]["template"]["metadata"]["annotations"]
    assert template["example.com/colour"] == "blue"
    assert template["vllm.ai/revision"] != "theirs"
    assert (go_operator.MANAGER, "Update") not in writers(router.deployment())
    assert "Traceback" not in operator.log


def _is_left(router: Router, before: dict[str, Any]) -> None:
    assert router.deployment()["spec"] == before
