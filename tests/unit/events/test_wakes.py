"""Which resources a change wakes, and which changes wake nobody."""

import pickle
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.events.wakes import Wake, Wakes
from playbook_engine.expressions import Expression
from playbook_engine.objects import GroupVersionKind, ObjectKey, key_of
from playbook_engine.queue.schedule import Priority
from playbook_engine.store import Change
from playbook_engine.watches.records import OwnedKind, Reference, Watch

POT = GroupVersionKind(group="example.com", version="v1", kind="Pot")
SERVICE = GroupVersionKind(group="", version="v1", kind="Service")
CLASS = GroupVersionKind(group="storage.k8s.io", version="v1", kind="StorageClass")
PORTS = Expression("spec.ports")

WATCH = Watch(
    gvk=POT,
    playbook=Path("p"),
    field_manager="m",
    owns=(OwnedKind(gvk=SERVICE, names=Expression("[resource.metadata.name]")),),
    references=(
        Reference(name="named", gvk=SERVICE, names=Expression("resource.spec.services"), projection=PORTS),
        Reference(
            name="labelled", gvk=SERVICE, labels=Expression("[resource.spec.labels]"), projection=PORTS
        ),
        Reference(name="classes", gvk=CLASS, every=True, projection=Expression("metadata.name")),
        Reference(name="one", gvk=CLASS, names=Expression("[resource.spec.class]")),
    ),
)


def pot(name: str = "pot", namespace: str = "ns", **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "generation": 1,
        "resourceVersion": "1",
    }
    return {"apiVersion": "example.com/v1", "kind": "Pot", "metadata": metadata, "spec": spec}


def service(name: str = "s", ports: int = 1, owner: str = "", **labels: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "ns", "labels": labels}
    if owner:
        metadata["ownerReferences"] = [{"uid": f"uid-{owner}"}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}}


def storage_class(name: str = "fast") -> dict[str, Any]:
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}


def change(old: dict[str, Any] | None, new: dict[str, Any] | None) -> Change:
    return Change(key_of(new or old or {}), old, new)


def key(name: str = "pot") -> ObjectKey:
    return ObjectKey(gvk=POT, namespace="ns", name=name)


def wakes(*pots: dict[str, Any]) -> Wakes:
    index = Wakes([WATCH])
    for one in pots:
        index.of_change(change(None, one))
    return index


def woken(index: Wakes, old: dict[str, Any] | None, new: dict[str, Any] | None) -> set[str]:
    return {wake.key.name for wake in index.of_change(change(old, new))}


def test_a_new_a_changed_and_a_deleted_resource_are_woken_as_changes() -> None:
    index = wakes()
    for old, new in ((None, pot()), (pot(), pot(size=2)), (pot(), None)):
        assert index.of_change(change(old, new)) == {Wake(key(), Priority.CHANGE)}


def test_the_own_status_and_bookkeeping_of_the_server_wake_nobody() -> None:
    written = pot() | {"status": {"phase": "Running"}}
    written["metadata"] = {**written["metadata"], "resourceVersion": "2", "managedFields": [{}]}
    assert woken(wakes(pot()), pot(), written) == set()


def test_an_annotation_and_the_start_of_a_deletion_wake() -> None:
    extras: list[dict[str, Any]] = [
        {"annotations": {"a": "b"}},
        {"deletionTimestamp": "now"},
        {"finalizers": []},
    ]
    for extra in extras:
        changed = pot()
        changed["metadata"] = {**changed["metadata"], **extra}
        assert woken(wakes(pot()), pot(), changed) == {"pot"}


def test_an_owned_object_wakes_its_owner_whatever_changed() -> None:
    index = wakes(pot(), pot("other"))
    assert woken(index, service(owner="pot"), service(owner="pot")) == {"pot"}
    assert woken(index, service(owner="pot"), None) == {"pot"}
    assert woken(index, service(owner="stranger"), None) == set()


def test_an_object_that_loses_its_owner_wakes_it() -> None:
    assert woken(wakes(pot()), service(owner="pot"), service()) == {"pot"}


def test_an_object_with_a_declared_name_wakes_whoever_owns_it() -> None:
    assert woken(wakes(pot()), None, service("pot")) == {"pot"}
    assert woken(wakes(pot(namespace="elsewhere")), None, service("pot")) == set()


def test_a_named_object_wakes_who_names_it() -> None:
    index = wakes(pot(services=["s"]), pot("other", services=["t"]))
    assert woken(index, None, service("s")) == {"pot"}
    assert woken(index, service("s"), None) == {"pot"}


def test_a_change_outside_the_projection_wakes_nobody() -> None:
    index = wakes(pot(services=["s"], labels={"app": "x"}))
    assert woken(index, service("s", app="x"), service("s", app="x", more="y")) == set()
    assert woken(index, service("s", ports=1), service("s", ports=2)) == {"pot"}


def test_an_object_wakes_when_it_gets_or_loses_the_labels() -> None:
    index = wakes(pot(labels={"app": "x"}))
    assert woken(index, None, service("a", app="x")) == {"pot"}
    assert woken(index, service("a"), service("a", app="x")) == {"pot"}
    assert woken(index, service("a", app="x"), service("a")) == {"pot"}
    assert woken(index, service("a", app="y"), service("a", app="z")) == set()


def test_every_object_of_a_kind_wakes_all() -> None:
    assert woken(wakes(pot(), pot("other")), None, storage_class()) == {"pot", "other"}


def test_an_object_of_the_whole_cluster_is_found_by_its_name() -> None:
    watch = Watch(
        gvk=POT, playbook=Path("p"), field_manager="m",
        references=(Reference(name="one", gvk=CLASS, names=Expression("[resource.spec.class]")),),
    )  # fmt: skip
    index = Wakes([watch])
    index.of_change(change(None, pot(**{"class": "fast"})))
    assert woken(index, None, storage_class("fast")) == {"pot"}
    assert woken(index, None, storage_class("slow")) == set()


def test_a_resource_that_names_another_object_is_not_woken_by_the_old_one_any_more() -> None:
    index = wakes(pot(services=["s"]))
    index.of_change(change(pot(services=["s"]), pot(services=["t"])))
    assert woken(index, None, service("s")) == set()
    assert woken(index, None, service("t")) == {"pot"}


def test_a_deleted_resource_is_not_woken_by_anything() -> None:
    index = wakes(pot(services=["s"]))
    index.of_change(change(pot(services=["s"]), None))
    assert woken(index, None, service("s")) == set()
    assert woken(index, None, storage_class()) == set()


def test_a_kind_that_is_served_from_now_on_wakes_all_whose_runs_see_it() -> None:
    index = wakes(pot())
    assert index.of_kind(CLASS) == {Wake(key(), Priority.DEPENDENT)}
    assert index.of_kind(GroupVersionKind(group="", version="v1", kind="Pod")) == set()


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), max_size=3)


@given(wanted=st.lists(LABELS, max_size=8), old=LABELS, new=LABELS, gone=st.sets(st.integers(0, 7)))
def test_whom_labels_find_is_found_without_looking_at_everybody(
    wanted: list[dict[str, str]], old: dict[str, str], new: dict[str, str], gone: set[int]
) -> None:
    index = wakes(*(pot(f"pot-{number}", labels=labels) for number, labels in enumerate(wanted)))
    for number in gone & set(range(len(wanted))):
        index.of_change(change(pot(f"pot-{number}", labels=wanted[number]), None))
    expected = {
        f"pot-{number}"
        for number, labels in enumerate(wanted)
        if number not in gone
        and labels
        and (labels.items() <= old.items()) != (labels.items() <= new.items())
    }
    assert woken(index, service("s", 1, "", **old), service("s", 1, "", **new)) == expected


def test_nothing_is_left_of_resources_that_are_gone() -> None:
    index = wakes()
    empty = pickle.dumps(vars(index))
    for number in range(3):
        one = pot(
            f"pot-{number}", services=["s"], labels={"app": "x", "of": str(number)}, **{"class": "fast"}
        )
        index.of_change(change(None, one))
        index.of_change(change(one, None))
    assert pickle.dumps(vars(index)) == empty
