"""The measurements: each takes subjects that run, and adds figures to the results."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from benchmarks.results import Results
from benchmarks.subjects import Subject
from benchmarks.trees import size_bytes
from benchmarks.watching import Watching
from tests.support.routers import endpoint
from tests.support.waiting import wait_for

QUIET_SECONDS = 1.5
"""After a change is settled, late events and collected processes are waited for so long before costs are read."""

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
        return max(ended) - began


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


def burst(bench: Bench, subject: Subject, count: int) -> None:
    """Create many at once: how many are settled in a second, what each costs, and what runs take of the disk."""
    bench.say(f"burst of {count} on {subject.name}")
    names = [f"burst-{number}" for number in range(count)]
    before, sizes, memory = subject.processor_seconds(), [0], [subject.memory_bytes()]
    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(bench.fill, subject, names)
        while not filling.done():
            time.sleep(0.5)
            sizes.append(size_bytes(subject.directory) - (subject.directory / "log").stat().st_size)
            memory.append(subject.memory_bytes())
    seconds = filling.result()
    case = f"burst of {count}"
    bench.results.add(case, subject.name, "rate", "1/s", count / seconds)
    bench.results.add(case, subject.name, "time", "s", seconds)
    bench.results.add(
        case, subject.name, "processor each", "s", (subject.processor_seconds() - before) / count
    )
    bench.results.add(case, subject.name, "disk at most", "MiB", max(sizes) / 2**20)
    bench.results.add(
        case, subject.name, "memory before, at most", "MiB", memory[0] / 2**20, max(memory) / 2**20
    )
    remove(subject, names)


def edits_among(bench: Bench, subject: Subject, counts: Sequence[int], *, edits: int) -> None:
    """Edit one resource while there are so many."""
    there = 0
    for count in counts:
        bench.say(f"edits among {count}")
        bench.fill(subject, [f"crowd-{number}" for number in range(there, count)])
        there = count
        time.sleep(3 * QUIET_SECONDS)
        values = [bench.edit(subject, "crowd-0", 2 + (number + count) % 7) for number in range(edits)]
        bench.results.add(f"edit among {count}", subject.name, "latency", "s", *values)


def idle(bench: Bench, subject: Subject, count: int, *, seconds: float) -> None:
    """Leave settled resources alone: processor time, requests, writes and memory."""
    bench.say(f"idle with {count} for {seconds:.0f} s")
    time.sleep(3 * QUIET_SECONDS)
    before, mark, runs = subject.processor_seconds(), subject.mark(), subject.runs()
    time.sleep(seconds)
    used, requests = subject.processor_seconds() - before, subject.requests(mark)
    case = f"idle with {count}"
    bench.results.add(case, subject.name, "processor", "% of a core", 100 * used / seconds)
    bench.results.add(case, subject.name, "requests", "1/min", 60 * requests.total / seconds)
    bench.results.add(case, subject.name, "writes", "", requests.writes)
    bench.results.add(case, subject.name, "runs", "", subject.runs() - runs)
    bench.results.add(case, subject.name, "memory", "MiB", subject.memory_bytes() / 2**20)


def restart(bench: Bench, subject: Subject, count: int) -> None:
    """Start again with settled resources: time to ready, runs and writes."""
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


def growth(bench: Bench, subject: Subject, runs: int) -> None:
    """Make many runs: how much the memory of the tree has grown after them."""
    names = [f"grow-{number}" for number in range(4)]
    bench.fill(subject, names)
    time.sleep(QUIET_SECONDS)
    before = subject.memory_bytes()
    for number in range(runs // len(names)):
        if number % 25 == 0:
            bench.say(f"{number * len(names)} of {runs} runs")
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(partial(bench.edit, subject, replicas=2 + number % 7), names))
    time.sleep(QUIET_SECONDS)
    after = subject.memory_bytes()
    bench.results.add(
        f"after {runs} runs", subject.name, "memory grown", "%", 100 * (after - before) / before
    )
    bench.results.add(f"after {runs} runs", subject.name, "memory", "MiB", after / 2**20)
    remove(subject, names)


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
