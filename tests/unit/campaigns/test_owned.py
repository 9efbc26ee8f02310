"""What drifts: each field that the operator has applied, each item of a list and its key, and nothing else."""

import json
from typing import Any

from tests.campaigns.owned import GROWN, Act, drifts_of
from tools.fields.runs import FIELD_MANAGER

MOUNTS = [{"mountPath": "/theirs", "name": "v"}, {"mountPath": "/data", "name": "v", "readOnly": True}]


def key(**fields: object) -> str:
    return f"k:{json.dumps(fields)}"


def live(kind: str, spec: dict[str, Any], fields: dict[str, Any], **entry: str) -> dict[str, Any]:
    """Return an object of which some fields are on an account."""
    account = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields, **entry}
    name = "router-config-0123456789ab" if kind == "ConfigMap" else "router"
    return {"kind": kind, "metadata": {"name": name, "managedFields": [account]}, "spec": spec}


def tried(item: dict[str, Any]) -> set[tuple[str, str]]:
    """Return what is done to parts of it, and where."""
    return {(str(drift.act), drift.path) for drift in drifts_of(item) if drift.act is not Act.CLEAR}


def test_the_accounts_of_what_is_ours_are_cleared_and_of_nothing_else() -> None:
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    (clear, *_) = drifts_of(live("Deployment", {"replicas": 1}, fields))
    assert str(clear) == "Deployment/router:clear:/metadata/managedFields"
    assert list(drifts_of(live("Deployment", {"replicas": 1}, fields, manager="kubectl"))) == []


def test_of_an_item_of_a_list_the_fields_the_key_and_the_whole_drift() -> None:
    mine: dict[str, Any] = {".": {}, "f:mountPath": {}, "f:name": {}, "f:readOnly": {}}
    item = live("Deployment", {"mounts": MOUNTS}, {"f:spec": {"f:mounts": {key(mountPath="/data"): mine}}})
    assert tried(item) == {
        ("remove", "/spec/mounts/1"),
        ("rename", "/spec/mounts/1/mountPath"),
        ("change", "/spec/mounts/1/name"),
        ("remove", "/spec/mounts/1/name"),
        ("change", "/spec/mounts/1/readOnly"),
        ("remove", "/spec/mounts/1/readOnly"),
    }


def test_a_key_of_an_item_is_no_key_of_what_is_below_it() -> None:
    spec = {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}
    mine: dict[str, Any] = {"f:name": {}, "f:configMap": {"f:name": {}}}
    item = live("Deployment", spec, {"f:spec": {"f:volumes": {key(name="v"): mine}}})
    assert ("change", "/spec/volumes/0/configMap/name") in tried(item)
    assert ("rename", "/spec/volumes/0/name") in tried(item)


def test_a_path_is_a_json_pointer() -> None:
    item = live("Service", {}, {"f:metadata": {"f:labels": {"f:a.b/c~d": {}}}})
    item["metadata"]["labels"] = {"a.b/c~d": "x"}
    assert ("change", "/metadata/labels/a.b~1c~0d") in tried(item)


def test_what_others_have_applied_or_we_have_only_updated_does_not_drift() -> None:
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    assert tried(live("Deployment", {"replicas": 1}, fields, manager="kubectl")) == set()
    assert tried(live("Deployment", {"replicas": 1}, fields, operation="Update")) == set()


def test_a_field_that_is_gone_does_not_drift() -> None:
    assert tried(live("Deployment", {}, {"f:spec": {"f:replicas": {}}})) == set()


def test_neither_who_owns_it_nor_the_size_of_a_volume_drifts() -> None:
    owner: dict[str, Any] = {"f:metadata": {"f:ownerReferences": {key(uid="u"): {}}}}
    item = live("Service", {}, owner)
    item["metadata"]["ownerReferences"] = [{"uid": "u"}]
    assert tried(item) == set()
    storage: dict[str, Any] = {"f:spec": {"f:resources": {"f:requests": {"f:storage": {}}}}}
    spec = {"resources": {"requests": {"storage": "1Gi"}}}
    assert GROWN.startswith("PersistentVolumeClaim/")
    assert tried(live("PersistentVolumeClaim", spec, storage)) == set()
    assert tried(live("Deployment", spec, storage)) != set()


def test_a_point_has_the_same_name_in_each_life() -> None:
    (_, change, remove) = drifts_of(live("ConfigMap", {"a": "b"}, {"f:spec": {"f:a": {}}}))
    assert str(change) == "ConfigMap/router-config-<revision>:change:/spec/a"
    assert change.object == remove.object == "ConfigMap/router-config-<revision>"
    assert {change.act, remove.act} == {Act.CHANGE, Act.REMOVE}
