"""Who gets the next run: the most urgent, unless somebody else has waited long; and no slot is ever lost."""

import asyncio
from contextlib import suppress

from playbook_engine.objects import GroupVersionKind, ObjectKey
from playbook_engine.queue.schedule import AGE_SECONDS, Priority
from playbook_engine.queue.slots import Group, Slots
from playbook_engine.queue.work import WorkQueue

KEY = ObjectKey(gvk=GroupVersionKind(group="", version="v1", kind="Pot"), namespace="ns", name="a")


class Clock:
    """A clock that only moves when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Runs:
    """Runs that wait for slots, and the order in which they got them."""

    def __init__(self, limit: int) -> None:
        self.clock = Clock()
        self.slots = Slots(limit, clock=self.clock)
        self.order: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def _run(self, name: str, priority: Priority) -> None:
        async with self.slots.slot(priority):
            self.order.append(name)
            await self.ends[name].wait()

    async def start(self, name: str, priority: Priority = Priority.DEPENDENT) -> None:
        self.ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._run(name, priority))
        await asyncio.sleep(0)

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self.tasks[name]
        await asyncio.sleep(0)


async def test_no_more_run_at_once_than_there_are_slots() -> None:
    runs = Runs(2)
    for name in "abc":
        await runs.start(name)
    assert (runs.order, runs.slots.waiting) == (["a", "b"], 1)
    await runs.end("a")
    assert runs.order == ["a", "b", "c"]


async def test_a_change_goes_before_a_resync_that_came_earlier() -> None:
    runs = Runs(1)
    await runs.start("now")
    await runs.start("resync", Priority.RESYNC)
    await runs.start("change", Priority.CHANGE)
    await runs.end("now")
    assert runs.order == ["now", "change"]


async def test_a_resync_that_has_waited_long_goes_before_a_change() -> None:
    runs = Runs(1)
    await runs.start("now")
    await runs.start("resync", Priority.RESYNC)
    runs.clock.now += 2 * AGE_SECONDS + 1
    await runs.start("change", Priority.CHANGE)
    await runs.end("now")
    assert runs.order == ["now", "resync"]


async def test_a_run_that_is_cancelled_while_it_waits_takes_no_slot() -> None:
    runs = Runs(1)
    for name in "abc":
        await runs.start(name)
    runs.tasks["b"].cancel()
    with suppress(asyncio.CancelledError):
        await runs.tasks["b"]
    await runs.end("a")
    assert runs.order == ["a", "c"]
    await runs.end("c")
    await runs.start("d")
    assert runs.order[-1] == "d"


async def test_a_slot_that_is_given_in_the_moment_of_a_cancellation_is_not_lost() -> None:
    runs = Runs(1)
    await runs.start("a")
    await runs.start("b")
    runs.ends["a"].set()
    await runs.tasks["a"]  # b has been given the slot, and has not woken up yet
    runs.tasks["b"].cancel()
    with suppress(asyncio.CancelledError):
        await runs.tasks["b"]
    await runs.start("c")
    assert runs.order[-1] == "c"


async def test_a_failing_run_gives_its_slot_back() -> None:
    slots = Slots(1, clock=Clock())
    with suppress(ValueError):
        async with slots.slot(Priority.CHANGE):
            raise ValueError
    async with asyncio.timeout(1), slots.slot(Priority.CHANGE):
        pass


async def test_the_queue_wakes_up_for_what_is_asked_for_while_it_waits() -> None:
    queue = WorkQueue(clock=asyncio.get_running_loop().time)
    queue.add(KEY, Priority.RESYNC, after=1000.0)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add(KEY, Priority.CHANGE)
    async with asyncio.timeout(5):
        due = await taking
    assert (due.key, due.priority) == (KEY, Priority.CHANGE)


async def test_the_queue_gives_what_becomes_due_by_itself() -> None:
    queue = WorkQueue(clock=asyncio.get_running_loop().time)
    queue.add(KEY, Priority.RESYNC, after=0.01)
    async with asyncio.timeout(5):
        assert (await queue.take()).key == KEY


async def test_a_namespace_that_has_its_share_waits_while_others_run() -> None:
    clock = Clock()
    slots = Slots(2, clock=clock)
    order: list[str] = []

    async def run(namespace: str, name: str, priority: Priority, end: asyncio.Event) -> None:
        async with slots.slot(priority, (Group(name=namespace, most=1),)):
            order.append(name)
            await end.wait()

    ends = {name: asyncio.Event() for name in ("a1", "a2", "b1")}
    async with asyncio.TaskGroup() as group:
        for name, priority in (("a1", Priority.CHANGE), ("a2", Priority.CHANGE), ("b1", Priority.RESYNC)):
            group.create_task(run(name[0], name, priority, ends[name]))
            await asyncio.sleep(0)
        assert order == ["a1", "b1"]
        ends["b1"].set()
        await asyncio.sleep(0.01)
        assert order == ["a1", "b1"], "a free slot is no reason to go over the share"
        ends["a1"].set()
        ends["a2"].set()
    assert order == ["a1", "b1", "a2"]


async def test_a_run_waits_until_each_of_its_groups_has_room() -> None:
    slots = Slots(3, clock=Clock())
    kind, namespace = Group(name="kind", most=2), Group(name="namespace", most=1)
    async with slots.slot(Priority.CHANGE, (kind, namespace)):
        waits = asyncio.create_task(_hold(slots, (kind, namespace)))
        await asyncio.sleep(0)
        assert slots.waiting == 1
        async with slots.slot(Priority.RESYNC, (kind, Group(name="other", most=1))):
            assert slots.waiting == 1
    async with asyncio.timeout(5):
        await waits


async def test_a_group_without_a_bound_bounds_nothing() -> None:
    slots = Slots(2, clock=Clock())
    group = (Group(name="kind"),)
    async with asyncio.timeout(5), slots.slot(Priority.CHANGE, group), slots.slot(Priority.CHANGE, group):
        assert slots.waiting == 0


async def _hold(slots: Slots, groups: tuple[Group, ...]) -> None:
    async with slots.slot(Priority.CHANGE, groups):
        pass
