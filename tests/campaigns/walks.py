"""Random walks over the definition's schema, by their numbers. Pure."""

from pathlib import Path

import hypothesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.campaigns.walking import MOVES, Spec, Walk
from tests.support.operated import BUSY, without_volume

STEPS = 6
EDITS_OF_TEN = 4
EXAMPLES = 4
"""So many are drawn for one that is gone: the first of Hypothesis is the simplest, whatever the seed."""

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
