"""Whether it can be seen which kinds and namespaces there are."""

import pytest

from playbook_engine.events.intake import DEFINITIONS, NAMESPACES, Intake
from playbook_engine.events.wakes import Wakes
from playbook_engine.objects import GroupVersionKind
from playbook_engine.observability.metrics import Metrics
from playbook_engine.store import Store
from playbook_engine.testing.cluster import FakeCluster


@pytest.mark.parametrize(
    ("hidden", "namespaces", "may"),
    [
        (set(), (), True),
        ({DEFINITIONS}, (), False),
        ({DEFINITIONS}, ("a",), False),
        ({NAMESPACES}, (), True),
        ({NAMESPACES}, ("a",), False),
    ],
)
async def test_namespaces_only_matter_where_some_are_given(
    hidden: set[GroupVersionKind], namespaces: tuple[str, ...], *, may: bool
) -> None:
    intake = Intake(
        FakeCluster(hidden=hidden),
        Store(frozenset()),
        Wakes(()),
        Metrics(),
        add=lambda _key, _priority: None,
        namespaces=namespaces,
    )
    assert await intake.may_scan() is may
