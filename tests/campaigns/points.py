"""Points of a campaign: a step of the router's life, the number of a call in it, and what goes wrong there."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.campaigns.stage import LIFE, Stage, State, Step
from tests.support.faults.scripts import KILLS, AtCall, Call, Fault, is_call, is_write
from tests.support.waiting import wait_for

REACHED_SECONDS = 120.0


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


@dataclass(frozen=True, slots=True)
class Reference:
    """What a step does without a fault: its calls, what it made, and what is there afterwards."""

    calls: Sequence[Call]
    made: dict[str, int]
    state: State


@dataclass(slots=True)
class Report:
    """What a campaign has seen."""

    tried: list[Point] = field(default_factory=list)
    missed: list[Point] = field(default_factory=list)
    """Points whose call never came: a step does not always take the same number of calls."""

    failed: dict[str, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        head = f"{len(self.tried)} points tried, {len(self.missed)} not reached, {len(self.failed)} failed"
        return "\n".join([head, *(f"  {point}: {'; '.join(said)}" for point, said in self.failed.items())])


def reference_life(stage: Stage) -> dict[str, Reference]:
    """Go through the whole life without a fault."""
    found = {}
    for step in LIFE:
        mark = stage.audit.now()
        stage.proxy.play()
        step.act(stage.router)
        stage.settle(step)
        stage.rest()
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
    """Return a sample of the points that the seed decides, spread over steps and faults; all without a bound."""
    if most is None or most >= len(points):
        return points
    chance = random.Random(seed)  # noqa: S311 - a choice of tests, not of keys
    groups: dict[tuple[str, Fault], list[Point]] = {}
    for point in points:
        groups.setdefault((point.step, point.fault), []).append(point)
    order = list(groups.values())
    chance.shuffle(order)
    return sorted(chance.choice(group) for group in order[:most])


class InStep(Protocol):
    """What is tried in one step of a life."""

    @property
    def step(self) -> str:
        """The name of the step."""
        ...


def lives_of[T: InStep](points: Iterable[T]) -> list[dict[str, T]]:
    """Put points into lives, at most one for each step, so that each life tries several."""
    lives: list[dict[str, T]] = []
    for point in points:
        free = next((life for life in lives if point.step not in life), None)
        if free is None:
            lives.append({point.step: point})
        else:
            free[point.step] = point
    return lives


def live(stage: Stage, references: dict[str, Reference], points: dict[str, Point], report: Report) -> None:
    """Go through one life with these points; what is wrong goes into the report."""
    for step in LIFE:
        point = points.get(step.name)
        if point is None:
            stage.proxy.play()
            step.act(stage.router)
            stage.settle(step)
            stage.rest()
            continue
        said = _try(stage, references[step.name], step, point, report)
        if said:
            report.failed[str(point)] = said


def _try(stage: Stage, reference: Reference, step: Step, point: Point, report: Report) -> list[str]:
    kills = point.fault in KILLS
    script = AtCall(
        number=point.number, what=point.fault, counts=is_write if kills else is_call, kill=stage.operator.kill
    )
    mark, before = stage.audit.now(), stage.uids()
    stage.proxy.play(script)
    step.act(stage.router)
    try:
        if kills:
            _wait_happened(stage, step, script)
        stage.revive()
        stage.settle(step)
        stage.rest()
        if stage.revive():  # the call came when the step was done already
            stage.settle(step)
            stage.rest()
    except AssertionError as error:
        return [" ".join(str(error).split())]
    finally:
        (report.tried if script.reached.is_set() else report.missed).append(point)
        stage.revive()
        stage.proxy.play()
    return wrong(stage, reference, mark, before)


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
