"""Measures the operator on a control plane of its own, or another implementation beside it.

The shipped roles and a conventional twin run warm and cold, in turns on one cluster. ``--short`` is what CI runs: it
compares ratios of processor time with the least that is allowed, and fails below; it says nothing about seconds.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from benchmarks import cases
from benchmarks.plan import Plan, Start
from benchmarks.results import Results
from benchmarks.wanted import show, wanted
from benchmarks.watching import SETTLED, Watching
from tests.support.api import Api
from tests.support.cluster import CHECKOUT, running

CRD = CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml"
PAIRS = (("cold", "warm"), ("cold twin", "warm twin"), ("other", "warm"), ("busy, new", "warm, new"))
CASES = ("turns", "bursts", "growth", "resyncs", "many")
LEAST = {("cold", "warm"): 8.0, ("cold twin", "warm twin"): 16.0}
"""The least ratios of processor seconds per update that CI accepts; a busy machine has shown 12.5 and 21.9."""


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
        plan = Plan(bench=bench, start=Start(stack, cluster, api, bench), options=options)
        failed = _measured(plan, options, console)
    results.show(console, PAIRS)
    if options.short:
        return _verdict(results, console)
    sizes = {"burst": options.pairs_burst, "many": options.many, "crowd": options.crowd, "runs": options.runs}
    show(console, wanted(**sizes), results)
    for name, error in failed.items():
        console.print(f"[bold]{name} was not measured:[/] {error}")
    return 1 if failed else 0


def _measured(plan: Plan, options: argparse.Namespace, console: Console) -> dict[str, str]:
    """Measure case after case, and write down what there is after each; give why some could not be measured."""
    chosen = {"short": plan.short} if options.short else plan.cases()
    failed: dict[str, str] = {}
    for name, measure in chosen.items():
        if options.cases and name not in options.cases and not options.short:
            continue
        console.rule(name)
        try:
            measure()
        except (TimeoutError, AssertionError, OSError, RuntimeError) as error:
            failed[name] = f"{type(error).__name__}: {error}"
            console.log(failed[name])
        finally:  # also when somebody stops it
            if options.json:
                plan.bench.results.write(options.json)
    return failed


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
        "--cases", nargs="*", choices=CASES, default=[], help="measure only these; all when none is named"
    )
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
        "--pairs-burst", type=int, default=50, help="the greatest burst that warm and cold runs take in turns"
    )
    parser.add_argument(
        "--cold-burst", type=int, default=20, help="of how many resources cold runs are measured in a burst"
    )
    parser.add_argument("--bursts", type=int, nargs="*", default=[200], help="bursts for warm runs only")
    parser.add_argument("--runs", type=int, default=1000, help="over how many runs memory may grow")
    parser.add_argument(
        "--crowd", type=int, default=200, help="how many are resynced while others are created"
    )
    parser.add_argument("--many", type=int, default=500, help="the most resources at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
