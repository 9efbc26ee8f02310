"""Going back to the last good revision when the annotation asks for it, and forward again.

Each value of the annotation is one request. It holds until it is removed, or until an edit of the specification asks
for other pods; then only another value goes back again. ``status.rollback`` remembers that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import Stored, revision_in

ANNOTATION = "vllm.ai/rollback"
HASH_LABEL = "pod-template-hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where the pods go: to ``template`` of an earlier revision, or forward when it is None.

    ``record`` is what ``status.rollback`` has to remember; ``condition`` tells of pods that are not what the
    specification asks for.
    """

    template: dict[str, Any] | None = None
    record: dict[str, Any] | None = None
    condition: Condition | None = None


def course_of(situation: Situation, revision: str) -> Course:
    """Decide for the resource, whose specification asks for pods of ``revision``."""
    request = str(section(situation.resource, "metadata", "annotations").get(ANNOTATION) or "")
    if not request:
        return Course()
    generation = section(situation.resource, "metadata").get("generation")
    before = section(situation.resource, "status", "rollback")
    template = template_of(situation.stored)
    good = situation.stored.last_good
    goes_back = (
        _goes_back(before, request, generation, revision) and good != revision and template is not None
    )
    record = {"request": request, "generation": generation, "revision": revision, "active": goes_back}
    if not goes_back:
        return Course(record=record)
    text = (
        f"the pods are of revision {good}, which was the last good one, in place of {revision}: correct the"
        f" specification, or remove the annotation {ANNOTATION} to roll out again"
    )
    return Course(template=template, record=record, condition=false("RolledBack", text))


def _goes_back(before: Mapping[str, Any], request: str, generation: object, revision: str) -> bool:
    """A new request does; an older one as long as neither the specification nor its pods have changed since.

    Scaling changes the specification but not its pods, an upgrade of the operator the pods only.
    """
    if before.get("request") != request:
        return True
    same = before.get("generation") == generation or before.get("revision") == revision
    return bool(before.get("active")) and same


def template_of(stored: Stored) -> dict[str, Any] | None:
    """Return the pod template of the last good revision, so exactly that its ReplicaSet is used again."""
    good = stored.last_good
    deployment = section(stored.deployment or {}, "spec").get("template")
    templates = [one.template for one in stored.replica_sets] + ([deployment] if deployment else [])
    found = next((one for one in templates if good and revision_in(one) == good), None)
    return None if found is None else _without_hash(found)


def _without_hash(template: Object) -> dict[str, Any]:
    copy: dict[str, Any] = plain(template)
    copy.get("metadata", {}).get("labels", {}).pop(HASH_LABEL, None)
    copy.get("metadata", {}).pop("creationTimestamp", None)
    return copy
