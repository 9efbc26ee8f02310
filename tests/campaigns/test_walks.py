"""Random walks of a resource over the definition's schema: it ends as one that had the last specification only."""

import pytest

from tests.campaigns.asked import Asked
from tests.campaigns.reports import Seen
from tests.campaigns.stage import Stage
from tests.campaigns.walking import go
from tests.campaigns.walks import walk_of
from tests.support.api import ApiError

SHORT, LONG = 1, 25
"""So many walks."""

PREFIX = "walk:"


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
