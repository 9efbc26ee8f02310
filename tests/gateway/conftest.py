"""Fixtures for the tests with the real Envoy Gateway: one installation and one shared Gateway for all of them."""

from collections.abc import Iterator

import pytest

from tests.conftest import temporary_space
from tests.support.api import Api, Space
from tests.support.cluster import DevCluster
from tests.support.gateways.stage import Stage, installed


@pytest.fixture(scope="session")
def stage(control_plane: DevCluster, api: Api) -> Iterator[Stage]:
    """The controller, which runs until the last test has ended."""
    with installed(control_plane, api) as stage:
        yield stage


@pytest.fixture(scope="session")
def owners(stage: Stage, api: Api) -> Iterator[Space]:
    """The namespace of those who own the shared Gateway, which admits all routes."""
    with temporary_space(api, operated=False) as space:
        stage.make_gateway(space)
        yield space
