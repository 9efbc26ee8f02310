"""Which files the volumes of a pod hold, decided from the objects that they name."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.pods.environment import field_value
from tests.support.pods.objects import Object, PodError, Reader, required

DEFAULT_MODE = 0o644


@dataclass(frozen=True, slots=True)
class File:
    """One file of a volume: its content and its mode."""

    content: bytes
    mode: int


type Files = dict[str, File]
"""Files by their path inside the volume."""

type Collector = Callable[[Mapping[str, Any], Object, Reader], Files]


def _contents(kind: str, data: Object) -> dict[str, bytes]:
    """Return the keys of a ConfigMap or Secret with their bytes."""
    decoded = {name: base64.b64decode(text) for name, text in (data.get("binaryData") or {}).items()}
    for name, text in (data.get("data") or {}).items():
        decoded[name] = base64.b64decode(text) if kind == "Secret" else text.encode()
    return decoded


def _keyed(kind: str, name: str, source: Object, reader: Reader) -> Files:
    """Return the files of a ConfigMap or Secret source: all its keys, or the ``items``."""
    mode = source.get("defaultMode", DEFAULT_MODE)
    if source.get("optional") and reader(kind, name) is None:
        return {}
    contents = _contents(kind, required(reader, kind, name))
    if "items" not in source:
        return {key: File(content, mode) for key, content in contents.items()}
    missing = [item["key"] for item in source["items"] if item["key"] not in contents]
    if missing and not source.get("optional"):
        message = f'{kind} "{name}" has no key {missing[0]!r} that a volume of the pod names'
        raise PodError(message)
    items = [item for item in source["items"] if item["key"] in contents]
    return {item["path"]: File(contents[item["key"]], item.get("mode", mode)) for item in items}


def _config_map(source: Object, _pod: Object, reader: Reader) -> Files:
    return _keyed("ConfigMap", source["name"], source, reader)


def _secret(source: Object, _pod: Object, reader: Reader) -> Files:
    return _keyed("Secret", source.get("secretName") or source["name"], source, reader)


def _downward(source: Object, pod: Object, _reader: Reader) -> Files:
    mode = source.get("defaultMode", DEFAULT_MODE)
    items = [item for item in source.get("items", []) if "fieldRef" in item]
    return {
        item["path"]: File(field_value(pod, item["fieldRef"]["fieldPath"]).encode(), mode) for item in items
    }


def _token(source: Object, _pod: Object, _reader: Reader) -> Files:
    return {source["path"]: File(b"a token that opens nothing", 0o600)}


def _projected(source: Object, pod: Object, reader: Reader) -> Files:
    mode = source.get("defaultMode", DEFAULT_MODE)
    files: Files = {}
    for projection in source["sources"]:
        ((kind, details),) = projection.items()
        files |= PROJECTED[kind]({"defaultMode": mode, **details}, pod, reader)
    return files


PROJECTED: Mapping[str, Collector] = {
    "configMap": _config_map,
    "secret": _secret,
    "downwardAPI": _downward,
    "serviceAccountToken": _token,
}
COLLECTORS: Mapping[str, Collector] = {
    "configMap": _config_map,
    "secret": _secret,
    "downwardAPI": _downward,
    "projected": _projected,
}
"""How to get the files of a volume, by the field of the volume that names its kind."""
