"""What holds for every field: a description worth reading, a bound, and a structural schema."""

import json
from collections.abc import Callable

import pytest

from tests.unit.crd.schemas import CRD, Field, definition, fields, root

LARGEST_JSON = 150_000
LARGEST_FILE = 300_000
MOST = 500
# What OpenAPI allows and Kubernetes refuses, or allows only without use, in a structural schema.
NOT_STRUCTURAL = {"$ref", "allOf", "oneOf", "not", "definitions", "dependencies", "uniqueItems"}
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
PYTHON_TYPES = {"object": dict, "string": str, "integer": int, "boolean": bool, "int-or-string": str}
# These three are the API server's own.
OURS = [field for field in fields() if field.path not in {"apiVersion", "kind", "metadata"}]


def offenders(fits: Callable[[Field], bool], *types: str) -> list[str]:
    """Paths of the fields, of the types given, that something does not hold for."""
    looked_at = [field for field in OURS if not types or field.type in types]
    assert len(looked_at) > 20
    return [field.path for field in looked_at if not fits(field)]


def test_the_whole_resource_is_looked_at() -> None:
    assert len(OURS) > 800
    assert set(root()["properties"]) == {"apiVersion", "kind", "metadata", "spec", "status"}
    assert "Semantic Router" in root()["description"]


def test_every_field_has_a_description_that_says_more_than_its_name() -> None:
    assert offenders(is_described) == []


def is_described(field: Field) -> bool:
    """Items and values are spoken of in the description of their list or map."""
    description = field.schema.get("description", "")
    is_sentence = description.endswith(".") and description[0].isupper() and len(description.split()) >= 2
    return bool(field.is_element or (is_sentence and letters(description) != letters(field.name)))


def letters(text: str) -> str:
    """Letters and digits only, so that "max_entries" and "Max entries." are the same."""
    return "".join(filter(str.isalnum, text.lower()))


def test_every_list_is_bounded() -> None:
    assert offenders(lambda field: 1 <= field.schema.get("maxItems", 0) <= MOST, "array") == []


def test_every_text_is_bounded() -> None:
    bounds = {"maxLength", "enum", "format"}
    assert offenders(lambda field: bool(field.schema.keys() & bounds), "string", "int-or-string") == []


def test_every_object_names_its_fields_or_is_bounded() -> None:
    def fits(field: Field) -> bool:
        if field.schema.get("properties"):
            return "additionalProperties" not in field.schema
        return bool(1 <= field.schema.get("maxProperties", 0) <= MOST)

    assert offenders(fits, "object") == []


def test_every_field_is_structural() -> None:
    def fits(field: Field) -> bool:
        combined = field.schema.get("anyOf", INT_OR_STRING)
        has_combination = "anyOf" in field.schema
        is_known = field.type in {*PYTHON_TYPES, "array"} and not field.schema.keys() & NOT_STRUCTURAL
        return is_known and combined == INT_OR_STRING and has_combination == (field.type == "int-or-string")

    assert offenders(fits) == []


def test_a_required_field_exists_and_has_no_default() -> None:
    """What has a default need not be required."""

    def fits(field: Field) -> bool:
        properties = field.schema.get("properties", {})
        return all("default" not in properties[name] for name in field.schema.get("required", []))

    assert offenders(fits, "object") == []


def test_a_default_is_a_value_of_its_own_field() -> None:
    assert offenders(has_fitting_default) == []


def has_fitting_default(field: Field) -> bool:
    """Type, choices and range; the API server also looks at the pattern."""
    if "default" not in field.schema:
        return True
    default = field.schema["default"]
    if type(default) is not PYTHON_TYPES[field.type] or default not in field.schema.get("enum", [default]):
        return False
    if field.type != "integer":
        return True
    smallest, greatest = field.schema.get("minimum", default), field.schema.get("maximum", default)
    return bool(smallest <= default <= greatest)


def test_a_default_inside_an_absent_object_makes_nothing() -> None:
    """Only ``spec`` is an object with a default: an empty resource has none of the optional blocks."""
    found = [field.path for field in OURS if field.type in {"object", "array"} and "default" in field.schema]
    assert found == ["spec"]


def test_endpoints_variables_secrets_and_conditions_are_told_apart_by_their_names() -> None:
    lists = [field for field in OURS if field.schema.get("x-kubernetes-list-type") == "map"]
    assert {field.path: field.schema["x-kubernetes-list-map-keys"] for field in lists} == {
        "spec.vllmEndpoints": ["name"],
        "spec.env": ["name"],
        "spec.imagePullSecrets": ["name"],
        "status.conditions": ["type"],
    }
    for field in lists:
        assert set(field.schema["x-kubernetes-list-map-keys"]) <= set(field.schema["items"]["required"])


@pytest.mark.parametrize("field", ["apiVersion", "kind"])
def test_the_api_servers_own_fields_are_described_too(field: str) -> None:
    assert root()["properties"][field]["description"]


def test_the_definition_is_small_enough_to_be_kept_and_sent_often() -> None:
    assert len(json.dumps(definition(), separators=(",", ":"))) < LARGEST_JSON
    assert CRD.stat().st_size < LARGEST_FILE
