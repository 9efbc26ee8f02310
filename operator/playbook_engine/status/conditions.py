"""Conditions: what is told about a concern, and what becomes of it in a status. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from playbook_engine.objects import Object, mapping

_STATUSES = ("True", "False", "Unknown")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,315}")
_REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]{0,1022}[A-Za-z0-9_])?")
UNNAMED_REASON = "NoReasonGiven"
WRONG_REASON = "WrongCondition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told about one concern; ``status`` is ``"True"``, ``"False"`` or ``"Unknown"``.

    ``warning`` says that it is well, and yet somebody should do what the message says. ``degrades`` is for conditions
    that are derived: with such a one ``Degraded`` is true. ``result`` are counts of the run, as a field
    ``ansibleResult`` of the condition.
    """

    status: str
    reason: str
    message: str = ""
    warning: bool = False
    degrades: bool = False
    result: Mapping[str, object] | None = None


type Conditions = Mapping[str, Object]
"""Conditions by type, as they stand in a status."""


def read_conditions(resource: Object) -> dict[str, Object]:
    """Read the conditions of a resource by type."""
    found = mapping(resource.get("status")).get("conditions")
    return {str(one["type"]): one for one in found if "type" in one} if isinstance(found, list) else {}


def read_told(custom: Mapping[str, object]) -> dict[str, Told]:
    """Read what a run handed back under ``conditions``; what is no condition becomes one that says so."""
    given = mapping(custom.get("conditions"))
    return {kind: _told(value) for kind, value in given.items() if _TYPE.fullmatch(kind)}


def is_reason(text: str) -> bool:
    """Whether the API server takes a text for the reason of a condition."""
    return bool(_REASON.fullmatch(text))


def _told(value: object) -> Told:
    given = mapping(value)
    status = str(given.get("status"))
    reason = str(given.get("reason") or UNNAMED_REASON)
    if status not in _STATUSES or not is_reason(reason):
        text = f"the run gave no condition here: status {status!r}, reason {reason!r}"
        return Told(status="Unknown", reason=WRONG_REASON, message=text)
    message = str(given.get("message") or "")
    return Told(status=status, reason=reason, message=message, warning=given.get("warning") is True)


def merged(
    old: Conditions, told: Mapping[str, Told], *, generation: int, now: str, keep: Iterable[str] = ()
) -> dict[str, Object]:
    """Give the conditions of a status: those that are told, and the older ones in ``keep``.

    The transition time moves only with the status. Sorted by type, so that order is never a change.
    """
    kept = {kind: old[kind] for kind in keep if kind in old}
    new = {kind: _condition(kind, one, old.get(kind), generation, now) for kind, one in told.items()}
    return dict(sorted({**kept, **new}.items()))


def _condition(kind: str, told: Told, old: Object | None, generation: int, now: str) -> Object:
    same = old is not None and old.get("status") == told.status and old.get("lastTransitionTime")
    condition = {
        "type": kind,
        "status": told.status,
        "reason": told.reason,
        "message": told.message,
        "lastTransitionTime": same or now,
        "observedGeneration": generation,
    }
    return condition if told.result is None else {**condition, "ansibleResult": told.result}


def repeated(messages: Mapping[str, str]) -> set[str]:
    """Return the types whose message ends with that of another one, for which they wait. Of equals the first stays."""
    told = [(kind, text) for kind, text in messages.items() if text]
    earlier = {kind: {other for _, other in told[:number]} for number, (kind, _) in enumerate(told)}
    others = {text for _, text in told}
    return {
        kind
        for kind, text in told
        if text in earlier[kind] or any(text.endswith(f": {other}") for other in others)
    }
