"""Comparison of an object with a fragment: what a test says about it, and nothing more."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml


def differences(fragment: object, found: object, path: str = "") -> list[str]:
    """Return where ``found`` is not as ``fragment`` says; what is not in the fragment may be anything.

    Items of a list are found by their ``name`` when the fragment's have one, else by their place, and then there may
    be no others. A text is compared by its content when the fragment has a mapping or a list there.
    """
    return list(_differences(fragment, found, path))


def _differences(fragment: object, found: object, path: str) -> Iterator[str]:
    if isinstance(fragment, Mapping | list) and isinstance(found, str):
        found = yaml.safe_load(found)
    if isinstance(fragment, Mapping) and isinstance(found, Mapping):
        for key, item in fragment.items():
            yield from _differences(item, found.get(key), f"{path}.{key}".removeprefix("."))
    elif isinstance(fragment, list) and isinstance(found, list):
        yield from _of_lists(fragment, found, path)
    elif fragment != found:
        yield f"{path} is {found!r}, not {fragment!r}"


def _of_lists(fragment: list[Any], found: list[Any], path: str) -> Iterator[str]:
    if fragment and all(isinstance(item, Mapping) and "name" in item for item in fragment):
        named = {item.get("name"): item for item in found if isinstance(item, Mapping)}
        for item in fragment:
            yield from _differences(item, named.get(item["name"]), f"{path}[{item['name']}]")
    elif len(fragment) != len(found):
        yield f"{path} is {found!r}, not {fragment!r}"
    else:
        for index, (one, other) in enumerate(zip(fragment, found, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
