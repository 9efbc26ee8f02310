"""The volume: which claim is mounted, when ours may be made or changed, and what is told when not."""

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import OWNER_ANNOTATION
from ansible_collections.vllm.semantic_router.plugins.module_utils.persistence import (
    VolumePlan,
    quantity,
    resolve_volume,
)


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
    return {"kind": "PersistentVolumeClaim", "metadata": {**metadata, **more}, "spec": spec}


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
    assert (plan.ready, plan.make, plan.condition.reason) == (True, False, "ImmutableField")
    assert words in plan.condition.message


def test_a_volume_grows_where_its_class_allows_it() -> None:
    plan = planned(resource(size="20Gi"), claim())
    assert (plan.make, plan.size) == (True, "20Gi")


def test_a_claim_that_is_being_deleted_is_told_and_not_touched() -> None:
    plan = planned(resource(), claim(deletionTimestamp="2026-01-01T00:00:00Z"))
    assert (plan.make, plan.ready, plan.condition.reason) == (False, True, "ClaimTerminating")


def test_a_kept_claim_is_known_by_its_annotation() -> None:
    kept = claim(owner="somebody", annotations={OWNER_ANNOTATION: "u1"})
    assert planned(resource(size="5Gi"), kept).condition.reason == "ImmutableField"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10Gi", 10 * 1024**3),
        ("1500M", 1_500_000_000),
        ("1", 1),
        ("500m", Decimal("0.5")),
        ("2Ti", 2 * 1024**4),
    ],
)
def test_quantities_are_compared_by_what_they_mean(text: str, number: int) -> None:
    assert quantity(text) == number


def test_what_is_no_quantity_is_refused() -> None:
    with pytest.raises(ValueError, match="no quantity"):
        quantity("10GiB")
