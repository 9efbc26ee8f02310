"""What the tests of executors share; each module has a ``warm`` and a ``cold`` one of its own."""

import pytest

from playbook_engine.runs.records import Executor


@pytest.fixture(params=["warm", "cold"])
def executor(request: pytest.FixtureRequest) -> Executor:
    """Each of the two."""
    found: Executor = request.getfixturevalue(request.param)
    return found
