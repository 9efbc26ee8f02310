"""Envoy takes the configuration of whatever resource the API server would admit."""

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter.plans import gateway_plan
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.envoy_files import problems, with_everything
from tests.support.traffic.authorities import Authority

LIKE_YAML = ("y", "n", "null", "1e5", "0x10", "on", "off")
LIKE_CODE = ("~", "{{ x }}", "${HOME}", "%REQ(A)%", "%", ".*", "a\r\nb: c", "\x00", "é", "a/b", "a.b")
LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True) | st.sampled_from(LIKE_YAML)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=253)
MODELS = st.one_of(TEXTS, st.sampled_from([*LIKE_YAML, *LIKE_CODE]))
PORTS = st.integers(1, 65535)
URLS = st.sampled_from(["http://a.example.com", "https://a.example.com:8443/v1", "http://[fd00::1]:80", ""])
STANDARD = {"name": "standard", "isDefault": "true", "allowVolumeExpansion": True, "created": "2026-01-01"}
KIND = {"apiVersion": "vllm.ai/v1alpha1", "kind": "SemanticRouter"}
CERTIFICATE_DIRECTORY = "/etc/envoy-certificate"
PASSTHROUGH = {"termination": "passthrough", "secretRef": {"name": "own"}}
TYPES = (
    ("service", "services", lambda found: {"service": {"name": _name(found), "port": _port(found)}}),
    ("llamastack", "labelled_services", lambda found: {"discoveryLabels": {"app": _name(found)}}),
    ("kserve", "inference_services", lambda found: {"inferenceServiceName": _name(found)}),
)
"""For each type of backend: what it refers to, and how it says so."""


def _name(found: dict[str, Any]) -> str:
    return str(found["metadata"]["name"])


def _port(found: dict[str, Any]) -> int:
    return int(found["spec"]["ports"][0]["port"])


@st.composite
def targets(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a backend refers to: with http or https, with an address of its own or elsewhere."""
    name = draw(LABELS)
    said = draw(st.sampled_from([{}, {"name": "http"}, {"name": "https"}, {"appProtocol": "https"}]))
    kind = draw(st.sampled_from([{"clusterIP": "10.0.0.1"}, {"clusterIP": "None"}, {"type": "ExternalName"}]))
    port = {"port": draw(PORTS), "targetPort": draw(PORTS), **said}
    metadata = {"namespace": "ml", "name": name, "labels": {"app": name}}
    return {"metadata": metadata, "spec": {"ports": [port], **kind}, "status": {"url": draw(URLS)}}


@st.composite
def resources(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a resource in standalone mode, and what is observed for it; some backends do not exist."""
    references: dict[str, list[Any]] = {"storage_classes": [STANDARD]}
    entries = []
    for number in range(draw(st.integers(0, 5))):
        kind, reference, refer = draw(st.sampled_from(TYPES))
        found = draw(targets())
        entry = {"name": f"e{number}", "model": draw(MODELS), "weight": draw(st.integers(0, 1_000_000))}
        loras = [{"name": name} for name in draw(st.lists(MODELS, max_size=2))]
        entries.append({**entry, "loras": loras, "backend": {"type": kind, **refer(found)}})
        if draw(st.booleans()):
            references.setdefault(reference, []).append(found)
    names, numbers = ("api", "grpc", "metrics"), draw(st.lists(PORTS, min_size=3, max_size=3, unique=True))
    service = {name: {"targetPort": number} for name, number in zip(names, numbers, strict=True)}
    envoy = {"failOpen": draw(st.booleans()), "idleTimeoutSeconds": draw(st.integers(1, 86400))}
    spec: dict[str, Any] = {"vllmEndpoints": entries, "service": service, "envoy": envoy}
    if draw(st.booleans()):
        spec["openshift"] = {"routes": {"enabled": True, "tls": PASSTHROUGH}}
        secret = {"metadata": {"namespace": "ml", "name": "own", "uid": "s", "resourceVersion": "1"}}
        references["secrets"] = [{**secret, "keys": ["tls.crt", "tls.key"]}]
    metadata = {"namespace": "ml", "name": draw(LABELS), "uid": "u", "generation": 1}
    apis = {"route.openshift.io/v1/Route": "present"}
    return {**KIND, "metadata": metadata, "spec": spec}, {"references": references, "apis": apis}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate, as a Secret of type kubernetes.io/tls is mounted."""
    directory = tmp_path_factory.mktemp("certificates")
    pair = Authority.create(directory).issue("router")
    pair.certificate.rename(directory / "tls.crt")
    pair.key.rename(directory / "tls.key")
    return directory


@given(resources())
@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))  # each try is a process
def test_envoy_takes_the_files_of_any_resource(
    certificates: Path, drawn: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    plan = gateway_plan(*drawn)
    assert problems(plan["files"], directories={CERTIFICATE_DIRECTORY: str(certificates)}) == ""


SIMPLE = {
    **KIND,
    "metadata": {"namespace": "ml", "name": "r", "uid": "u", "generation": 1},
    "spec": {"vllmEndpoints": []},
}
OBSERVED = {"references": {"storage_classes": [STANDARD]}}


@pytest.mark.parametrize("name", ["envoy.yaml", "listeners.yaml", "routes.yaml", "clusters.yaml"])
def test_what_is_wrong_in_any_of_the_files_is_noticed(name: str) -> None:
    files = dict(gateway_plan(SIMPLE, OBSERVED)["files"])
    wrong = {"admin": 1} if name == "envoy.yaml" else {"resources": [{"name": "x", "misspelt": 1}]}
    assert problems(files) == ""
    assert problems({**files, name: json.dumps(wrong)}) != ""


def test_a_route_to_a_cluster_that_is_not_there_is_noticed() -> None:
    files = dict(gateway_plan(SIMPLE, OBSERVED)["files"])
    files["routes.yaml"] = files["routes.yaml"].replace("router_api", "misspelt")
    assert "misspelt" in problems(files)


def test_nothing_is_left_to_be_watched() -> None:
    assert "path_config_source" not in str(with_everything(gateway_plan(SIMPLE, OBSERVED)["files"]))
