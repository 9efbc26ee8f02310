"""The CRD on a real API server: what it accepts, what it refuses and how, and what `kubectl` shows of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cluster import DevCluster, running
from tests.support.waiting import wait_for
from tests.unit.crd.schemas import CRD, by_path, root, walk

pytestmark = pytest.mark.cluster

TESTDATA = Path(__file__).with_name("testdata") / "crd"
API = "apis/vllm.ai/v1alpha1/namespaces/default/semanticrouters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A specification, and the words with which the API server must refuse it, or none when it must not."""

    spec: Mapping[str, Any]
    says: tuple[str, ...] = ()

    def __str__(self) -> str:
        return json.dumps(self.spec)[:90]


def load(name: str) -> Any:  # noqa: ANN401 -- YAML
    return yaml.safe_load((TESTDATA / name).read_text(encoding="utf-8"))


RULES = load("rules.yaml")
ACCEPTED = [Case(spec=spec) for rule in RULES for spec in rule["accepted"]]
REFUSED = [Case(spec=spec, says=(rule["message"],)) for rule in RULES for spec in rule["refused"]]
OUT_OF_BOUNDS = [
    Case(spec=line["refused"], says=(line["field"], line["says"])) for line in load("bounds.yaml")
]
NAME_MESSAGE = "metadata.name is also the name of a Service and the start of other names"


@pytest.fixture(scope="module")
def cluster() -> Iterator[DevCluster]:
    """A control plane with the CRD."""
    with running(crds=()) as started:
        install(started, CRD.read_text(encoding="utf-8"))
        yield started


def install(cluster: DevCluster, text: str) -> None:
    """Apply the CRD as ``make install`` does, and wait until its resource is served."""
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=text)
    cluster.wait_established("semanticrouters.vllm.ai")


def router(spec: Mapping[str, Any], name: str = "a") -> dict[str, Any]:
    return {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": {"name": name},
        "spec": spec,
    }


def attempt(cluster: DevCluster, resource: object) -> tuple[bool, str]:
    """Whether the API server would create it (nothing is stored), and its words if not."""
    arguments = ("create", "--dry-run=server", "--validate=strict", "-f", "-")
    done = cluster.kubectl(*arguments, stdin=json.dumps(resource), check=False)
    return done.returncode == 0, done.stderr


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_what_fits_a_rule_is_accepted(cluster: DevCluster, case: Case) -> None:
    accepted, words = attempt(cluster, router(case.spec))
    assert accepted, words


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_breaks_a_rule_is_refused_with_its_message_only(cluster: DevCluster, case: Case) -> None:
    accepted, words = attempt(cluster, router(case.spec))
    assert not accepted
    assert case.says[0] in words
    assert [rule["message"] for rule in RULES if rule["message"] in words] == [case.says[0]]


@pytest.mark.parametrize("case", OUT_OF_BOUNDS, ids=str)
def test_what_is_out_of_bounds_is_refused_by_its_field(cluster: DevCluster, case: Case) -> None:
    accepted, words = attempt(cluster, router(case.spec))
    assert not accepted
    assert all(part in words for part in case.says), words


def test_every_rule_of_the_crd_has_its_examples() -> None:
    written = {
        rule["message"]
        for field in walk("", root())
        if field.path
        for rule in field.schema.get("x-kubernetes-validations", [])
    }
    assert {rule["message"] for rule in RULES} == written


@pytest.mark.parametrize("name", ["a", "test-router", "r2", "r" * 50])
def test_a_name_that_fits_a_service_is_accepted(cluster: DevCluster, name: str) -> None:
    accepted, words = attempt(cluster, router({}, name))
    assert accepted, words


@pytest.mark.parametrize("name", ["1router", "router.example", "r" * 51])
def test_a_name_that_no_service_could_have_is_refused(cluster: DevCluster, name: str) -> None:
    accepted, words = attempt(cluster, router({}, name))
    assert not accepted
    assert NAME_MESSAGE in words


@pytest.mark.parametrize("path", sorted((TESTDATA / "readme").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_documented_manifest_is_accepted_and_kept_whole(cluster: DevCluster, path: Path) -> None:
    manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    arguments = ("apply", "--server-side", "--dry-run=server", "--output", "json", "-f", str(path))
    stored = json.loads(cluster.kubectl(*arguments).stdout)
    assert lost(manifest["spec"], stored["spec"], "spec") == []


def lost(wanted: object, stored: object, path: str) -> list[str]:
    """Paths of what is in ``wanted`` and not, or otherwise, in ``stored`` (which has defaults besides)."""
    if isinstance(wanted, dict) and isinstance(stored, dict):
        return [part for key in wanted for part in lost(wanted[key], stored.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(stored, list) and len(wanted) == len(stored):
        pairs = enumerate(zip(wanted, stored, strict=True))
        return [part for index, (one, other) in pairs for part in lost(one, other, f"{path}[{index}]")]
    return [] if wanted == stored else [path]


def test_a_misspelt_field_is_refused(cluster: DevCluster) -> None:
    accepted, words = attempt(cluster, router({"config": {"semantic_cache": {"tll_seconds": 60}}}))
    assert not accepted
    assert 'unknown field "spec.config.semantic_cache.tll_seconds"' in words


def test_an_empty_specification_gets_no_blocks_that_would_make_objects(cluster: DevCluster) -> None:
    manifest = json.dumps({key: value for key, value in router({}).items() if key != "spec"})
    created = cluster.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=manifest)
    assert json.loads(created.stdout)["spec"] == {"replicas": 1}


def test_a_service_that_is_given_in_part_stays_as_given(cluster: DevCluster) -> None:
    manifest = json.dumps(router({"service": {"api": {"port": 80}, "metrics": {"enabled": False}}}))
    created = cluster.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=manifest)
    assert json.loads(created.stdout)["spec"]["service"] == {
        "type": "ClusterIP",
        "api": {"port": 80, "protocol": "TCP"},
        "metrics": {"enabled": False, "protocol": "TCP"},
    }


EXPLAINED = {
    "spec.config.semantic_cache.redis": ["RediSearch", "connection\t<Object>", "index\t<Object>"],
    "spec.config.semantic_cache.redis.connection.password_secret_ref": ["Secret", "key\t<string> -required-"],
    "spec.config.semantic_cache.milvus": ["Milvus", "collection\t<Object>", "data_management\t<Object>"],
    "spec.config.semantic_cache.hnsw": ["use_hnsw\t<boolean>", "hnsw_m\t<integer>"],
    "spec.vllmEndpoints.backend": ["type\t<string> -required-", "enum: kserve, llamastack, service"],
    "status.conditions": ["lastTransitionTime\t<string> -required-"],
}


@pytest.mark.parametrize(("field", "words"), EXPLAINED.items(), ids=EXPLAINED)
def test_kubectl_explain_tells_about_a_field(cluster: DevCluster, field: str, words: list[str]) -> None:
    text = cluster.kubectl("explain", f"semanticrouter.{field}").stdout
    assert [word for word in words if word not in text] == []
    assert "<no description>" not in text


def test_replicas_are_scaled_and_listed(cluster: DevCluster) -> None:
    cluster.apply(router({}, "scaled"))
    cluster.kubectl("scale", "sr/scaled", "--replicas=3")
    status = {
        "replicas": 3,
        "readyReplicas": 2,
        "selector": "a=b",
        "phase": "Running",
        "gatewayMode": "standalone",
    }
    report(cluster, "scaled", status)
    scale = json.loads(cluster.kubectl("get", "--raw", f"/{API}/scaled/scale").stdout)
    assert scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 3, "selector": "a=b"}
    header, line = cluster.kubectl("get", "sr").stdout.splitlines()
    assert header.split() == ["NAME", "REPLICAS", "READY", "PHASE", "MODE", "AGE"]
    assert line.split()[:-1] == ["scaled", "3", "2", "Running", "standalone"]
    assert "semanticrouter.vllm.ai/scaled" in cluster.kubectl("get", "all").stdout
    cluster.kubectl("delete", "sr/scaled")


def report(cluster: DevCluster, name: str, status: Mapping[str, Any]) -> None:
    """Write a status, as the operator does."""
    patch = json.dumps({"status": status})
    cluster.kubectl("patch", f"sr/{name}", "--subresource=status", "--type=merge", "--patch", patch)


def without_rules(schema: Any) -> Any:  # noqa: ANN401 -- YAML
    """A schema without CEL rules: what an older release may have been."""
    if isinstance(schema, dict):
        return {
            key: without_rules(value) for key, value in schema.items() if key != "x-kubernetes-validations"
        }
    return [without_rules(item) for item in schema] if isinstance(schema, list) else schema


OLD_SPEC = {
    "autoscaling": {"enabled": True, "minReplicas": 4, "maxReplicas": 3},
    "config": {"semantic_cache": {"backend_type": "redis"}, "response_cache": {}},
    "persistence": {"existingClaim": "models", "storageClassName": "standard"},
    "vllmEndpoints": [{"name": "a", "model": "m", "backend": {"type": "kserve"}}],
}


def test_an_object_stored_before_a_rule_can_report_and_be_deleted() -> None:
    """Every rule is checked at each write, even of the status or of the finalizers alone."""
    old = {"metadata": {"finalizers": ["semanticrouter.vllm.ai/finalizer"]}}
    with running(crds=()) as cluster:
        text = CRD.read_text(encoding="utf-8")
        install(cluster, yaml.safe_dump(without_rules(yaml.safe_load(text))))
        for name in ("old", "old.with.dots"):
            resource = router(OLD_SPEC, name)
            resource["metadata"] |= old["metadata"]
            cluster.apply(resource)
            report(cluster, name, {"phase": "Running"})
        install(cluster, text)
        wait_for(lambda: not attempt(cluster, router(OLD_SPEC))[0], timeout=10, what="the rules are in force")
        for name in ("old", "old.with.dots"):
            report(cluster, name, {"phase": "Degraded"})
            cluster.kubectl("delete", f"sr/{name}", "--wait=false")
            patch = json.dumps([{"op": "remove", "path": "/metadata/finalizers"}])
            cluster.kubectl("patch", f"sr/{name}", "--type=json", "--patch", patch)
        assert cluster.get("sr")["items"] == []


CORE_TYPES = {
    "spec.affinity": "Affinity",
    "spec.env[]": "EnvVar",
    "spec.envoy.resources": "ResourceRequirements",
    "spec.imagePullSecrets[]": "LocalObjectReference",
    "spec.livenessProbe.httpGet": "HTTPGetAction",
    "spec.podSecurityContext": "PodSecurityContext",
    "spec.resources": "ResourceRequirements",
    "spec.securityContext": "SecurityContext",
    "spec.tolerations[]": "Toleration",
}
# A file of a volume: the pods of a router have no volume of the user's.
NOT_FOR_ROUTERS = "spec.env[].valueFrom.fileKeyRef"


def core_fields(
    schemas: Mapping[str, Any], path: str, schema: Mapping[str, Any]
) -> Iterator[tuple[str, bool]]:
    """Every path below a type of the API server's OpenAPI document, and whether it is required."""
    while "$ref" in schema or "allOf" in schema:
        reference = schema if "$ref" in schema else schema["allOf"][0]
        schema = schemas[reference["$ref"].rpartition("/")[2]]
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", name in schema.get("required", [])
        yield from core_fields(schemas, f"{path}.{name}", inner)
    if "items" in schema:
        yield from core_fields(schemas, f"{path}[]", schema["items"])


def test_core_types_have_every_field_of_the_api_server(cluster: DevCluster) -> None:
    """Taken from the server, so that a new Kubernetes release with a new field fails here."""
    schemas = json.loads(cluster.kubectl("get", "--raw", "/openapi/v3/api/v1").stdout)["components"][
        "schemas"
    ]
    found = {
        path
        for start, name in CORE_TYPES.items()
        for path, _ in core_fields(schemas, start, schemas[f"io.k8s.api.core.v1.{name}"])
        if not path.startswith(NOT_FOR_ROUTERS)
    }
    assert len(found) > 150
    assert found - by_path().keys() == set()
