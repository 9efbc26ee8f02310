"""Everything that the operator owns, changed or deleted by another client: it comes back, what others add stays."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.campaigns.asked import Asked
from tests.campaigns.owned import Act, Drift, do, drifts_of
from tests.campaigns.reports import Budget, Report, Seen
from tests.campaigns.stage import CACHE, INGRESS, Stage, Step
from tests.campaigns.states import REVISION, State
from tests.support.cluster import DevCluster
from tests.support.gateways.policy import envoy_gateway
from tests.support.routers import ALL_KINDS, Router, endpoint, redis_cache
from tests.support.waiting import wait_for

BACK_SECONDS = 60.0
SHORT = 3
"""So many rounds of each sort in the short form, with one router that the seed decides."""

TOGETHER = {Act.DELETE: 4, Act.CHANGE: 12, Act.REMOVE: 12}
"""So many objects are changed or deleted at once."""

MARK = {"metadata": {"annotations": {"example.com/note": "mine"}, "labels": {"team": "a"}}}
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


@dataclass(frozen=True, slots=True)
class Drifting:
    """One router at rest, and what is done to its objects."""

    stage: Stage
    step: Step
    reference: State

    def play(self, rounds: Sequence[Sequence[Drift]], report: Report, budget: Budget) -> None:
        """Go through rounds as long as there is time."""
        for drifts in rounds:
            if budget.is_spent:
                report.left += len(drifts)
                continue
            for drift, seen in zip(drifts, self.attempt(drifts), strict=True):
                report.add(drift, seen)

    def attempt(self, drifts: Sequence[Drift]) -> list[Seen]:
        """Do one thing to each of several objects, and wait until nothing of it is left."""
        before = self.stage.uids()
        done = [do(self.stage.space, drift) for drift in drifts]
        try:
            wait_for(self._is_back, timeout=BACK_SECONDS, what="everything is as it was")
            self.stage.settle(self.step)
            self.stage.rest()
            said = self.reference.differences(self.stage.state())
        except AssertionError as error:
            said = [str(error), *self.stage.complaints()]
        made = {name for name, uid in self.stage.uids().items() if before.get(name, uid) != uid}
        deleted = {f"{drift.kind}/{drift.name}" for drift in drifts if drift.act is Act.DELETE}
        said += [f"{name} was made again" for name in made - deleted]
        return [
            Seen(reached=was, call=f"{drift.act} of {drift.kind}", said=said)
            for drift, was in zip(drifts, done, strict=True)
        ]

    def _is_back(self) -> bool:
        differences = self.reference.differences(self.stage.state())
        assert not differences, differences[:3]
        return True


def objects(router: Router) -> list[dict[str, Any]]:
    """Return what the router has made, without what its Deployment has."""
    kinds = [*(kind for kind in ALL_KINDS if kind not in ("ReplicaSet", "Pod")), "Secret"]
    return list(router.children(*kinds).values())


def rounds_of(drifts: Sequence[Drift], asked: Asked, report: Report) -> list[list[Drift]]:
    """Put what is asked for into rounds, each object in each at most once."""
    if asked.points:
        drifts = [drift for drift in drifts if str(drift) in asked.points]
    known = report.table.known(report.campaign)
    chance = random.Random(asked.seed)  # noqa: S311 - a choice of tests
    rounds: list[list[Drift]] = []
    for drift in chance.sample(drifts, len(drifts)):
        if str(drift) in known:
            continue
        free = next((one for one in rounds if _may_join(drift, one)), None)
        if free is None:
            rounds.append([drift])
        else:
            free.append(drift)
    return rounds if asked.long or asked.points else rounds[:SHORT]


def _may_join(drift: Drift, others: Sequence[Drift]) -> bool:
    same = any((other.kind, other.name) == (drift.kind, drift.name) for other in others)
    return not same and len(others) < TOGETHER[drift.act]


@pytest.fixture
def policies(control_plane: DevCluster) -> Iterator[None]:
    """The kind of the policy, as long as a test needs it."""
    with envoy_gateway(control_plane):
        yield


def wholes_of(asked: Asked) -> list[str]:
    """Return the routers that are tried: all, or one in the short form."""
    names = list(WHOLES)
    return names if asked.long or asked.points else [names[asked.seed % len(names)]]


@pytest.mark.campaign
@pytest.mark.timeout(0)
@pytest.mark.usefixtures("policies")
def test_what_another_client_changes_is_as_it_was_and_what_it_adds_stays(stage: Stage, asked: Asked) -> None:
    reports = [let_drift(stage, asked, whole) for whole in wholes_of(asked)]
    for report in reports:
        report.judge()


def let_drift(stage: Stage, asked: Asked, whole: str) -> Report:
    """Go through the life of one router, in which all that was asked for drifts."""
    specification, kinds = WHOLES[whole]
    step = Step(whole, lambda router: Router.create(router.space, specification(stage), name=router.name))
    stage.perform(step)
    found = objects(stage.router)
    assert {item["kind"] for item in found} >= kinds
    mine = [item for item in found if whole == "standalone" or item["kind"] in kinds]
    report = asked.report(f"drift {whole}")
    gone = [Drift(item["kind"], item["metadata"]["name"], Act.DELETE) for item in mine]
    Drifting(stage, step, stage.state()).play(rounds_of(gone, asked, report), report, asked.budget)
    for item in objects(stage.router):
        if not REVISION.search(item["metadata"]["name"]):  # a Secret that changes makes other pods
            stage.space.patch(item["kind"], item["metadata"]["name"], MARK)
    stage.rest()
    fields = [drift for item in objects(stage.router) for drift in drifts_of(item) if _is_of(drift, mine)]
    Drifting(stage, step, stage.state()).play(rounds_of(fields, asked, report), report, asked.budget)
    stage.router.delete()
    stage.space.delete("Gateway", "shared")
    stage.settle(Step("delete", lambda _: None, leaves=False))
    return report


def _is_of(drift: Drift, items: Sequence[dict[str, Any]]) -> bool:
    names = {(item["kind"], REVISION.sub("", item["metadata"]["name"])) for item in items}
    return (drift.kind, REVISION.sub("", drift.name)) in names
