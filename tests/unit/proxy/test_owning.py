"""Whose an object is, and how that is said."""

import pytest

from playbook_engine.objects import Object, owner_marks, owner_uids
from playbook_engine.proxy.owning import Owner

POT = {"apiVersion": "example.com/v1", "kind": "Pot"}
OWNER = Owner.of({**POT, "metadata": {"name": "pot", "namespace": "ns", "uid": "u"}})
WIDE = Owner.of({**POT, "metadata": {"name": "pot", "uid": "u"}})
MADE: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}


@pytest.mark.parametrize(("owner", "namespace"), [(OWNER, "ns"), (WIDE, "ns"), (WIDE, "")])
def test_a_reference_where_one_can_be(owner: Owner, namespace: str) -> None:
    found = owner.adopt(MADE, namespace)
    assert owner_uids(found) == {"u"}
    assert "annotations" not in found["metadata"]  # type: ignore[operator]
    assert owner.owns(found)


@pytest.mark.parametrize("namespace", ["other", ""])
def test_annotations_where_none_can_be(namespace: str) -> None:
    found = OWNER.adopt({**MADE, "metadata": {"name": "made", "annotations": {"a": "b"}}}, namespace)
    assert owner_uids(found) == frozenset()
    assert owner_marks(found) == {"Pot.example.com ns/pot"}
    assert found["metadata"]["annotations"]["a"] == "b"  # type: ignore[index]
    assert OWNER.owns(found)


def test_a_reference_of_somebody_else_is_kept_and_makes_nobody_else_the_owner() -> None:
    theirs = {**MADE, "metadata": {"name": "made", "ownerReferences": [{"uid": "theirs"}]}}
    assert not OWNER.owns(theirs)
    assert owner_uids(OWNER.adopt(theirs, "ns")) == {"theirs", "u"}


def test_what_is_given_is_not_changed() -> None:
    OWNER.adopt(MADE, "ns")
    assert MADE["metadata"] == {"name": "made"}
