"""Names are converted as roles that were written for ansible-operator expect it, oddities included."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.compat.snake import snake_case, with_snake_case


@pytest.mark.parametrize(
    ("name", "converted"),
    [
        ("size", "size"),
        ("dbSize", "db_size"),
        ("aVeryLongName", "a_very_long_name"),
        ("already_snake", "already_snake"),
        ("snake_andCamel", "snake_and_camel"),
        ("", ""),
    ],
)
def test_a_capital_begins_a_word(name: str, converted: str) -> None:
    assert snake_case(name) == converted


@pytest.mark.parametrize(
    ("name", "converted"),
    [
        ("baseURL", "base_url"),
        ("useTLSHere", "use_tls_here"),
        ("jsonAPIVersion", "json_api_version"),
        ("egressIPs", "egress_i_ps"),
        ("aB", "ab"),
        ("aBC", "abc"),
        ("aBc", "a_bc"),
    ],
)
def test_a_run_of_capitals_is_one_word_up_to_its_last_letter(name: str, converted: str) -> None:
    assert snake_case(name) == converted


@pytest.mark.parametrize(
    ("name", "converted"),
    [
        ("port1", "port_1"),
        ("ipv4Address", "ipv_4_address"),
        ("http2", "http_2"),
        ("a1b2c", "a_1_b2c"),
        ("v2", "v_2"),
        ("1st", "1st"),
    ],
)
def test_digits_after_a_letter_are_a_word(name: str, converted: str) -> None:
    assert snake_case(name) == converted


@pytest.mark.parametrize(
    ("name", "converted"),
    [
        ("Size", "_size"),
        ("DBSize", "_db_size"),
        ("URLPath", "url_path"),
        ("HTTPServer", "http_server"),
        ("IPAddress", "ip_address"),
        ("HTTP2", "http_2"),
    ],
)
def test_a_capital_in_front_becomes_an_underscore_unless_it_is_of_an_acronym(
    name: str, converted: str
) -> None:
    assert snake_case(name) == converted


def test_spaces_and_dashes_become_underscores() -> None:
    assert snake_case("node-port") == "node_port"
    assert snake_case("two words") == "two_words"


def test_names_are_converted_at_every_depth_and_values_never() -> None:
    given = {"dbHost": {"hostName": "myHost"}, "someList": [{"itemName": "anItem"}, "aText", [{"inList": 1}]]}
    assert with_snake_case(given) == {
        "db_host": {"host_name": "myHost"},
        "some_list": [{"item_name": "anItem"}, "aText", [{"in_list": 1}]],
    }


@given(st.text(st.characters(codec="ascii", categories=("Lu", "Ll")), min_size=1))
def test_a_converted_name_has_small_letters_only_and_keeps_all_letters(name: str) -> None:
    converted = snake_case(name)
    assert re.fullmatch(r"_?[a-z]+(_[a-z]+)*", converted)
    assert converted.replace("_", "") == name.lower()
