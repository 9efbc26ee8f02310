"""Which cases are measured one after the other, and what each needs.

A case that fails is told of, and the next one goes on: an hour of measuring is not lost for one that took too long.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from benchmarks import cases
from benchmarks.subjects import TWIN, Subject
from tests.support.api import Api, Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.operators import derived_watches

COLD = ("--executor", "cold")
_PERIOD_SECONDS = 10.0
_BURSTS = 3
"""So often each burst on a warm subject is taken: it is over in seconds, in which a machine may do something else."""


class Start:
    """Starts subjects, each in a namespace of its own; each once."""

    def __init__(self, stack: ExitStack, cluster: DevCluster, api: Api, bench: cases.Bench) -> None:
        """Start nothing yet; what is started ends with ``stack``."""
        self._stack, self._cluster, self._api, self._bench = stack, cluster, api, bench
        self._started: dict[str, Subject] = {}

    def __call__(
        self,
        name: str,
        *,
        watches: Path = CHECKOUT / "watches.yaml",
        arguments: tuple[str, ...] = (),
        command: str = "",
    ) -> Subject:
        """Start one, and measure how long that takes; give the one that runs already."""
        if name in self._started:
            return self._started[name]
        space = Space(self._api, f"bench-{name.replace(' ', '-')}")
        subject = Subject(
            name=name,
            cluster=self._cluster,
            space=space,
            watches=watches,
            arguments=arguments,
            command=command,
        )
        subject.prepare()
        self._stack.callback(subject.stop)
        self._bench.say(f"{name} starts")
        began = time.monotonic()
        subject.start()
        if not command:
            self._bench.results.add("start", name, "ready", "s", time.monotonic() - began)
        self._started[name] = subject
        return subject

    def end(self, name: str) -> None:
        """Stop one that will not be needed any more."""
        if name in self._started:
            self._started.pop(name).stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cases, with what the command line says of them."""

    bench: cases.Bench
    start: Start
    options: argparse.Namespace

    def cases(self) -> Mapping[str, Callable[[], None]]:
        """Give them by name, in the order in which they are measured."""
        return {
            "turns": self.turns,
            "bursts": self.bursts,
            "growth": self.growth,
            "resyncs": self.resyncs,
            "many": self.many,
        }

    def short(self) -> None:
        """Measure what CI guards."""
        cases.in_turns(self.bench, [self.warm, self.cold, *self._twins()], rounds=1, updates=2)

    def turns(self) -> None:
        """Create and update in turns."""
        cases.in_turns(self.bench, self._all(), rounds=self.options.rounds, updates=3)

    def bursts(self) -> None:
        """Create many at once: all subjects in turns, and the greatest burst on the warm one."""
        paired = (1, 10, self.options.pairs_burst)
        for count in paired:
            for take in range(_BURSTS):
                self._take(count, take)
        for name in ("cold", "warm twin", "cold twin", "other"):
            self.start.end(name)
        for count in sorted({*self.options.bursts}.difference(paired)):
            cases.burst(self.bench, self.warm, count)

    def _take(self, count: int, take: int) -> None:
        """Take a burst of each subject; of cold ones, which need minutes, only in the midst of the others."""
        for subject in self._all():
            is_cold = COLD[1] in subject.arguments
            if not is_cold or take == _BURSTS // 2:
                most = self.options.cold_burst if is_cold else None
                cases.burst(self.bench, subject, count, most=most, take=take)

    def growth(self) -> None:
        """Make many runs."""
        cases.growth(self.bench, self.warm, self.options.runs)

    def resyncs(self) -> None:
        """Look at many again and again, and create some among them."""
        crowd = self.options.crowd
        with tempfile.TemporaryDirectory() as directory:
            often = derived_watches(Path(directory) / "often", reconcilePeriod=f"{_PERIOD_SECONDS:.0f}s")
            busy = self.start("busy", watches=often)
            self.bench.say(f"{crowd} resources are made")
            self.bench.fill(busy, [f"crowd-{number}" for number in range(crowd)])
            cases.resyncs(self.bench, busy, crowd, period=_PERIOD_SECONDS, seconds=3 * _PERIOD_SECONDS)
            cases.create_among_resyncs(self.bench, self.warm, busy, creates=10)
            cases.restart(self.bench, busy, crowd)
            self.start.end("busy")

    def many(self) -> None:
        """Edit one among few and among many; leave many alone, with nobody beside them; start again."""
        few, some, many = 5, 50, self.options.many
        sparse, crowded = self.warm, self.start("crowded")
        replicas = cycle(range(2, 9))
        for count in (some, many):
            cases.edits_among(self.bench, sparse, crowded, [*islice(replicas, 10)], (few, count))
            sparse.stop()
            cases.idle(self.bench, crowded, count, seconds=60)
            sparse.start()
        cases.restart(self.bench, crowded, many)

    @property
    def warm(self) -> Subject:
        """The operator as it is."""
        return self.start("warm")

    @property
    def cold(self) -> Subject:
        """The operator that starts Ansible for each run."""
        return self.start("cold", arguments=COLD)

    def _twins(self) -> list[Subject]:
        return [
            self.start("warm twin", watches=TWIN),
            self.start("cold twin", watches=TWIN, arguments=COLD),
        ]

    def _all(self) -> list[Subject]:
        subjects = [self.warm, self.cold, *self._twins()]
        if self.options.operator_command:
            subjects.append(self.start("other", command=self.options.operator_command))
        return subjects
