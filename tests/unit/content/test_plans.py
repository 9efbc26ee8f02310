"""What each role applies, what it leaves alone, and what it tells, by the filters that the roles use."""

from typing import Any

import pytest
import yaml
from ansible_collections.vllm.semantic_router.plugins.filter import objects, plans
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import ADOPTION_ANNOTATION
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    ENTRIES,
    leftovers,
    name_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import OWNER_ANNOTATION

from playbook_engine.watches.interests import interest_of
from playbook_engine.watches.reading import read_watches
from tests.support.cluster import CHECKOUT
from tests.unit.content.routers import live, observed, resource, situation

GATEWAY = {"existingRef": {"name": "shared", "namespace": "gateways", "sectionName": "web"}}
SERVED = {"gateway.networking.k8s.io/v1/HTTPRoute": "present"}
ROUTE = "route.openshift.io/v1/Route"
WRONG = {
    "vllmEndpoints": [
        {
            "name": "e",
            "model": "m",
            "reasoningFamily": "none",
            "backend": {"type": "service", "service": {"name": "s", "port": 1}},
        }
    ]
}


def test_an_empty_specification_wants_what_a_router_needs() -> None:
    plan = plans.router_plan(resource(), observed())
    assert plan["wanted"] == ["ConfigMap", "ServiceAccount", "Service", "HeadlessService", "Deployment"]
    assert plan["conditions"]["RouterReady"]["status"] == "True"
    assert plans.gateway_plan(resource(), observed())["wanted"] == ["ConfigMap"]
    assert plans.persistence_plan(resource(), observed())["wanted"] == ["PersistentVolumeClaim"]
    assert plans.openshift_plan(resource(), observed())["wanted"] == []


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"autoscaling": {"enabled": True}}, "HorizontalPodAutoscaler"),
        ({"ingress": {"enabled": True, "hosts": [{"host": "a", "paths": [{}]}]}}, "Ingress"),
    ],
)
def test_what_is_switched_on_is_wanted(spec: dict[str, Any], kind: str) -> None:
    assert kind in plans.router_plan(resource(**spec), observed())["wanted"]
    assert kind not in plans.router_plan(resource(), observed())["wanted"]


def test_an_account_that_is_only_used_is_not_made() -> None:
    plan = plans.router_plan(resource(serviceAccount={"create": False, "name": "mine"}), observed())
    assert (plan["account"], "ServiceAccount" in plan["wanted"]) == ("mine", False)


def test_an_account_that_is_only_used_must_be_there() -> None:
    used = resource(serviceAccount={"create": False, "name": "mine"})
    nothing = {**observed(), "owned": {"ServiceAccount": []}}
    told = plans.router_plan(used, nothing)["conditions"]["RouterReady"]
    assert told["reason"] == "ServiceAccountNotFound"
    assert "ml/mine does not exist" in told["message"]
    assert plans.router_plan(used, observed(live("ServiceAccount", "mine", owner="")))["wanted"]
    assert plans.router_plan(resource(serviceAccount={"create": False}), nothing)["wanted"]


def test_a_path_of_the_ingress_to_a_port_that_is_not_there_is_told() -> None:
    def told(port: int, **service: object) -> dict[str, Any]:
        hosts = [{"host": "a", "paths": [{"path": "/", "servicePort": port}]}]
        plan = plans.router_plan(
            resource(ingress={"enabled": True, "hosts": hosts}, service=service), observed()
        )
        condition: dict[str, Any] = plan["conditions"]["IngressReady"]
        return condition

    assert told(8080)["reason"] == "IngressApplied"
    assert told(9190, metrics={"enabled": False})["reason"] == "PortNotServed"
    wrong = told(7000)
    assert "spec.ingress.hosts[0].paths[0].servicePort 7000" in wrong["message"]
    assert "8080 (api), 50051 (grpc), 9190 (metrics)" in wrong["message"]


def test_a_configuration_that_the_router_would_refuse_is_told_and_nothing_is_applied() -> None:
    for plan in (plans.router_plan, plans.gateway_plan, plans.persistence_plan):
        assert plan(resource(**WRONG), observed())["wanted"] == []
    conditions = plans.router_plan(resource(**WRONG), observed())["conditions"]
    assert conditions["ConfigValid"]["reason"] == conditions["RouterReady"]["reason"] == "ConfigInvalid"
    assert "spec.vllmEndpoints[0].reasoningFamily" in conditions["ConfigValid"]["message"]


def test_pods_wait_for_the_volume_and_for_the_cache() -> None:
    missing_class = resource(persistence={"storageClassName": "fast"})
    plan = plans.router_plan(missing_class, observed())
    assert (plan["wanted"], plan["conditions"]["RouterReady"]["reason"]) == ([], "StorageClassNotFound")
    cache = {
        "backend_type": "redis",
        "redis": {"connection": {"host": "r", "password_secret_ref": {"name": "s", "key": "k"}}},
    }
    plan = plans.router_plan(resource(config={"semantic_cache": cache}), observed())
    assert (plan["wanted"], plan["conditions"]["RouterReady"]["reason"]) == ([], "SecretNotFound")


@pytest.mark.parametrize("kind", ["ServiceAccount", "Service", "Deployment"])
def test_an_object_of_somebody_else_is_named_and_nothing_is_applied(kind: str) -> None:
    for owner, words in (("", "was not made by this operator"), ("other", "belongs to Thing t: delete that")):
        plan = plans.router_plan(resource(), observed(live(kind, owner=owner)))
        condition = plan["conditions"]["RouterReady"]
        assert (plan["wanted"], plan["unwanted"], condition["reason"]) == ([], [], "Conflict")
        assert f"{kind} ml/r is there already and {words}" in condition["message"]


def test_an_object_that_is_given_away_is_no_conflict() -> None:
    given = {ADOPTION_ANNOTATION: "r"}
    assert plans.router_plan(resource(), observed(live("Service", owner="", annotations=given)))["wanted"]
    for owner, annotations in (("other", given), ("", {ADOPTION_ANNOTATION: "another"})):
        seen = observed(live("Service", owner=owner, annotations=annotations))
        assert plans.router_plan(resource(), seen)["conditions"]["RouterReady"]["reason"] == "Conflict"


def written(kind: str, *managers: tuple[str, str]) -> dict[str, list[dict[str, Any]]]:
    entries = [
        {"manager": manager, "operation": operation, "time": "2026-01-01T10:00:00Z", "fields": ["spec"]}
        for manager, operation in managers
    ]
    return {f"apps/v1/{kind}/ml/r": entries}


def test_another_operator_that_writes_on_stops_this_one_until_somebody_says_that_it_ended() -> None:
    both = (("semantic-router-operator", "Apply"), ("manager", "Update"))
    seen = {**observed(live("Deployment")), "writers": written("Deployment", *both)}
    plan = plans.router_plan(resource(), seen)
    told = plan["conditions"]["RouterReady"]
    assert (plan["wanted"], plan["unwanted"], told["reason"]) == ([], [], "AnotherOperator")
    command = told["message"].split("`")[1]
    assert command == (
        "kubectl annotate -n ml semanticrouter r vllm.ai/take-over=2026-01-01T10:00:00Z --overwrite"
    )
    said = resource()
    said["metadata"]["annotations"] = {"vllm.ai/take-over": "2026-01-01T10:00:00Z"}
    overruled = plans.router_plan(said, seen)
    assert overruled["wanted"]
    said["status"] = overruled["status"]
    assert said["status"]["takenOver"] == "2026-01-01T10:00:00Z"
    again = plans.router_plan(said, seen)
    told = again["conditions"]["RouterReady"]
    assert (again["wanted"], told["reason"]) == ([], "AnotherOperator"), (
        "it has written again, in the same second"
    )
    assert "vllm.ai/take-over=2026-01-01T10:00:00Z-again" in told["message"], (
        "another value is another request"
    )
    assert again["status"]["takenOver"] == "2026-01-01T10:00:00Z"


def test_what_an_operator_left_before_this_one_came_is_no_obstacle() -> None:
    seen = {**observed(live("Deployment")), "writers": written("Deployment", ("manager", "Update"))}
    assert plans.router_plan(resource(), seen)["wanted"]


def test_a_field_of_a_volume_that_another_operator_has_is_no_obstacle() -> None:
    both = (("semantic-router-operator", "Apply"), ("manager", "Update"))
    seen = {**observed(), "writers": written("PersistentVolumeClaim", *both)}
    assert plans.router_plan(resource(), seen)["wanted"]


def test_manifests_are_completed_to_objects_of_their_resource() -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "r"},
        "spec": {"a": None, "b": {}},
    }
    (completed,) = objects.claimed([manifest], resource())
    assert completed["metadata"]["namespace"] == "ml"
    assert completed["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert completed["metadata"]["labels"]["app.kubernetes.io/instance"] == "r"
    assert completed["spec"] == {"b": {}}


def test_a_claim_that_shall_be_kept_has_an_annotation_in_place_of_an_owner() -> None:
    plan = plans.persistence_plan(resource(persistence={"retentionPolicy": "Retain"}), observed())
    assert plan["annotations"] == {OWNER_ANNOTATION: "u1"}
    manifest = {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "r", "annotations": plan["annotations"]},
    }
    (completed,) = objects.claimed([manifest], resource())
    assert "ownerReferences" not in completed["metadata"]


def test_what_is_not_wanted_any_more_is_removed_by_its_uid() -> None:
    seen = observed(
        live("Ingress"),
        live("HTTPRoute", owner="other"),
        live("ConfigMap", "r-config-1"),
        live("ConfigMap", "old"),
    )
    found = [
        (item["kind"], item["metadata"]["name"], item["metadata"]["uid"])
        for item in leftovers(resource(), seen, {("ConfigMap", "r-config-1")})
    ]
    assert found == [("ConfigMap", "old", "ConfigMap-1"), ("Ingress", "r", "Ingress-1")]


PLAIN = {
    "backend_type": "redis",
    "redis": {"connection": {"host": "h", "password": "hunter2"}},  # not one of anybody
}


def test_a_password_in_plain_text_goes_into_a_secret_before_anything_else() -> None:
    given = resource(config={"semantic_cache": PLAIN})
    plan = plans.cache_plan(given, observed())
    assert (plan["wanted"], plan["name"]) == (["Secret"], "r-credentials")
    assert plans.cache_secret_data(given) == {"password": "aHVudGVyMg=="}
    condition = plans.router_plan(given, observed())["conditions"]["RouterReady"]
    assert (condition["reason"], condition["message"]) == (
        "SecretNotWritten",
        "waiting for Secret ml/r-credentials",
    )
    key = "v1/Secret/ml/r-credentials"
    made = {key: {"uid": "s1", "version": "5", "fields": "f"}}
    since = objects.with_applied(observed(), made, given)
    after = plans.router_plan(given, since)
    assert after["template"]["metadata"]["annotations"]["vllm.ai/secret-versions"] == "r-credentials/s1/5"
    assert "hunter2" not in repr((plan, after))
    assert "aHVudGVyMg" not in repr((plan, after))
    later = objects.with_applied(since, {key: {**made[key], "version": "6"}}, given)
    assert plans.router_plan(given, later)["template"] != after["template"]
    assert len(later["owned"]["Secret"]) == 1


def test_nothing_is_moved_while_the_configuration_is_wrong() -> None:
    plan = plans.cache_plan(resource(config={"semantic_cache": PLAIN}, **WRONG), observed())
    assert plan["wanted"] == []


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"msg": "secrets is forbidden: hunter2"}, "deploy/rbac/plaintext_credentials.yaml"),
        ({"msg": "hunter2 cannot be decoded"}, "it is tried again"),
    ],
)
def test_a_secret_that_could_not_be_written_is_told_without_what_is_in_it(
    result: dict[str, Any], words: str
) -> None:
    plan = plans.cache_plan(resource(config={"semantic_cache": PLAIN}), observed())
    refused = plans.cache_refusal(result, plan)
    condition = plans.cache_conditions(refused)["CacheReady"]
    assert words in refused
    assert condition["status"] == "False"
    assert "hunter2" not in condition["message"]


def pods_with(secret: str) -> dict[str, Any]:
    reference = {"secretKeyRef": {"name": secret, "key": "password"}}
    return {"spec": {"containers": [{"name": "c", "env": [{"name": "P", "valueFrom": reference}]}]}}


@pytest.mark.parametrize(
    ("deployment", "replica_sets", "removed"),
    [
        ("r-credentials", [], []),
        ("other", [("r-credentials", True), ("other", True)], []),
        ("other", [("r-credentials", False), ("other", True)], ["r-credentials"]),
    ],
)
def test_our_secret_goes_when_no_pod_can_need_it_any_more(
    deployment: str, replica_sets: list[tuple[str, bool]], removed: list[str]
) -> None:
    seen = observed(
        live("Secret", "r-credentials"), {**live("Deployment"), "spec": {"template": pods_with(deployment)}}
    )
    seen["references"]["replica_sets"] = [
        {"deployment": "Deployment-1", "has_pods": has_pods, "template": pods_with(secret)}
        for secret, has_pods in replica_sets
    ]
    needed = situation(seen).stored.in_use()
    assert [item["metadata"]["name"] for item in leftovers(resource(), seen, needed)] == removed


def test_a_claim_that_is_there_is_looked_after_whatever_else_is_wrong() -> None:
    spec = {"resources": {"requests": {"storage": "10Gi"}}, "accessModes": ["ReadWriteOnce"]}
    seen = observed({**live("PersistentVolumeClaim", "r-models"), "spec": spec})
    plan = plans.persistence_plan(resource(persistence={"retentionPolicy": "Retain"}, **WRONG), seen)
    assert (plan["wanted"], plan["annotations"]) == (["PersistentVolumeClaim"], {OWNER_ANNOTATION: "u1"})
    assert plan["storage_class"] is None, "one that was bound by hand has none, and gets none"


def test_a_growth_waits_for_the_claim_to_be_bound() -> None:
    (watch,) = read_watches(CHECKOUT / "watches.yaml", {})
    (claims,) = [kind for kind in watch.owns if kind.gvk.kind == "PersistentVolumeClaim"]
    assert claims.inputs

    def waits(phase: str, asked: str | None) -> object:
        spec = {"persistence": {"size": asked}} if asked else {}
        claim = {"spec": {"resources": {"requests": {"storage": "1Gi"}}}, "status": {"phase": phase}}
        return claims.inputs and claims.inputs.search({"resource": resource(**spec), "object": claim})

    assert waits("Pending", "2Gi") == "Pending"
    assert [waits("Bound", "2Gi"), waits("Pending", "1Gi"), waits("Pending", None)] == [None, None, None]


def test_claims_are_never_removed() -> None:
    assert (
        list(
            leftovers(
                resource(persistence={"enabled": False}),
                observed(live("PersistentVolumeClaim", "r-models")),
                (),
            )
        )
        == []
    )


def test_a_gateway_gets_a_route_with_the_timeouts_of_the_documentation() -> None:
    seen = observed(apis=SERVED)
    seen["references"]["gateways"] = [{"metadata": {}}]
    plan = plans.gateway_plan(resource(gateway=GATEWAY), seen)
    assert (plan["wanted"], plan["mode"]) == (["HTTPRoute"], "gateway-integration")
    assert (
        plan["parents"][0] | {"name": "shared", "namespace": "gateways", "sectionName": "web"}
        == plan["parents"][0]
    )
    assert [rule["timeouts"]["request"] for rule in plan["rules"]] == ["60s", "30s", "5s", "5s"]
    removed = plan["rules"][0]["filters"][0]["requestHeaderModifier"]["remove"]
    assert "x-selected-model" in removed


def test_the_service_has_the_ports_of_its_mode() -> None:
    def ports(**spec: Any) -> dict[str, int]:  # noqa: ANN401 - as kubectl would have it
        found = plans.router_plan(resource(**spec), observed())["service_ports"]
        return {port["name"]: port["port"] for port in found}

    assert ports() == {"api": 8080, "grpc": 50051, "metrics": 9190, "envoy-metrics": 19001}
    assert ports(gateway=GATEWAY) == {"api": 8080, "metrics": 9190}
    assert ports(service={"metrics": {"enabled": False}}) == {"api": 8080, "grpc": 50051}
    assert ports(service={"api": {"port": 19001}})["envoy-metrics"] == 19002


@pytest.mark.parametrize(("apis", "reason"), [({}, "GatewayAPIAbsent"), (SERVED, "GatewayNotFound")])
def test_a_gateway_that_cannot_be_used_is_told_by_its_own_reason(apis: dict[str, str], reason: str) -> None:
    condition = plans.gateway_plan(resource(gateway=GATEWAY), observed(apis=apis))["conditions"][
        "GatewayReady"
    ]
    assert (condition["status"], condition["reason"]) == ("False", reason)


@pytest.mark.parametrize(
    ("presence", "status", "wanted"),
    [("present", "True", ["Route"]), ("absent", "False", []), ("unknown", "Unknown", [])],
)
def test_a_route_is_made_where_its_api_is_served(presence: str, status: str, wanted: list[str]) -> None:
    spec = {"openshift": {"routes": {"enabled": True, "hostname": "a.example"}}}
    plan = plans.openshift_plan(resource(**spec), observed(apis={ROUTE: presence}))
    assert (plan["wanted"], plan["conditions"]["RouteReady"]["status"]) == (wanted, status)
    assert plan["tls"] == {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}


def test_watches_yaml_names_the_same_objects_as_the_roles_make() -> None:
    (watch,) = read_watches(CHECKOUT / "watches.yaml", {})
    for given in (resource(), resource(serviceAccount={"name": "mine"})):
        named = {(key.gvk.kind, key.name) for key in interest_of(watch, given).owned}
        made = {(entry.kind, name_of(entry, given)) for entry in ENTRIES} | {
            ("PersistentVolumeClaim", "r-models")
        }
        assert named == made
    owned = {kind.gvk.kind: kind.gvk.api_version for kind in watch.owns}
    assert {entry.kind: entry.api_version for entry in ENTRIES}.items() <= owned.items()


def test_the_same_input_gives_the_same_files() -> None:
    once, again = (plans.router_plan(resource(), observed())["files"] for _ in range(2))
    assert once == again
    assert yaml.safe_load(once["config.yaml"])["version"] == "v0.3"
    assert once["tools_db.json"] == "[]\n"
