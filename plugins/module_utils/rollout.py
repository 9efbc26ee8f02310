"""How far the roll-out of a Deployment is, in words for the person who waits for it."""

from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

LATE = "ProgressDeadlineExceeded"
"""The reason by which Kubernetes says that a roll-out has not moved for too long; ``kubectl rollout`` gives up then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Whether all pods are new and available, whether there is no hope of that, and how far it is."""

    done: bool
    late: bool = False
    text: str


def rollout_of(deployment: Object | None) -> Rollout:
    """Read it out of a Deployment; None for one that is not there yet."""
    if deployment is None:
        return Rollout(done=False, text="there is no Deployment yet")
    status, wanted = section(deployment, "status"), int(section(deployment, "spec").get("replicas", 1))
    if int(status.get("observedGeneration") or 0) < int(
        section(deployment, "metadata").get("generation") or 0
    ):
        return Rollout(done=False, text="the Deployment has not been looked at yet")
    names = ("replicas", "updatedReplicas", "availableReplicas")
    there, new, available = (int(status.get(name) or 0) for name in names)
    text = f"{available} of {wanted} pods available, {new} new"
    old = there - new
    text += f", {old} old to go" if old > 0 else ""
    late = _late(status.get("conditions") or [])
    return Rollout(
        done=(there, new, available) == (wanted,) * len(names),
        late=bool(late),
        text=f"{text}: {late}" if late else text,
    )


def _late(conditions: list[dict[str, Any]]) -> str:
    said = (
        one.get("message") for one in conditions if one.get("reason") == LATE and one.get("status") == "False"
    )
    return str(next(said, ""))
