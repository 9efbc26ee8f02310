"""Items of lists that another client has given another key. Pure.

Server-side apply knows an item by its key: one of another key is another item. Ours comes back beside it, and it stays
as what somebody has added; docs/decisions/0070-renamed-items-stay.md says why, and which are taken away all the same.
"""

import re
from collections.abc import Mapping
from typing import Any

from tests.campaigns.owned import Act, Drift, at

TAKEN_AWAY = re.compile(r".*/ports/\d+/[a-zA-Z]+")
"""Keys of items that cannot stay beside ours: the API server refuses two ports of one name."""


def leaves_a_stray(drift: Drift) -> bool:
    """Tell whether what it renames stays."""
    return drift.act is Act.RENAME and not TAKEN_AWAY.fullmatch(drift.path)


def stray_at(found: Mapping[str, Any], renamed: Mapping[str, Any], path: str) -> str:
    """Return the JSON pointer of the item of an object ``found`` that is the very one which was ``renamed``.

    ``path`` is that of the key in the object that was renamed. Raises AssertionError unless there is exactly one.
    """
    item_path = path.rpartition("/")[0]
    items, item = item_path.rpartition("/")[0], at(renamed, item_path)
    places = [index for index, one in enumerate(at(found, items)) if one == item]
    assert len(places) == 1, f"{items} has {len(places)} times {item}: {at(found, items)}"
    return f"{items}/{places[0]}"


def without(value: Any, path: str) -> Any:  # noqa: ANN401 - decoded JSON
    """Return decoded JSON without the item of a list that a JSON pointer leads to."""
    step, _, rest = path.removeprefix("/").partition("/")
    name = step.replace("~1", "/").replace("~0", "~")
    if isinstance(value, list):
        index = int(name)
        return [*value[:index], *([without(value[index], rest)] if rest else []), *value[index + 1 :]]
    return {**value, name: without(value[name], rest)}
