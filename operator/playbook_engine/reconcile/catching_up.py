"""Reads what a run has left, where events of its writes may still be on their way."""

from playbook_engine.objects import ObjectKey
from playbook_engine.reconcile.gather import Gatherer
from playbook_engine.reconcile.observation import Observation, live_objects, reported_objects
from playbook_engine.runs.records import RunOutcome
from playbook_engine.watches.records import ReadMode, Watch


async def read_late(gatherer: Gatherer, watch: Watch, after: Observation, outcome: RunOutcome) -> bool:
    """Read anew each object that is not ``after`` the run as the run has told; say whether there was one."""
    live = live_objects(after)
    reported = reported_objects(outcome.custom)
    polled = {kind.gvk for kind in watch.owns if kind.mode is ReadMode.POLL}  # read anew just now
    late = [
        key for name, seen in reported.items() if live.get(name) != seen and (key := ObjectKey.read(name))
    ]
    for key in late:
        if key.gvk not in polled:
            await gatherer.refresh(key)
    return bool(late)
