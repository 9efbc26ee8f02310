"""Places in objects, as people name them: what differs between two runs, and where."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tools.fields.runs import Object, Run
from tools.fields.surroundings import NAME

FOLLOWS = "vllm.ai/"
"""Annotations of ours: they change when something else does, or stand for it."""

CONTENTS = (".yaml", ".json")
"""Endings of the names of files whose content is looked into."""


def differences(one: Run, other: Run) -> list[str]:
    """Return the places where what is applied differs, such as ``Deployment: spec.replicas``, sorted."""
    before, after = places(one), places(other)
    return sorted(place for place in before.keys() | after.keys() if before.get(place) != after.get(place))


def places(run: Run) -> dict[str, object]:
    """Return every value in what is applied by its place; a file in a ConfigMap is named in place of its ConfigMap."""
    revision = str((run.status.get("lastGood") or {}).get("revision") or " ")
    found: dict[str, object] = {}
    for item in run.applied:
        for path, value in _flat(item, ""):
            _, is_file, rest = path.partition("data.")
            file, has_content, place = (
                _split(rest) if is_file and item["kind"] == "ConfigMap" else ("", "", "")
            )
            text = value.replace(revision, "REVISION") if isinstance(value, str) else value
            found[f"{file}: {place}" if has_content else f"{_title(item)}: {path}"] = text
    return found


def _title(item: Object) -> str:
    """The kind, and for a second object of it what its name has behind that of the resource."""
    _, is_second, suffix = str(item["metadata"]["name"]).partition(f"{NAME}-")
    return f"{item['kind']} {suffix}" if is_second and item["kind"] == "Service" else str(item["kind"])


def _split(path: str) -> tuple[str, str, str]:
    """Part ``config.yaml.global.router`` after the file's name."""
    for ending in CONTENTS:
        name, found, rest = path.partition(ending)
        if found:
            return f"{name}{ending}", found, rest.removeprefix(".")
    return "", "", ""


def _flat(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            if not str(key).startswith(FOLLOWS):
                yield from _flat(_content(str(key), item), f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list) and value:
        named = all(isinstance(item, Mapping) and "name" in item for item in value)
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{item['name'] if named else index}]")
    else:
        yield path, value


def _content(key: str, value: Any) -> Any:  # noqa: ANN401 - any YAML
    if not (key.endswith(CONTENTS) and isinstance(value, str)):
        return value
    return json.loads(value) if value.startswith(("{", "[")) else yaml.load(value, yaml.CSafeLoader)
