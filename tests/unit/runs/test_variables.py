"""Variables arrive in Ansible byte-equal, and those that are unsafe are marked as a whole."""

import copy
import json
import math
from types import MappingProxyType

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from playbook_engine.runs.variables import render_plain, render_variables

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Unsafe(list[object]):
    """What the tag stands for in these tests: a list of the one value."""


class Loader(yaml.SafeLoader):
    """YAML with the tag; as in Ansible, a lone scalar under the tag has its type guessed again."""


def _unsafe(loader: Loader, node: yaml.Node) -> Unsafe:
    inner = copy.copy(node)
    inner.tag = loader.resolve(type(node), node.value, (True, False))  # type: ignore[no-untyped-call]
    return Unsafe([loader.construct_object(inner, deep=True)])


Loader.add_constructor("!unsafe", _unsafe)


def load(text: str) -> object:
    return yaml.load(text, Loader=Loader)  # noqa: S506 - a subclass of the safe loader


@given(JSON)
def test_a_trusted_value_arrives_as_it_is(value: object) -> None:
    assert load(render_variables({"one": value}, unsafe=frozenset())) == {"one": value}


@given(JSON)
def test_an_unsafe_value_arrives_as_it_is(value: object) -> None:
    loaded = load(render_variables({"one": value}, unsafe=frozenset({"one"})))
    assert isinstance(loaded, dict)
    inner = loaded["one"][0] if isinstance(loaded["one"], Unsafe) else loaded["one"]
    assert (inner, type(inner)) == (value, type(value))


@given(st.dictionaries(st.text(), JSON, min_size=1) | st.lists(JSON, min_size=1))
def test_an_unsafe_container_is_marked_as_a_whole(value: object) -> None:
    loaded = load(render_variables({"one": value, "two": value}, unsafe=frozenset({"one"})))
    assert loaded == {"one": Unsafe([value]), "two": value}


@given(st.text())
@example("!")
@example("&")
@example("*")
def test_an_unsafe_text_without_a_mark_holds_nothing_that_could_be_a_template(text: str) -> None:
    loaded = load(render_variables({"one": text}, unsafe=frozenset({"one"})))
    assert isinstance(loaded, dict)
    assert isinstance(loaded["one"], Unsafe) or not set(text) & set("{}%#()[]'\"|")


@pytest.mark.parametrize(
    "number", [1e22, 1e-7, -0.0, 1.5, 123456789012345680.0, 5e-324, 1.7976931348623157e308]
)
def test_a_number_keeps_its_value_and_kind(number: float) -> None:
    loaded = load(render_variables({"one": number}, unsafe=frozenset()))
    assert isinstance(loaded, dict)
    assert isinstance(loaded["one"], float)
    assert (loaded["one"], math.copysign(1, loaded["one"])) == (number, math.copysign(1, number))


@pytest.mark.parametrize(
    "text", ["1", "true", "null", "~", "2026-01-01", "1e5", "0x10", "", "<<", "=", "1_000"]
)
def test_an_unsafe_text_that_looks_like_something_else_stays_a_text(text: str) -> None:
    assert load(render_variables({"one": text}, unsafe=frozenset({"one"}))) == {"one": text}


@pytest.mark.parametrize("length", [500, 1100, 70_000])
def test_a_long_key_arrives(length: int) -> None:
    value = {"é" * length: {"x": [1]}, "b": 2}
    assert load(render_variables({"one": value}, unsafe=frozenset({"one"}))) == {"one": Unsafe([value])}


def test_no_variables_are_an_empty_mapping() -> None:
    assert load(render_variables({}, unsafe=frozenset())) == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [b"x"]}, "variable one.a[0]: bytes has no place in JSON; convert it before the run"),
        ({"a": math.nan}, "variable one.a: nan or infinity has no place in JSON; convert it before the run"),
        ([{1: 2}], "variable one[0]: key 1 is no text; convert it before the run"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        render_variables({"one": value}, unsafe=frozenset())
    assert str(raised.value) == message


def test_the_plain_form_says_where_a_value_is_none_too() -> None:
    assert json.loads(render_plain({"one": {"a": ("x", MappingProxyType({"b": None}))}})) == {
        "one": {"a": ["x", {"b": None}]}
    }
    for value in ({"a": [b"x"]}, {"a": math.nan}):
        with pytest.raises(TypeError, match=r"variable one\.a.* has no place in JSON"):
            render_plain({"one": value})
