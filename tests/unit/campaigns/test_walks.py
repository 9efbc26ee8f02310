"""Walks have numbers by which they can be gone again."""

from tests.campaigns.walking import EDITS, MOVES
from tests.campaigns.walks import STEPS, walk_of


def test_a_number_is_always_the_same_walk_and_each_is_another() -> None:
    walks = [walk_of(number) for number in (1, 2)]
    assert walks == [walk_of(number) for number in (1, 2)]
    assert walks[0] != walks[1]


def test_a_walk_is_more_than_the_simplest_one() -> None:
    walk = walk_of(1)
    names = [name for name, _ in walk.moves]
    assert len(names) == STEPS
    assert len(set(names)) > 1
    assert set(names) <= {*EDITS, *MOVES}
    assert all((spec is not None) == (name in EDITS) for name, spec in walk.moves)
