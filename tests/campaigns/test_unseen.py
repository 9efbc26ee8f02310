"""Events that are lost, late or out of order, and reads that answer of the past, in each step of a router's life."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.campaigns.asked import Asked
from tests.campaigns.points import Reference, wrong
from tests.campaigns.reports import Seen, play
from tests.campaigns.stage import COMPARE_SECONDS, LIFE, Stage, Step
from tests.support.faults.blurs import STALE_SECONDS, Blur, Blurred, Remembering
from tests.support.faults.scripts import Answer, Script


@dataclass(frozen=True, slots=True, order=True)
class Glance:
    """``<step>:<blur>``, as it is given to ``--campaign-point``."""

    step: str
    blur: Blur

    def __str__(self) -> str:
        return f"{self.step}:{self.blur}"

    def may_join(self, others: Sequence["Glance"]) -> bool:
        """Tell whether there is no other in the step."""
        return not others


def glances_of(asked: Asked) -> list[Glance]:
    """Return what the command line asks for: single glances, all, or one life with blurs that the seed decides."""
    every = [Glance(step.name, blur) for step in LIFE for blur in Blur]
    if asked.points:
        return [glance for glance in every if str(glance) in asked.points]
    if asked.long:
        return every
    chance = random.Random(asked.seed)  # noqa: S311 - a choice of tests
    blurs = chance.sample(list(Blur), len(LIFE))
    return [Glance(step.name, blur) for step, blur in zip(LIFE, blurs, strict=True)]


@dataclass(frozen=True, slots=True)
class Blurs:
    """Sights that are blurred for a step; ``past`` is what reads were answered last."""

    stage: Stage
    references: dict[str, Reference]
    past: dict[str, Answer] = field(default_factory=dict)

    def script(self) -> Script:
        """Let everything pass, and keep the answers."""
        return Remembering(self.past)

    def attempt(self, step: Step, points: Sequence[Glance]) -> list[Seen]:
        """Do the step; what is wrong while the sight is blurred is mended by the next comparison."""
        stage, (glance,) = self.stage, points
        script = Blurred(glance.blur, dict(self.past))
        mark, before = stage.audit.now(), stage.uids()
        stage.proxy.play(script)
        step.act(stage.router)
        if script.passes:
            time.sleep(STALE_SECONDS + COMPARE_SECONDS)
        try:
            stage.settle(step)
            stage.rest()
        except AssertionError as error:
            said = [str(error), *stage.complaints()]
        else:
            said = wrong(stage, self.references[step.name], mark, before)
        return [Seen(reached=bool(script.touched), said=said)]


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_a_life_ends_the_same_whatever_the_operator_does_not_see(
    stage: Stage, references: dict[str, Reference], asked: Asked
) -> None:
    report = asked.report("unseen")
    play(stage, Blurs(stage, references), glances_of(asked), report, asked.budget)
    report.judge()
