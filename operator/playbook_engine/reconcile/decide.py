"""Whether a pass has to run the playbook. Pure."""

import math
from enum import Enum, auto

from playbook_engine.reconcile.memory import Failure, Good


class Decision(Enum):
    """What a pass does."""

    SETTLED = auto()  # the last success holds; only the status may follow its dependents
    HELD = auto()  # the last run failed with these inputs, and it is not yet time for the next try
    RUN = auto()


def decide(
    now: Good, *, good: Good | None, failure: Failure | None, clock: float, due: float = math.inf
) -> Decision:
    """Compare what is with what was; ``clock`` is the time in the seconds of ``failure.until``.

    From ``due`` on a run is made though nothing has changed.
    """
    if good == now and (failure is None or failure.restless):
        return Decision.RUN if clock >= due else Decision.SETTLED
    if failure and failure.inputs == now.inputs and clock < failure.until:
        return Decision.HELD
    return Decision.RUN
