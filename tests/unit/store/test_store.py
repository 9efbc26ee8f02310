"""The store: newer states replace older ones, other objects of the same name are told apart, owners are known."""

import json
from typing import Any

from playbook_engine.objects import GroupVersionKind, ObjectKey, fingerprint, key_of
from playbook_engine.store import MOST_GONE, KindState, Store, compact

CONFIG_MAP = GroupVersionKind(group="", version="v1", kind="ConfigMap")


def found(
    name: str = "a", version: str = "5", uid: str = "u", owner: str = "", **more: object
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "ns",
        "uid": uid,
        "resourceVersion": version,
        **more,
    }
    if owner:
        metadata["ownerReferences"] = [{"uid": owner}]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def applied(manager: str = "m", **fields: object) -> dict[str, Any]:
    return {"manager": manager, "operation": "Apply", "fieldsV1": fields}


KEY = key_of(found())


def test_an_older_or_the_same_state_is_no_news() -> None:
    store = Store()
    assert store.put(found(version="5")) is not None
    assert store.put(found(version="5")) is None
    assert store.put(found(version="4")) is None
    assert store.put(found(version="10")) is not None, "versions are numbers, not texts"


def test_a_change_has_both_states() -> None:
    store = Store()
    store.put(found(version="1"))
    change = store.put(found(version="2", labels={"a": "b"}))
    assert change is not None
    assert (change.key, change.old is None, change.new is None) == (KEY, False, False)


def test_a_deletion_of_another_object_of_the_name_is_not_taken_for_this_one() -> None:
    store = Store()
    store.put(found(uid="new", version="9"))
    assert store.remove(KEY, "old") is None
    assert store.get(KEY) is not None
    assert store.remove(KEY, "new") is not None
    assert store.get(KEY) is None
    assert store.remove(KEY) is None


def test_objects_are_found_by_their_owner_as_long_as_it_owns_them() -> None:
    store = Store()
    store.put(found("a", owner="o"))
    store.put(found("b", owner="o"))
    store.put(found("c"))
    assert [key_of(item).name for item in store.owned_by("o")] == ["a", "b"]
    store.put(found("a", version="6"))
    store.remove(key_of(found("b")))
    assert list(store.owned_by("o")) == []


def test_managed_fields_are_reduced_to_the_fingerprints_of_our_managers() -> None:
    store = Store(frozenset({"m"}))
    store.put(found(managedFields=[applied(a={}), applied("other", b={})]))
    kept = store.get(KEY)
    assert kept is not None
    assert "managedFields" not in kept["metadata"]  # type: ignore[operator]
    assert store.fingerprint(KEY, "m") == fingerprint(found(managedFields=[applied(a={})]), "m") != ""
    assert store.fingerprint(KEY, "other") == ""


def test_a_fingerprint_changes_when_a_field_is_taken_and_not_when_another_is_added() -> None:
    ours = [applied(a={}, b={})]
    base = fingerprint(found(managedFields=ours), "m")
    assert fingerprint(found(managedFields=[*ours, applied("other", c={})]), "m") == base
    assert fingerprint(found(managedFields=[applied(a={})]), "m") != base
    status = {**applied(x={}), "subresource": "status"}
    assert fingerprint(found(managedFields=[*ours, status]), "m") == base


def test_objects_are_listed_by_kind_and_namespace_in_a_stable_order() -> None:
    store = Store()
    for name in ("b", "a"):
        store.put(found(name))
    assert [key_of(item).name for item in store.all(CONFIG_MAP)] == ["a", "b"]
    assert list(store.all(CONFIG_MAP, "elsewhere")) == []
    assert store.keys(CONFIG_MAP) == {key_of(found("a")), key_of(found("b"))}


def test_what_was_deleted_for_good_does_not_come_back_by_a_read_of_the_past() -> None:
    store = Store()
    store.put(found(version="5"))
    store.remove(KEY, "u", for_good=True)
    assert store.put(found(version="6")) is None, "an event that came too late, a list of an earlier state"
    assert store.get(KEY) is None
    assert store.put(found(uid="v", version="7")) is not None, "another one of the same name"


def test_what_a_list_did_not_show_may_come_back() -> None:
    store = Store()
    store.put(found())
    store.remove(KEY, "u")
    assert store.put(found()) is not None


def test_of_what_was_deleted_only_so_much_is_remembered() -> None:
    store = Store()
    for number in range(MOST_GONE + 1):
        store.remove(KEY, f"u{number}", for_good=True)
    assert store.put(found(uid=f"u{MOST_GONE}")) is None
    assert store.put(found(uid="u0")) is not None


def test_a_kind_is_unavailable_until_it_has_been_listed() -> None:
    store = Store()
    assert store.state(CONFIG_MAP) is KindState.UNAVAILABLE
    store.set_state(CONFIG_MAP, KindState.KNOWN)
    assert store.state(CONFIG_MAP) is KindState.KNOWN


def test_the_name_of_an_object_in_results_has_all_its_parts() -> None:
    key = ObjectKey(
        gvk=GroupVersionKind(group="apps", version="v1", kind="Deployment"), namespace="ns", name="d"
    )
    assert str(key) == "apps/v1/Deployment/ns/d"


def test_copies_share_names_and_short_texts_and_are_equal() -> None:
    text = json.dumps(
        {"spec": {"image": "router:1", "ports": [{"port": 80}], "on": True, "none": None, "long": "x" * 200}}
    )
    one, other = compact(json.loads(text)), compact(json.loads(text))
    assert one == other == json.loads(text)
    assert one["spec"]["image"] is other["spec"]["image"]
    assert next(iter(one)) is next(iter(other))
    assert one["spec"]["ports"] is not other["spec"]["ports"]
