"""How many pods: a number, or a HorizontalPodAutoscaler that sets it."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    is_autoscaled,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation

DEFAULT_CPU_PERCENT = 80


def replicas(situation: Situation) -> int | None:
    """Return the number of pods; None while an autoscaler sets it."""
    if is_autoscaled(situation.resource):
        return None
    given = spec_of(situation.resource).get("replicas")
    return 1 if given is None else int(given)


def limits(situation: Situation) -> dict[str, int]:
    """Return the bounds of the autoscaler."""
    given = section(spec_of(situation.resource), "autoscaling")
    return {
        "minReplicas": int(given.get("minReplicas") or 1),
        "maxReplicas": int(given.get("maxReplicas") or 10),
    }


def metrics(situation: Situation) -> list[dict[str, Any]]:
    """Return what the autoscaler looks at; without any target, CPU."""
    given = section(spec_of(situation.resource), "autoscaling")
    cpu, memory = (given.get(f"target{name}UtilizationPercentage") for name in ("CPU", "Memory"))
    if cpu is None and memory is None:
        cpu = DEFAULT_CPU_PERCENT
    return [
        {
            "type": "Resource",
            "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": int(percent)}},
        }
        for name, percent in (("cpu", cpu), ("memory", memory))
        if percent is not None
    ]
