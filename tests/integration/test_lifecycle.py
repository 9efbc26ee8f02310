"""From `kubectl apply` to everything running, through edits, to nothing left."""

import json

import pytest

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest, conditions
from tests.support.routers import CHILD_KINDS, Router, endpoint, service
from tests.support.waiting import stays, wait_for

pytestmark = pytest.mark.usefixtures("operator")


def pods(space: Space, name: str = "router") -> set[str]:
    found = space.list("Pod", f"app.kubernetes.io/instance={name}")
    return {pod["metadata"]["uid"] for pod in found if "deletionTimestamp" not in pod["metadata"]}


def test_an_empty_spec_becomes_available_with_every_child(space: Space) -> None:
    router = Router.create(space)
    router.wait_available()
    children = router.children(*CHILD_KINDS)
    assert {kind for kind, _ in children} == set(CHILD_KINDS)
    assert {("Deployment", "router"), ("Service", "router"), ("ServiceAccount", "router")} <= set(children)
    for child in children.values():
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["controller"]) == ("SemanticRouter", "router", True)
        assert child["metadata"]["labels"]["app.kubernetes.io/instance"] == "router"


def test_the_status_tells_all_that_a_user_asks(space: Space) -> None:
    router = Router.create(space)
    resource = router.wait_available()
    status = resource["status"]
    assert (status["replicas"], status["readyReplicas"], status["phase"]) == (1, 1, "Running")
    assert status["gatewayMode"] == "standalone"
    assert status["openshiftFeatures"] == {"routesEnabled": False}
    told = conditions(resource)
    expected = {"Available", "Progressing", "Degraded", "Reconciled", "ConfigValid"}
    expected |= {
        "BackendsReady",
        "CacheReady",
        "PersistenceReady",
        "GatewayReady",
        "RouteReady",
        "RouterReady",
    }
    assert expected <= set(told)
    for kind, condition in told.items():
        assert condition["reason"], kind
        assert condition["observedGeneration"] == resource["metadata"]["generation"], kind
    assert list(told) == sorted(told), (
        "the order never changes, so that a status is written only for a reason"
    )


def test_kubectl_shows_waits_and_scales(space: Space, control_plane: DevCluster) -> None:
    router = Router.create(space)
    control_plane.kubectl(
        "wait", "-n", space.name, "--for=condition=Available", "semanticrouter/router", "--timeout=60s"
    )
    router.wait_available()
    header, row = control_plane.kubectl("get", "sr", "-n", space.name).stdout.splitlines()
    assert header.split() == ["NAME", "REPLICAS", "READY", "PHASE", "MODE", "AGE"]
    assert row.split()[:5] == ["router", "1", "1", "Running", "standalone"]
    control_plane.kubectl("scale", "-n", space.name, "sr/router", "--replicas=2")
    router.wait_available()
    assert router.read()["status"]["readyReplicas"] == 2
    scale = space.api.request("GET", space.path("SemanticRouter", "router", "scale"))
    assert "app.kubernetes.io/instance=router" in scale["status"]["selector"]


def test_an_edit_of_the_pods_rolls_them(space: Space) -> None:
    router = Router.create(space)
    router.wait_available()
    before = pods(space)
    router.edit({"podAnnotations": {"example.com/colour": "blue"}})
    router.wait_available()
    deployment = router.wait_rolled()
    assert deployment["spec"]["template"]["metadata"]["annotations"]["example.com/colour"] == "blue"
    wait_for(lambda: pods(space).isdisjoint(before), timeout=30, what="the old pods go")
    assert router.read()["status"]["phase"] == "Running"


def test_an_edit_of_the_configuration_rolls_to_a_new_revision(space: Space) -> None:
    router = Router.create(space)
    router.wait_available()
    before, mounted = pods(space), config_volume(router)
    router.edit({"config": {"tools": {"top_k": 7}}})
    router.wait_available()
    router.wait_rolled()
    assert pods(space).isdisjoint(before)
    assert config_volume(router) != mounted, (
        "a revision has an object of its own, so that a roll back has its file"
    )


def config_volume(router: Router) -> str:
    volumes = json.dumps(router.deployment()["spec"]["template"]["spec"]["volumes"], sort_keys=True)
    annotations = router.deployment()["spec"]["template"]["metadata"].get("annotations", {})
    return volumes + json.dumps(annotations, sort_keys=True)


def test_an_edit_that_changes_nothing_of_the_pods_does_not_roll_them(space: Space) -> None:
    router = Router.create(space)
    router.wait_available()
    before = pods(space)
    router.edit({"replicas": 2})
    router.wait_available()
    router.wait_rolled()
    assert before < pods(space)


def test_an_applied_copy_of_itself_starts_nothing(space: Space, operator: OperatorUnderTest) -> None:
    router = Router.create(space)
    resource = router.wait_available()
    runs = operator.metric("playbook_engine_runs_total")
    space.patch("SemanticRouter", "router", {"metadata": {"labels": {"team": "a"}}})
    space.patch("SemanticRouter", "router", {"spec": resource["spec"]})
    again = router.wait_available()
    assert again["metadata"]["generation"] == resource["metadata"]["generation"]
    assert again["status"] == resource["status"]
    stays(lambda: _has_run(operator, runs), seconds=2)


def _has_run(operator: OperatorUnderTest, times: float) -> None:
    assert operator.metric("playbook_engine_runs_total") == times


def test_a_deleted_resource_leaves_nothing(space: Space) -> None:
    router = Router.create(space, {"vllmEndpoints": [endpoint()]})
    space.create(service())
    router.wait_available()
    children = router.children()
    assert router.read()["metadata"]["finalizers"] == ["semanticrouter.vllm.ai/finalizer"]
    router.delete()
    wait_for(lambda: space.get("SemanticRouter", "router") is None, timeout=30, what="the resource goes")
    for kind, name in children:
        wait_for(lambda k=kind, n=name: space.get(k, n) is None, timeout=30, what=f"{kind} {name} goes")  # type: ignore[misc]
    wait_for(lambda: not pods(space), timeout=30, what="the pods go")
    assert space.get("Service", "model") is not None, "what it referred to stays"


def test_a_resource_that_is_deleted_at_once_goes_too(space: Space) -> None:
    router = Router.create(space)
    router.delete()
    wait_for(lambda: space.get("SemanticRouter", "router") is None, timeout=60, what="the resource goes")
    wait_for(lambda: space.get("Deployment", "router") is None, timeout=30, what="the Deployment goes")


def test_a_resource_of_the_same_name_made_again_is_a_new_one(space: Space) -> None:
    first = Router.create(space)
    first.wait_available()
    uid = first.uid
    first.delete()
    wait_for(lambda: space.get("SemanticRouter", "router") is None, timeout=60, what="the first goes")
    second = Router.create(space)
    second.wait_available()
    assert second.uid != uid
    assert {kind for kind, _ in second.children(*CHILD_KINDS)} == set(CHILD_KINDS)


def test_events_say_what_happened_and_do_not_repeat(space: Space) -> None:
    router = Router.create(space, {"vllmEndpoints": [endpoint()]})
    router.wait_condition("BackendsReady", "False")
    space.create(service())
    router.wait_condition("BackendsReady", "True")
    router.wait_available()
    events = router.events()
    assert events
    told = [(event["reason"], event["message"]) for event in events]
    assert len(told) == len(set(told)), told
    assert all(event["type"] in {"Normal", "Warning"} and event["message"] for event in events)
