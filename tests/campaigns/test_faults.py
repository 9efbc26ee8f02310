"""Deaths at every write and faults at every call of a router's whole life; it ends as if nothing had happened."""

import re

import pytest

from tests.campaigns.asked import Asked
from tests.campaigns.points import Faults, Point, Reference, all_points, chosen
from tests.campaigns.reports import play
from tests.campaigns.stage import Stage
from tests.support.faults.scripts import ANSWERS, KILLS, Fault

SHORT = {"crash": 4, "fault": 12}
IS_POINT = re.compile(r"[a-z]+:\d+:")
CAMPAIGNS = {"crash": KILLS, "fault": ANSWERS}


def points_of(asked: Asked, campaign: str, references: dict[str, Reference]) -> list[Point]:
    """Return the points that the command line asks for."""
    faults: tuple[Fault, ...] = CAMPAIGNS[campaign]
    if asked.points:
        points = [Point.of(text) for text in asked.points if IS_POINT.match(text)]
        return [point for point in points if point.fault in faults]
    most = None if asked.long else SHORT[campaign]
    return chosen(all_points(references, faults), seed=asked.seed, most=most)


@pytest.mark.campaign
@pytest.mark.timeout(0)
@pytest.mark.parametrize("campaign", list(CAMPAIGNS))
def test_a_life_ends_as_if_nothing_had_happened(
    stage: Stage, references: dict[str, Reference], asked: Asked, campaign: str
) -> None:
    report = asked.report(campaign)
    play(stage, Faults(stage, references), points_of(asked, campaign, references), report, asked.budget)
    report.judge()
