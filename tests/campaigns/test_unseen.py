"""Events that are lost, late or out of order, and reads that answer of the past, in each step of a router's life."""

import random
import time
from dataclasses import dataclass, field

import pytest

from tests.campaigns.points import Reference, lives_of, wrong
from tests.campaigns.stage import COMPARE_SECONDS, LIFE, Stage, Step
from tests.support.faults.blurs import STALE_SECONDS, Blur, Blurred, Remembering
from tests.support.faults.scripts import Answer


@dataclass(frozen=True, slots=True, order=True)
class Glance:
    """``<step>:<blur>``, as it is given to ``--campaign-point``."""

    step: str
    blur: Blur

    def __str__(self) -> str:
        return f"{self.step}:{self.blur}"


@dataclass(slots=True)
class Report:
    """What the campaign has seen; ``untouched`` are glances at which there was nothing to blur."""

    tried: list[Glance] = field(default_factory=list)
    untouched: list[Glance] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        head = f"{len(self.tried)} tried, {len(self.untouched)} untouched, {len(self.failed)} failed"
        return "\n".join([head, *(f"  {glance}: {'; '.join(said)}" for glance, said in self.failed.items())])


def glances_of(request: pytest.FixtureRequest) -> list[Glance]:
    """Return what the command line asks for: single glances, all, or one for each blur that the seed decides."""
    every = [Glance(step.name, blur) for step in LIFE for blur in Blur]
    given: str | None = request.config.getoption("--campaign-point")
    if given:
        return [glance for glance in every if str(glance) in given.split(",")]
    if request.config.getoption("--campaign") == "long":
        return every
    chance = random.Random(request.config.getoption("--campaign-seed"))  # noqa: S311 - a choice of tests
    steps = [step.name for step in LIFE] * 2
    chance.shuffle(steps)
    return [Glance(step, blur) for step, blur in zip(steps, Blur, strict=False)]


def live(stage: Stage, references: dict[str, Reference], glances: dict[str, Glance], report: Report) -> None:
    """Go through one life, with the operator's sight blurred in some of its steps."""
    past: dict[str, Answer] = {}
    for step in LIFE:
        wanted = glances.get(step.name)
        if wanted is None:
            stage.proxy.play(Remembering(past))
            step.act(stage.router)
            stage.settle(step)
            stage.rest()
            continue
        said = glance(stage, references[step.name], step, Blurred(wanted.blur, dict(past)), report)
        if said:
            report.failed[str(wanted)] = said
        stage.proxy.play(Remembering(past))
        stage.rest()


def glance(stage: Stage, reference: Reference, step: Step, script: Blurred, report: Report) -> list[str]:
    """Make one step with a blur; give what is not as without it."""
    mark, before = stage.audit.now(), stage.uids()
    stage.proxy.play(script)
    step.act(stage.router)
    if script.passes:
        time.sleep(
            STALE_SECONDS + COMPARE_SECONDS
        )  # what is wrong meanwhile is mended by the next comparison
    try:
        stage.settle(step)
        stage.rest()
    except AssertionError as error:
        return [" ".join(str(error).split())]
    finally:
        (report.tried if script.touched else report.untouched).append(Glance(step.name, script.blur))
    return wrong(stage, reference, mark, before)


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_a_life_ends_the_same_whatever_the_operator_does_not_see(
    stage: Stage, references: dict[str, Reference], request: pytest.FixtureRequest
) -> None:
    report = Report()
    for glances in lives_of(glances_of(request)):
        live(stage, references, glances, report)
    print(f"\nunseen: {report}")  # noqa: T201 - how much was tried
    replay = f"replay with: make campaign POINT={','.join(report.failed)}"
    assert not report.failed, f"{report}\n{replay}"
    unexpected = stage.unexpected()
    assert not unexpected, unexpected[:5]
