"""Objects that runs make by any module: when their owner runs again for them, and when it does not."""

from pathlib import Path
from typing import Any

from playbook_engine.objects import Object, key_of, uid_of
from playbook_engine.reconcile.dependents import content_print, dependents_of, left_by
from playbook_engine.store import Store
from playbook_engine.watches.records import Dependents, Watch
from tests.unit.reconcile.stage import POT, SECRET, pot

RESOURCE: dict[str, Any] = {**pot(), "metadata": {"name": "pot", "namespace": "ns", "uid": "u"}}


def watch(dependents: Dependents | None) -> Watch:
    return Watch(gvk=POT, playbook=Path("p"), field_manager="m", dependents=dependents)


def made(kind: str = "ConfigMap", *, colour: str = "red", **metadata: Any) -> dict[str, Any]:  # noqa: ANN401
    own = {"name": "made", "namespace": "ns", "uid": "m", "ownerReferences": [{"uid": "u"}], **metadata}
    return {"apiVersion": "v1", "kind": kind, "metadata": own, "data": {"colour": colour}}


def test_the_print_follows_the_content_and_nothing_else() -> None:
    first = content_print(made())
    assert content_print(made(resourceVersion="7", generation=2, managedFields=[{}])) == first
    assert content_print({**made(), "status": {"ready": True}}) == first
    assert content_print(made(colour="blue")) != first
    assert content_print(made(labels={"a": "b"})) != first
    assert content_print(made(deletionTimestamp="now")) != first


def test_what_belongs_to_a_resource_is_found_by_reference_and_by_annotations() -> None:
    store = Store()
    mine = made()
    far = made(name="far", namespace="other", uid="f", ownerReferences=[])
    far["metadata"]["annotations"] = {
        "operator-sdk/primary-resource": "ns/pot",
        "operator-sdk/primary-resource-type": "Pot.example.com",
    }
    for found in (mine, far, made(name="theirs", uid="t", ownerReferences=[]), made("Secret")):
        store.put(found)
    found = dependents_of(watch(Dependents(ignored=(SECRET,))), RESOURCE, store)
    assert found == {str(key_of(one)): [uid_of(one), content_print(one)] for one in (mine, far)}
    assert dependents_of(watch(None), RESOURCE, store) == {}
    assert dependents_of(watch(Dependents(watch=False)), RESOURCE, store) == {}


def test_a_run_leaves_what_it_saw_last_and_the_rest_as_it_was_before() -> None:
    before = {"a": ["1", "x"], str(key_of(made())): ["m", "old"], str(key_of(made(name="gone"))): ["g", "y"]}
    seen: dict[Any, Object | None] = {key_of(made()): made(colour="new"), key_of(made(name="gone")): None}
    assert left_by(before, seen) == {
        "a": {"uid": "1", "fields": "x"},
        str(key_of(made())): {"uid": "m", "fields": content_print(made(colour="new"))},
    }
