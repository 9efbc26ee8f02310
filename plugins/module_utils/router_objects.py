"""What the router's objects are made of, which of them are wanted, and what stands in the way."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils import (
    exposure,
    revisions,
    scaling,
    workload,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.ignored_fields import ignored_condition
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    ACCOUNT,
    AUTOSCALER,
    BUDGET,
    DEPLOYMENT,
    HEADLESS_SERVICE,
    INGRESS,
    SERVICE,
    account_name,
    leftovers,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.probes import start_seconds
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, true
from ansible_collections.vllm.semantic_router.plugins.module_utils.rollback import Course, course_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import CONFIG
from ansible_collections.vllm.semantic_router.plugins.module_utils.strategy import gap_of, strategy_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.take_over import record_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.transitions import kept_kinds

FORCE_ANNOTATION = "vllm.ai/reconcile-at"

type Plan = dict[str, Any]


def plan_of(situation: Situation) -> Plan:
    """Return it under the names that the manifests of the role ``router`` use."""
    resource, observed = situation.resource, situation.observed
    obstacle = situation.workload_obstacle
    spec = spec_of(resource)
    revision = revisions.revision_of(situation)
    course = course_of(situation, revision)
    needed = situation.stored.in_use() if course.template else revisions.needed(situation, revision)
    kept = kept_kinds(situation.stored, standalone=situation.is_standalone)
    return {
        "wanted": _blocked(course) if obstacle else _wanted(resource, course),
        "earlier": revisions.earlier_configs(situation, revision, CONFIG),
        **_removals([] if obstacle else list(leftovers(resource, observed, needed, kept_kinds=kept))),
        "name": situation.identity.name,
        "labels": situation.identity.labels,
        "selector": situation.identity.selector,
        "account": account_name(resource),
        "account_annotations": plain(section(spec, "serviceAccount").get("annotations")),
        "files": revisions.router_files(situation),
        "revision": revision,
        "service_annotations": exposure.service_annotations(situation),
        "service_type": str(section(spec, "service").get("type") or "ClusterIP"),
        "service_ports": exposure.service_ports(situation),
        "headless_ports": exposure.headless_ports(situation),
        "replicas": scaling.replicas(situation),
        "start_seconds": start_seconds(spec),
        "template": course.template or workload.template(situation, revision),
        "strategy": strategy_of(situation).rolling,
        "status": {
            "rollback": course.record,
            "takenOver": record_of(resource, applied=obstacle is None),
            "reconcileAt": section(resource, "metadata", "annotations").get(FORCE_ANNOTATION),
        },
        "autoscaler": {**scaling.limits(situation), "metrics": scaling.metrics(situation)},
        "ingress": _ingress(situation),
        "conditions": {
            "ConfigValid": situation.config_condition.as_dict(),
            "IngressReady": exposure.ingress_condition(situation).as_dict(),
            "AutoscalingReady": scaling.condition(situation).as_dict(),
            "IgnoredFields": ignored_condition(resource),
            "RouterReady": _router_condition(situation, revision, obstacle or course.condition),
        },
    }


def _blocked(course: Course) -> list[str]:
    """Going back does not depend on a specification that stands in its own way."""
    return ["Deployment"] if course.template else []


def _wanted(resource: Object, course: Course) -> list[str]:
    """Return the names of the manifests that are wanted, in the order in which they are applied."""
    entries = {
        "ServiceAccount": ACCOUNT,
        "Service": SERVICE,
        "HeadlessService": HEADLESS_SERVICE,
        "Deployment": DEPLOYMENT,
        "PodDisruptionBudget": BUDGET,
        "HorizontalPodAutoscaler": AUTOSCALER,
        "Ingress": INGRESS,
    }
    configuration = [] if course.template else ["ConfigMap"]
    return configuration + [name for name, entry in entries.items() if entry.wanted(resource)]


def _removals(unwanted: list[dict[str, Any]]) -> Plan:
    """An autoscaler goes before anything is applied: afterwards the number of pods is ours."""
    scalers = [one for one in unwanted if one["kind"] == AUTOSCALER.kind]
    return {"retired": scalers, "unwanted": [one for one in unwanted if one not in scalers]}


def _ingress(situation: Situation) -> Plan:
    given = section(spec_of(situation.resource), "ingress")
    return {
        "annotations": plain(given.get("annotations")),
        "class_name": given.get("className") or None,
        "rules": exposure.ingress_rules(situation),
        "tls": exposure.ingress_tls(situation),
    }


def _router_condition(situation: Situation, revision: str, problem: Condition | None) -> Plan:
    if problem:
        return dict(problem.as_dict())
    gap = gap_of(situation)
    text = f"the objects are applied as revision {revision}"
    if gap:
        return {**true("AppliedWithGaps", f"{text}; {gap}").as_dict(), "warning": True}
    return dict(true("Applied", text).as_dict())
