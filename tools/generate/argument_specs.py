"""``roles/<role>/meta/argument_specs.yml``: what a role takes, from the CRD and the table of the roles.

The specification describes the custom resource; it must not change it. So no option inside the resource has a
default (the API server has filled those in), and a field that the role does not read is of type ``raw``.
"""

import json
from pathlib import Path
from typing import Any

from tools.generate.crd import spec_schema
from tools.generate.field_types import Schema
from tools.generate.files import CHECKOUT, dump
from tools.generate.roles import Role, roles

HEADER = "---\n# Made from crds/source/ and tools/generate/roles.yaml by `make generate`; change it there.\n"
TYPES = {
    "string": "str",
    "boolean": "bool",
    "integer": "int",
    "number": "float",
    "object": "dict",
    "array": "list",
}
# Values of these are kept out of what Ansible prints.
SECRETS = {"password", "api_key"}

type Option = dict[str, Any]

COMMON: dict[str, Option] = {
    "observed": {
        "type": "dict",
        "default": {},
        "description": "What was seen in the cluster before the run: references, errors, owned and apis.",
    },
    "field_manager": {
        "type": "str",
        "default": "semantic-router-operator",
        "description": "Field manager of every server-side apply.",
    },
}


def render() -> dict[Path, str]:
    """Every role's file and its content."""
    schema = spec_schema()
    return {
        CHECKOUT / "roles" / role.name / "meta" / "argument_specs.yml": HEADER
        + dump(shared(specification(role, schema)), aliases=True)
        for role in roles()
    }


def specification(role: Role, schema: Schema) -> dict[str, Any]:
    """The content of one file; ``schema`` is that of ``spec``."""
    main = {
        "short_description": first_sentence(role.about),
        "description": role.about,
        "options": variables(role, schema),
    }
    return {"argument_specs": {"main": main}}


def variables(role: Role, schema: Schema) -> dict[str, Option]:
    """The role's variables: the three that every role has, and its own."""
    found = {"resource": resource(role, schema)} | COMMON | role.variables
    return {f"{role.name}_{name}": dict(entry) for name, entry in found.items()}


def shared(content: Any, seen: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 -- YAML of any shape
    """With equal ``options`` as one object: Ansible reads these files in every run, 1 ms per kilobyte."""
    seen = {} if seen is None else seen
    if not isinstance(content, dict):
        return content
    result = {key: shared(value, seen) for key, value in content.items()}
    if "options" in result:
        result["options"] = seen.setdefault(json.dumps(result["options"]), result["options"])
    return result


def first_sentence(text: str) -> str:
    """Up to the first colon or full stop that ends something."""
    ends = [end for end in (text.find(": "), text.find(". ")) if end > 0]
    return text[: min(ends)] if ends else text.removesuffix(".")


def resource(role: Role, schema: Schema) -> Option:
    """The variable that holds the custom resource."""
    return {
        "type": "dict",
        "required": True,
        "description": "The SemanticRouter, as `kubectl get -o yaml` gives it.",
        "options": {
            "apiVersion": {"type": "str", "required": True, "description": "API version of the resource."},
            "kind": {"type": "str", "required": True, "description": "Always SemanticRouter."},
            "metadata": {"type": "dict", "required": True, "description": "Name, namespace, uid and labels."},
            "spec": {
                "type": "dict",
                "required": True,
                "description": schema["description"],
                "options": fields(role, "", schema),
            },
            "status": {"type": "dict", "description": "What was reported before."},
        },
    }


def fields(role: Role, path: str, schema: Schema) -> dict[str, Option]:
    """The options of an object."""
    required = schema.get("required", [])
    return {
        name: option(role, f"{path}.{name}".removeprefix("."), inner)
        | ({"required": True} if name in required else {})
        for name, inner in schema["properties"].items()
    }


def option(role: Role, path: str, schema: Schema) -> Option:
    """One field: written out when the role reads it, only named when not."""
    if role.looks_into(path):
        return read(role, path, schema)
    if role.passes_through(path):
        return described(schema, {"type": "dict", "options": fields(role, path, schema)})
    return described(schema, {"type": "raw"})


def read(role: Role, path: str, schema: Schema) -> Option:
    """A field that the role reads."""
    result: Option = {"type": TYPES.get(schema.get("type", ""), "raw")}
    inner = schema.get("items", schema)
    if "items" in schema:
        result["elements"] = TYPES.get(inner.get("type", ""), "raw")
    if "enum" in inner:
        result["choices"] = list(inner["enum"])
    if "properties" in inner and not role.hands(path):
        result["options"] = fields(role, f"{path}[]" if "items" in schema else path, inner)
    if path.rpartition(".")[2] in SECRETS:
        result["no_log"] = True
    return described(schema, result)


def described(schema: Schema, result: Option) -> Option:
    """With the CRD's description, and its default in words."""
    text = schema["description"]
    if "default" in schema:
        text = f"{text} The API's default is {default_text(schema['default'])}."
    return {"description": text} | result


def default_text(value: object) -> str:
    """A default as it stands in YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)
