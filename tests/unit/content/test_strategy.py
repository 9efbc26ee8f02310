"""How pods are replaced follows from the volume, by one table."""

from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation
from ansible_collections.vllm.semantic_router.plugins.module_utils.strategy import (
    ANYWHERE,
    APART,
    BY_VOLUME,
    NO_VOLUME,
    NODE,
    ONE_NODE,
    ONE_POD,
    REQUIRED,
    ZONE,
    Strategy,
    affinity,
    gap_of,
    spread,
    strategy_of,
)

from tests.unit.content.routers import live, observed, resource, situation
from tests.unit.crd.schemas import by_path

SELF = {"app.kubernetes.io/name": "semantic-router", "app.kubernetes.io/instance": "r"}
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def anti(labels: dict[str, str], key: str = NODE, **selector: Any) -> dict[str, Any]:  # noqa: ANN401
    term = {"topologyKey": key, "labelSelector": {"matchLabels": labels, **selector}}
    return {"podAntiAffinity": {REQUIRED: [term]}}


@pytest.mark.parametrize(
    ("persistence", "strategy", "rolling"),
    [
        ({"enabled": False}, ANYWHERE, SURGE),
        ({"accessMode": "ReadWriteMany"}, ANYWHERE, SURGE),
        ({"accessMode": "ReadOnlyMany"}, ANYWHERE, SURGE),
        ({"accessMode": "ReadWriteOnce"}, ONE_NODE, SURGE),
        ({}, ONE_NODE, SURGE),
        ({"accessMode": "ReadWriteOncePod"}, ONE_POD, {"type": "Recreate"}),
    ],
)
def test_the_access_mode_decides(
    persistence: dict[str, Any], strategy: Strategy, rolling: dict[str, Any]
) -> None:
    found = situation(persistence=persistence)
    assert strategy_of(found) is strategy
    assert strategy.rolling == rolling
    assert plans.router_plan(resource(persistence=persistence), observed())["strategy"] == rolling


def test_the_claim_that_is_there_counts_more_than_the_one_that_is_asked_for() -> None:
    claim = {**live("PersistentVolumeClaim", "r-models"), "spec": {"accessModes": ["ReadWriteOnce"]}}
    claim["spec"]["resources"] = {"requests": {"storage": "10Gi"}}
    found = situation(observed(claim), persistence={"accessMode": "ReadWriteMany"})
    assert strategy_of(found) is ONE_NODE


@pytest.mark.parametrize(
    ("modes", "strategy"),
    [(["ReadWriteOnce", "ReadWriteMany"], ANYWHERE), (["ReadWriteOncePod"], ONE_POD), ([], ONE_NODE)],
)
def test_of_a_claim_that_is_only_used_the_best_of_its_modes_counts(
    modes: list[str], strategy: Strategy
) -> None:
    seen = observed()
    claim = {"metadata": {"namespace": "ml", "name": "mine"}, "spec": {"accessModes": modes}}
    seen["references"]["claims"] = [claim]
    assert strategy_of(Situation(resource(persistence={"existingClaim": "mine"}), seen)) is strategy


def test_pods_spread_over_nodes_and_zones_where_the_volume_lets_them() -> None:
    constraints = spread(situation(persistence={"enabled": False})) or []
    assert [one["topologyKey"] for one in constraints] == [NODE, ZONE]
    assert {one["whenUnsatisfiable"] for one in constraints} == {"ScheduleAnyway"}
    assert all(one["labelSelector"] == {"matchLabels": SELF} for one in constraints)
    assert spread(situation()) is None


def test_a_new_pod_goes_to_the_node_of_the_volume_and_the_users_affinity_stays() -> None:
    of_user = {"nodeAffinity": {"a": 1}, "podAffinity": {REQUIRED: [{"topologyKey": "x"}], "b": 2}}
    merged = affinity(situation(affinity=of_user)) or {}
    own = {"labelSelector": {"matchLabels": SELF}, "topologyKey": NODE}
    assert merged["nodeAffinity"] == {"a": 1}
    assert merged["podAffinity"] == {REQUIRED: [{"topologyKey": "x"}, own], "b": 2}
    assert affinity(situation()) == {"podAffinity": {REQUIRED: [own]}}


def test_without_a_volume_the_affinity_is_the_users_alone() -> None:
    without = {"persistence": {"enabled": False}}
    assert affinity(situation(**without)) is None
    assert affinity(situation(**without, affinity={"nodeAffinity": {"a": 1}})) == {"nodeAffinity": {"a": 1}}


@pytest.mark.parametrize(
    ("given", "strategy"),
    [
        (anti(SELF), APART),
        (anti({"app.kubernetes.io/instance": "r"}), APART),
        (anti({"app.kubernetes.io/instance": "other"}), ONE_NODE),
        (anti({}), ONE_NODE),
        (anti(SELF, ZONE), APART),
        (anti(SELF, matchExpressions=[{"key": "a", "operator": "Exists"}]), ONE_NODE),
    ],
)
def test_pods_that_must_be_apart_cannot_share_the_node_of_a_volume(
    given: dict[str, Any], strategy: Strategy
) -> None:
    assert strategy_of(situation(affinity=given)) is strategy
    assert strategy_of(situation(affinity=given, persistence={"enabled": False})) is ANYWHERE


def test_a_gap_is_announced_before_it_comes() -> None:
    assert gap_of(situation()) == ""
    given = resource(persistence={"accessMode": "ReadWriteOncePod"})
    condition = plans.router_plan(given, observed())["conditions"]["RouterReady"]
    assert (condition["status"], condition["reason"], condition["warning"]) == (
        "True",
        "AppliedWithGaps",
        True,
    )
    assert "PersistentVolumeClaim ml/r-models" in condition["message"]
    assert "ReadWriteOncePod" in condition["message"]


def test_every_access_mode_of_the_definition_is_in_the_table() -> None:
    modes = set(by_path()["spec.persistence.accessMode"].schema["enum"])
    assert set(BY_VOLUME) == {NO_VOLUME, *modes}
