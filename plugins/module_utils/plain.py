"""Values without Ansible's types, and the texts that are made of them.

Ansible hands filters dictionaries that template their values when they are read, and strings that carry the
place they come from. Results of filters are made of Python's own types: such strings are never templates, and
YAML and JSON know how to write them.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

type Plain = bool | int | float | str | list[Plain] | dict[str, Plain] | None
"""What JSON can hold."""

type Object = Mapping[str, Any]
"""A Kubernetes object, or a part of one, as decoded JSON; never changed in place."""


def plain(value: object) -> Any:  # noqa: ANN401 - as deep as the value
    """Copy ``value`` into Python's own types; raises TypeError for what JSON cannot hold."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    message = f"{type(value).__name__} {value!r} has no place in an object"
    raise TypeError(message)


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - as deep as the value
    """Leave out members of mappings that are null, at any depth.

    A manifest can so name every optional field. What is empty stays: ``emptyDir: {}`` and an empty label
    selector of the user's mean something.
    """
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


class _Dumper(yaml.SafeDumper):
    """Quotes texts that other readers of YAML than Python's take for something else."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
_Dumper.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?0o[0-7]+$"), list("-+0"))


_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON allows in a text as it is, and YAML does not, or takes for the end of a line."""


def to_json(value: object) -> str:
    """Write ``value`` as JSON for people, the same text for the same value; readers of YAML read the same from it."""
    text = json.dumps(plain(value), indent=2, sort_keys=True, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def to_yaml(value: object) -> str:
    """Write ``value`` as YAML, the same text for the same value."""
    text: str = yaml.dump(plain(value), Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=120)
    return text


def from_yaml(text: str) -> Any:  # noqa: ANN401 - as deep as the text says
    """Read YAML; raises ValueError when it is none."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def digest(value: object) -> str:
    """Return the SHA-256 (hex) of ``value`` as canonical JSON: keys sorted, no white space."""
    canonical = json.dumps(plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
