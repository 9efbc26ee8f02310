"""What the operator has applied of live objects, and what another client can do to each part of it. Pure."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.campaigns.states import stable
from tools.fields.runs import FIELD_MANAGER

NOT_A_FIELD = "ownerReferences"
"""Without it an object is a stranger's, which is left alone: tests/integration/test_ownership.py."""

GROWN = "PersistentVolumeClaim/spec/resources/requests/storage"
"""A volume never shrinks: tests/integration/test_persistence.py says what becomes of one that another client grows."""


class Act(StrEnum):
    """What another client does to an object, to one of its fields, or to the key of an item of a list."""

    DELETE = "delete"
    CHANGE = "change"
    RENAME = "rename"
    REMOVE = "remove"
    CLEAR = "clear"
    """Who has applied what, of the whole object."""


ACCOUNTS = "/metadata/managedFields"
OF_FIELDS, OF_KEYS, OF_ITEMS = (Act.CHANGE, Act.REMOVE), (Act.RENAME,), (Act.REMOVE,)
"""What can be done to each; without its key the API server takes no item."""


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """``<kind>/<name>:<act>:<path>``; the path is a JSON pointer, empty for the object.

    In the name, ``<revision>`` stands for what differs from life to life.
    """

    kind: str
    name: str
    act: Act
    path: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}:{self.act}:{self.path}"

    @property
    def object(self) -> str:
        """The object, as a state names it."""
        return f"{self.kind}/{self.name}"

    @classmethod
    def of(cls, item: Mapping[str, Any], act: Act, path: str = "") -> "Drift":
        """Do something to a live object."""
        return cls(item["kind"], stable(item["metadata"]["name"]), act, path)


def drifts_of(item: Mapping[str, Any]) -> Iterator[Drift]:
    """Give what can be done to the fields of an object that the operator has applied."""
    owned = list(owned_paths(item))
    if owned:
        yield Drift.of(item, Act.CLEAR, ACCOUNTS)
    for path, acts in owned:
        if item["kind"] + path != GROWN:
            yield from (Drift.of(item, act, path) for act in acts)


def owned_paths(item: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Act]]]:
    """Give the JSON pointers of what the operator has applied, each with what can be done to it."""
    for account in accounts(item):
        yield from _paths(account["fieldsV1"], item, "")


def accounts(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the accounts of what the operator has applied; there is one, unless somebody has cleared them."""
    entries = item["metadata"].get("managedFields", [])
    return [one for one in entries if (one["manager"], one["operation"]) == (FIELD_MANAGER, "Apply")]


def _paths(
    fields: Mapping[str, Any],
    value: Any,  # noqa: ANN401 - decoded JSON
    path: str,
    keys: Collection[str] = (),
) -> Iterator[tuple[str, Sequence[Act]]]:
    """Walk through ``fieldsV1``; ``keys`` are the fields by which the value is known in the list that it is in."""
    for key, below in _inner(fields).items():
        found = _step(key, value)
        if found is None:
            continue
        here = f"{path}/{_escaped(found)}"
        if key.startswith("k:"):
            yield here, OF_ITEMS
            yield from _paths(below, value[found], here, json.loads(key[2:]))
        elif below.keys() - {"."}:
            yield from _paths(below, value[found], here)
        else:
            yield here, OF_KEYS if found in keys else OF_FIELDS


def _inner(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: below for key, below in fields.items() if key != "." and key[2:] != NOT_A_FIELD}


def at(value: Any, path: str) -> Any:  # noqa: ANN401 - decoded JSON
    """Return what a JSON pointer leads to."""
    for part in path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


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
