"""What is expected after an item of a list has got another key: ours again, and the very one that was renamed."""

from typing import Any

import pytest

from tests.campaigns.owned import Act, Drift
from tests.campaigns.strays import leaves_a_stray, stray_at, without

DATA, LOGS = {"mountPath": "/data", "name": "d"}, {"mountPath": "/logs", "name": "l"}
MOVED = {"mountPath": "/data-x", "name": "d"}
PATH = "/spec/mounts/0/mountPath"


def item(*mounts: dict[str, str]) -> dict[str, Any]:
    return {"spec": {"mounts": list(mounts)}, "kind": "Deployment"}


def left(found: dict[str, Any], renamed: dict[str, Any]) -> Any:  # noqa: ANN401 - decoded JSON
    """Return an object without what was renamed in it, as the campaign compares it with the reference."""
    return without(found, stray_at(found, renamed, PATH))


@pytest.mark.parametrize("found", [item(DATA, MOVED, LOGS), item(MOVED, DATA, LOGS), item(DATA, LOGS, MOVED)])
def test_ours_came_back_beside_what_was_renamed(found: dict[str, Any]) -> None:
    assert left(found, item(MOVED, LOGS)) == item(DATA, LOGS)


def test_ours_that_did_not_come_back_is_missed() -> None:
    assert left(item(MOVED, LOGS), item(MOVED, LOGS)) != item(DATA, LOGS)


def test_anything_else_that_differs_is_seen() -> None:
    renamed = item(MOVED, LOGS)
    assert left(item(DATA, MOVED, {**LOGS, "name": "x"}), renamed) != item(DATA, LOGS)
    assert left(item(DATA, MOVED, LOGS, {"mountPath": "/more", "name": "d"}), renamed) != item(DATA, LOGS)
    assert left(item(LOGS, DATA, MOVED), renamed) != item(DATA, LOGS)


@pytest.mark.parametrize(
    "found", [item(DATA, LOGS), item(DATA, {**MOVED, "name": "x"}, LOGS), item(DATA, MOVED, MOVED)]
)
def test_what_was_renamed_must_be_there_once_and_as_it_was_made(found: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"/spec/mounts has [02] times"):
        stray_at(found, item(MOVED, LOGS), PATH)


def test_only_the_item_is_taken_out() -> None:
    value = {"a/b": [{"c": [1, 2]}, 3], "d": [1]}
    assert without(value, "/a~1b/0/c/1") == {"a/b": [{"c": [1]}, 3], "d": [1]}
    assert without(value, "/a~1b/1") == {"a/b": [{"c": [1, 2]}], "d": [1]}
    assert value == {"a/b": [{"c": [1, 2]}, 3], "d": [1]}


@pytest.mark.parametrize(
    ("act", "path", "stays"),
    [
        (Act.RENAME, "/spec/template/spec/containers/0/env/1/name", True),
        (Act.RENAME, "/spec/template/spec/containers/0/name", True),
        (Act.RENAME, "/spec/template/spec/containers/0/ports/0/containerPort", False),
        (Act.RENAME, "/spec/ports/1/protocol", False),
        (Act.CHANGE, "/spec/template/spec/containers/0/env/1/value", False),
    ],
)
def test_of_what_is_renamed_all_but_ports_stays(act: Act, path: str, *, stays: bool) -> None:
    assert leaves_a_stray(Drift("Deployment", "router", act, path)) is stays
