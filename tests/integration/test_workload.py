"""Manifests as people have them become Ready, and what is switched off leaves nothing behind."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.routers import Router, endpoint, service
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("operator")

TESTDATA = Path(__file__).parent / "testdata"
ONLY_FIELDS = {"published-fields.yaml"}
"""A list of fields; as a whole it asks for a GPU and a model that nobody has."""

SECRETS = {"redis-credentials": "password", "milvus-credentials": "password"}


@pytest.fixture
def surroundings(space: Space) -> Iterator[None]:
    """What the manifests of the documentation refer to."""
    classes = space.list("StorageClass")
    kept = {key: value for key, value in classes[0].items() if key != "metadata"}
    space.create({**kept, "kind": "StorageClass", "metadata": {"name": "fast-ssd"}})
    others = [Space(space.api, name) for name in ("istio-system", "vllm-serving")]
    for other in others:
        space.apply({"kind": "Namespace", "metadata": {"name": other.name}})
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    gateway = {"kind": "Gateway", "metadata": {"name": "istio-ingressgateway"}}
    others[0].apply({**gateway, "spec": {"gatewayClassName": "istio", "listeners": [listener]}})
    others[1].apply(service("vllm-deepseek"))
    labels = {"app": "llama-stack", "model": "llama-3.3-70b"}
    space.create({**service("llama-stack", 8321), "metadata": {"name": "llama-stack", "labels": labels}})
    space.create(service("llama-3-8b-predictor", 80))
    space.create(service())
    model = {"predictor": {"model": {"modelFormat": {"name": "vLLM"}}}}
    space.create({"kind": "InferenceService", "metadata": {"name": "llama-3-8b"}, "spec": model})
    for name, key in SECRETS.items():
        space.create({"kind": "Secret", "metadata": {"name": name}, "stringData": {key: "word"}})
    yield
    space.delete("StorageClass", "fast-ssd")
    for other in others:
        space.delete("Namespace", other.name)


@pytest.mark.usefixtures("surroundings")
def test_manifests_of_the_documentation_and_for_the_go_operator_become_ready(
    space: Space, control_plane: DevCluster
) -> None:
    files = [one for one in (TESTDATA / "crd" / "readme").glob("*.yaml") if one.name not in ONLY_FIELDS]
    files.append(TESTDATA / "go-operator.yaml")
    routers = []
    for file in sorted(files):
        (resource,) = yaml.safe_load_all(file.read_text(encoding="utf-8"))
        given = json.dumps(resource)
        done = control_plane.kubectl("apply", "-n", space.name, "--validate=strict", "-f", "-", stdin=given)
        assert "Warning" not in done.stderr, file.name
        routers.append(Router(space, resource["metadata"]["name"]))
    for router in routers:
        router.wait_available(timeout=240)
    for router in routers:
        assert router.condition("Degraded")["status"] == "False", router.name


SWITCHES: dict[str, tuple[Any, Any]] = {
    # field of the specification: on, off
    "ingress": (
        {"enabled": True, "hosts": [{"host": "a.example", "paths": [{"path": "/"}]}]},
        {"enabled": False},
    ),
    "autoscaling": ({"enabled": True, "minReplicas": 2}, {"enabled": False}),
    "openshift": ({"routes": {"enabled": True}}, None),
    "service": ({"type": "NodePort", "metrics": {"enabled": False}}, None),
    "serviceAccount": ({"name": "another", "annotations": {"example.com/a": "b"}}, None),
    "toolsDb": ([{"name": "t", "description": "d"}], None),
    "env": ([{"name": "A", "value": "b"}], None),
    "args": (["--verbose"], None),
    "nodeSelector": ({"kubernetes.io/os": "linux"}, None),
    "tolerations": ([{"operator": "Exists"}], None),
    "podAnnotations": ({"example.com/a": "b"}, None),
    "podSecurityContext": ({"fsGroup": 7}, None),
    "securityContext": ({"readOnlyRootFilesystem": True}, None),
    "imagePullSecrets": ([{"name": "mirror"}], None),
    "livenessProbe": ({"enabled": False}, None),
}
MADE = {
    ("Ingress", "router"),
    ("HorizontalPodAutoscaler", "router"),
    ("PodDisruptionBudget", "router"),
    ("Route", "router"),
    ("ServiceAccount", "another"),
}
KINDS = (
    "ServiceAccount",
    "ConfigMap",
    "Service",
    "Deployment",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
)


def shape(router: Router) -> dict[tuple[str, str], Any]:
    """What is there, as far as it follows from the specification."""
    return {
        key: {part: found.get(part) for part in ("spec", "data")} | {"labels": found["metadata"]["labels"]}
        for key, found in router.children(*KINDS, "Ingress", "Route").items()
    }


def test_what_is_switched_off_leaves_exactly_what_was_there_before(space: Space) -> None:
    router = Router.create(space, {"resources": {"requests": {"cpu": "1"}}})
    router.wait_available()
    router.wait_rolled()
    before = shape(router)
    assert ("Service", "router-headless") in before
    assert before["Service", "router-headless"]["spec"]["clusterIP"] == "None"
    router.edit({name: on for name, (on, _) in SWITCHES.items()})
    router.wait_available()
    during = shape(router)
    assert set(during) >= MADE
    ports = {port["name"] for port in during["Service", "router"]["spec"]["ports"]}
    assert ports == {"api", "grpc"}
    router.edit({name: off for name, (_, off) in SWITCHES.items()})
    router.wait_available()
    router.wait_rolled()

    def is_as_before() -> bool:
        now = shape(router)
        assert set(now) == set(before)
        for key, found in before.items():
            assert now[key] == found, key
        return True

    wait_for(is_as_before, timeout=60, what="everything is as it was")


def test_an_account_that_is_only_used_is_waited_for(space: Space) -> None:
    router = Router.create(space, {"serviceAccount": {"create": False, "name": "mine"}})
    router.wait_condition("RouterReady", "False", reason="ServiceAccountNotFound", says="mine")
    space.create({"kind": "ServiceAccount", "metadata": {"name": "mine"}})
    router.wait_available()
    assert router.deployment()["spec"]["template"]["spec"]["serviceAccountName"] == "mine"
    router.delete()
    wait_for(lambda: space.get("SemanticRouter", "router") is None, timeout=60, what="the resource goes")
    assert space.get("ServiceAccount", "mine") is not None


def test_pods_with_rights_of_the_user_pass_the_restricted_standard_and_an_image_by_digest_is_kept(
    space: Space,
) -> None:
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    space.patch("Namespace", space.name, {"metadata": {"labels": label}})
    space.create(service())
    digest = "sha256:" + "a" * 64
    spec = {
        "replicas": 2,
        "image": {"imageRegistry": "mirror.example:5000", "tag": digest},
        "podSecurityContext": {"runAsUser": 1234, "fsGroup": 4321},
        "persistence": {"enabled": False},
        "vllmEndpoints": [endpoint()],
    }
    router = Router.create(space, spec)
    router.wait_available()
    pods = space.list("Pod", "app.kubernetes.io/instance=router")
    for pod in pods:
        rights = pod["spec"]["securityContext"]
        assert (rights["runAsUser"], rights["fsGroup"], rights["runAsNonRoot"]) == (1234, 4321, True)
        (image,) = {one["image"] for one in pod["spec"]["containers"] if one["name"] == "semantic-router"}
        assert image == f"mirror.example:5000/vllm-project/semantic-router/extproc@{digest}"
        assert {"models", "cache", "tmp"} <= {
            one["name"] for one in pod["spec"]["volumes"] if "emptyDir" in one
        }
    budget = space.get("PodDisruptionBudget", "router")["spec"]
    assert budget["maxUnavailable"] == 1
