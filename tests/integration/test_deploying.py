"""``make deploy``, ``make undeploy`` and the commands of the troubleshooting guide, on a control plane of their own.

No node here starts a container, so the operator runs beside it: with the arguments of the Deployment and the token
of its account.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.api import Api, Space, may
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.cluster import running as running_cluster
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router
from tests.support.waiting import wait_for
from tools.demo.credentials import NAMESPACE

pytestmark = pytest.mark.cluster

IMAGE = "registry.example.com:5000/routing/semantic-router-operator:1.2.3"
SELECTOR = "app.kubernetes.io/name=semantic-router-operator"


def make(cluster: DevCluster, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run make on the cluster, as a person does."""
    environment = {**os.environ, "KUBECTL": " ".join(cluster.kubectl_command)}
    environment["KUBECONFIG"] = str(cluster.kubeconfig)
    done = subprocess.run(
        ["make", "-o", "env", *words],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def cluster() -> Iterator[DevCluster]:
    with running_cluster() as cluster:
        make(cluster, "deploy", f"IMG={IMAGE}")
        yield cluster


@pytest.fixture(scope="module")
def manager(cluster: DevCluster) -> dict[str, Any]:
    """The Deployment of the operator, when both replicas are there."""
    wait = ("rollout", "status", "deployment/semantic-router-operator", "-n", NAMESPACE, "--timeout=50s")
    cluster.kubectl(*wait)
    found: dict[str, Any] = cluster.get("deployment", "semantic-router-operator", "-n", NAMESPACE)
    return found


@pytest.fixture(scope="module")
def operated(
    cluster: DevCluster, manager: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorUnderTest]:
    """The operator with the arguments of the Deployment; outside of a pod it has to be told its namespace."""
    (container,) = manager["spec"]["template"]["spec"]["containers"]
    assert container["args"][0] == "run"
    arguments = [*container["args"][1:], f"--leader-election-namespace={NAMESPACE}"]
    operator = OperatorUnderTest(
        cluster=cluster, directory=tmp_path_factory.mktemp("operator"), arguments=arguments
    )
    operator.start()
    yield operator
    operator.stop()


@pytest.fixture(scope="module")
def router(cluster: DevCluster, operated: OperatorUnderTest) -> Router:
    """The first resource of the README, by its command, with the model server that it names."""
    del operated
    for name in ("prerequisites/simple.yaml", "vllm.ai_v1alpha1_semanticrouter_simple.yaml"):
        cluster.kubectl("apply", "-f", str(CHECKOUT / "config" / "samples" / name))
    cluster.kubectl("wait", "--for=condition=Available", "semanticrouter/test-router", "--timeout=50s")
    return Router(Space(Api.connect(cluster.kubeconfig), "default"), "test-router")


def test_both_replicas_run_the_image_that_was_asked_for(manager: dict[str, Any]) -> None:
    (container,) = manager["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert manager["status"]["availableReplicas"] == 2


def test_deploying_again_changes_nothing(cluster: DevCluster, manager: dict[str, Any]) -> None:
    told = make(cluster, "deploy", f"IMG={IMAGE}").stdout
    assert "deployment.apps/semantic-router-operator serverside-applied" in told
    again = cluster.get("deployment", "semantic-router-operator", "-n", NAMESPACE)
    assert again["metadata"]["generation"] == manager["metadata"]["generation"]


def test_each_object_has_the_label_by_which_it_is_found(cluster: DevCluster) -> None:
    text = cluster.kubectl("kustomize", str(CHECKOUT / "deploy" / "base")).stdout
    for item in yaml.safe_load_all(text):
        where = ("-n", NAMESPACE) if "namespace" in item["metadata"] else ()
        found = cluster.get(item["kind"], item["metadata"]["name"], *where)
        assert found["metadata"]["labels"]["app.kubernetes.io/name"] == "semantic-router-operator", item


def test_the_metrics_service_leads_to_both_replicas(cluster: DevCluster, manager: dict[str, Any]) -> None:
    del manager

    def addresses() -> bool:
        label = "kubernetes.io/service-name=semantic-router-operator-metrics"
        slices = cluster.get("endpointslices", "-n", NAMESPACE, "-l", label)["items"]
        assert [len(one["endpoints"]) for one in slices] == [2], slices
        return bool(slices[0]["ports"][0]["name"] == "metrics" and slices[0]["ports"][0]["port"] == 8080)

    wait_for(addresses, timeout=20, what="the metrics of both replicas are in the Service")


def test_a_drain_may_take_one_replica(cluster: DevCluster, manager: dict[str, Any]) -> None:
    del manager

    def allowed() -> bool:
        budget = cluster.get("pdb", "semantic-router-operator", "-n", NAMESPACE)["status"]
        assert budget["expectedPods"] == 2, budget
        return bool(budget["disruptionsAllowed"] == 1)

    wait_for(allowed, timeout=20, what="the budget has counted the pods")


def test_the_commands_for_trouble_find_what_they_ask_for(cluster: DevCluster, router: Router) -> None:
    pods = cluster.kubectl("get", "pods", "-n", NAMESPACE, "-l", SELECTOR, "-o", "name").stdout.split()
    assert len(pods) == 2, "`kubectl logs -l` asks for these"
    described = cluster.kubectl("describe", "semanticrouter", router.name).stdout
    assert "Available" in described
    assert "Backends Ready" in described or "BackendsReady" in described
    events = cluster.kubectl("get", "events", "--sort-by=.lastTimestamp").stdout
    assert "deployment/test-router" in events
    assert cluster.kubectl("get", "deployment", router.name).stdout.count("\n") == 2
    own = ("-l", f"app.kubernetes.io/instance={router.name}", "-o", "name")
    assert cluster.kubectl("get", "pods", *own).stdout.split()
    lease = cluster.get("lease", "semantic-router-operator", "-n", NAMESPACE)
    assert lease["spec"]["holderIdentity"]


def test_the_operator_that_has_the_lease_says_nothing_bad(
    operated: OperatorUnderTest, router: Router
) -> None:
    assert router.condition("Available")["status"] == "True"
    assert "forbidden" not in operated.log
    assert "Traceback" not in operated.log
    assert not [line for line in operated.log.splitlines() if '"level": "error"' in line]


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_the_roles_of_the_cluster_cover_semantic_routers(cluster: DevCluster, role: str) -> None:
    api, user = Api.connect(cluster.kubeconfig), f"person-with-{role}"
    cluster.kubectl("create", "rolebinding", user, f"--clusterrole={role}", f"--user={user}")
    resource = "semanticrouters.vllm.ai"
    wait_for(
        lambda: may(api, user, "list", resource, namespace="default"), timeout=20, what="roles are aggregated"
    )
    writes = role != "view"
    for verb in ("create", "patch", "delete"):
        assert may(api, user, verb, resource, namespace="default") is writes
    assert may(api, user, "patch", "semanticrouters/scale.vllm.ai", namespace="default") is writes
    assert not may(api, user, "patch", "semanticrouters/status.vllm.ai", namespace="default")
    assert not may(api, user, "list", resource, namespace="kube-system")


def test_on_openshift_the_namespace_chooses_user_and_group(cluster: DevCluster) -> None:
    text = cluster.kubectl("kustomize", str(CHECKOUT / "deploy" / "openshift")).stdout
    objects = {item["kind"]: item for item in yaml.safe_load_all(text)}
    security = objects["Deployment"]["spec"]["template"]["spec"]["securityContext"]
    assert set(security) == {"runAsNonRoot", "seccompProfile"}
    selector = objects["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= objects["Service"]["metadata"]["labels"].items()
    (port,) = objects["ServiceMonitor"]["spec"]["endpoints"]
    assert port["port"] in [one["name"] for one in objects["Service"]["spec"]["ports"]]


@pytest.mark.parametrize("directory", ["base", "namespaced", "network"])
def test_the_api_server_takes_every_overlay(cluster: DevCluster, directory: str) -> None:
    path = str(Path(CHECKOUT, "deploy", directory))
    done = cluster.kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-k", path)
    assert "Warning" not in done.stderr


def test_the_operator_is_removed_when_no_resource_is_left(cluster: DevCluster, router: Router) -> None:
    refused = make(cluster, "undeploy", check=False)
    assert refused.returncode != 0
    assert f"default/{router.name}" in refused.stdout + refused.stderr
    cluster.kubectl("delete", "semanticrouter", router.name, "--timeout=50s")
    make(cluster, "undeploy")
    for kind in ("clusterroles", "clusterrolebindings"):
        assert cluster.get(kind, "-l", SELECTOR)["items"] == []
