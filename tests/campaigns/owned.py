"""Fields of live objects that a manager has applied, and how another client could change each of them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.support.api import JSON_PATCH, ApiError, Space
from tools.fields.runs import FIELD_MANAGER

NOT_A_FIELD = "ownerReferences"
"""Without it an object is a stranger's, which is left alone: tests/integration/test_ownership.py."""


NOT_UNDONE = re.compile(
    r"PersistentVolumeClaim/spec/resources/requests/storage"  # a volume never shrinks
    r"|Deployment/.*/(containers|env|volumes)/\d+/name|Deployment/.*/volumeMounts/\d+/mountPath"
)
"""Kind and path of what cannot be changed back. Server-side apply knows items of lists by such names: one of another
name is another item, which stays as what somebody has added, and ours comes back beside it.
"""


class Act(StrEnum):
    """What another client does to an object or to one of its fields."""

    DELETE = "delete"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """``<kind>/<name>:<act>:<path>``; the path is a JSON pointer, empty for the object."""

    kind: str
    name: str
    act: Act
    path: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}:{self.act}:{self.path}"


def drifts_of(item: Mapping[str, Any]) -> Iterator[Drift]:
    """Give what can be done to the fields of an object that the operator has applied."""
    for path in owned_paths(item):
        for act in (Act.REMOVE,) if NOT_UNDONE.fullmatch(item["kind"] + path) else (Act.CHANGE, Act.REMOVE):
            yield Drift(item["kind"], item["metadata"]["name"], act, path)


def owned_paths(item: Mapping[str, Any]) -> Iterator[str]:
    """Give the JSON pointers of the leaves that the operator has applied."""
    for entry in item["metadata"].get("managedFields", []):
        if entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply":
            yield from _leaves(entry["fieldsV1"], item, "")


def _leaves(fields: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - decoded JSON
    inner = {key: below for key, below in fields.items() if key != "." and key[2:] != NOT_A_FIELD}
    if not inner and path:
        yield path
    for key, below in inner.items():
        found = _step(key, value)
        if found is not None:
            yield from _leaves(below, value[found], f"{path}/{_escaped(found)}")


def _step(key: str, value: Any) -> str | int | None:  # noqa: ANN401 - decoded JSON
    """Find where a key of ``fieldsV1`` leads to; None when it is not there any more."""
    style, _, text = key.partition(":")
    if style == "f":
        return text if text in value else None
    wanted = json.loads(text)
    for index, item in enumerate(value):
        if item == wanted if style == "v" else wanted.items() <= item.items():
            return index
    return None


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def do(space: Space, drift: Drift) -> bool:
    """Do it as another client; tell whether that has changed anything: the API server refuses or mends some."""
    if drift.act is Act.DELETE:
        space.delete(drift.kind, drift.name)
        if drift.kind == "PersistentVolumeClaim":  # its protection keeps it while pods use it
            space.patch(drift.kind, drift.name, {"metadata": {"finalizers": None}})
        return True
    before = space.get(drift.kind, drift.name)
    return any(_patched(space, drift, before, patch) for patch in _patches(drift, before))


def _patches(drift: Drift, before: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    if drift.act is Act.REMOVE:
        yield [{"op": "remove", "path": drift.path}]
        return
    for value in _others(_at(before, drift.path)):
        yield [{"op": "replace", "path": drift.path, "value": value}]


def _at(value: Any, path: str) -> Any:  # noqa: ANN401 - decoded JSON
    for part in path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def _others(value: Any) -> Iterator[Any]:  # noqa: ANN401 - decoded JSON
    """Give values of the same type; the first that the API server takes is used."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (
            value - 1,
            value + 1,
        )  # of pods rather fewer: more of them stay until an autoscaler says less
    elif isinstance(value, str):
        yield from (f"{value}-x", f"1{value}", f"/x{value}", "x", "1")
    elif isinstance(value, list):
        yield from (value[:-1], [])
    else:
        yield {}


def _patched(space: Space, drift: Drift, before: Mapping[str, Any], patch: list[dict[str, Any]]) -> bool:
    """Patch the object, unless that would be refused or change nothing; tell whether it was done."""
    path, query = space.path(drift.kind, drift.name), {"fieldManager": "tester"}
    try:
        after = space.api.request("PATCH", path, body=patch, kind=JSON_PATCH, dryRun="All", **query)
        if _content(after) == _content(before):
            return False
        space.api.request("PATCH", path, body=patch, kind=JSON_PATCH, **query)
    except ApiError:
        return False
    return True


def _content(item: Mapping[str, Any]) -> Mapping[str, Any]:
    accounts = ("managedFields", "resourceVersion", "generation")
    metadata = {name: value for name, value in item["metadata"].items() if name not in accounts}
    return {**{name: value for name, value in item.items() if name != "kind"}, "metadata": metadata}
