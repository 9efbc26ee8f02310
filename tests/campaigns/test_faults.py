"""Deaths at every write and faults at every call of a router's whole life; it ends as if nothing had happened."""

from pathlib import Path

import pytest

from tests.campaigns.points import Point, Reference, Report, all_points, chosen, live, lives_of
from tests.campaigns.stage import Stage
from tests.support.faults.scripts import ANSWERS, KILLS, Fault

SHORT = {"crash": 4, "fault": 8}
CAMPAIGNS = {"crash": KILLS, "fault": ANSWERS}


def points_of(request: pytest.FixtureRequest, campaign: str, references: dict[str, Reference]) -> list[Point]:
    """Return the points that the command line asks for."""
    given: str | None = request.config.getoption("--campaign-point")
    faults: tuple[Fault, ...] = CAMPAIGNS[campaign]
    if given:
        points = [Point.of(text) for text in given.split(",") if text.count(":") == 2]
        return [point for point in points if point.fault in faults]
    long = request.config.getoption("--campaign") == "long"
    seed = int(request.config.getoption("--campaign-seed"))
    return chosen(all_points(references, faults), seed=seed, most=None if long else SHORT[campaign])


@pytest.mark.campaign
@pytest.mark.timeout(0)
@pytest.mark.parametrize("campaign", list(CAMPAIGNS))
def test_a_life_ends_as_if_nothing_had_happened(
    stage: Stage, references: dict[str, Reference], request: pytest.FixtureRequest, campaign: str,
    table: Path | None,
) -> None:  # fmt: skip
    report = Report()
    for life in lives_of(points_of(request, campaign, references)):
        live(stage, references, life, report)
        if table:
            with table.open("a", encoding="utf-8") as file:
                file.write(f"{campaign}: {report}\n")
    print(f"\n{campaign}: {report}")  # noqa: T201 - how much was tried
    replay = f"replay with: make campaign POINT={','.join(report.failed)}"
    assert not report.failed, f"{report}\n{replay}"
    unexpected = stage.unexpected()
    assert not unexpected, unexpected[:5]
