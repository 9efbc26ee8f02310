"""Which certificate Envoy serves, where it comes from, and what is said when it is not there."""

from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils import exposure, workload
from ansible_collections.vllm.semantic_router.plugins.module_utils.certificates import (
    ROUTE_API,
    SERVING_CERTIFICATE,
)

from tests.unit.content.routers import observed, resource, situation

GATEWAY = {"existingRef": {"name": "shared", "namespace": "gateways"}}
OWN = {"termination": "passthrough", "secretRef": {"name": "tls"}}
REENCRYPT = {"termination": "reencrypt"}


def routes(tls: dict[str, Any], **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    return {"openshift": {"routes": {"enabled": True, "tls": tls}}, **spec}


def seen(presence: str = "present", *keys: str) -> dict[str, Any]:
    """Return an observation; with ``keys`` the Secret ``tls`` is there and has them."""
    found = observed(apis={ROUTE_API: presence})
    if keys:
        metadata = {"namespace": "ml", "name": "tls", "uid": "s", "resourceVersion": "1"}
        found["references"]["secrets"] = [{"metadata": metadata, "keys": list(keys)}]
    return found


@pytest.mark.parametrize(
    ("spec", "secret"),
    [
        (routes({"termination": "edge"}), None),
        (routes(OWN), "tls"),
        (routes(REENCRYPT), "r-serving-certificate"),
        (routes(REENCRYPT | {"servingCertificate": False}), None),
        (routes(REENCRYPT | {"secretRef": {"name": "tls"}}), "tls"),
        (routes({"termination": "passthrough", "servingCertificate": True}), "r-serving-certificate"),
        (routes(OWN, gateway=GATEWAY), None),
        ({"openshift": {"routes": {"enabled": False, "tls": OWN}}}, None),
    ],
)
def test_envoy_serves_the_users_certificate_or_the_clusters(spec: dict[str, Any], secret: str | None) -> None:
    assert situation(seen("present", "tls.crt", "tls.key"), **spec).certificate == secret


def test_the_secret_is_mounted_into_envoy_only() -> None:
    found = situation(seen("present", "tls.crt", "tls.key"), **routes(OWN))
    assert {"name": "envoy-certificate", "secret": {"secretName": "tls"}} in workload.volumes(found, "rev")
    router, envoy = workload.containers(found)
    assert "envoy-certificate" in {mount["name"] for mount in envoy["volumeMounts"]}
    assert "envoy-certificate" not in {mount["name"] for mount in router["volumeMounts"]}


def test_openshift_is_asked_for_a_certificate_by_an_annotation_of_the_service() -> None:
    asked = situation(seen(), **routes(REENCRYPT))
    assert exposure.service_annotations(asked) == {SERVING_CERTIFICATE: "r-serving-certificate"}
    assert exposure.service_annotations(situation(seen("present", "tls.crt"), **routes(OWN))) is None


def test_where_there_are_no_routes_pods_do_not_wait_for_a_certificate_that_nobody_makes() -> None:
    plan = plans.router_plan(resource(**routes(REENCRYPT)), seen("absent"))
    assert "envoy-certificate" not in {volume["name"] for volume in plan["template"]["spec"]["volumes"]}
    assert "Deployment" in plan["wanted"]


@pytest.mark.parametrize(
    ("keys", "reason", "says"),
    [
        ((), "SecretNotFound", "Secret ml/tls of spec.openshift.routes.tls.secretRef does not exist"),
        (("tls.crt",), "SecretKeyNotFound", "has no tls.key"),
    ],
)
def test_pods_wait_for_a_certificate_that_is_missing(keys: tuple[str, ...], reason: str, says: str) -> None:
    plan = plans.router_plan(resource(**routes(OWN)), seen("present", *keys))
    condition = plan["conditions"]["RouterReady"]
    assert (plan["wanted"], condition["status"], condition["reason"]) == ([], "False", reason)
    assert says in condition["message"]
    assert "kubectl create secret tls" in condition["message"]


def test_a_secret_that_may_not_be_read_is_told_as_that() -> None:
    found = seen()
    found["errors"] = {"secrets": [{"namespace": "ml", "name": "tls", "reason": "Forbidden"}]}
    condition = plans.router_plan(resource(**routes(OWN)), found)["conditions"]["RouterReady"]
    assert condition["reason"] == "Forbidden"


@pytest.mark.parametrize("api", [ROUTE_API, "security.openshift.io/v1/SecurityContextConstraints"])
def test_what_is_not_known_of_the_cluster_changes_nothing(api: str) -> None:
    found = seen() | {"apis": {ROUTE_API: "present", api: "unknown"}}
    plan = plans.router_plan(resource(**routes(REENCRYPT)), found)
    assert (plan["wanted"], plan["unwanted"]) == ([], [])
    assert plan["conditions"]["RouterReady"]["status"] == "Unknown"
