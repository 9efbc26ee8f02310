"""How many pods: a number, or a HorizontalPodAutoscaler that sets it.

While there is an autoscaler, ``replicas`` of the Deployment is not ours. When we stop applying it, another field
manager keeps the value of that moment (``applying``), so that nothing falls to the default of 1. When the autoscaler
is switched off it is removed first: nobody can set the number after us, and it steps to that of the specification.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils import workload
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    DEFAULT_FEWEST,
    is_autoscaled,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, true, warning
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation

DEFAULT_CPU_PERCENT = 80
DEFAULT_MOST = 10
FIELDS = {workload.ROUTER: "spec.resources", workload.ENVOY: "spec.envoy.resources"}
"""Where the resources of each container are given."""


def replicas(situation: Situation) -> int | None:
    """Return the number of pods; None while an autoscaler sets it.

    A new Deployment starts with what the specification says, within the bounds of the autoscaler, and one with no
    pods gets the fewest: no autoscaler touches it as long as it has none.
    """
    given = spec_of(situation.resource).get("replicas")
    wanted = 1 if given is None else int(given)
    if not is_autoscaled(situation.resource):
        return wanted
    bounds, deployment = limits(situation), situation.stored.deployment
    if deployment is None:
        return min(max(wanted, bounds["minReplicas"]), bounds["maxReplicas"])
    return bounds["minReplicas"] if section(deployment, "spec").get("replicas") == 0 else None


def limits(situation: Situation) -> dict[str, int]:
    """Return the bounds of the autoscaler."""
    given = section(spec_of(situation.resource), "autoscaling")
    return {
        "minReplicas": int(given.get("minReplicas") or DEFAULT_FEWEST),
        "maxReplicas": int(given.get("maxReplicas") or DEFAULT_MOST),
    }


def targets(situation: Situation) -> dict[str, int]:
    """Return the use to aim at, in percent of the request, by resource; without any target, CPU."""
    given = section(spec_of(situation.resource), "autoscaling")
    percents = {
        resource: given.get(f"target{name}UtilizationPercentage")
        for resource, name in (("cpu", "CPU"), ("memory", "Memory"))
    }
    found = {resource: int(percent) for resource, percent in percents.items() if percent is not None}
    return found or {"cpu": DEFAULT_CPU_PERCENT}


def metrics(situation: Situation) -> list[dict[str, Any]]:
    """Return what the autoscaler looks at."""
    return [
        {
            "type": "Resource",
            "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": percent}},
        }
        for name, percent in targets(situation).items()
    ]


def condition(situation: Situation) -> Condition:
    """Say whether the autoscaler can do its work: use in percent needs something that it is a percentage of."""
    if not is_autoscaled(situation.resource):
        return true("NotWanted", "no autoscaler is asked for")
    missing = list(_without_request(situation))
    if missing:
        text = (
            "the autoscaler keeps to its bounds and does not follow the load, because it measures use in percent of"
            f" what is requested: set {' and '.join(missing)}"
        )
        return warning("RequestMissing", text)
    bounds = limits(situation)
    aims = " and ".join(
        f"{percent} % of the requested {name}" for name, percent in targets(situation).items()
    )
    text = f"{bounds['minReplicas']} to {bounds['maxReplicas']} pods, so that they use {aims}"
    return true("Autoscaled", text)


def _without_request(situation: Situation) -> Iterator[str]:
    for container in workload.containers(situation):
        resources: Mapping[str, Any] = container.get("resources") or {}
        # A limit without a request is a request, too.
        given = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        for name in targets(situation):
            if name not in given:
                yield f"{FIELDS[container['name']]}.requests.{name}"
