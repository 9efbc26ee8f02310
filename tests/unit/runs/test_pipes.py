import asyncio
import os
from pathlib import Path

import pytest

from playbook_engine.runs.pipes import Pipes


def descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize("steps", range(1, 5))
async def test_a_cancellation_while_pipes_open_leaves_no_descriptor(steps: int) -> None:
    before = descriptors()
    (control_theirs, control), (events, events_theirs), (errors, errors_theirs) = (
        os.pipe() for _ in range(3)
    )
    opening = asyncio.create_task(Pipes.opened(control, events=events, errors=errors))
    for _ in range(steps):
        await asyncio.sleep(0)
    assert opening.cancel(), "it was not open yet"
    with pytest.raises(asyncio.CancelledError):
        await opening
    await asyncio.sleep(0.01)
    for theirs in (control_theirs, events_theirs, errors_theirs):
        os.close(theirs)
    assert descriptors() == before
