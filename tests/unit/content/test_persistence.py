"""The volume: which claim is mounted, when ours may be made or changed, and what is told when not."""

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import OWNER_ANNOTATION
from ansible_collections.vllm.semantic_router.plugins.module_utils.persistence import (
    VolumePlan,
    claims_to_release,
    resolve_volume,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.quantities import quantity
from hypothesis import given
from hypothesis import strategies as st


def resource(**persistence: Any) -> dict[str, Any]:  # noqa: ANN401
    metadata = {"namespace": "ml", "name": "r", "uid": "u1"}
    return {
        "apiVersion": "vllm.ai/v1alpha1", "kind": "SemanticRouter", "metadata": metadata,
        "spec": {"persistence": persistence},
    }  # fmt: skip


def storage_class(name: str = "standard", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": name, "isDefault": "true", "allowVolumeExpansion": True, "created": "2026-01-01", **more}


def claim(size: str = "10Gi", owner: str = "u1", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    metadata = {"name": "r-models", "namespace": "ml", "uid": "c1", "ownerReferences": [{"uid": owner}]}
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "standard",
        "resources": {"requests": {"storage": size}},
    }
    whole = {"kind": "PersistentVolumeClaim", "metadata": {**metadata, **more}, "spec": spec}
    return {**whole, "status": {"phase": "Bound"}}


def planned(
    found: dict[str, Any],
    *claims: dict[str, Any],
    classes: list[dict[str, Any]] | None = None,
    **references: list[dict[str, Any]],
) -> VolumePlan:
    known = [storage_class()] if classes is None else classes
    observed = {
        "references": {"storage_classes": known, **references},
        "owned": {"PersistentVolumeClaim": list(claims)},
    }
    return resolve_volume(found, observed)


def test_by_default_a_claim_of_the_default_class_is_made() -> None:
    plan = planned(resource())
    assert (plan.claim, plan.make, plan.ready) == ("r-models", True, True)
    assert (plan.size, plan.access_mode, plan.storage_class) == ("10Gi", "ReadWriteOnce", "standard")


def test_of_several_default_classes_the_newest_is_taken() -> None:
    classes = [storage_class("old", created="2025-01-01"), storage_class("new", created="2026-06-01")]
    assert planned(resource(), classes=classes).storage_class == "new"


def test_without_persistence_no_claim_is_mounted() -> None:
    plan = planned(resource(enabled=False), classes=[])
    assert (plan.claim, plan.make, plan.ready, plan.condition.status) == ("", False, True, "True")


def test_an_existing_claim_is_mounted_and_never_applied() -> None:
    claims = [{"metadata": {"namespace": "ml", "name": "mine"}}]
    plan = planned(resource(existingClaim="mine"), claims=claims)
    assert (plan.claim, plan.make, plan.ready) == ("mine", False, True)


@pytest.mark.parametrize(
    ("found", "classes", "reason", "words"),
    [
        (
            resource(storageClassName="fast"),
            None,
            "StorageClassNotFound",
            "fast does not exist, there is: standard",
        ),
        (resource(), [storage_class(isDefault=None)], "NoDefaultStorageClass", "no default StorageClass"),
        (resource(existingClaim="x"), None, "ClaimNotFound", "PersistentVolumeClaim ml/x does not exist"),
    ],
)
def test_what_is_missing_is_named_and_holds_the_pods_back(
    found: dict[str, Any],
    classes: list[dict[str, Any]] | None,
    reason: str,
    words: str,
) -> None:
    plan = planned(found, classes=classes)
    assert (plan.ready, plan.make, plan.condition.reason) == (False, False, reason)
    assert words in plan.condition.message
    assert "spec.persistence" in plan.condition.message


def test_classes_that_cannot_be_read_are_not_taken_for_missing() -> None:
    observed = {"errors": {"storage_classes": [{"reason": "Forbidden"}]}}
    plan = resolve_volume(resource(), observed)
    assert (plan.ready, plan.condition.reason) == (False, "StorageClassUnknown")


def test_our_claim_goes_on_serving_when_its_class_is_gone() -> None:
    plan = planned(resource(), claim(), classes=[])
    assert (plan.claim, plan.make, plan.ready) == ("r-models", True, True)


@pytest.mark.parametrize(
    ("wanted", "classes", "words"),
    [
        ({"size": "5Gi"}, None, "cannot shrink from 10Gi to 5Gi"),
        ({"size": "20Gi"}, [storage_class(allowVolumeExpansion=None)], "does not let volumes grow"),
        ({"size": "20Gi"}, [], "its StorageClass standard does not exist"),
        ({"storageClassName": "fast"}, None, "its StorageClass is standard for ever"),
        ({"accessMode": "ReadWriteMany"}, None, "its access mode is ReadWriteOnce for ever"),
    ],
)
def test_a_change_that_would_cost_the_data_is_refused_and_the_claim_serves_on(
    wanted: dict[str, Any],
    classes: list[dict[str, Any]] | None,
    words: str,
) -> None:
    plan = planned(resource(**wanted), claim(), classes=classes)
    assert (plan.ready, plan.condition.status, plan.condition.reason) == (True, "False", "ImmutableField")
    assert words in plan.condition.message
    assert "spec.persistence." in plan.condition.message
    live = (plan.size, plan.access_modes, plan.storage_class)
    assert (plan.make, live) == (True, ("10Gi", ("ReadWriteOnce",), "standard")), "it is applied as it is"


def test_a_volume_grows_where_its_class_allows_it() -> None:
    plan = planned(resource(size="20Gi"), claim())
    assert (plan.make, plan.size) == (True, "20Gi")


def test_a_claim_that_is_being_deleted_is_told_and_not_touched() -> None:
    plan = planned(resource(), claim(deletionTimestamp="2026-01-01T00:00:00Z"))
    assert (plan.make, plan.ready, plan.condition.reason) == (False, True, "ClaimTerminating")


def test_a_kept_claim_is_known_by_its_annotation() -> None:
    kept = claim(owner="somebody", annotations={OWNER_ANNOTATION: "u1"})
    assert planned(resource(size="5Gi"), kept).condition.reason == "ImmutableField"


def test_a_volume_grows_once_it_is_bound() -> None:
    plan = planned(resource(size="20Gi"), {**claim(), "status": {"phase": "Pending"}})
    assert (plan.make, plan.size, plan.condition.status) == (True, "10Gi", "True")
    assert "grows from 10Gi to 20Gi as soon as it is bound" in plan.condition.message


def test_what_else_is_refused_does_not_keep_a_volume_from_growing() -> None:
    plan = planned(resource(size="20Gi", storageClassName="fast"), claim())
    assert (plan.size, plan.storage_class, plan.condition.reason) == ("20Gi", "standard", "ImmutableField")


@pytest.mark.parametrize(
    ("wanted", "mounted"), [({"enabled": False}, ""), ({"existingClaim": "mine"}, "mine")]
)
def test_our_claim_stays_and_is_looked_after_when_it_is_not_mounted(
    wanted: dict[str, Any], mounted: str
) -> None:
    plan = planned(resource(**wanted), claim(), claims=[{"metadata": {"namespace": "ml", "name": "mine"}}])
    assert (plan.claim, plan.own, plan.make, plan.size) == (mounted, "r-models", True, "10Gi")
    assert "ml/r-models keeps its data until you delete it" in plan.condition.message


def test_an_existing_claim_that_goes_holds_the_pods_back() -> None:
    going = {"metadata": {"namespace": "ml", "name": "mine", "deletionTimestamp": "t"}}
    plan = planned(resource(existingClaim="mine"), claims=[going])
    assert (plan.ready, plan.condition.reason) == (False, "ClaimTerminating")


INSTANCE = {"app.kubernetes.io/name": "semantic-router", "app.kubernetes.io/instance": "r"}
LEFT: dict[str, Any] = {
    "ownerReferences": None,
    "annotations": {OWNER_ANNOTATION: "gone"},
    "labels": INSTANCE,
}


def test_a_claim_that_an_earlier_resource_of_the_name_has_left_is_used_again() -> None:
    plan = planned(resource(), claim(**LEFT))
    assert (plan.claim, plan.make, plan.kept) == ("r-models", True, True)
    assert "an earlier SemanticRouter r left it" in plan.condition.message


@pytest.mark.parametrize(
    "change", [{"annotations": {}}, {"labels": {}}, {"ownerReferences": [{"uid": "somebody"}]}]
)
def test_a_claim_that_nobody_has_left_to_us_is_not_taken(change: dict[str, Any]) -> None:
    assert not planned(resource(), claim(**{**LEFT, **change})).kept


@pytest.mark.parametrize(
    ("mode", "spec", "status", "reason"),
    [
        ("ReadWriteOnce", {"replicas": 1}, "True", "ClaimMade"),
        ("ReadWriteOnce", {"replicas": 2}, "True", "OneNode"),
        ("ReadWriteOnce", {"autoscaling": {"enabled": True, "maxReplicas": 3}}, "True", "OneNode"),
        ("ReadWriteOnce", {"autoscaling": {"enabled": True, "maxReplicas": 1}}, "True", "ClaimMade"),
        ("ReadWriteMany", {"replicas": 2}, "True", "ClaimMade"),
        ("ReadWriteOncePod", {"replicas": 2}, "False", "OnePod"),
        ("ReadOnlyMany", {"replicas": 1}, "True", "ReadOnly"),
    ],
)
def test_an_access_mode_that_does_not_fit_the_pods_is_told(
    mode: str, spec: dict[str, Any], status: str, reason: str
) -> None:
    found = resource(accessMode=mode)
    found["spec"] |= spec
    existing = resource(existingClaim="mine")
    existing["spec"] |= spec
    mine = {"metadata": {"namespace": "ml", "name": "mine"}, "spec": {"accessModes": [mode]}}
    for plan in (planned(found), planned(existing, claims=[mine])):
        assert plan.ready
        assert plan.condition.status == status
        assert plan.condition.reason.replace("ClaimFound", "ClaimMade") == reason
        assert plan.condition.warning is (reason in {"OneNode", "ReadOnly"})


class TestRelease:
    def test_takes_our_reference_and_nobody_elses(self) -> None:
        live = claim(ownerReferences=[{"uid": "other"}, {"uid": "u1"}], annotations={"a": "b"})
        observed = {"owned": {"PersistentVolumeClaim": [live]}}
        ((released),) = claims_to_release(resource(retentionPolicy="Retain"), observed)
        assert (released["name"], released["namespace"]) == ("r-models", "ml")
        assert released["patch"] == [
            {"op": "test", "path": "/metadata/uid", "value": "c1"},
            {"op": "test", "path": "/metadata/ownerReferences/1/uid", "value": "u1"},
            {"op": "remove", "path": "/metadata/ownerReferences/1"},
            {"op": "add", "path": "/metadata/annotations/vllm.ai~1owner-uid", "value": "u1"},
        ]

    def test_makes_the_annotations_when_there_are_none(self) -> None:
        observed = {"owned": {"PersistentVolumeClaim": [claim()]}}
        ((released),) = claims_to_release(resource(retentionPolicy="Retain"), observed)
        assert released["patch"][-1]["value"] == {OWNER_ANNOTATION: "u1"}

    @pytest.mark.parametrize("policy", ["Delete", None])
    def test_is_only_done_when_it_is_asked_for(self, policy: str | None) -> None:
        observed = {"owned": {"PersistentVolumeClaim": [claim()]}}
        assert claims_to_release(resource(retentionPolicy=policy), observed) == []

    def test_a_claim_that_a_playbook_made_without_the_operator_has_no_reference_to_take(self) -> None:
        given = resource(retentionPolicy="Retain")
        del given["metadata"]["uid"]
        made = claim(annotations={"vllm.ai/adopt-by": "r"})
        del made["metadata"]["ownerReferences"]
        assert claims_to_release(given, {"owned": {"PersistentVolumeClaim": [made]}}) == []

    def test_leaves_alone_what_is_not_ours_or_free_already(self) -> None:
        for live in ([], [claim(owner="other")], [claim(**LEFT)]):
            observed = {"owned": {"PersistentVolumeClaim": live}}
            assert claims_to_release(resource(retentionPolicy="Retain"), observed) == []


@given(st.integers(1, 10**6), st.sampled_from(["", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E+6"]))
def test_every_size_that_the_definition_accepts_is_understood(number: int, suffix: str) -> None:
    assert quantity(f"{number}{suffix}") == number * quantity(f"1{suffix}") > 0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10Gi", 10 * 1024**3),
        ("1500M", 1_500_000_000),
        ("1", 1),
        ("500m", Decimal("0.5")),
        ("2Ti", 2 * 1024**4),
        ("1e3", 1000),
        ("2E", 2 * 10**18),
    ],
)
def test_quantities_are_compared_by_what_they_mean(text: str, number: int) -> None:
    assert quantity(text) == number


def test_what_is_no_quantity_is_refused() -> None:
    with pytest.raises(ValueError, match="no quantity"):
        quantity("10GiB")
