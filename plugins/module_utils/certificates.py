"""The certificate that Envoy serves when TLS does not end at the Route: the user's own, or one that OpenShift makes."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    STANDALONE,
    gateway_mode,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false

ROUTE_API = "route.openshift.io/v1/Route"
SERVING_CERTIFICATE = "service.beta.openshift.io/serving-cert-secret-name"
"""Annotation of a Service for which OpenShift makes a certificate and keeps it fresh."""

KEYS = ("tls.crt", "tls.key")


def termination(resource: Object) -> str:
    """Return where TLS of the Route ends: ``edge``, ``passthrough`` or ``reencrypt``."""
    return str(_tls(resource).get("termination") or "edge")


def needs_certificate(resource: Object) -> bool:
    """Whether the Route leads TLS on to Envoy."""
    enabled = section(spec_of(resource), "openshift", "routes").get("enabled")
    return bool(enabled) and termination(resource) != "edge" and gateway_mode(resource) == STANDALONE


def uses_serving_certificate(resource: Object) -> bool:
    """Whether OpenShift makes the certificate; routers of OpenShift trust it, so it is the default of reencrypt."""
    given = _tls(resource).get("servingCertificate")
    default = termination(resource) == "reencrypt" and not _own(resource)
    return needs_certificate(resource) and bool(default if given is None else given)


def certificate_secret(resource: Object, observed: Mapping[str, Any]) -> str | None:
    """Return the Secret with the certificate; None when Envoy serves none.

    Where there are no Routes, nobody asks for TLS, and nobody would make the Secret.
    """
    if not needs_certificate(resource) or section(observed, "apis").get(ROUTE_API) != "present":
        return None
    return _own(resource) or (serving_secret(resource) if uses_serving_certificate(resource) else None)


def serving_secret(resource: Object) -> str:
    """Return the name of the Secret that OpenShift makes."""
    return identity_of(resource).name_of("serving-certificate")


def certificate_problem(resource: Object, observed: Mapping[str, Any]) -> Condition | None:
    """Say why pods with TLS cannot be made now; None when nothing stands in the way."""
    if not needs_certificate(resource):
        return None
    presence = section(observed, "apis").get(ROUTE_API)
    if presence == "unknown":
        text = (
            "whether the cluster serves Routes cannot be told now, and so not whether Envoy shall serve TLS"
        )
        return Condition(status="Unknown", reason="RouteAPIUnknown", message=text)
    own = _own(resource)
    return _missing(resource, observed, own) if own and presence == "present" else None


def _missing(resource: Object, observed: Mapping[str, Any], name: str) -> Condition | None:
    place = f"Secret {identity_of(resource).namespace}/{name}"
    field = "spec.openshift.routes.tls.secretRef"
    for error in section(observed, "errors").get("secrets") or ():
        if error.get("name") == name:
            return false(error["reason"], f"{place} of {field} cannot be read: {error['reason']}")
    for secret in section(observed, "references").get("secrets") or ():
        if secret["metadata"]["name"] == name:
            lacking = [key for key in KEYS if key not in (secret.get("keys") or ())]
            text = f"{place} of {field} has no {' and no '.join(lacking)}: make it with `kubectl create secret tls`"
            return false("SecretKeyNotFound", text) if lacking else None
    text = f"{place} of {field} does not exist: make it with `kubectl create secret tls`"
    return false("SecretNotFound", text)


def _own(resource: Object) -> str | None:
    return section(_tls(resource), "secretRef").get("name") or None


def _tls(resource: Object) -> Mapping[str, Any]:
    return section(spec_of(resource), "openshift", "routes", "tls")
