"""What a listing means for the store when some of the namespaces cannot be read."""

import pytest
from structlog.testing import capture_logs

from playbook_engine.cluster.errors import ForbiddenError
from playbook_engine.events.intake import Intake
from playbook_engine.events.wakes import Wakes
from playbook_engine.objects import GroupVersionKind, ObjectKey
from playbook_engine.observability.metrics import Metrics
from playbook_engine.store import KindState, Store
from playbook_engine.testing.cluster import FakeCluster

POT = GroupVersionKind(group="example.com", version="v1", kind="Pot")
NAMESPACES = ("open", "shut")


def pot(namespace: str, name: str = "pot") -> dict[str, object]:
    metadata = {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}"}
    return {"apiVersion": "example.com/v1", "kind": "Pot", "metadata": metadata}


def key(namespace: str) -> ObjectKey:
    return ObjectKey(gvk=POT, namespace=namespace, name="pot")


@pytest.fixture
def cluster() -> FakeCluster:
    """A pot in each namespace."""
    cluster = FakeCluster()
    for name in NAMESPACES:
        cluster.put(pot(name))
    return cluster


@pytest.fixture
def store() -> Store:
    return Store(frozenset({"m"}))


@pytest.fixture
def intake(cluster: FakeCluster, store: Store) -> Intake:
    return Intake(cluster, store, Wakes([]), Metrics(), add=lambda *_: None, namespaces=NAMESPACES)


async def test_a_namespace_that_is_refused_is_told_once_and_the_others_go_on(
    cluster: FakeCluster, store: Store, intake: Intake
) -> None:
    cluster.closed.add("shut")
    with capture_logs() as said:
        await intake.compare(POT)
        await intake.compare(POT)
    assert store.state(POT) is KindState.KNOWN
    assert store.keys(POT) == {key("open")}
    assert list(intake.readable) == ["open"]
    assert [(line["log_level"], line["namespace"]) for line in said] == [("warning", "shut")]


async def test_what_was_known_of_a_namespace_stays_when_it_is_refused(
    cluster: FakeCluster, store: Store, intake: Intake
) -> None:
    await intake.compare(POT)
    assert not intake.moved.is_set()
    cluster.closed.add("shut")
    cluster.delete(key("open"))
    await intake.compare(POT)
    assert store.keys(POT) == {key("shut")}, "nothing says that it has gone"
    assert intake.moved.is_set()


async def test_a_namespace_that_can_be_read_again_is_one_of_them(
    cluster: FakeCluster, store: Store, intake: Intake
) -> None:
    cluster.fail("list", ForbiddenError("pots is forbidden"))
    await intake.compare(POT)
    assert list(intake.readable) == ["shut"]
    assert store.keys(POT) == {key("shut")}
    intake.moved.clear()
    await intake.compare(POT)
    assert list(intake.readable) == list(NAMESPACES)
    assert store.keys(POT) == {key("open"), key("shut")}
    assert intake.moved.is_set()


async def test_a_kind_that_is_refused_everywhere_is_forbidden(
    cluster: FakeCluster, store: Store, intake: Intake
) -> None:
    cluster.fail("list", ForbiddenError("no"), ForbiddenError("no"))
    await intake.compare(POT)
    assert store.state(POT) is KindState.FORBIDDEN
    assert list(intake.readable) == list(NAMESPACES)
