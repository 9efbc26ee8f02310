"""What belongs to somebody else is left exactly as it was, whenever it comes; what is given away is taken."""

from typing import Any

import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import K8SClient, get_api_client
from ansible_collections.vllm.semantic_router.plugins.module_utils.applying import (
    Applier,
    Cluster,
    ConflictError,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import claimed
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.modules.apply import RealCluster

from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.records import RunRequest, RunStatus
from playbook_engine.runs.warm import WarmExecutor
from tests.support.api import Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router
from tests.support.waiting import wait_for

MANAGER = "semantic-router-operator"


@pytest.fixture(scope="module")
def cluster(control_plane: DevCluster) -> RealCluster:
    return RealCluster(get_api_client(kubeconfig=str(control_plane.kubeconfig)))


@pytest.fixture
def resource(space: Space) -> dict[str, Any]:
    """A SemanticRouter that no operator looks at."""
    found: dict[str, Any] = space.create(
        {"kind": "SemanticRouter", "metadata": {"name": "router"}, "spec": {}}
    )
    return found


def applier(cluster: Cluster, resource: Object, **more: Any) -> Applier:  # noqa: ANN401
    return Applier(cluster=cluster, identity=identity_of(resource), manager=MANAGER, **more)


def config_map(resource: Object, **data: str) -> dict[str, Any]:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "router-config"}, "data": data}
    return claimed([manifest], resource)[0]


def entries(live: Object) -> list[tuple[str, str]]:
    return [(entry["manager"], entry["operation"]) for entry in live["metadata"]["managedFields"]]


class TestApplying:
    def test_a_field_that_is_dropped_after_the_creation_goes(
        self, cluster: RealCluster, resource: Object, space: Space
    ) -> None:
        for data in ({"a": "1", "b": "2"}, {"b": "3"}):
            ((_, live),) = applier(cluster, resource).apply([config_map(resource, **data)])
            assert live["data"] == data
            assert entries(live) == [(MANAGER, "Apply")]
        assert space.get("ConfigMap", "router-config")["data"] == {"b": "3"}

    def test_applying_again_writes_nothing(self, cluster: RealCluster, resource: Object) -> None:
        versions = set()
        for _ in range(3):
            ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
            versions.add(live["metadata"]["resourceVersion"])
        assert len(versions) == 1

    def test_a_creation_that_was_cut_short_is_settled_later(
        self, cluster: RealCluster, resource: Object
    ) -> None:
        live = cluster.create(config_map(resource, a="1", b="2"), MANAGER)
        assert entries(live) == [(MANAGER, "Update")]
        ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
        assert (live["data"], entries(live)) == ({"a": "1"}, [(MANAGER, "Apply")])

    def test_an_object_that_appears_between_look_and_write_is_left_alone(
        self, cluster: RealCluster, resource: Object, space: Space
    ) -> None:
        foreign = space.create(
            {"kind": "ConfigMap", "metadata": {"name": "router-config"}, "data": {"a": "x"}}
        )
        with pytest.raises(ConflictError, match="was not made by this operator"):
            applier(cluster, resource).write(config_map(resource, a="1"), None)
        assert space.get("ConfigMap", "router-config") == foreign

    def test_an_object_that_takes_the_place_of_ours_between_look_and_write_is_left_alone(
        self, cluster: RealCluster, resource: Object, space: Space
    ) -> None:
        ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
        space.delete("ConfigMap", "router-config")
        foreign = space.create(
            {"kind": "ConfigMap", "metadata": {"name": "router-config"}, "data": {"a": "x"}}
        )
        with pytest.raises(ConflictError):
            applier(cluster, resource).write(config_map(resource, a="2"), live)
        assert space.get("ConfigMap", "router-config") == foreign

    def test_an_object_of_ours_that_goes_between_look_and_write_is_made_again(
        self, cluster: RealCluster, resource: Object, space: Space
    ) -> None:
        ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
        space.delete("ConfigMap", "router-config")
        again = applier(cluster, resource).write(config_map(resource, a="2"), live)
        assert again["metadata"]["uid"] != live["metadata"]["uid"]

    def test_nothing_is_written_when_one_name_is_taken(
        self, cluster: RealCluster, resource: Object, space: Space
    ) -> None:
        space.create({"kind": "ConfigMap", "metadata": {"name": "taken"}})
        taken = config_map(resource, a="1")
        taken["metadata"]["name"] = "taken"
        with pytest.raises(ConflictError, match=r"ConfigMap .*/taken"):
            list(applier(cluster, resource).apply([config_map(resource, a="1"), taken]))
        assert space.get("ConfigMap", "router-config") is None

    def test_a_trial_stores_nothing(self, cluster: RealCluster, resource: Object, space: Space) -> None:
        trial = applier(RealCluster(replace_dry_run(cluster)), resource, trial=True)
        ((before, after),) = trial.apply([config_map(resource, a="1")])
        assert (before, after["data"]) == (None, {"a": "1"})
        assert space.get("ConfigMap", "router-config") is None
        ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
        ((before, after),) = trial.apply([config_map(resource, a="2")])
        assert (before, after["data"]) == (live, {"a": "2"})
        assert space.get("ConfigMap", "router-config") == live


FOREIGN: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # kind: name, what the foreign object is beside its metadata, the specification that wants one of that name
    "ServiceAccount": ("router", {}, {}),
    "PersistentVolumeClaim": (
        "router-models",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        {},
    ),
    "Service": ("router", {"spec": {"ports": [{"port": 1}]}}, {}),
    "Deployment": (
        "router",
        {
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "i"}]},
                },
            }
        },
        {},
    ),
    "HorizontalPodAutoscaler": (
        "router",
        {
            "spec": {
                "maxReplicas": 2,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
            }
        },
        {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": "1"}}},
    ),
    "Ingress": (
        "router",
        {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 1}}}}},
        {"ingress": {"enabled": True, "hosts": [{"host": "a.example", "paths": [{"path": "/"}]}]}},
    ),
    "Route": (
        "router",
        {"spec": {"to": {"kind": "Service", "name": "x", "weight": 1}}},
        {"openshift": {"routes": {"enabled": True}}},
    ),
}


@pytest.mark.usefixtures("operator")
class TestConflicts:
    @pytest.mark.parametrize("kind", FOREIGN)
    def test_a_foreign_object_is_named_and_left_exactly_as_it_was(self, space: Space, kind: str) -> None:
        name, body, spec = FOREIGN[kind]
        space.create({"kind": kind, "metadata": {"name": name}, **body})
        before = space.get(kind, name)
        router = Router.create(space, spec)
        condition = router.wait_condition("RouterReady", "False", reason="Conflict", says=f"{kind} ")
        assert name in condition["message"]
        router.wait_condition("Degraded", "True")
        assert spec_and_owners(space.get(kind, name)) == spec_and_owners(before)
        if kind != "Deployment":
            assert space.get("Deployment", "router") is None, "no half of a router is made"
        space.delete(kind, name)
        router.wait_available()
        router.delete()

    def test_a_foreign_object_with_the_name_of_a_revision_is_left_alone(self, space: Space) -> None:
        """Such names are not looked at before; the writing itself finds out, as it does in a race."""
        first = Router.create(space)
        first.wait_available()
        names = [name for _, name in first.children("ConfigMap")]
        first.delete()
        wait_for(lambda: space.get("SemanticRouter", "router") is None, timeout=60, what="the first goes")
        wait_for(lambda: not first_config_maps(space, names), timeout=60, what="its objects go")
        for name in names:
            space.create({"kind": "ConfigMap", "metadata": {"name": name}, "data": {"config.yaml": "theirs"}})
        before = first_config_maps(space, names)
        router = Router.create(space)
        router.wait_condition("Degraded", "True", reason="Conflict", says="ConfigMap")
        assert first_config_maps(space, names) == before
        for name in names:
            space.delete("ConfigMap", name)
        router.wait_available()

    def test_an_object_that_is_given_away_is_taken_over_and_no_other(
        self, space: Space, control_plane: DevCluster
    ) -> None:
        for name in ("router", "other"):
            space.create({"kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 1}]}})
        before = {name: space.get("Service", name) for name in ("router", "other")}
        router = Router.create(space)
        told = router.wait_condition("RouterReady", "False", reason="Conflict")["message"]
        command = told.split("`")[1].split()
        assert command[0] == "kubectl"
        control_plane.kubectl(*command[1:])
        router.wait_available()
        service = router.children("Service")["Service", "router"]
        assert service["metadata"]["uid"] == before["router"]["metadata"]["uid"]
        assert {port["name"] for port in service["spec"]["ports"]} >= {"api", "grpc"}
        assert space.get("Service", "other") == before["other"]

    def test_an_object_that_comes_after_the_resource_is_left_alone(
        self, space: Space, operator: OperatorUnderTest
    ) -> None:
        router = Router.create(space)
        router.wait_available()
        taken = space.create({"kind": "Ingress", "metadata": {"name": "router"}, **FOREIGN["Ingress"][1]})
        router.edit(FOREIGN["Ingress"][2])
        router.wait_condition("RouterReady", "False", reason="Conflict", says="Ingress")
        assert space.get("Ingress", "router")["metadata"]["uid"] == taken["metadata"]["uid"]
        router.edit({"ingress": {"enabled": False}})
        router.wait_condition("RouterReady", "True")
        assert space.get("Ingress", "router") is not None, "what is not ours is not removed either"
        assert "Traceback" not in operator.log


def first_config_maps(space: Space, names: list[str]) -> list[Any]:
    return [found for name in names if (found := space.get("ConfigMap", name))]


def spec_and_owners(live: dict[str, Any]) -> object:
    """All of an object but its status, and what the API server counts when controllers write that."""
    metadata = {
        key: value
        for key, value in live["metadata"].items()
        if key not in {"resourceVersion", "managedFields", "annotations"}
    }
    return {**live, "metadata": metadata, "status": None}


@pytest.mark.parametrize("executor", [WarmExecutor, ColdExecutor], ids=["warm", "cold"])
async def test_a_run_with_an_old_picture_of_the_world_takes_nothing_over(
    executor: type[WarmExecutor | ColdExecutor], resource: Object, space: Space, control_plane: DevCluster
) -> None:
    """The engine saw nothing of these names; they came before the run wrote, as they may."""
    before = space.create({"kind": "Service", "metadata": {"name": "router"}, **FOREIGN["Service"][1]})
    runs = executor(modules=["vllm.semantic_router.apply"]) if executor is WarmExecutor else executor()
    request = RunRequest(
        ident="1",
        subject="router",
        playbook=CHECKOUT / "playbooks" / "reconcile.yml",
        variables={
            "resource": {**resource, "spec": {"persistence": {"enabled": False}}},
            "observed": {"owned": {}, "references": {}},
            "field_manager": MANAGER, "cluster_domain": "cluster.local", "operation": "reconcile",
        },
        unsafe=frozenset({"resource", "observed"}),
        environment={"K8S_AUTH_KUBECONFIG": str(control_plane.kubeconfig)},
    )  # fmt: skip
    try:
        outcome = await runs.run(request)
    finally:
        await runs.close()
    assert outcome.status is RunStatus.FAILED
    assert "was not made by this operator" in outcome.failures[0].message
    assert (outcome.failures[0].role, outcome.failures[0].reason) == ("router", "Conflict")
    assert space.get("Service", "router") == before
    assert space.get("Deployment", "router") is None


def replace_dry_run(cluster: RealCluster) -> K8SClient:
    """The same client, in Ansible's check mode."""
    client = cluster.client
    return K8SClient(configuration=client.configuration, client=client.client, dry_run=True)
