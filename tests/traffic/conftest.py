"""Fixtures for traffic: a namespace with model servers for a module, and an operator that looks after it."""

from collections.abc import Iterator

import pytest

from tests.conftest import temporary_space
from tests.support.api import Api
from tests.support.operators import OperatorUnderTest
from tests.support.traffic.site import Site


@pytest.fixture(scope="module")
def site(api: Api, operator: OperatorUnderTest) -> Iterator[Site]:
    """A namespace for all tests of a module, and what lies around the pods in it."""
    del operator  # it must run, and run until the namespace is gone
    with temporary_space(api, operated=True) as space:
        yield Site(space)
