"""Random walks of a resource over the definition's schema: it ends as one that had the last specification only."""

import json
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.campaigns.asked import Asked
from tests.campaigns.stage import Stage
from tests.support.api import ApiError
from tests.support.audit import AuditLog
from tests.support.canary import in_objects
from tests.support.operated import BUSY, PATIENCE, SERVICES, outcome, place, replace, settle, without_volume
from tests.support.operators import USER
from tests.support.routers import Router, endpoint
from tests.support.waiting import stays, wait_for

STEPS = 6
SHORT, LONG = 1, 25
"""So many walks."""

REST_SECONDS = 3.0
TESTDATA = Path(__file__).parents[1] / "integration" / "testdata" / "crd"
BROKEN = [
    *(
        spec
        for one in yaml.safe_load((TESTDATA / "rules.yaml").read_text("utf-8"))
        for spec in one["refused"]
    ),
    *(one["refused"] for one in yaml.safe_load((TESTDATA / "bounds.yaml").read_text("utf-8"))),
]
"""Specifications of which each breaks one rule or bound of the definition."""

NOWHERE = {
    "vllmEndpoints": [endpoint(service=SERVICES[0])],
    "config": {
        "decisions": [
            {
                "name": "maths",
                "rules": {"operator": "AND", "conditions": [{"type": "domain", "name": "general"}]},
                "modelRefs": [{"model": "nobody-has-it"}],
            }
        ]
    },
}
"""What the API server takes, and the operator cannot carry out."""

SPECS = BUSY.map(without_volume)


class Walk(RuleBasedStateMachine):
    """One resource to which things happen, and another that gets the last specification when it ends."""

    def __init__(self, stage: Stage, walked: list[list[str]]) -> None:
        """Make the place; ``walked`` gets the steps."""
        super().__init__()
        self.stage = stage
        self.steps: list[str] = []
        walked.append(self.steps)
        self.stack = ExitStack()
        self.space = self.stack.enter_context(place(stage.space.api))
        self.router = Router(self.space)
        self.spec: dict[str, Any] = {}
        self.requests = 0

    @initialize(spec=SPECS)
    def create(self, spec: dict[str, Any]) -> None:
        """Begin."""
        self.steps.append("create")
        self.spec = spec
        Router.create(self.space, spec)

    @rule(spec=SPECS)
    def edit(self, spec: dict[str, Any]) -> None:
        """Put another specification in its place, while it may still be busy with the last one."""
        self.steps.append("edit")
        self.spec = spec
        replace(self.router, spec)

    @rule(broken=st.sampled_from(BROKEN))
    def edit_wrongly(self, broken: dict[str, Any]) -> None:
        """Break a rule: the API server refuses it, and nothing has changed."""
        self.steps.append("refused")
        generation = self.router.read()["metadata"]["generation"]
        with pytest.raises(ApiError) as refusal:
            replace(self.router, broken)
        assert refusal.value.code in {400, 422}, refusal.value
        assert self.router.read()["metadata"]["generation"] == generation

    @rule()
    def ask_for_what_cannot_be(self) -> None:
        """Name a model that nobody has: a condition says so; then back to what was asked for before."""
        self.steps.append("told")
        replace(self.router, NOWHERE)
        self.router.wait_condition("ConfigValid", "False", reason="ConfigInvalid", timeout=PATIENCE)
        replace(self.router, self.spec)

    @rule()
    def roll_back(self) -> None:
        """Ask for the last good revision, whichever that is."""
        self.steps.append("roll back")
        self.requests += 1
        self._annotate(f"request-{self.requests}")

    @precondition(lambda self: self.requests)
    @rule()
    def roll_forward(self) -> None:
        """Take the request back."""
        self.steps.append("roll forward")
        self._annotate(None)

    @rule()
    def recreate(self) -> None:
        """Delete it, and make it again when it is gone."""
        self.steps.append("recreate")
        self.router.delete()
        gone = partial(self.space.get, "SemanticRouter", self.router.name)
        wait_for(lambda: gone() is None, timeout=PATIENCE, what="the resource goes")
        Router.create(self.space, self.spec)

    @rule()
    def wait(self) -> None:
        """Let it come to rest."""
        self.steps.append("rest")
        settle(self.router)

    def teardown(self) -> None:
        """Compare with a resource that has never had another specification, then look whether anything is written."""
        with self.stack:
            self._annotate(None)
            self._compare()

    def _compare(self) -> None:
        with place(self.stage.space.api) as other:
            alone = Router.create(other, self.spec)
            settle(self.router)
            settle(alone)
            ready = alone.condition("RouterReady")["status"]
            if ready != "True":
                self.router.wait_condition("RouterReady", ready)
                return

            def are_alike() -> bool:
                assert outcome(self.router) == outcome(alone)
                return True

            wait_for(are_alike, timeout=PATIENCE, what=f"after {self.steps} it is as one that was only made")
            assert at_rest(self.stage.audit, {self.space.name, other.name}) == []
        assert list(in_objects(self.space)) == []

    def _annotate(self, value: str | None) -> None:
        patch = {"metadata": {"annotations": {"vllm.ai/rollback": value}}}
        self.space.patch("SemanticRouter", self.router.name, patch)


def at_rest(audit: AuditLog, namespaces: set[str]) -> list[str]:
    """Return what the operator writes in some namespaces while nobody does anything."""
    mark = audit.now()

    def written() -> list[str]:
        return [str(write) for write in audit.writes(USER, mark) if write.namespace in namespaces]

    return stays(written, seconds=REST_SECONDS)


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_a_resource_ends_as_if_it_had_the_last_specification_only(stage: Stage, asked: Asked) -> None:
    walked: list[list[str]] = []

    class Here(Walk):
        def __init__(self) -> None:
            super().__init__(stage, walked)

    seed(asked.seed)(Here)
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=LONG if asked.long else SHORT, stateful_step_count=STEPS, derandomize=False, deadline=None,
            database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    print(f"\nwalks: {len(walked)}, steps: {json.dumps(walked)}")  # noqa: T201 - how much was tried
    assert any(len(steps) > 1 for steps in walked)
