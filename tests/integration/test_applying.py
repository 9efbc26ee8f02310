"""Writing, trying, and running with an old picture of the world: no object of somebody else is touched."""

from typing import Any

import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import K8SClient, get_api_client
from ansible_collections.vllm.semantic_router.plugins.module_utils.applying import (
    Applier,
    Cluster,
    ConflictError,
    RivalError,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.connected_cluster import (
    ConnectedCluster,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.managed_fields import SUPERSEDED
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import claimed
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import object_key

from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.records import RunRequest, RunStatus
from playbook_engine.runs.warm import WarmExecutor
from tests.support.api import Space
from tests.support.cluster import CHECKOUT, DevCluster

MANAGER = "semantic-router-operator"
TOLD = {"BackendsReady", "CacheReady", "GatewayReady", "PersistenceReady", "RouteReady", "RouterReady"}
"""Conditions by the roles."""


@pytest.fixture(scope="module")
def cluster(control_plane: DevCluster) -> ConnectedCluster:
    return ConnectedCluster(get_api_client(kubeconfig=str(control_plane.kubeconfig)))


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


def test_a_field_that_is_dropped_after_the_creation_goes(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    for data in ({"a": "1", "b": "2"}, {"b": "3"}):
        ((_, live),) = applier(cluster, resource).apply([config_map(resource, **data)])
        assert live["data"] == data
        assert entries(live) == [(MANAGER, "Apply")]
    assert space.get("ConfigMap", "router-config")["data"] == {"b": "3"}


def test_applying_again_writes_nothing(cluster: ConnectedCluster, resource: Object) -> None:
    versions = set()
    for _ in range(3):
        ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
        versions.add(live["metadata"]["resourceVersion"])
    assert len(versions) == 1


def test_what_was_created_without_an_apply_is_settled(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    """As earlier versions left it when they were killed between the creation and the apply."""
    live = space.create(config_map(resource, a="1", b="2"), manager=MANAGER)
    assert entries(live) == [(MANAGER, "Update")]
    ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
    assert (live["data"], entries(live)) == ({"a": "1"}, [(MANAGER, "Apply")])


def test_an_object_that_appears_between_look_and_write_is_left_alone(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    foreign = space.create({"kind": "ConfigMap", "metadata": {"name": "router-config"}, "data": {"a": "x"}})
    with pytest.raises(ConflictError, match="was not made by this operator"):
        applier(cluster, resource).write(config_map(resource, a="1"), None)
    assert space.get("ConfigMap", "router-config") == foreign


def test_an_object_that_takes_the_place_of_ours_between_look_and_write_is_left_alone(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
    space.delete("ConfigMap", "router-config")
    foreign = space.create({"kind": "ConfigMap", "metadata": {"name": "router-config"}, "data": {"a": "x"}})
    with pytest.raises(ConflictError):
        applier(cluster, resource).write(config_map(resource, a="2"), live)
    assert space.get("ConfigMap", "router-config") == foreign


def test_an_object_of_ours_that_goes_between_look_and_write_is_made_again(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
    space.delete("ConfigMap", "router-config")
    _, again = applier(cluster, resource).write(config_map(resource, a="2"), live)
    assert again["metadata"]["uid"] != live["metadata"]["uid"]


def test_what_another_operator_writes_between_look_and_write_is_left_alone(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    """Within the same second, too: a write goes to the version that was looked at, and to no other."""
    ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
    theirs = space.patch("ConfigMap", "router-config", {"data": {"a": "theirs"}}, manager="manager")
    for again in (
        lambda: applier(cluster, resource, superseded=SUPERSEDED).write(config_map(resource, a="2"), live),
        lambda: list(applier(cluster, resource, superseded=SUPERSEDED).apply([config_map(resource, a="2")])),
    ):
        with pytest.raises(RivalError, match=r"ConfigMap .*/router-config .*field manager manager,"):
            again()
        assert space.get("ConfigMap", "router-config") == theirs
    overruling = applier(cluster, resource, superseded=SUPERSEDED, takes_over=True)
    ((_, live),) = overruling.apply([config_map(resource, a="2")])
    assert (live["data"], entries(live)) == ({"a": "2"}, [(MANAGER, "Apply")])


def test_what_a_person_writes_between_look_and_write_is_put_right(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
    space.patch("ConfigMap", "router-config", {"data": {"a": "edited"}}, manager="kubectl-edit")
    _, written = applier(cluster, resource).write(config_map(resource, a="2"), live)
    assert written["data"] == {"a": "2"}


class Looking(ConnectedCluster):
    """The same cluster, with the names of the objects that were looked at."""

    def __init__(self, cluster: ConnectedCluster) -> None:
        super().__init__(cluster.client)
        self.looks: list[str] = []

    def live(self, wanted: Object) -> Object | None:
        self.looks.append(wanted["metadata"]["name"])
        return super().live(wanted)


def test_what_nobody_has_seen_is_made_without_a_look(cluster: ConnectedCluster, resource: Object) -> None:
    looking, wanted = Looking(cluster), config_map(resource, a="1")
    ((before, live),) = applier(looking, resource, present=[]).apply([wanted])
    assert (before, live["data"], entries(live)) == (None, {"a": "1"}, [(MANAGER, "Apply")])
    assert looking.looks == []
    list(applier(looking, resource, present=[object_key(live)]).apply([wanted]))
    assert looking.looks == ["router-config"], "what is there is looked at, and before it is written"


def test_what_is_there_though_nobody_has_seen_it_is_looked_at(
    cluster: ConnectedCluster, resource: Object
) -> None:
    ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
    looking = Looking(cluster)
    ((before, after),) = applier(looking, resource, present=[]).apply([config_map(resource, a="2")])
    assert (before, after["data"]) == (live, {"a": "2"})
    assert (entries(after), looking.looks) == ([(MANAGER, "Apply")], ["router-config"])


def test_a_strangers_object_that_nobody_has_seen_is_left_alone(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    foreign = space.create({"kind": "ConfigMap", "metadata": {"name": "router-config"}, "data": {"a": "x"}})
    with pytest.raises(ConflictError, match="was not made by this operator"):
        list(applier(cluster, resource, present=[]).apply([config_map(resource, a="1")]))
    assert space.get("ConfigMap", "router-config") == foreign


def test_nothing_is_written_when_one_name_is_taken(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    space.create({"kind": "ConfigMap", "metadata": {"name": "taken"}})
    taken = config_map(resource, a="1")
    taken["metadata"]["name"] = "taken"
    with pytest.raises(ConflictError, match=r"ConfigMap .*/taken"):
        list(applier(cluster, resource).apply([config_map(resource, a="1"), taken]))
    assert space.get("ConfigMap", "router-config") is None


def test_a_port_that_a_stranger_moves_is_put_right(
    cluster: ConnectedCluster, resource: Object, space: Space
) -> None:
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "router"}}
    (wanted,) = claimed([{**manifest, "spec": {"ports": [{"name": "api", "port": 80}]}}], resource)
    list(applier(cluster, resource).apply([wanted]))
    moved = [{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]
    space.patch("Service", "router", moved)
    ((before, after),) = applier(cluster, resource).apply([wanted])
    assert before is not None
    assert [one["spec"]["ports"][0]["port"] for one in (before, after)] == [81, 80]
    assert len(after["spec"]["ports"]) == 1
    (again,) = claimed([{**manifest, "spec": {"ports": [{"name": "api", "port": 90}]}}], resource)
    ((_, after),) = applier(cluster, resource).apply([again])
    assert [one["port"] for one in after["spec"]["ports"]] == [90], "it is on our account, and goes with it"


def test_a_trial_stores_nothing(cluster: ConnectedCluster, resource: Object, space: Space) -> None:
    trial = applier(ConnectedCluster(replace_dry_run(cluster)), resource, trial=True)
    ((before, after),) = trial.apply([config_map(resource, a="1")])
    assert (before, after["data"]) == (None, {"a": "1"})
    assert space.get("ConfigMap", "router-config") is None
    ((_, live),) = applier(cluster, resource).apply([config_map(resource, a="1")])
    ((before, after),) = trial.apply([config_map(resource, a="2")])
    assert (before, after["data"]) == (live, {"a": "2"})
    assert space.get("ConfigMap", "router-config") == live


def order(resource: Object, cluster: DevCluster, **more: Any) -> RunRequest:  # noqa: ANN401
    """A run whose observation is empty, made before anything was there."""
    return RunRequest(
        ident="1",
        subject="router",
        playbook=CHECKOUT / "playbooks" / "reconcile.yml",
        variables={
            "resource": {**resource, "spec": {"persistence": {"enabled": False}}},
            "observed": {"owned": {}, "references": {}},
            "field_manager": MANAGER,
            "cluster_domain": "cluster.local",
            "service_address": "",
            "operation": "reconcile",
        },
        unsafe=frozenset({"resource", "observed"}),
        environment={"K8S_AUTH_KUBECONFIG": str(cluster.kubeconfig)},
        **more,
    )


def executor_of(kind: type[WarmExecutor | ColdExecutor]) -> WarmExecutor | ColdExecutor:
    return WarmExecutor(modules=["vllm.semantic_router.apply"]) if kind is WarmExecutor else ColdExecutor()


EXECUTORS = pytest.mark.parametrize("executor", [WarmExecutor, ColdExecutor], ids=["warm", "cold"])


@EXECUTORS
async def test_a_run_with_an_old_picture_of_the_world_takes_nothing_over(
    executor: type[WarmExecutor | ColdExecutor], resource: Object, space: Space, control_plane: DevCluster
) -> None:
    """The engine saw nothing of this name; the object came before the run wrote, as it may."""
    before = space.create(
        {"kind": "Service", "metadata": {"name": "router"}, "spec": {"ports": [{"port": 1}]}}
    )
    runs = executor_of(executor)
    try:
        outcome = await runs.run(order(resource, control_plane))
    finally:
        await runs.close()
    assert outcome.status is RunStatus.FAILED
    assert "was not made by this operator" in outcome.failures[0].message
    assert (outcome.failures[0].role, outcome.failures[0].reason) == ("router", "Conflict")
    assert space.get("Service", "router") == before
    assert space.get("Deployment", "router") is None


@EXECUTORS
async def test_a_run_in_check_mode_stores_nothing_and_tells_what_it_would_change(
    executor: type[WarmExecutor | ColdExecutor], resource: Object, space: Space, control_plane: DevCluster
) -> None:
    runs = executor_of(executor)
    try:
        tried = await runs.run(order(resource, control_plane, check=True, diff=True))
        assert (tried.status, tried.counts.changed) == (RunStatus.SUCCESSFUL, 2)
        assert set(tried.custom["conditions"]) >= TOLD  # type: ignore[call-overload]
        assert [space.get(kind, "router") for kind in ("Service", "Deployment")] == [None, None]
        counts = [(await runs.run(order(resource, control_plane))).counts.changed for _ in range(2)]
    finally:
        await runs.close()
    assert counts == [2, 0], (
        "one task for Envoy's configuration, one for the router; and nothing the second time"
    )


def replace_dry_run(cluster: ConnectedCluster) -> K8SClient:
    """The same client, in Ansible's check mode."""
    client = cluster.client
    return K8SClient(configuration=client.configuration, client=client.client, dry_run=True)
