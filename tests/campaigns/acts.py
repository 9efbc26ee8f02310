"""Another client: it deletes objects, and changes, renames and removes what is in them."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.campaigns.owned import Act, Drift, at
from tests.campaigns.states import stable
from tests.support.api import JSON_PATCH, ApiError, Space

CHOICES = ("UDP", "NodePort", "Never", "Unconfined")
"""Where a field takes some words only."""


def do(space: Space, drift: Drift) -> dict[str, Any] | None:
    """Do it as another client; return the object as it is then, or as it was until it was deleted.

    None says that nothing has changed: the API server refuses or mends some.
    """
    before = live(space, drift)
    name = before["metadata"]["name"]
    if drift.act is Act.DELETE:
        space.delete(drift.kind, name)
        if drift.kind == "PersistentVolumeClaim":  # its protection keeps it while pods use it
            space.patch(drift.kind, name, {"metadata": {"finalizers": None}})
        return before
    if drift.act is Act.CLEAR:
        return dict(space.patch(drift.kind, name, {"metadata": {"managedFields": [{}]}}))
    done = (_patched(space, drift.kind, before, patch) for patch in _patches(drift, before))
    return next((after for after in done if after is not None), None)


def live(space: Space, drift: Drift) -> dict[str, Any]:
    """Return the object that is meant; raises AssertionError when it is not there."""
    names = {
        name for item in space.list(drift.kind) if stable(name := item["metadata"]["name"]) == drift.name
    }
    found = [space.get(drift.kind, name) for name in names]
    assert [bool(one) for one in found] == [True], f"{drift.object} is there {len(found)} times"
    return dict(found[0])


def _patches(drift: Drift, before: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    if drift.act is Act.REMOVE:
        yield [{"op": "remove", "path": drift.path}]
        return
    for value in (*others(at(before, drift.path)), *_of_siblings(before, drift.path)):
        yield [{"op": "replace", "path": drift.path, "value": value}]


def others(value: Any) -> Iterator[Any]:  # noqa: ANN401 - decoded JSON
    """Give values of the same type; the first that the API server takes is used."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (
            value - 1,
            value + 1,
        )  # of pods rather fewer: more of them stay until an autoscaler says less
    elif isinstance(value, str):
        yield from (f"{value}-x", f"1{value}", f"/x{value}", "x", "1", *CHOICES)
    elif isinstance(value, list):
        yield from (value[:-1], [])
        for index, item in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in others(item))
    else:
        yield {}  # what is added to it is somebody else's, and stays
        for name, member in value.items():
            yield from ({**value, name: other} for other in others(member))


def _of_siblings(item: Mapping[str, Any], path: str) -> Iterator[Any]:
    """Give what the same field has in other items of the list: another volume, for a mount."""
    above, _, name = path.rpartition("/")
    items = at(item, above.rpartition("/")[0]) if above else None
    if isinstance(items, list):
        yield from (one[name] for one in items if isinstance(one, dict) and name in one)


def _patched(
    space: Space, kind: str, before: Mapping[str, Any], patch: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Patch the object, unless that would be refused or change nothing; return it as it is then."""
    path, query = space.path(kind, before["metadata"]["name"]), {"fieldManager": "tester"}
    try:
        after = space.api.request("PATCH", path, body=patch, kind=JSON_PATCH, dryRun="All", **query)
        if _content(after) == _content(before):
            return None
        return dict(space.api.request("PATCH", path, body=patch, kind=JSON_PATCH, **query))
    except ApiError:
        return None


def _content(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out accounts, and what controllers tell."""
    accounts = ("managedFields", "resourceVersion", "generation")
    metadata = {name: value for name, value in item["metadata"].items() if name not in accounts}
    return {**{name: value for name, value in item.items() if name != "status"}, "metadata": metadata}
