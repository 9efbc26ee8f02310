"""Where model servers are, from what was observed; what has no address is named with the next step."""

from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import (
    Address,
    Backends,
    Model,
    resolve_backends,
)

DOMAIN = "cluster.local"


def resource(*endpoints: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "ml", "name": "r", "uid": "1"},
        "spec": {"vllmEndpoints": list(endpoints)},
    }


def endpoint(backend: dict[str, Any], model: str = "llama", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": f"{model}-endpoint", "model": model, "backend": backend, **more}


def by_name(name: str = "vllm", port: int = 8000, **more: str) -> dict[str, Any]:
    return {"type": "service", "service": {"name": name, "port": port, **more}}


def by_labels(**labels: str) -> dict[str, Any]:
    return {"type": "llamastack", "discoveryLabels": labels}


BY_INFERENCE_SERVICE = {"type": "kserve", "inferenceServiceName": "llama"}


def service(
    name: str = "vllm",
    *ports: dict[str, Any],
    namespace: str = "ml",
    labels: dict[str, str] | None = None,
    **spec: Any,  # noqa: ANN401
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"metadata": metadata, "spec": {"ports": list(ports or ({"port": 8000},)), **spec}}


def inference_service(**status: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"metadata": {"name": "llama", "namespace": "ml"}, "status": status}


def resolved(found: dict[str, Any], **references: list[dict[str, Any]]) -> Backends:
    return resolve_backends(found, {"references": references}, DOMAIN)


def addresses(backends: Backends) -> list[Address]:
    return [endpoint.address for model in backends.models for endpoint in model.endpoints]


def test_a_service_is_reached_by_its_name_and_the_port_that_is_asked_for() -> None:
    backends = resolved(resource(endpoint(by_name())), services=[service()])
    assert addresses(backends) == [Address(host="vllm.ml.svc.cluster.local", port=8000)]
    assert (backends.condition.status, backends.condition.reason) == ("True", "Resolved")


def test_a_service_of_another_namespace_and_domain_is_reached_there() -> None:
    found = resource(endpoint(by_name(namespace="serving")))
    backends = resolve_backends(
        found, {"references": {"services": [service(namespace="serving")]}}, "example"
    )
    assert addresses(backends) == [Address(host="vllm.serving.svc.example", port=8000)]


@pytest.mark.parametrize("port", [{"port": 8000, "name": "https"}, {"port": 8000, "appProtocol": "https"}])
def test_a_port_that_says_https_is_spoken_to_with_tls(port: dict[str, Any]) -> None:
    assert addresses(resolved(resource(endpoint(by_name())), services=[service("vllm", port)]))[0].tls


@pytest.mark.parametrize(
    ("backend", "observed", "reason", "words"),
    [
        (by_name(), {}, "ServiceNotFound", "Service ml/vllm does not exist"),
        (by_name(port=9), {"services": [service()]}, "PortNotFound", "has no port 9, it has 8000"),
        (by_labels(app="x"), {}, "ServiceNotFound", "no Service in namespace ml has the labels app=x"),
        (BY_INFERENCE_SERVICE, {}, "InferenceServiceNotFound", "InferenceService ml/llama does not exist"),
        (
            BY_INFERENCE_SERVICE,
            {"inference_services": [inference_service()]},
            "InferenceServiceNotReady",
            "neither a Service llama-predictor nor an address",
        ),
        (
            by_labels(app="x"),
            {"labelled_services": [service("a", {"port": 1}, {"port": 2}, labels={"app": "x"})]},
            "PortNotFound",
            "has the ports 1, 2: name one of them http",
        ),
    ],
)
def test_what_has_no_address_is_named_with_the_next_step(
    backend: dict[str, Any], observed: dict[str, Any], reason: str, words: str
) -> None:
    condition = resolved(resource(endpoint(backend)), **observed).condition
    assert (condition.status, condition.reason) == ("False", reason)
    assert condition.message.startswith("endpoint llama-endpoint: ")
    assert words in condition.message


@pytest.mark.parametrize(
    ("reason", "words"),
    [("Forbidden", "may not read"), ("Unavailable", "could not be read"), ("Absent", "does not serve")],
)
def test_a_read_that_failed_is_its_own_reason(reason: str, words: str) -> None:
    observed = {"errors": {"services": [{"namespace": "ml", "name": "vllm", "reason": reason}]}}
    condition = resolve_backends(resource(endpoint(by_name())), observed, DOMAIN).condition
    assert condition.reason == reason
    assert words in condition.message


def test_the_others_are_used_when_one_is_missing_and_its_model_stays_known() -> None:
    found = resource(endpoint(by_name()), endpoint(by_name("gone"), model="qwen"))
    backends = resolved(found, services=[service()])
    assert [(model.name, len(model.endpoints)) for model in backends.models] == [("llama", 1), ("qwen", 0)]
    assert backends.condition.status == "False"
    assert "qwen-endpoint" in backends.condition.message
    assert "llama-endpoint" not in backends.condition.message


def test_all_services_with_the_labels_are_used_in_a_stable_order_and_the_condition_says_so() -> None:
    services = [service(name, {"port": 80}, labels={"app": "x", "b": "c"}) for name in ("two", "one")]
    services.append(service("other", labels={"app": "y"}))
    backends = resolved(resource(endpoint(by_labels(app="x"))), labelled_services=services)
    (model,) = backends.models
    assert [one.name for one in model.endpoints] == ["llama-endpoint-one", "llama-endpoint-two"]
    assert "uses all 2 Services" in backends.condition.message


def test_the_port_named_http_goes_before_the_others() -> None:
    ports = ({"port": 9000, "name": "metrics"}, {"port": 80, "name": "http"})
    backends = resolved(
        resource(endpoint(by_labels(app="x"))), labelled_services=[service("a", *ports, labels={"app": "x"})]
    )
    assert addresses(backends)[0].port == 80


def test_the_predictor_service_goes_before_the_url_of_the_status() -> None:
    backends = resolved(
        resource(endpoint(BY_INFERENCE_SERVICE)),
        inference_services=[inference_service(url="https://elsewhere.example")],
        predictor_services=[service("llama-predictor", {"port": 80, "targetPort": 8080})],
    )
    assert addresses(backends) == [Address(host="llama-predictor.ml.svc.cluster.local", port=80)]


def test_a_headless_predictor_is_reached_at_the_port_of_its_pods() -> None:
    headless = service("llama-predictor", {"port": 80, "targetPort": 8080}, clusterIP="None")
    backends = resolved(
        resource(endpoint(BY_INFERENCE_SERVICE)),
        inference_services=[inference_service()],
        predictor_services=[headless],
    )
    assert addresses(backends)[0].port == 8080


@pytest.mark.parametrize(
    ("status", "address"),
    [
        ({"url": "https://llama.example"}, Address(host="llama.example", port=443, tls=True)),
        ({"url": "http://llama.example:81"}, Address(host="llama.example", port=81)),
        (
            {"url": "https://outside.example", "address": {"url": "http://inside.ml.svc"}},
            Address(host="inside.ml.svc", port=80),
        ),
    ],
)
def test_a_serverless_deployment_is_reached_by_the_address_of_its_status(
    status: dict[str, Any], address: Address
) -> None:
    knative = service("llama-predictor", {"port": 80}, type="ExternalName")
    backends = resolved(
        resource(endpoint(BY_INFERENCE_SERVICE)),
        inference_services=[inference_service(**status)],
        predictor_services=[knative],
    )
    assert addresses(backends) == [address]


def test_endpoints_of_one_model_are_put_together_with_its_adapters_and_family() -> None:
    one = endpoint(by_name("a"), weight=3, loras=[{"name": "law"}])
    other = {
        **endpoint(by_name("b"), reasoningFamily="qwen3", loras=[{"name": "law"}, {"name": "tax"}]),
        "name": "o",
    }
    (model,) = resolved(resource(one, other), services=[service("a"), service("b")]).models
    assert isinstance(model, Model)
    assert [(found.name, found.weight) for found in model.endpoints] == [("llama-endpoint", 3), ("o", 1)]
    assert ([lora["name"] for lora in model.loras], model.reasoning_family) == (["law", "tax"], "qwen3")


def test_without_endpoints_nothing_is_wrong_yet() -> None:
    assert resolved(resource()).condition.reason == "NoEndpoints"
    assert resolve_backends({"metadata": {"namespace": "ml", "name": "r"}}, {}, DOMAIN).models == ()


def test_a_long_list_of_problems_is_cut_and_counted() -> None:
    many = [{**endpoint(by_name(f"s{number}")), "name": f"e{number}"} for number in range(15)]
    assert resolved(resource(*many)).condition.message.endswith("and 5 more")
