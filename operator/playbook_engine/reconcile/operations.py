"""What a run is made for, and with which playbook. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playbook_engine.watches.records import Finalizer, Watch

RECONCILE, FINALIZE = "reconcile", "finalize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``name`` is what the run variable ``operation`` has; ``vars`` are those that the watches file gives."""

    name: str
    playbook: Path
    vars: Mapping[str, object]


def reconciling(watch: Watch) -> Operation:
    """Bring about what a resource asks for."""
    return Operation(name=RECONCILE, playbook=watch.playbook, vars=watch.vars)


def finalizing(watch: Watch, finalizer: Finalizer) -> Operation:
    """Do what has to be done before a resource may go."""
    return Operation(name=FINALIZE, playbook=finalizer.playbook, vars={**watch.vars, **finalizer.vars})
