"""One resource to which things happen, and another that gets its last specification only: they end the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import pytest

from tests.campaigns.stage import Stage
from tests.support.api import ApiError, Space
from tests.support.audit import AuditLog
from tests.support.canary import in_objects
from tests.support.operated import PATIENCE, SERVICES, outcome, place, replace, settle
from tests.support.operators import USER
from tests.support.routers import Router, endpoint
from tests.support.waiting import stays, wait_for

REST_SECONDS = 3.0
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

type Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Walk:
    """A specification to begin with, and moves by their names; some have a specification of their own."""

    first: Spec
    moves: tuple[tuple[str, Spec | None], ...]

    def __str__(self) -> str:
        return ", ".join(("create", *(name for name, _ in self.moves)))


@dataclass(slots=True)
class Walking:
    """A resource on its walk; ``spec`` is the last that was asked for and can be carried out."""

    stage: Stage
    space: Space
    spec: Spec
    router: Router = field(init=False)
    requests: int = 0

    def __post_init__(self) -> None:
        """Make it."""
        self.router = Router.create(self.space, self.spec)

    @classmethod
    @contextmanager
    def begun(cls, stage: Stage, spec: Spec) -> Iterator[Self]:
        """Make it in a namespace of its own, for the length of a block."""
        with place(stage.space.api) as space:
            yield cls(stage, space, spec)

    def edit(self, spec: Spec) -> None:
        """Put another specification in its place, while it may still be busy with the last one."""
        self.spec = spec
        replace(self.router, spec)

    def edit_wrongly(self, broken: Spec) -> None:
        """Break a rule: the API server refuses it, and nothing has changed."""
        generation = self.router.read()["metadata"]["generation"]
        with pytest.raises(ApiError) as refusal:
            replace(self.router, broken)
        assert refusal.value.code in {400, 422}, refusal.value
        assert self.router.read()["metadata"]["generation"] == generation

    def ask_for_what_cannot_be(self) -> None:
        """Name a model that nobody has: a condition says so; then back to what was asked for before."""
        replace(self.router, NOWHERE)
        self.router.wait_condition("ConfigValid", "False", reason="ConfigInvalid", timeout=PATIENCE)
        replace(self.router, self.spec)

    def roll_back(self) -> None:
        """Ask for the last good revision, whichever that is."""
        self.requests += 1
        self._annotate(f"request-{self.requests}")

    def roll_forward(self) -> None:
        """Take the request back, if there is one."""
        self._annotate(None)

    def recreate(self) -> None:
        """Delete it, and make it again when it is gone."""
        self.router.delete()
        gone = partial(self.space.get, "SemanticRouter", self.router.name)
        wait_for(lambda: gone() is None, timeout=PATIENCE, what="the resource goes")
        Router.create(self.space, self.spec)

    def rest(self) -> None:
        """Let it come to rest."""
        settle(self.router)

    def compare(self) -> None:
        """Compare with a resource that has never had another specification; then nothing is written any more."""
        self.roll_forward()
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

            wait_for(are_alike, timeout=PATIENCE, what="it is as one that was only made")
            assert at_rest(self.stage.audit, {self.space.name, other.name}) == []
        assert list(in_objects(self.space)) == []

    def _annotate(self, value: str | None) -> None:
        patch = {"metadata": {"annotations": {"vllm.ai/rollback": value}}}
        self.space.patch("SemanticRouter", self.router.name, patch)


EDITS: dict[str, Callable[[Walking, Spec], None]] = {
    "edit": Walking.edit,
    "edit wrongly": Walking.edit_wrongly,
}
MOVES: dict[str, Callable[[Walking], None]] = {
    "ask for what cannot be": Walking.ask_for_what_cannot_be,
    "roll back": Walking.roll_back,
    "roll forward": Walking.roll_forward,
    "recreate": Walking.recreate,
    "rest": Walking.rest,
}


def go(stage: Stage, walk: Walk) -> None:
    """Go a walk to its end; raises AssertionError when that is not as it should be."""
    with Walking.begun(stage, walk.first) as walking:
        for name, spec in walk.moves:
            if spec is None:
                MOVES[name](walking)
            else:
                EDITS[name](walking, spec)
        walking.compare()


def at_rest(audit: AuditLog, namespaces: set[str]) -> list[str]:
    """Return what the operator writes in some namespaces while nobody does anything."""
    mark = audit.now()

    def written() -> list[str]:
        return [str(write) for write in audit.writes(USER, mark) if write.namespace in namespaces]

    return stays(written, seconds=REST_SECONDS)
