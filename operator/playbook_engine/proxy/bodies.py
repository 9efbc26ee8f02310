"""Reads what clients send: JSON, and YAML where the API server takes it. Nothing else can be changed on its way."""

import json
from typing import Any

from playbook_engine.watches.texts import NotYamlError, read_yaml

_BINARY = ("protobuf", "cbor")


class NotReadableError(Exception):
    """A body that is left as it is."""


def read_body(body: bytes, media: str) -> Any:  # noqa: ANN401 - whatever a client sends
    """Decode a body; raises NotReadableError."""
    if any(word in media for word in _BINARY):
        raise NotReadableError(f"a body of the type {media} is handed on as it is; send JSON")
    try:
        return json.loads(body)
    except ValueError:
        pass
    try:
        return read_yaml(body)
    except NotYamlError as error:
        raise NotReadableError(f"it is neither JSON nor YAML: {error}") from error
