"""The variables of a run: this engine's own, or those of ansible-operator. Pure."""

from playbook_engine.compat import variables as theirs
from playbook_engine.reconcile.observation import Observation
from playbook_engine.watches.records import Watch

RECONCILE, FINALIZE = "reconcile", "finalize"
UNSAFE = frozenset({"resource", "observed"})


def run_variables(
    watch: Watch, observation: Observation, operation: str
) -> tuple[dict[str, object], frozenset[str]]:
    """Give the variables, and the names of those whose texts are never templates."""
    finalizer = watch.finalizer if operation == FINALIZE else None
    extra = {**watch.vars, **(finalizer.vars if finalizer else {})}
    if watch.parameters:
        return theirs.variables(observation.resource, watch.parameters, extra)
    own = {
        "resource": observation.resource,
        "observed": observation.as_variable(),
        "field_manager": watch.field_manager,
        "operation": operation,
    }
    return {**extra, **own}, UNSAFE
