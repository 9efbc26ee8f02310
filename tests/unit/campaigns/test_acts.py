"""What another client puts in place of a value: of the same type, and not the same."""

from itertools import islice
from typing import Any

import pytest

from tests.campaigns.acts import others


@pytest.mark.parametrize(
    "value", [True, 3, "a", [{"a": 1}], [1, 2], {"name": "s", "key": "k"}, [{"a": [{"b": "c"}]}]]
)
def test_another_value_is_one_of_the_same_type(value: Any) -> None:  # noqa: ANN401 - decoded JSON
    found = list(islice(others(value), 50))
    assert found
    assert {type(one) for one in found} == {type(value)}
    assert any(one != value for one in found)


def test_of_what_is_whole_to_the_api_server_each_part_is_changed() -> None:
    found = list(others([{"host": "h", "paths": [{"port": 1}]}]))
    assert [{"host": "h-x", "paths": [{"port": 1}]}] in found
    assert [{"host": "h", "paths": [{"port": 0}]}] in found


def test_nothing_is_added_to_what_is_empty() -> None:
    assert list(others({})) == [{}]
