"""The notation of the CRD's sources: what a line becomes, and what a mistake in a source says."""

import pytest

from tools.generate.notation import Fragments, NotationError, schema

NONE = Fragments({})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bool default=true | Whether.", {"type": "boolean", "default": True}),
        (
            "int min=1 max=9 default=3 | Number.",
            {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
        ),
        ("int enum=3,6 | Layer.", {"type": "integer", "enum": [3, 6]}),
        ("enum=a,b default=b | Kind.", {"type": "string", "enum": ["a", "b"], "default": "b"}),
        ("string | Text.", {"type": "string", "maxLength": 1024}),
        ('string default="two words" | Text.', {"type": "string", "maxLength": 1024, "default": "two words"}),
        ("string default=1.0 | Text.", {"type": "string", "maxLength": 1024, "default": "1.0"}),
        ("string pattern=^a|b$ maxLength=9 | Text.", {"type": "string", "pattern": "^a|b$", "maxLength": 9}),
    ],
)
def test_a_line_becomes_a_schema(line: str, expected: dict[str, object]) -> None:
    description = line.partition(" | ")[2]
    assert schema("a", line, NONE) == expected | {"description": description}


def test_a_name_with_brackets_becomes_a_list_whose_description_and_bounds_are_its_own() -> None:
    found = schema("a", {"words[]": "string maxItems=3 maxLength=5 | Words."}, NONE)
    assert found["properties"] == {
        "words": {
            "type": "array",
            "description": "Words.",
            "maxItems": 3,
            "items": {"type": "string", "maxLength": 5},
        }
    }


def test_a_name_with_a_star_becomes_a_map() -> None:
    found = schema("a", {"labels.*": "string maxLength=63 | Labels."}, NONE)
    assert found["properties"] == {
        "labels": {
            "type": "object",
            "description": "Labels.",
            "maxProperties": 64,
            "additionalProperties": {"type": "string", "maxLength": 63},
        }
    }


def test_a_list_of_objects_has_keys_and_its_items_what_is_required() -> None:
    source = {
        "a[]": {
            "_": "Things.",
            "_keys": ["n"],
            "_bounds": {"maxItems": 2},
            "_required": ["n"],
            "n": "bool | N.",
        }
    }
    assert schema("x", source, NONE)["properties"]["a"] == {
        "type": "array",
        "description": "Things.",
        "maxItems": 2,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["n"],
        "items": {
            "type": "object",
            "properties": {"n": {"type": "boolean", "description": "N."}},
            "required": ["n"],
        },
    }


def test_a_fragment_is_taken_over_and_what_is_said_beside_it_wins() -> None:
    fragments = Fragments({"port": {"_": "A port.", "port": "int | Number."}})
    found = schema("x", {"api": {"_use": "port", "_": "The API's port."}}, fragments)
    assert found["properties"]["api"]["description"] == "The API's port."
    assert found["properties"]["api"]["properties"].keys() == {"port"}


def test_a_rule_that_came_later_lets_an_object_keep_what_it_had() -> None:
    later = {"rule": "size(self.a) > 1\n  && size(self.a) < 9", "message": "a is too short", "ratchet": True}
    assert schema("x", {"_rules": [later], "a": "string | A."}, NONE)["x-kubernetes-validations"] == [
        {"rule": "self == oldSelf || (size(self.a) > 1 && size(self.a) < 9)", "message": "a is too short"}
    ]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"a": "string"}, "x.a: no description"),
        ({"a": "text | A."}, "x.a: there is no type 'text'"),
        ({"a": "string maxlength=3 | A."}, "x.a: there is no option 'maxlength'"),
        ({"a": {"_use": "nothing"}}, "x.a: there is no fragment 'nothing'"),
        ({"a": 3}, "x.a: expected a line of text or a mapping"),
        ({"_rules": [{"rule": "true"}]}, "x: a rule has the keys"),
        ({"_rules": [{"rule": "true", "message": "a", "reason": "b"}]}, "x: a rule has the keys"),
    ],
)
def test_a_mistake_in_a_source_names_the_field(source: dict[str, object], words: str) -> None:
    with pytest.raises(NotationError, match=words):
        schema("x", source, NONE)
