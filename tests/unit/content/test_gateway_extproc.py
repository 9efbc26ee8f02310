"""The routing decision inside a shared gateway: rules for models, the policy, and what cannot be said so."""

from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils.gateway_extproc import (
    MOST_MODELS,
    POLICY_API,
)

from tests.unit.content.routers import live, observed, resource

SERVED = {"gateway.networking.k8s.io/v1/HTTPRoute": "present", POLICY_API: "present"}


def spec(*models: str, **gateway: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    def endpoint(model: str) -> dict[str, Any]:
        service = {"name": f"vllm-{model}", "namespace": "models", "port": 8000}
        return {"name": model, "model": model, "backend": {"type": "service", "service": service}}

    reference = {"name": "shared", "namespace": "gateways"}
    return {
        "vllmEndpoints": [endpoint(model) for model in models],
        "gateway": {"existingRef": reference, "extProc": {"enabled": True}, **gateway},
    }


def seen(*models: str, policy: str = "present", ports: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    found = observed(apis={**SERVED, POLICY_API: policy})
    found["references"]["gateways"] = [{"metadata": {}}]
    found["references"]["services"] = [
        {
            "metadata": {"namespace": "models", "name": f"vllm-{model}"},
            "spec": {"ports": list(ports) or [{"port": 8000}]},
        }
        for model in models
    ]
    return found


def plan(*models: str, **gateway: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    found: dict[str, Any] = plans.gateway_plan(resource(**spec(*models, **gateway)), seen(*models))
    return found


def test_each_model_has_a_rule_by_the_routers_choice_and_the_first_takes_the_rest() -> None:
    found = plan("a", "b")
    assert found["wanted"] == ["HTTPRoute", "ModelsRoute", "EnvoyExtensionPolicy"]
    a, b, rest = found["models_rules"]
    assert a["matches"] == [
        {
            "path": {"type": "PathPrefix", "value": "/v1"},
            "headers": [{"type": "Exact", "name": "x-selected-model", "value": "a"}],
        }
    ]
    assert (b["backendRefs"][0]["name"], rest["backendRefs"]) == ("vllm-b", a["backendRefs"])
    assert "headers" not in rest["matches"][0]
    assert a["backendRefs"] == [
        {
            "group": "",
            "kind": "Service",
            "name": "vllm-a",
            "namespace": "models",
            "port": 8000,
            "weight": 1,
        }
    ]
    assert "x-selected-model" in a["filters"][0]["requestHeaderModifier"]["remove"]


def test_adapters_lead_to_their_model() -> None:
    given = spec("a")
    given["vllmEndpoints"][0]["loras"] = [{"name": "sql"}]
    first, _ = plans.gateway_plan(resource(**given), seen("a"))["models_rules"]
    assert [match["headers"][0]["value"] for match in first["matches"]] == ["a", "sql"]


def test_chat_goes_to_the_models_and_not_to_the_routers_own_api() -> None:
    paths = [rule["matches"][0]["path"]["value"] for rule in plan("a")["rules"]]
    assert paths == ["/api/v1/classify", "/health", "/v1/models"]


def test_a_generation_has_no_limit_unless_one_is_set() -> None:
    assert plan("a")["models_rules"][0]["timeouts"] == {"request": "0s"}
    limited = plan("a", timeouts={"chatSeconds": 90})
    assert limited["models_rules"][0]["timeouts"] == {"request": "90s"}


def test_the_policy_asks_the_router_about_the_models_only_and_closes_without_it() -> None:
    policy = plan("a")["policy"]
    assert policy["targetRefs"] == [
        {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "r-models"}
    ]
    (asked,) = policy["extProc"]
    assert asked["backendRefs"] == [{"group": "", "kind": "Service", "name": "r", "port": 50051}]
    assert asked["failOpen"] is False
    assert asked["processingMode"]["response"] == {"body": "Streamed"}


def test_the_service_has_the_port_for_it() -> None:
    ports = plans.router_plan(resource(**spec("a")), seen("a"))["service_ports"]
    assert {port["name"] for port in ports} == {"api", "grpc", "metrics"}


def test_the_port_of_a_headless_service_is_its_own() -> None:
    given = spec("a")
    given["vllmEndpoints"][0]["backend"] = {"type": "llamastack", "discoveryLabels": {"app": "a"}}
    found = seen()
    service = {
        "metadata": {"namespace": "ml", "name": "a", "labels": {"app": "a"}},
        "spec": {"clusterIP": "None", "ports": [{"port": 80, "targetPort": 8000}]},
    }
    found["references"]["labelled_services"] = [service]
    first, _ = plans.gateway_plan(resource(**given), found)["models_rules"]
    assert first["backendRefs"][0]["port"] == 80


@pytest.mark.parametrize(
    ("presence", "status", "reason"),
    [("absent", "False", "ExtProcAPIAbsent"), ("unknown", "Unknown", "ExtProcAPIUnknown")],
)
def test_without_envoy_gateway_only_the_plain_route_is_made(presence: str, status: str, reason: str) -> None:
    found = plans.gateway_plan(resource(**spec("a")), seen("a", policy=presence))
    condition = found["conditions"]["GatewayReady"]
    assert (found["wanted"], condition["status"], condition["reason"]) == (["HTTPRoute"], status, reason)


def test_more_models_than_an_httproute_has_rules_for_are_told() -> None:
    models = [f"m{number}" for number in range(MOST_MODELS + 1)]
    found = plan(*models)
    assert found["wanted"] == ["HTTPRoute"]
    assert found["conditions"]["GatewayReady"]["reason"] == "TooManyModels"
    assert len(plan(*models[:-1])["models_rules"]) == 16


def test_a_backend_that_a_rule_cannot_name_is_told_and_its_model_goes_nowhere_else() -> None:
    secure = seen("a", "b", ports=({"port": 8000, "name": "https"},))
    secure["references"]["services"][1]["spec"]["ports"] = [{"port": 8000}]
    found = plans.gateway_plan(resource(**spec("a", "b")), secure)
    condition = found["conditions"]["GatewayReady"]
    assert (condition["status"], condition["reason"]) == ("False", "BackendNotSupported")
    assert "endpoint a at vllm-a.models.svc.cluster.local:8000 speaks https" in condition["message"]
    assert found["models_rules"][0]["backendRefs"] == []


def test_what_belongs_to_it_goes_when_it_is_switched_off() -> None:
    given = spec("a")
    given["gateway"]["extProc"]["enabled"] = False
    left = (live("HTTPRoute"), live("HTTPRoute", "r-models"), live("EnvoyExtensionPolicy"))
    found = seen("a")
    for one in left:
        found["owned"].setdefault(one["kind"], []).append(one)
    unwanted = plans.router_plan(resource(**given), found)["unwanted"]
    assert [(one["kind"], one["metadata"]["name"]) for one in unwanted] == [
        ("HTTPRoute", "r-models"),
        ("EnvoyExtensionPolicy", "r"),
    ]
