"""The types that a line of ``crds/source/*.yaml`` may begin with, and the bounds of what says none."""

from collections.abc import Mapping
from typing import Any

type Schema = dict[str, Any]

FRACTION = r"^0(\.[0-9]+)?$|^1(\.0+)?$"
SIGN = r"(\+|-)?"
NUMBER = r"(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
QUANTITY = rf"^{SIGN}{NUMBER}(([KMGTPE]i)|[numkMGTPE]|([eE]{SIGN}{NUMBER}))?$"
SIZE = r"^([1-9][0-9]*(\.[0-9]+)?|0\.[0-9]*[1-9][0-9]*)([KMGTPE]i|[kMGTPE]|[eE]\+?[0-9]{1,2})?$"
LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
INT_OR_STRING: Schema = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}
DEFAULT_BOUNDS = {"maxLength": 1024, "maxItems": 64, "maxProperties": 64}

TYPES: Mapping[str, Schema] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "fraction": {"type": "string", "pattern": FRACTION, "maxLength": 32},
    "datetime": {"type": "string", "format": "date-time"},
    # Names of objects and hosts. Empty is the same as absent; `minLength=1` forbids it.
    "label": {"type": "string", "pattern": f"^({LABEL})?$", "maxLength": 63},
    "name": {"type": "string", "pattern": f"^({SUBDOMAIN})?$", "maxLength": 253},
    "hostname": {"type": "string", "pattern": rf"^((\*\.)?{SUBDOMAIN})?$", "maxLength": 253},
    "address": {"type": "string", "pattern": r"^\S*$", "maxLength": 512},
    "size": {"type": "string", "pattern": SIZE, "maxLength": 32},
    "quantity": INT_OR_STRING | {"pattern": QUANTITY, "maxLength": 64},
    "intstr": INT_OR_STRING | {"maxLength": 253},
    "any": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "maxProperties": DEFAULT_BOUNDS["maxProperties"],
    },
}
