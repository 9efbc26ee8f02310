"""The measurements: each takes subjects that run, and adds figures to the results."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from benchmarks.results import Results
from benchmarks.subjects import Subject
from benchmarks.watching import Watching
from tests.support.routers import ALL_KINDS, endpoint
from tests.support.waiting import wait_for

QUIET_SECONDS = 1.5
"""After a change is settled, late events and collected processes are waited for so long before costs are read."""

_CALM_SECONDS = 6.0
_MOST_SECONDS = 180.0
"""Something that is never calm is measured as it is after so long, which its figures then tell."""

_SPEC = {"vllmEndpoints": [endpoint()]}


@dataclass(frozen=True, slots=True)
class Bench:
    """What cases are measured with."""

    watching: Watching
    results: Results
    say: Callable[[str], None]

    def create(self, subject: Subject, name: str) -> float:
        """Create a resource, wait until it is settled; return the seconds."""
        began = time.monotonic()
        made = _made(subject, name)
        return self.watching.wait(subject.space.name, name, made) - began

    def edit(self, subject: Subject, name: str, replicas: int) -> float:
        """Change a resource, wait until that is settled; return the seconds."""
        began = time.monotonic()
        changed = subject.space.patch("SemanticRouter", name, {"spec": {"replicas": replicas}})
        generation = int(changed["metadata"]["generation"])
        return self.watching.wait(subject.space.name, name, generation) - began

    def fill(self, subject: Subject, names: Iterable[str]) -> float:
        """Create resources at once, wait until all are settled; return the seconds."""
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            made = dict(zip(names, pool.map(lambda name: _made(subject, name), names), strict=True))
        ended = [
            self.watching.wait(subject.space.name, name, generation) for name, generation in made.items()
        ]
        return max(ended, default=began) - began


def in_turns(bench: Bench, subjects: Sequence[Subject], *, rounds: int, updates: int) -> None:
    """Create and update on each subject in turn: latency, processor seconds and requests of each.

    A first resource, which each subject may learn by, is not measured.
    """
    for subject in subjects:
        bench.say(f"{subject.name} warms up")
        bench.create(subject, "first")
        remove(subject, ["first"])
    for number in range(rounds):
        name = f"turn-{number}"
        bench.say(f"create and update, round {number + 1} of {rounds}")
        for subject in subjects:
            _measure(bench, "create", subject, partial(bench.create, subject, name))
        for replicas in range(2, 2 + updates):
            for subject in subjects:
                _measure(bench, "update", subject, partial(bench.edit, subject, name, replicas))
        for subject in subjects:
            remove(subject, [name])


def _measure(bench: Bench, case: str, subject: Subject, change: Callable[[], float]) -> None:
    before, mark = subject.processor_seconds(), subject.mark()
    seconds = change()
    time.sleep(QUIET_SECONDS)
    bench.results.add(case, subject.name, "latency", "s", seconds)
    bench.results.add(case, subject.name, "processor", "s", subject.processor_seconds() - before)
    bench.results.add(case, subject.name, "requests", "", subject.requests(mark).total)


def burst(bench: Bench, subject: Subject, count: int, *, most: int | None = None, take: int = 0) -> None:
    """Create many at once: how many are settled in a second, what each costs, and what runs take of the disk.

    Of a subject that would take too long only ``most`` are created: its rate does not depend on how many wait. One
    that is taken several times has another number as its ``take`` each time.
    """
    made = min(count, most or count)
    bench.say(f"burst of {count} on {subject.name}{f', of which {made}' if made < count else ''}")
    names, there = [f"burst-{count}-{take}-{number}" for number in range(made)], _children(subject)
    before, sizes, memory = subject.processor_seconds(), [0], [subject.memory_bytes()]
    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(bench.fill, subject, names)
        while not filling.done():
            time.sleep(0.5)
            sizes.append(subject.disk_bytes())
            memory.append(subject.memory_bytes())
    seconds, used = filling.result(), subject.processor_seconds() - before
    for what, unit, value in (
        ("objects", "", made),
        ("rate", "1/s", made / seconds),
        ("time each", "s", seconds / made),
        ("processor each", "s", used / made),
        ("disk at most", "MiB", max(sizes) / 2**20),
        ("memory before", "MiB", memory[0] / 2**20),
        ("memory at most", "MiB", max(memory) / 2**20),
    ):
        bench.results.add(f"burst of {count}", subject.name, what, unit, value)
    remove(subject, names)
    wait_for(
        lambda: _children(subject) <= there, timeout=300, what=f"the objects of {subject.name} are collected"
    )


def _children(subject: Subject) -> int:
    """Count what its resources have made: Kubernetes collects it after them, and nothing is measured beside that."""
    return sum(len(subject.space.list(kind)) for kind in ALL_KINDS)


def edits_among(
    bench: Bench, sparse: Subject, crowded: Subject, edits: Sequence[int], counts: tuple[int, int]
) -> None:
    """Edit one resource, in turns where there are few of them and where there are many, ``counts``; they stay.

    ``edits`` are numbers of replicas, each another one than that before it.
    """
    few, many = counts
    bench.say(f"edits among {few} and among {many}")
    for subject, count in ((sparse, few), (crowded, many)):
        names = [f"crowd-{number}" for number in range(count)]
        bench.fill(subject, [name for name in names if not subject.space.get("SemanticRouter", name)])
    for subject in (sparse, crowded):
        calm(subject)
    for replicas in edits:
        for subject, case in ((sparse, f"edit among {few}, not {many}"), (crowded, f"edit among {many}")):
            seconds = bench.edit(subject, "crowd-0", replicas)
            bench.results.add(case, subject.name, "latency", "s", seconds)
            time.sleep(QUIET_SECONDS)


def idle(bench: Bench, subject: Subject, count: int, *, seconds: float) -> None:
    """Leave settled resources alone: processor time, requests, writes and memory."""
    calm(subject)
    bench.say(f"idle with {count} for {seconds:.0f} s")
    before, mark, runs = subject.processor_seconds(), subject.mark(), subject.runs()
    time.sleep(seconds)
    used, requests = subject.processor_seconds() - before, subject.requests(mark)
    case = f"idle with {count}"
    share = 100 * used / seconds
    bench.results.add(case, subject.name, "processor", "% of a core", share)
    bench.results.add(case, subject.name, "processor of 100", "% of a core", share * 100 / count)
    bench.results.add(case, subject.name, "requests", "1/min", 60 * requests.total / seconds)
    bench.results.add(case, subject.name, "writes", "", requests.writes)
    bench.results.add(case, subject.name, "runs", "", subject.runs() - runs)
    bench.results.add(case, subject.name, "memory", "MiB", subject.memory_bytes() / 2**20)


def restart(bench: Bench, subject: Subject, count: int) -> None:
    """Start again with settled resources: time to ready, runs and writes."""
    calm(subject)
    bench.say(f"restart with {count}")
    subject.stop()
    mark, runs, began = subject.mark(), subject.runs(), time.monotonic()
    subject.start()
    ready = time.monotonic() - began
    time.sleep(10)
    case = f"restart with {count}"
    bench.results.add(case, subject.name, "ready", "s", ready)
    bench.results.add(case, subject.name, "runs", "", subject.runs() - runs)
    bench.results.add(case, subject.name, "writes", "", subject.requests(mark).writes)
    bench.results.add(case, subject.name, "processor", "s", subject.processor_seconds())


def create_among_resyncs(bench: Bench, quiet: Subject, busy: Subject, *, creates: int) -> None:
    """Create one at a time, in turns where nothing happens and where every resource is looked at all the time."""
    bench.say("new resources during resyncs")
    for number in range(creates):
        for subject in (quiet, busy):
            seconds = bench.create(subject, f"new-{number}")
            bench.results.add("new", f"{subject.name}, new", "latency", "s", seconds)
            time.sleep(QUIET_SECONDS)


def resyncs(bench: Bench, subject: Subject, count: int, *, period: float, seconds: float) -> None:
    """Leave settled resources alone that are looked at each ``period``: what a look costs when nothing is to do."""
    calm(subject)
    bench.say(f"resyncs of {count} for {seconds:.0f} s")
    before, mark, runs = subject.processor_seconds(), subject.mark(), subject.runs()
    time.sleep(seconds)
    used, requests = subject.processor_seconds() - before, subject.requests(mark)
    looks = count * seconds / period
    case = f"resync of {count}"
    bench.results.add(case, subject.name, "processor each", "ms", 1000 * used / looks)
    bench.results.add(case, subject.name, "requests each", "", requests.total / looks)
    bench.results.add(case, subject.name, "writes", "", requests.writes)
    bench.results.add(case, subject.name, "runs", "", subject.runs() - runs)


def growth(bench: Bench, subject: Subject, runs: int) -> None:
    """Make many runs: how much the memory of the tree has grown after them."""
    names = [f"grow-{number}" for number in range(4)]
    bench.fill(subject, names)
    calm(subject)
    before = subject.memory_bytes()
    for number in range(runs // len(names)):
        if number % 25 == 0:
            bench.say(f"{number * len(names)} of {runs} runs")
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(partial(bench.edit, subject, replicas=2 + number % 7), names))
    calm(subject)
    after = subject.memory_bytes()
    bench.results.add(
        f"after {runs} runs", subject.name, "memory grown", "%", 100 * (after - before) / before
    )
    bench.results.add(f"after {runs} runs", subject.name, "memory", "MiB", after / 2**20)
    remove(subject, names)


def calm(subject: Subject) -> None:
    """Wait until no run has ended and nothing was written for a while: the cluster follows what was settled."""
    until = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < until:
        mark, runs = subject.mark(), subject.runs()
        time.sleep(_CALM_SECONDS)
        if subject.runs() == runs and not subject.requests(mark).writes:
            return


def remove(subject: Subject, names: Iterable[str]) -> None:
    """Delete resources and wait until they are gone."""
    for name in names:
        subject.space.delete("SemanticRouter", name)
    wait_for(
        lambda: not any(subject.space.get("SemanticRouter", name) for name in names),
        timeout=300,
        what=f"the resources of {subject.name} go",
    )


def _made(subject: Subject, name: str) -> int:
    body = {"kind": "SemanticRouter", "metadata": {"name": name}, "spec": _SPEC}
    return int(subject.space.create(body)["metadata"]["generation"])
