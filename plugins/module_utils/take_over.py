"""When another operator writes the same objects: what is said of it, and how a person says that it has ended.

Each value of the annotation is one request: the run that applies everything over what the other has written is the
last that it holds for, and ``status.takenOver`` remembers that. Whoever writes after that is reported again, within
the same second too.
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import MANAGER, Identity
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import ENTRIES, section
from ansible_collections.vllm.semantic_router.plugins.module_utils.managed_fields import rival
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false

ANNOTATION = "vllm.ai/take-over"
RIVAL_REASON = "AnotherOperator"
_KINDS = {"ConfigMap", *(entry.kind for entry in ENTRIES)}
"""All but claims: where a field of a volume goes, data may go, so those of another operator stay."""


def takes_over(resource: Object) -> bool:
    """Whether somebody has said that the other operator has ended, and nothing was applied since."""
    request = request_of(resource)
    return bool(request) and request != _done(resource)


def request_of(resource: Object) -> str:
    """Return the value of the annotation, empty when there is none."""
    return str(section(resource, "metadata", "annotations").get(ANNOTATION) or "")


def record_of(resource: Object, *, applied: bool) -> str | None:
    """Return what ``status.takenOver`` is after a run: the request that is done with, None for none."""
    return (request_of(resource) if applied else _done(resource)) or None


def rivalry(resource: Object, observed: Mapping[str, Any], identity: Identity) -> Condition | None:
    """Tell of another operator that goes on writing: two that undo each other's work would roll pods for ever."""
    if takes_over(resource):
        return None
    for key, writers in sorted(section(observed, "writers").items()):
        _, kind, namespace, name = key.rsplit("/", 3)
        found = rival(writers, MANAGER) if kind in _KINDS else None
        if found:
            place = f"{identity.kind.lower()} {identity.name}"
            value = _new_request(str(found["time"]), _done(resource))
            command = f"kubectl annotate -n {namespace} {place} {ANNOTATION}={value} --overwrite"
            return false(
                RIVAL_REASON,
                f"{words_of(kind, namespace, name, found)}, so nothing is applied any more: stop that operator, and"
                f" then say so by `{command}`",
            )
    return None


def words_of(kind: str, namespace: str, name: str, writer: Mapping[str, Any]) -> str:
    """Say who has written an object."""
    return (
        f"{kind} {namespace}/{name} was written by another operator (field manager {writer['manager']}, at"
        f" {writer.get('time')}) after this one had taken it over"
    )


def _new_request(time: str, done: str) -> str:
    """Return a value that is another one than that which is done with."""
    return time if time != done else f"{time}-again"


def _done(resource: Object) -> str:
    return str(section(resource, "status").get("takenOver") or "")
