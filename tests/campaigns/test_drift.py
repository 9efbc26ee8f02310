"""Everything that the operator owns, changed or deleted by another client: it comes back, what others add stays."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.campaigns.asked import Asked
from tests.campaigns.drifting import Drifting
from tests.campaigns.owned import Act, Drift, drifts_of
from tests.campaigns.reports import Report
from tests.campaigns.stage import CACHE, INGRESS, Stage, Step
from tests.support.cluster import DevCluster
from tests.support.gateways.answers import accepting
from tests.support.gateways.policy import envoy_gateway
from tests.support.routers import Router, endpoint, redis_cache

SHORT = 12
"""So many objects and so many fields are tried in the short form, of one router that the seed decides."""

BACKENDS = {"vllmEndpoints": [endpoint()]}


def standalone(_: Stage) -> dict[str, Any]:
    """A router with its own Envoy, of which everything is switched on that goes together."""
    autoscaling = {"enabled": True, "minReplicas": 2, "maxReplicas": 3}
    return {**BACKENDS, "config": CACHE, "ingress": INGRESS, "autoscaling": autoscaling}


def plain(_: Stage) -> dict[str, Any]:
    """A router with a Route and a password in the resource, so with a Secret of its own."""
    config = redis_cache(host="redis", password="by-the-way")  # noqa: S106 - of nothing
    return {**BACKENDS, "config": config, "openshift": {"routes": {"enabled": True}}}


def behind(stage: Stage) -> dict[str, Any]:
    """A router that a Gateway asks."""
    listener = {"name": "web", "port": 80, "protocol": "HTTP"}
    spec = {"gatewayClassName": "any", "listeners": [listener]}
    if stage.space.get("Gateway", "shared") is None:
        stage.space.create({"kind": "Gateway", "metadata": {"name": "shared"}, "spec": spec})
    reference = {"name": "shared", "namespace": stage.space.name}
    return {**BACKENDS, "gateway": {"existingRef": reference, "extProc": {"enabled": True}}}


WHOLES: dict[str, tuple[Callable[[Stage], dict[str, Any]], set[str]]] = {
    "standalone": (
        standalone,
        {
            "ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "Service", "Deployment",
            "HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress",
        },
    ),
    "plain": (plain, {"Secret", "Route"}),
    "behind": (behind, {"HTTPRoute", "EnvoyExtensionPolicy"}),
}  # fmt: skip
"""A router, and the kinds that it has and those before it have not."""


@pytest.fixture
def policies(control_plane: DevCluster) -> Iterator[None]:
    """The kind of the policy, as long as a test needs it."""
    with envoy_gateway(control_plane):
        yield


@pytest.fixture
def gateway(stage: Stage) -> Iterator[None]:
    """What takes each HTTPRoute, as the controller of a Gateway does."""
    with accepting(stage.space):
        yield


def wholes_of(asked: Asked) -> list[str]:
    """Return the routers that are tried: all, or one in the short form."""
    names = list(WHOLES)
    return names if asked.long or asked.points else [names[asked.seed % len(names)]]


@pytest.mark.campaign
@pytest.mark.timeout(0)
@pytest.mark.usefixtures("policies", "gateway")
def test_what_another_client_changes_is_as_it_was_and_what_it_adds_stays(stage: Stage, asked: Asked) -> None:
    reports = [let_drift(stage, asked, whole) for whole in wholes_of(asked)]
    for report in reports:
        report.judge()


def let_drift(stage: Stage, asked: Asked, whole: str) -> Report:
    """Go through the life of one router, in which all that was asked for drifts."""
    specification, kinds = WHOLES[whole]
    step = Step(whole, lambda router: Router.create(router.space, specification(stage), name=router.name))
    drifting = Drifting(stage, step)
    found = drifting.begin()
    assert {item["kind"] for item in found} >= kinds
    mine = {Drift.of(item, Act.DELETE) for item in found if whole == "standalone" or item["kind"] in kinds}
    report = asked.report(f"drift {whole}")
    drifting.play(chosen(sorted(mine), asked, report), report, asked.budget)
    found = drifting.begin_again(marked=True)
    objects = {drift.object for drift in mine}
    fields = [drift for item in found for drift in drifts_of(item) if drift.object in objects]
    drifting.play(chosen(fields, asked, report), report, asked.budget)
    drifting.end()
    return report


def chosen(drifts: Sequence[Drift], asked: Asked, report: Report) -> list[Drift]:
    """Return what is asked for and has not been seen, in an order that the seed decides."""
    known = report.table.known(report.campaign)
    order = random.Random(asked.seed).sample(drifts, len(drifts))  # noqa: S311 - a choice of tests
    if asked.points:
        return [drift for drift in order if str(drift) in asked.points]
    unseen = [drift for drift in order if str(drift) not in known]
    return unseen if asked.long else unseen[:SHORT]
