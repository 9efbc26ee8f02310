"""Points of a campaign: a step of the router's life, the number of a call in it, and what goes wrong there."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.campaigns.reports import Seen
from tests.campaigns.stage import LIFE, Stage, Step
from tests.campaigns.states import State
from tests.support.faults.scripts import KILLS, AtCall, AtCalls, Call, Fault, Script, is_call, is_write
from tests.support.waiting import wait_for

REACHED_SECONDS = 120.0
TOGETHER = 3
"""So many calls of a step go wrong in one life, so that a life tries a dozen."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """``<step>:<number>:<fault>``, as it is given to ``--campaign-point``."""

    step: str
    number: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.step}:{self.number}:{self.fault}"

    @classmethod
    def of(cls, text: str) -> "Point":
        """Read it; raises ValueError."""
        step, number, fault = text.split(":")
        return cls(step, int(number), Fault(fault))

    def may_join(self, others: Sequence["Point"]) -> bool:
        """Tell whether it can go wrong in the same step as others: a death is alone, a call has one fault."""
        if self.fault in KILLS or len(others) >= TOGETHER:
            return not others
        return all(other.fault not in KILLS and other.number != self.number for other in others)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a step does without a fault: its calls, what it made, and what is there afterwards."""

    calls: Sequence[Call]
    made: dict[str, int]
    state: State


def reference_life(stage: Stage) -> dict[str, Reference]:
    """Go through the whole life without a fault."""
    found = {}
    for step in LIFE:
        mark = stage.audit.now()
        stage.proxy.play()
        stage.perform(step)
        found[step.name] = Reference(tuple(stage.proxy.calls), dict(stage.made(mark)), stage.state())
    return found


def all_points(references: dict[str, Reference], faults: Iterable[Fault]) -> list[Point]:
    """Return every point: deaths at every write, everything else at every call."""
    points = []
    for name, reference in references.items():
        for fault in faults:
            counts = is_write if fault in KILLS else is_call
            number = sum(1 for call in reference.calls if counts(call))
            points += [Point(name, index + 1, fault) for index in range(number)]
    return points


def chosen(points: list[Point], *, seed: int, most: int | None) -> list[Point]:
    """Return points in an order that the seed decides: a sample that is spread over steps and faults, or all."""
    chance = random.Random(seed)  # noqa: S311 - a choice of tests, not of keys
    if most is None or most >= len(points):
        return chance.sample(points, len(points))
    groups: dict[tuple[str, Fault], list[Point]] = {}
    for point in points:
        groups.setdefault((point.step, point.fault), []).append(point)
    order = list(groups.values())
    chance.shuffle(order)
    return sorted(chance.choice(group) for group in order[:most])


@dataclass(frozen=True, slots=True)
class Faults:
    """Deaths and faults at calls; the oracle compares with the life without them."""

    stage: Stage
    references: dict[str, Reference]

    def script(self) -> Script:
        """Let everything pass."""
        return Script()

    def attempt(self, step: Step, points: Sequence[Point]) -> list[Seen]:
        """Do the step, with faults at calls; the operator runs again afterwards."""
        stage = self.stage
        script = AtCalls([_at(point, stage) for point in points])
        mark, before = stage.audit.now(), stage.uids()
        stage.proxy.play(script)
        step.act(stage.router)
        try:
            if points[0].fault in KILLS:
                _wait_happened(stage, step, script.parts[0])
            _settle(stage, step)
        except AssertionError as error:
            said = [str(error), *stage.complaints()]
        else:
            said = wrong(stage, self.references[step.name], mark, before)
        stage.revive()
        return [
            Seen(reached=part.reached.is_set(), call=str(part.at or ""), said=said) for part in script.parts
        ]


def _at(point: Point, stage: Stage) -> AtCall:
    counts = is_write if point.fault in KILLS else is_call
    return AtCall(number=point.number, what=point.fault, counts=counts, kill=stage.operator.kill)


def _settle(stage: Stage, step: Step) -> None:
    stage.revive()
    stage.settle(step)
    stage.rest()
    if stage.revive():  # the call came when the step was done already
        stage.settle(step)
        stage.rest()


def _wait_happened(stage: Stage, step: Step, script: AtCall) -> None:
    """Wait until the operator has been killed, or the step is done without that call."""

    def done() -> bool:
        if not script.reached.is_set():
            stage.settle(step, timeout=0)
        return True

    wait_for(done, timeout=REACHED_SECONDS, what="the operator is killed, or the step is done")


def wrong(stage: Stage, reference: Reference, mark: int, before: dict[str, str]) -> list[str]:
    """Say what is not as in the reference: the end, what was made and deleted since a mark, and uids from before."""
    said = reference.state.differences(stage.state())
    made = dict(stage.made(mark))
    if made != reference.made:
        said.append(f"created and deleted {made} instead of {reference.made}")
    after = stage.uids()
    said += [f"{name} was made again" for name, uid in before.items() if after.get(name, uid) != uid]
    return said
