"""Every command that the documentation of the resource has people type, against a router that is available.

Pods of the control plane under test have no processes: of ``kubectl logs`` and ``kubectl port-forward`` is shown that
what they are pointed at is there. What a pod answers on these ports is shown in ``tests/traffic``.
"""

import shlex
from collections.abc import Callable, Iterator

import pytest
import yaml

from tests.conftest import temporary_space
from tests.support.api import Api, Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.routers import Router, endpoint, service
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("operator")

NAME = "test-router"
type Type = Callable[[str], str]


@pytest.fixture(scope="module")
def router(api: Api, operator: object) -> Iterator[Router]:
    """The router of the documentation."""
    del operator
    with temporary_space(api, operated=True) as space:
        space.create(service())
        router = Router.create(space, {"vllmEndpoints": [endpoint()]}, name=NAME)
        router.wait_available()
        yield router


@pytest.fixture
def typed(router: Router, control_plane: DevCluster) -> Type:
    """Type a command into a terminal whose namespace is that of the router; it must not fail or warn."""

    def run(command: str) -> str:
        program, *arguments = shlex.split(command)
        assert program == "kubectl"
        namespace = () if "-n" in arguments else ("-n", router.space.name)
        done = control_plane.kubectl(*arguments, *namespace)
        assert "Warning" not in done.stderr, done.stderr
        return done.stdout

    return run


def test_get_shows_the_state_in_columns(typed: Type) -> None:
    header, line = typed(f"kubectl get semanticrouter {NAME}").splitlines()
    assert {"NAME", "PHASE", "READY"} <= set(header.split())
    assert line.split()[0] == NAME
    assert "Running" in line.split()
    for short in ("semanticrouters", "sr"):
        assert NAME in typed(f"kubectl get {short}")


def test_wait_ends_when_it_is_available(typed: Type) -> None:
    assert "condition met" in typed(
        f"kubectl wait --for=condition=Available semanticrouter/{NAME} --timeout=10s"
    )


def test_the_deployment_has_the_name_of_the_resource(typed: Type) -> None:
    _, line = typed(f"kubectl get deployment {NAME}").splitlines()
    assert line.split()[:2] == [NAME, "1/1"]


def test_describe_shows_conditions_and_events(typed: Type) -> None:
    told = typed(f"kubectl describe semanticrouter {NAME}")
    for word in (
        "Conditions:",
        "Available",
        "MinimumReplicasAvailable",
        "BackendsReady",
        "Last Good:",
        "Events:",
    ):
        assert word in told, told


def test_events_are_told_in_their_order(typed: Type) -> None:
    assert f"semanticrouter/{NAME}" in typed("kubectl get events --sort-by='.lastTimestamp'")


def test_the_selector_for_logs_finds_the_pods_and_names_a_container(typed: Type, router: Router) -> None:
    """What ``kubectl logs -l app.kubernetes.io/instance=test-router`` asks for, and which container it takes."""
    found = yaml.safe_load(typed(f"kubectl get pods -l app.kubernetes.io/instance={NAME} -o yaml"))["items"]
    assert len(found) == router.deployment()["spec"]["replicas"]
    for pod in found:
        chosen = pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"]
        assert chosen == "semantic-router"
        assert chosen in {container["name"] for container in pod["spec"]["containers"]}


def test_the_selector_for_the_logs_of_the_operator_is_that_of_its_deployment() -> None:
    manager = yaml.safe_load((CHECKOUT / "deploy" / "base" / "manager.yaml").read_text(encoding="utf-8"))
    labels = manager["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "semantic-router-operator"
    assert manager["metadata"]["namespace"] == "semantic-router-operator-system"


@pytest.mark.parametrize("number", [50051, 8080])
def test_ports_can_be_forwarded_from_the_service(typed: Type, number: int) -> None:
    """What ``kubectl port-forward svc/test-router 50051:50051 8080:8080`` looks up: a port, its name, a container."""
    ports = yaml.safe_load(typed(f"kubectl get svc/{NAME} -o yaml"))["spec"]["ports"]
    (target,) = [port["targetPort"] for port in ports if port["port"] == number]
    found = yaml.safe_load(typed(f"kubectl get pods -l app.kubernetes.io/instance={NAME} -o yaml"))["items"]
    containers = found[0]["spec"]["containers"]
    assert number in {
        port["containerPort"] for one in containers for port in one.get("ports", ()) if port["name"] == target
    }


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("redis", ("connection", "index", "search", "development")),
        ("milvus", ("connection", "collection", "search", "performance", "data_management")),
        ("hnsw", ("use_hnsw", "hnsw_m", "hnsw_ef_construction", "max_memory_entries")),
    ],
)
def test_explain_describes_the_caches(typed: Type, path: str, fields: tuple[str, ...]) -> None:
    told = typed(f"kubectl explain semanticrouter.spec.config.semantic_cache.{path}")
    for field in ("DESCRIPTION:", *fields):
        assert field in told, told


@pytest.mark.parametrize("cache", ["redis", "milvus"])
def test_a_secret_for_a_cache_is_made_and_found(typed: Type, router: Router, cache: str) -> None:
    typed(
        f"kubectl create secret generic {cache}-credentials --from-literal=password='your-{cache}-password'"
    )
    reference = {"name": f"{cache}-credentials", "key": "password"}
    given = {"host": cache, "port": 1}
    secret = {"password_secret_ref": reference}
    where = secret if cache == "redis" else {"auth": {"enabled": True, "username": "root", **secret}}
    block = {"semantic_cache": {"backend_type": cache, cache: {"connection": {**given, **where}}}}
    spec = {"config": block, "persistence": {"enabled": False}}
    made = Router.create(router.space, spec, name=f"with-{cache}")
    made.wait_condition("CacheReady", "True", reason="Configured")
    made.wait_available()


@pytest.mark.parametrize(
    "sample",
    ["simple", "openshift", "gateway", "llamastack", "route", "redis_cache", "milvus_cache", "hybrid_cache"],
)
def test_a_sample_is_applied_by_its_documented_path(
    control_plane: DevCluster, space: Space, sample: str
) -> None:
    """That each becomes available with what it refers to: ``test_samples``."""
    path = CHECKOUT / "config" / "samples" / f"vllm.ai_v1alpha1_semanticrouter_{sample}.yaml"
    resource = yaml.safe_load(path.read_text(encoding="utf-8"))
    namespace = resource["metadata"].get("namespace", space.name)
    done = control_plane.kubectl(
        "apply", "-n", namespace, "--validate=strict", "--dry-run=server", "-f", str(path)
    )
    assert (done.stdout.split()[1:], done.stderr) == (["created", "(server", "dry", "run)"], "")


def test_deleting_it_takes_everything_along(router: Router, control_plane: DevCluster) -> None:
    one = Router.create(router.space, {"persistence": {"enabled": False}}, name="short-lived")
    one.wait_available()
    control_plane.kubectl("delete", "semanticrouter", "short-lived", "-n", router.space.name, "--timeout=50s")
    wait_for(
        lambda: router.space.get("Deployment", "short-lived") is None, timeout=60, what="its Deployment goes"
    )
