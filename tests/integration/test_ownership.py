"""What belongs to somebody else is left exactly as it was, whenever it comes; what is given away is taken."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.vllm.semantic_router.plugins.module_utils.applying import (
    Applier,
    Cluster,
    ConflictError,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import claimed
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.modules.apply import RealCluster

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router
from tests.support.waiting import stays, wait_for

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
        del cluster
        assert space.get("ConfigMap", "router-config") is None
        assert resource["metadata"]["name"] == "router"
