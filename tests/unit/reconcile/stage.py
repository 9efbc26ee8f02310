"""A stage for passes: a kind, a cluster in memory, scripted runs, and a clock that only moves when told."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playbook_engine.expressions import Expression
from playbook_engine.objects import GroupVersionKind, ObjectKey, fingerprint, key_of, uid_of
from playbook_engine.observability.metrics import Metrics
from playbook_engine.queue.backoff import Backoff
from playbook_engine.queue.schedule import Priority
from playbook_engine.queue.slots import Slots
from playbook_engine.reconcile.gather import Gatherer
from playbook_engine.reconcile.passes import Reconciler
from playbook_engine.reconcile.running import Runner
from playbook_engine.reconcile.steps import Parts
from playbook_engine.reconcile.writing import StatusWriter
from playbook_engine.store import KindState, Store
from playbook_engine.testing.cluster import FakeCluster
from playbook_engine.testing.runner import FakeExecutor, successful
from playbook_engine.watches.records import (
    Case,
    DerivedCondition,
    DerivedField,
    Finalizer,
    OwnedKind,
    ReadMode,
    Reference,
    Watch,
)

POT = GroupVersionKind(group="example.com", version="v1", kind="Pot")
CONFIG_MAP = GroupVersionKind(group="", version="v1", kind="ConfigMap")
SECRET = GroupVersionKind(group="", version="v1", kind="Secret")
KEY = ObjectKey(gvk=POT, namespace="ns", name="pot")
CHILD = ObjectKey(gvk=CONFIG_MAP, namespace="ns", name="pot")
FINALIZER = "example.com/pot"
PLAYBOOK, FAREWELL = Path("/playbooks/pot.yml"), Path("/playbooks/farewell.yml")

WATCH = Watch(
    gvk=POT,
    playbook=PLAYBOOK,
    field_manager="potter",
    finalizer=Finalizer(name=FINALIZER, playbook=FAREWELL),
    reconcile_seconds=600.0,
    trigger_annotations=("example.com/again",),
    owns=(OwnedKind(gvk=CONFIG_MAP, names=Expression("[resource.metadata.name]")),),
    references=(
        Reference(
            name="clays",
            gvk=CONFIG_MAP,
            names=Expression("resource.spec.clays[]"),
            projection=Expression("{name: metadata.name, data: data}"),
        ),
        Reference(
            name="glazes",
            gvk=SECRET,
            names=Expression("resource.spec.glazes[]"),
            projection=Expression("metadata.resourceVersion"),
            mode=ReadMode.POLL,
            poll_seconds=30.0,
        ),
    ),
    fields=(DerivedField(name="pieces", expression=Expression("length(owned.ConfigMap)")),),
    conditions=(
        DerivedCondition(
            type="Available",
            cases=(
                Case(
                    when=Expression("owned.ConfigMap[0].data.done"),
                    value={"status": "True", "reason": "Done", "message": "it stands"},
                ),
                Case(when=None, value={"status": "False", "reason": "Missing", "message": "not yet"}),
            ),
        ),
    ),
)


def pot(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    """Return a resource."""
    metadata = {"namespace": "ns", "name": "pot"}
    return {"apiVersion": "example.com/v1", "kind": "Pot", "metadata": metadata, "spec": spec}


@dataclass(slots=True)
class Stage:
    """Everything that a pass touches."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    executor: FakeExecutor = field(default_factory=FakeExecutor)
    store: Store = field(default_factory=lambda: Store(frozenset({"potter"})))
    metrics: Metrics = field(default_factory=Metrics)
    watch: Watch = WATCH
    seconds: float = 1000.0
    content: str = "content"
    events_arrive: bool = True
    reconciler: Reconciler = field(init=False)

    def __post_init__(self) -> None:
        """Know all kinds, and start with no memory."""
        for gvk in (POT, CONFIG_MAP):
            self.store.set_state(gvk, KindState.KNOWN)
        self.restart()

    def restart(self) -> None:
        """Forget what is only remembered in the process."""
        clock = lambda: self.seconds  # noqa: E731 - one expression
        self.reconciler = Reconciler(
            Parts(
                cluster=self.cluster,
                store=self.store,
                gatherer=Gatherer(self.cluster, self.store, clock=clock),
                runner=Runner(
                    executor=self.executor, slots=Slots(2, clock=clock), metrics=self.metrics, clock=clock
                ),
                writer=StatusWriter(
                    self.cluster, self.store, self.metrics, now=lambda: "2026-01-01T00:00:00Z"
                ),
                backoff=Backoff(base=2.0, most=60.0, chance=lambda: 0.0),
                metrics=self.metrics,
                clock=clock,
                now=lambda: "2026-01-01T00:00:00Z",
                content=lambda: self.content,
                message_bound=1024,
            )
        )

    def put(self, found: dict[str, Any]) -> dict[str, Any]:
        """Make or change an object, and let its event arrive."""
        stored = dict(self.cluster.put(found))
        if self.events_arrive:
            self.store.put(stored)
        return stored

    def edit(self, **spec: Any) -> None:  # noqa: ANN401 - as kubectl would have it
        """Change the specification."""
        self.put({**self.resource, "spec": spec})

    @property
    def resource(self) -> dict[str, Any]:
        """The resource as the cluster has it."""
        return dict(self.cluster.look(KEY) or {})

    @property
    def status(self) -> dict[str, Any]:
        """Its status."""
        return dict(self.resource.get("status", {}))

    def condition(self, kind: str) -> tuple[str, str]:
        """Return status and reason of a condition."""
        conditions = {condition["type"]: condition for condition in self.status["conditions"]}
        return conditions[kind]["status"], conditions[kind]["reason"]

    def message(self, kind: str) -> str:
        """Return the message of a condition."""
        return {condition["type"]: str(condition["message"]) for condition in self.status["conditions"]}[kind]

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return len(self.executor.requests)

    async def look(self, priority: Priority = Priority.CHANGE) -> float | None:
        """Make one pass."""
        return await self.reconciler.reconcile(self.watch, KEY, priority)

    async def settle(self) -> float | None:
        """Make passes until one has nothing left to do at once."""
        after: float | None = 0.0
        for _ in range(5):
            after = await self.look()
            if after != 0.0:
                break
        return after

    def make_child(self, **data: str) -> dict[str, Any]:
        """Apply the object of the resource, as its playbook would."""
        owner = {"uid": uid_of(self.resource), "kind": "Pot", "name": "pot"}
        fields: dict[str, Any] = {"f:data": {f"f:{name}": {} for name in data}}
        entry = {"manager": "potter", "operation": "Apply", "fieldsV1": fields}
        metadata = {"namespace": "ns", "name": "pot", "ownerReferences": [owner], "managedFields": [entry]}
        return self.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})

    def playbook_makes_child(self, **data: str) -> None:
        """Let each run apply the object and hand its fingerprint back."""

        def run(_: object) -> Any:  # noqa: ANN401 - an outcome
            child = self.make_child(**data)
            told = {
                "uid": uid_of(child),
                "fields": fingerprint(child, "potter"),
                "version": child["metadata"]["resourceVersion"],
                "wanted": " ".join(data),
            }
            conditions = {"ClayReady": {"status": "True", "reason": "Soft", "message": "clay"}}
            return successful({"objects": {str(key_of(child)): told}, "conditions": conditions}, changed=1)

        self.executor.script(PLAYBOOK, run)

    def without_finalizer(self) -> None:
        """Watch the kind without a finalizer."""
        self.watch = replace(self.watch, finalizer=None)
