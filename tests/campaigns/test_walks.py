"""Random walks of a resource over the definition's schema: it ends as one that had the last specification only."""

from pathlib import Path

import hypothesis
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.campaigns.asked import Asked
from tests.campaigns.reports import Seen
from tests.campaigns.stage import Stage
from tests.campaigns.walking import MOVES, Spec, Walk, go
from tests.support.api import ApiError
from tests.support.operated import BUSY, without_volume

STEPS = 6
SHORT, LONG = 1, 25
"""So many walks."""

EDITS_OF_TEN = 4
EXAMPLES = 4
"""So many are drawn for one that is gone: the first of Hypothesis is the simplest, whatever the seed."""

PREFIX = "walk:"
TESTDATA = Path(__file__).parents[1] / "integration" / "testdata" / "crd"
BROKEN: list[Spec] = [
    *(
        spec
        for one in yaml.safe_load((TESTDATA / "rules.yaml").read_text("utf-8"))
        for spec in one["refused"]
    ),
    *(one["refused"] for one in yaml.safe_load((TESTDATA / "bounds.yaml").read_text("utf-8"))),
]
"""Specifications of which each breaks one rule or bound of the definition."""

SPECS = BUSY.map(without_volume)
MOVE = st.one_of(
    *(st.tuples(st.just("edit"), SPECS) for _ in range(EDITS_OF_TEN)),
    st.tuples(st.just("edit wrongly"), st.sampled_from(BROKEN)),
    *(st.tuples(st.just(name), st.none()) for name in MOVES),
)
WALKS = st.builds(Walk, SPECS, st.lists(MOVE, min_size=STEPS, max_size=STEPS).map(tuple))


def walk_of(number: int) -> Walk:
    """Return the walk of a number, always the same."""
    drawn: list[Walk] = []

    @hypothesis.seed(number)
    @settings(
        max_examples=EXAMPLES, derandomize=False, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(WALKS)
    def draw(walk: Walk) -> None:
        drawn.append(walk)

    draw()
    return drawn[-1]


def numbers_of(asked: Asked) -> list[int]:
    """Return the walks that are asked for: ``walk:<number>``, or those from the seed on."""
    if asked.points:
        return [int(point.removeprefix(PREFIX)) for point in asked.points if point.startswith(PREFIX)]
    return list(range(asked.seed, asked.seed + (LONG if asked.long else SHORT)))


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_a_resource_ends_as_if_it_had_the_last_specification_only(stage: Stage, asked: Asked) -> None:
    report = asked.report("walks")
    known = report.table.known(report.campaign)
    for point in (f"{PREFIX}{number}" for number in numbers_of(asked)):
        if asked.budget.is_spent:
            report.left += 1
        elif point not in known:
            walk = walk_of(int(point.removeprefix(PREFIX)))
            said = ""
            try:
                go(stage, walk)
            except (AssertionError, ApiError) as error:
                said = str(error)
            report.add(point, Seen(reached=True, call=str(walk), said=[said] if said else []))
    report.judge()
