"""Measures the operator on a control plane of its own, or another implementation beside it.

The shipped roles and a conventional twin run warm and cold, in turns on one cluster. ``--short`` is what CI runs: it
compares ratios of processor time with the least that is allowed, and fails below; it says nothing about seconds.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from benchmarks import cases
from benchmarks.results import Results
from benchmarks.subjects import TWIN, Subject
from benchmarks.watching import SETTLED, Watching
from tests.support.api import Api, Space
from tests.support.cluster import CHECKOUT, DevCluster, running
from tests.support.operators import derived_watches

CRD = CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml"
COLD = ("--executor", "cold")
PAIRS = (("cold", "warm"), ("cold twin", "warm twin"), ("other", "warm"), ("busy, new", "warm, new"))
LEAST = {("cold", "warm"): 5.0, ("cold twin", "warm twin"): 12.0}
"""The least ratios of processor seconds per update that CI accepts; what is aimed at is more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 1 when a ratio is too small."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    options = _parser().parse_args(arguments)
    console = Console(width=140)
    results = Results()
    with ExitStack() as stack:
        cluster = stack.enter_context(running())
        cluster.kubectl("apply", "--server-side", "-f", str(CRD))
        cluster.wait_established("semanticrouters.vllm.ai")
        api = Api.connect(cluster.kubeconfig)
        bench = cases.Bench(Watching(api, options.settled), results, console.log)
        start = _Start(stack, cluster, api)
        if options.short:
            _short(bench, start)
        else:
            _long(bench, start, options)
    results.show(console, PAIRS)
    if options.json:
        results.write(options.json)
    return _verdict(results, console)


def _short(bench: cases.Bench, start: "_Start") -> None:
    subjects = [start("warm"), start("cold", arguments=COLD)]
    subjects += [start("warm twin", watches=TWIN), start("cold twin", watches=TWIN, arguments=COLD)]
    cases.in_turns(bench, subjects, rounds=1, updates=2)


def _long(bench: cases.Bench, start: "_Start", options: argparse.Namespace) -> None:
    warm, cold = start("warm"), start("cold", arguments=COLD)
    subjects = [
        warm,
        cold,
        start("warm twin", watches=TWIN),
        start("cold twin", watches=TWIN, arguments=COLD),
    ]
    if options.operator_command:
        subjects.append(start("other", command=options.operator_command))
    cases.in_turns(bench, subjects, rounds=options.rounds, updates=3)
    for count in (1, 10, options.pairs_burst):
        for subject in subjects:
            cases.burst(bench, subject, count)
    for subject in subjects[1:]:
        subject.stop()
    for count in options.bursts:
        cases.burst(bench, warm, count)
    cases.growth(bench, warm, options.runs)
    with tempfile.TemporaryDirectory() as directory:
        often = derived_watches(Path(directory) / "often", reconcilePeriod="10s")
        busy = start("busy", watches=often)
        bench.fill(busy, [f"crowd-{number}" for number in range(options.crowd)])
        cases.create_among_resyncs(bench, warm, busy, creates=10)
        busy.stop()
    cases.edits_among(bench, warm, [5, 50, options.many], edits=10)
    cases.idle(bench, warm, options.many, seconds=60)
    cases.restart(bench, warm, options.many)


class _Start:
    """Starts subjects, each in a namespace of its own."""

    def __init__(self, stack: ExitStack, cluster: DevCluster, api: Api) -> None:
        self._stack, self._cluster, self._api = stack, cluster, api

    def __call__(
        self,
        name: str,
        *,
        watches: Path = CHECKOUT / "watches.yaml",
        arguments: Sequence[str] = (),
        command: str = "",
    ) -> Subject:
        """Start one and stop it at the end."""
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
        subject.start()
        return subject


def _verdict(results: Results, console: Console) -> int:
    code = 0
    for (slow, fast), least in LEAST.items():
        ratio = results.ratio("update", "processor", slow, fast) or 0.0
        if ratio < least:
            console.print(
                f"processor time per update, {slow} / {fast}: {ratio:.1f}, which is less than {least:.1f}"
            )
            code = 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="measure only the ratios that CI guards")
    parser.add_argument(
        "--json", type=Path, help="write every value and the facts of the machine to this file"
    )
    parser.add_argument(
        "--operator-command",
        default="",
        help="start another implementation too: in the foreground, with KUBECONFIG and WATCH_NAMESPACE",
    )
    parser.add_argument(
        "--settled",
        default=SETTLED,
        help="JMESPath over a resource that gives the generation it is settled for",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often a resource is created on each in turn"
    )
    parser.add_argument(
        "--pairs-burst", type=int, default=50, help="the greatest burst that cold runs take too"
    )
    parser.add_argument("--bursts", type=int, nargs="*", default=[50, 200], help="bursts for warm runs only")
    parser.add_argument("--runs", type=int, default=1000, help="over how many runs memory may grow")
    parser.add_argument(
        "--crowd", type=int, default=200, help="how many are resynced while others are created"
    )
    parser.add_argument("--many", type=int, default=500, help="the most resources at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
