"""Kinds that the cluster does not serve are named once, and hold nothing up but resources of their own."""

from structlog.testing import capture_logs

from playbook_engine.engine.watching import Watching
from playbook_engine.events.intake import Intake
from playbook_engine.events.wakes import Wakes
from playbook_engine.objects import GroupVersionKind
from playbook_engine.observability.metrics import Metrics
from playbook_engine.queue.backoff import Backoff
from playbook_engine.store import KindState, Store
from playbook_engine.testing.cluster import FakeCluster

POT = GroupVersionKind(group="example.com", version="v1", kind="Pot")
ROUTE = GroupVersionKind(group="route.openshift.io", version="v1", kind="Route")


async def listed(cluster: FakeCluster, store: Store) -> list[object]:
    """List a resource's kind and one beside it; return what is said."""
    metrics = Metrics()
    intake = Intake(cluster, store, Wakes(()), metrics, add=lambda _key, _priority: None)
    backoff = Backoff(base=0.01, most=0.01, chance=lambda: 0.0)
    watching = Watching(intake, store, kinds=(POT, ROUTE), primaries=(POT,), backoff=backoff, metrics=metrics)
    with capture_logs() as said:
        await watching.list_all()
    return [(line["log_level"], line["kinds"]) for line in said]


async def test_a_kind_that_is_not_served_is_named_in_one_line() -> None:
    store = Store(frozenset())
    assert await listed(FakeCluster(absent={ROUTE}), store) == [("info", ["route.openshift.io/v1/Route"])]
    assert store.state(ROUTE) is KindState.ABSENT


async def test_nothing_is_said_where_all_kinds_are_served() -> None:
    assert await listed(FakeCluster(), Store(frozenset())) == []
