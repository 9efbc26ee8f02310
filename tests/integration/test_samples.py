"""Every sample is applied as its documentation says, becomes Available, and its pods are executed."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.api import Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.envoy_files import problems
from tests.support.expectations import expectation, names, surprises
from tests.support.fragments import differences
from tests.support.playing import Player, playing
from tests.support.podrun import RunningPod, run_pod
from tests.support.pods.objects import PodError
from tests.support.rendering import MADE_KINDS, check_rendered, documents
from tests.support.routers import Router, endpoint, service
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("operator")

SAMPLES = CHECKOUT / "samples"
PREFIX = "vllm.ai_v1alpha1_semanticrouter_"
NAMES = sorted(path.stem.removeprefix(PREFIX) for path in SAMPLES.glob("*.yaml"))
READY_PORT = 19001


GO_OPERATOR = Path(__file__).with_name("testdata") / "go_operator"


def apply(cluster: DevCluster, space: Space, file: Path) -> list[Any]:
    """Apply a file with kubectl, which must not warn; what names no namespace goes into the test's own."""
    found = documents(file)
    for document in found:
        namespace = document["metadata"].get("namespace", space.name)
        arguments = ("apply", "-n", namespace, "--validate=strict", "-f", "-")
        done = cluster.kubectl(*arguments, stdin=yaml.safe_dump(document))
        assert "Warning" not in done.stderr
    return found


def pod_of(space: Space, name: str) -> Any:  # noqa: ANN401 - as the API server has it
    """Return a pod of the newest revision, as the API server has admitted it."""

    def newest() -> Any:  # noqa: ANN401
        pods = space.list("Pod", f"app.kubernetes.io/instance={name}")
        pods = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        assert pods, "no pod"
        return pods[0]

    return wait_for(newest, timeout=30, what=f"a pod of {name}")


def check_pod(running: RunningPod, *, standalone: bool = True) -> None:
    """The router has taken its configuration without a remark, and Envoy, if there is one, serves what it should."""
    running.wait_ready()
    assert "ignored" not in running.container("semantic-router").output.lower()
    assert running.request(8080, "/health").status == 200
    if not standalone:
        return
    assert running.request(8080, "/config/hash").status == 404, "the router's management is not shown"
    mounted = (running.layout.directory / "envoy-config").iterdir()
    assert problems({path.name: path.read_text(encoding="utf-8") for path in mounted if path.is_file()}) == ""
    statistics = running.request(READY_PORT, "/stats/prometheus")
    refused = re.findall(r"^\w+_update_rejected\S* (\d+)$", statistics.body.decode(), re.MULTILINE)
    assert refused, statistics
    assert set(refused) == {"0"}
    assert "Connection refused" in running.request(9901, "/config_dump").error


def check_objects(router: Router, objects: Mapping[str, Any]) -> None:
    """Every object that the sample makes is expected and as it should be, and nothing that is expected is missing."""
    made = {f"{kind}/{name}": item for (kind, name), item in router.children(*MADE_KINDS).items()}
    assert surprises(made, objects) == []
    for name, one in made.items():
        owners = [owner["name"] for owner in one["metadata"]["ownerReferences"] if owner["controller"]]
        assert owners == [router.name], name


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """Runs playbooks, which need no operator."""
    with playing() as player:
        yield player


def space_of(companion: Mapping[str, Any], space: Space) -> Space:
    """Return the namespace of what a router refers to."""
    return Space(space.api, companion["metadata"].get("namespace", space.name))


@pytest.mark.parametrize("sample", NAMES)
def test_a_sample_becomes_available_and_its_pod_runs(
    sample: str, space: Space, control_plane: DevCluster, player: Player, tmp_path: Path
) -> None:
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    space.patch("Namespace", space.name, {"metadata": {"labels": restricted}})
    companions = apply(control_plane, space, SAMPLES / "prerequisites" / f"{sample}.yaml")
    (resource,) = apply(control_plane, space, SAMPLES / f"{PREFIX}{sample}.yaml")
    router = Router(space, resource["metadata"]["name"])
    available = router.wait_available()
    expected = expectation(sample, name=router.name, namespace=space.name)
    assert router.condition("Degraded")["status"] == "False"
    assert differences(expected.status, available["status"]) == []
    check_objects(router, expected.objects)
    there = [space_of(one, space).get(one["kind"], one["metadata"]["name"]) for one in companions]
    check_rendered(player, tmp_path, router, resource, there)
    with run_pod(pod_of(space, router.name), space.get) as running:
        check_pod(running, standalone=available["status"]["gatewayMode"] == "standalone")


def test_a_manifest_for_the_operator_in_go_applies_unchanged_and_its_pod_runs(
    space: Space, control_plane: DevCluster
) -> None:
    apply(control_plane, space, GO_OPERATOR / "prerequisites.yaml")
    (resource,) = apply(control_plane, space, GO_OPERATOR / "router.yaml")
    router = Router(space, resource["metadata"]["name"])
    router.wait_available()
    assert router.condition("Degraded")["status"] == "False"
    ignored = router.condition("IgnoredFields")
    assert (ignored["status"], ignored["reason"]) == ("True", "FieldsIgnored")
    assert ignored["message"].startswith("spec.config.bert_model.threshold has no effect: ")
    warnings = [event["message"] for event in router.events() if event["type"] == "Warning"]
    assert [text for text in warnings if "spec.config.bert_model.threshold" in text] != []
    with run_pod(pod_of(space, router.name), space.get) as running:
        check_pod(running)


def test_every_sample_has_its_prerequisites_and_its_expectation() -> None:
    assert set(NAMES) == {path.stem for path in (SAMPLES / "prerequisites").glob("*.yaml")}
    assert set(NAMES) == names()


def test_the_documented_samples_are_there() -> None:
    assert set(NAMES) >= {
        *(
            "simple",
            "openshift",
            "gateway",
            "llamastack",
            "route",
            "redis_cache",
            "milvus_cache",
            "hybrid_cache",
        ),
        *("complexity", "mmbert", "qdrant_cache", "valkey_cache"),
    }


@pytest.mark.parametrize("sample", [name for name in NAMES if name.endswith("_cache")])
def test_a_sample_with_a_cache_names_its_embedding_model(sample: str) -> None:
    (resource,) = documents(SAMPLES / f"{PREFIX}{sample}.yaml")
    assert resource["spec"]["config"]["bert_model"]["model_id"]


def test_the_pod_of_an_empty_specification_runs(space: Space) -> None:
    router = Router.create(space)
    router.wait_available()
    with run_pod(pod_of(space, router.name), space.get) as running:
        check_pod(running)
        refused = running.request(8080, "/v1/chat/completions", method="POST", body="{}")
    assert refused.status == 503
    assert "vllmEndpoints" in refused.body.decode()


def test_a_pod_with_other_ports_and_probes_runs(space: Space) -> None:
    spec = {
        "service": {
            "api": {"port": 80, "targetPort": 8081},
            "grpc": {"port": 50052, "targetPort": 50052},
            "metrics": {"port": 9191, "targetPort": 9901},
        },
        "args": ["--metrics-port=9901"],
        "env": [{"name": "HOME", "value": "/app/models"}],
        "startupProbe": {"httpGet": {"path": "/metrics", "port": 9901}},
        "livenessProbe": {"enabled": False},
    }
    router = Router.create(space, spec)
    router.wait_available()
    with run_pod(pod_of(space, router.name), space.get) as running:
        running.wait_ready()
        assert running.request(8081, "/health").status == 200


def test_the_pod_behind_a_gateway_has_no_envoy_and_its_api_is_open(space: Space) -> None:
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "shared"},
    }
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    space.create({**gateway, "spec": {"gatewayClassName": "none", "listeners": [listener]}})
    space.create(service())
    spec = {
        "gateway": {"existingRef": {"name": "shared", "namespace": space.name}},
        "vllmEndpoints": [endpoint()],
    }
    router = Router.create(space, spec)
    router.wait_available()
    assert router.read()["status"]["gatewayMode"] == "gateway-integration"
    assert {kind for kind, _ in router.children("HTTPRoute")} == {"HTTPRoute"}
    pod = pod_of(space, router.name)
    assert [container["name"] for container in pod["spec"]["containers"]] == ["semantic-router"]
    with run_pod(pod, space.get) as running:
        running.wait_ready()
        assert running.request(8080, "/health").status == 200


def test_a_moved_backend_is_in_the_files_without_a_new_pod(space: Space) -> None:
    space.create(service())
    router = Router.create(space, {"vllmEndpoints": [endpoint()]})
    router.wait_available()
    before = pod_of(space, router.name)["metadata"]["uid"]
    moved = endpoint()
    space.create(service("other", 8000))
    moved["backend"]["service"]["name"] = "other"
    router.edit({"vllmEndpoints": [moved]})

    def is_moved() -> bool:
        files = router.children("ConfigMap")
        texts = "".join(text for child in files.values() for text in child["data"].values())
        assert f"other.{space.name}.svc.cluster.local" in texts
        assert f"model.{space.name}.svc.cluster.local" not in texts
        return True

    wait_for(is_moved, timeout=30, what="the new address is in the files")
    router.wait_available()
    assert pod_of(space, router.name)["metadata"]["uid"] == before


def test_a_pod_whose_configuration_is_broken_by_hand_is_noticed(space: Space) -> None:
    """The check itself works: what the router would refuse, fails."""
    router = Router.create(space)
    router.wait_available()
    pod = pod_of(space, router.name)

    def broken(kind: str, name: str) -> Any:  # noqa: ANN401 - as the reader that run_pod wants
        found = space.get(kind, name)
        if found and name.startswith(f"{router.name}-config-"):
            found["data"]["config.yaml"] = "providers: {defaults: {default_model: nobody}}"
        return found

    with run_pod(pod, broken) as running:
        router_says = running.container("semantic-router")
        wait_for(
            lambda: "nobody" in router_says.output, timeout=60, what="the router refuses its configuration"
        )
        with pytest.raises(PodError, match="nobody"):
            running.wait_ready(timeout=1)


def test_the_network_policy_of_routers_fits_their_pods(space: Space, control_plane: DevCluster) -> None:
    """The API server takes it, it selects the pods, and every port of theirs, and no other, is let in by name."""
    (policy,) = apply(control_plane, space, SAMPLES / "network" / "routers.yaml")
    space.create(service())
    Router.create(space, {"vllmEndpoints": [endpoint()]}, name="router")
    pod = pod_of(space, "router")
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    ports = {port["name"] for one in pod["spec"]["containers"] for port in one["ports"]}
    let_in = [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]]
    assert sorted(let_in) == sorted(ports)
    assert all(rule.get("from") for rule in policy["spec"]["ingress"]), "nothing is open to everybody"
    assert all(rule.get("to") for rule in policy["spec"]["egress"])
