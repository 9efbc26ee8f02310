"""What holds for every field: a description worth reading, a bound, and a structural schema."""

import json

import pytest

from tests.unit.crd.schemas import CRD, Field, definition, fields, root

LARGEST_JSON = 150_000
LARGEST_FILE = 250_000
# What OpenAPI allows and Kubernetes refuses, or allows only without use, in a structural schema.
NOT_STRUCTURAL = {
    "$ref",
    "allOf",
    "oneOf",
    "not",
    "definitions",
    "dependencies",
    "uniqueItems",
    "patternProperties",
}
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]

EVERY_FIELD = pytest.mark.parametrize("field", fields(), ids=lambda field: field.path)
NAMED = [field for field in fields() if not field.is_element]


def of_type(*types: str) -> list[Field]:
    return [field for field in fields() if field.type in types]


@pytest.mark.parametrize("field", NAMED, ids=lambda field: field.path)
def test_a_field_has_a_description_that_says_more_than_its_name(field: Field) -> None:
    description = field.schema.get("description", "")
    assert description.endswith((".", ")", "…")), "a sentence"
    assert len(description.split()) >= 2
    assert squeezed(description) != squeezed(field.name)


def squeezed(text: str) -> str:
    """Letters only, so that "max_entries" and "Max entries." are the same."""
    return "".join(filter(str.isalnum, text.lower()))


@pytest.mark.parametrize("field", of_type("array"), ids=lambda field: field.path)
def test_a_list_is_bounded(field: Field) -> None:
    assert 1 <= field.schema["maxItems"] <= 500


@pytest.mark.parametrize("field", of_type("string", "int-or-string"), ids=lambda field: field.path)
def test_a_text_is_bounded(field: Field) -> None:
    assert field.schema.keys() & {"maxLength", "enum", "format"}


@pytest.mark.parametrize("field", of_type("object"), ids=lambda field: field.path)
def test_a_map_is_bounded_and_an_object_names_its_fields(field: Field) -> None:
    if field.schema.get("properties"):
        assert "additionalProperties" not in field.schema
    else:
        assert 1 <= field.schema["maxProperties"] <= 500


@EVERY_FIELD
def test_a_field_is_structural(field: Field) -> None:
    assert not field.schema.keys() & NOT_STRUCTURAL
    assert field.type in {"object", "array", "string", "integer", "boolean", "int-or-string"}
    if field.type == "int-or-string":
        assert field.schema["anyOf"] == INT_OR_STRING
    else:
        assert "anyOf" not in field.schema


@pytest.mark.parametrize("field", of_type("object"), ids=lambda field: field.path)
def test_a_required_field_is_a_field_without_a_default(field: Field) -> None:
    properties = field.schema.get("properties", {})
    for name in field.schema.get("required", []):
        assert "default" not in properties[name], "what has a default need not be required"


@pytest.mark.parametrize("field", of_type("array"), ids=lambda field: field.path)
def test_the_keys_of_a_list_map_are_required(field: Field) -> None:
    if field.schema.get("x-kubernetes-list-type") == "map":
        assert set(field.schema["x-kubernetes-list-map-keys"]) <= set(field.schema["items"]["required"])


@EVERY_FIELD
def test_a_default_fits_its_own_field(field: Field) -> None:
    if "default" not in field.schema:
        return
    default = field.schema["default"]
    types = {"object": dict, "string": str, "integer": int, "boolean": bool}
    assert type(default) is types[field.type]
    assert default in field.schema.get("enum", [default])
    if field.type == "integer":
        assert field.schema.get("minimum", default) <= default <= field.schema.get("maximum", default)


def test_a_default_inside_an_absent_object_makes_nothing() -> None:
    """Only ``spec`` is an object with a default: an empty resource has none of the optional blocks."""
    assert [field.path for field in fields() if field.type == "object" and "default" in field.schema] == [
        "spec"
    ]


def test_endpoints_conditions_and_variables_are_maps_by_their_names() -> None:
    keys = {
        field.path: field.schema["x-kubernetes-list-map-keys"]
        for field in fields()
        if field.schema.get("x-kubernetes-list-type") == "map"
    }
    assert keys == {
        "spec.vllmEndpoints": ["name"],
        "spec.env": ["name"],
        "spec.imagePullSecrets": ["name"],
        "status.conditions": ["type"],
    }


def test_the_definition_is_small_enough_to_be_kept_and_sent_often() -> None:
    assert len(json.dumps(definition(), separators=(",", ":"))) < LARGEST_JSON
    assert CRD.stat().st_size < LARGEST_FILE


def test_the_root_says_what_the_resource_is() -> None:
    assert "Semantic Router" in root()["description"]
    assert set(root()["properties"]) == {"apiVersion", "kind", "metadata", "spec", "status"}
