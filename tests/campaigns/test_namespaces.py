"""A namespace that is deleted with everything in it, while a router in it is made, changed or has just been."""

import random
import time

import pytest

from tests.campaigns.asked import Asked
from tests.campaigns.stage import LIFE, Stage, Step, secret
from tests.support.api import Space
from tests.support.routers import Router, service
from tests.support.waiting import wait_for

DELAYS = (0.0, 0.3, 1.0, 2.5)
"""Seconds after a step at which somebody deletes the namespace: before, in the middle of and after its run."""

GONE_SECONDS = 120.0
STEPS = [step for step in LIFE if step.leaves]


def leaving(stage: Stage) -> Router:
    """Return a name for a router, in a namespace with all that it refers to."""
    stage.proxy.play()
    space = Space(stage.space.api, f"leaving-{random.randrange(16**8):08x}")  # noqa: S311 - a name
    space.create({"kind": "Namespace", "metadata": {"name": space.name}})
    space.create(service())
    space.create(secret())
    return Router(space)


def wait_gone(space: Space) -> None:
    """Wait until nothing of a namespace is left."""

    def gone() -> bool:
        found = space.get("Namespace", space.name)
        assert found is None, found["status"]
        return True

    wait_for(gone, timeout=GONE_SECONDS, what=f"namespace {space.name} goes")


def steps_of(asked: Asked) -> list[Step]:
    """Return the steps that are tried: all, or one in the short form."""
    return STEPS if asked.long else [STEPS[asked.seed % len(STEPS)]]


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_a_namespace_goes_whenever_it_is_deleted(stage: Stage, asked: Asked) -> None:
    for step in steps_of(asked):
        router = leaving(stage)
        for earlier in STEPS[: STEPS.index(step)]:
            earlier.act(router)
            router.wait_available()
        chance = random.Random(f"{asked.seed} {step.name}")  # noqa: S311 - a choice of tests
        step.act(router)
        time.sleep(chance.choice(DELAYS))
        router.space.delete("Namespace", router.space.name)
        wait_gone(router.space)
