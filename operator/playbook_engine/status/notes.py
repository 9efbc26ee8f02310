"""Which changes of conditions are worth an Event, and the Event. Pure."""

from collections.abc import Container, Iterator
from dataclasses import dataclass

from playbook_engine.objects import Object, digest, key_of, metadata_of, uid_of
from playbook_engine.status.conditions import Conditions, repeated

_MESSAGE_CHARACTERS = 1000  # the API server allows 1024
_REASON_CHARACTERS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing that happened."""

    warning: bool
    reason: str
    message: str


def notes(
    old: Conditions,
    new: Conditions,
    *,
    derived: Container[str],
    silent: Container[str],
    warned: Container[str] = (),
) -> Iterator[Note]:
    """Tell what got wrong, what is right again, and which derived conditions came true.

    A derived (or neutral) condition can be good or bad when it is false, so only its coming true is told. ``silent``
    are types that repeat what others say, ``warned`` those that warn though they are well. What waits for another
    condition and repeats its words is not told besides.
    """
    wrong = {kind: str(one.get("message") or "") for kind, one in new.items() if one.get("status") == "False"}
    again = repeated(
        {kind: text for kind, text in wrong.items() if kind not in derived and kind not in silent}
    )
    for kind, condition in new.items():
        before = old.get(kind, {})
        was, is_now = before.get("status"), condition.get("status")
        if kind in silent or kind in again or _same(before, condition):
            continue
        if kind in warned or (is_now == "False" and kind not in derived):
            yield _note(condition, kind, warning=True)
        elif is_now == "True" and (was == "False" or (kind in derived and was != "True")):
            yield _note(condition, kind, warning=False)


def _same(before: Object, now: Object) -> bool:
    return all(before.get(name) == now.get(name) for name in ("status", "reason", "message"))


def _note(condition: Object, kind: str, *, warning: bool) -> Note:
    text = str(condition.get("message") or "").strip()
    message = f"{kind}: {text}" if text else f"{kind} is {condition.get('status')}"
    return Note(
        warning=warning,
        reason=str(condition.get("reason"))[:_REASON_CHARACTERS],
        message=message[:_MESSAGE_CHARACTERS],
    )


def event(note: Note, resource: Object, *, component: str, now: str) -> Object:
    """Give the Event that tells ``note`` about a resource; the same note has the same name again."""
    key = key_of(resource)
    name = f"{key.name[:200]}.{digest([uid_of(resource), note.warning, note.reason, note.message])[:16]}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": key.namespace},
        "involvedObject": {
            "apiVersion": key.gvk.api_version,
            "kind": key.gvk.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": uid_of(resource),
            "resourceVersion": str(metadata_of(resource).get("resourceVersion") or ""),
        },
        "type": "Warning" if note.warning else "Normal",
        "reason": note.reason,
        "message": note.message,
        "source": {"component": component},
        "reportingComponent": component,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
