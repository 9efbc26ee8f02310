"""The variables of a run: this engine's own, or those of ansible-operator. Pure."""

from playbook_engine.compat import variables as theirs
from playbook_engine.reconcile.observation import Observation
from playbook_engine.reconcile.operations import Operation
from playbook_engine.watches.records import Watch

UNSAFE = frozenset({"resource", "observed"})


def run_variables(
    watch: Watch, observation: Observation, operation: Operation
) -> tuple[dict[str, object], frozenset[str]]:
    """Give the variables, and the names of those whose texts are never templates."""
    if watch.parameters:
        return theirs.variables(observation.resource, watch.parameters, operation.vars)
    own = {
        "resource": observation.resource,
        "observed": observation.as_variable(),
        "field_manager": watch.field_manager,
        "operation": operation.name,
    }
    return {**operation.vars, **own}, UNSAFE
