"""When objects are due: one entry each, never two passes at once, and nothing that was asked for is lost."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.objects import GroupVersionKind, ObjectKey
from playbook_engine.queue.backoff import Backoff, spread, until_turn
from playbook_engine.queue.schedule import AGE_SECONDS, Priority, Schedule

POT = GroupVersionKind(group="", version="v1", kind="Pot")


def key(name: str) -> ObjectKey:
    return ObjectKey(gvk=POT, namespace="ns", name=name)


A, B = key("a"), key("b")


def test_of_equal_urgency_what_is_due_longest_comes_first() -> None:
    schedule = Schedule()
    schedule.add(A, Priority.RESYNC, 5.0)
    schedule.add(B, Priority.RESYNC, 3.0)
    assert [due.key for due in (schedule.take(9.0), schedule.take(9.0)) if due] == [B, A]


def test_nothing_comes_before_its_time() -> None:
    schedule = Schedule()
    schedule.add(A, Priority.CHANGE, 5.0)
    assert schedule.take(4.9) is None
    assert schedule.next_at() == 5.0
    assert schedule.take(5.0) is not None
    assert schedule.next_at() is None


def test_two_requests_for_one_object_are_one_with_the_earlier_time_and_the_more_urgent_reason() -> None:
    schedule = Schedule()
    schedule.add(A, Priority.CHANGE, 9.0)
    schedule.add(A, Priority.RESYNC, 2.0)
    due = schedule.take(2.0)
    assert due is not None
    assert (due.priority, due.at) == (Priority.CHANGE, 2.0)
    assert len(schedule) == 0


def test_a_request_during_the_work_waits_for_its_end() -> None:
    schedule = Schedule()
    schedule.add(A, Priority.CHANGE, 0.0)
    schedule.take(0.0)
    for _ in range(3):
        schedule.add(A, Priority.DEPENDENT, 0.0)
    assert schedule.take(1.0) is None
    schedule.done(A)
    assert schedule.take(1.0) is not None
    schedule.done(A)
    assert schedule.take(1.0) is None, "however often it was asked for, it is one more pass"


def test_what_is_forgotten_does_not_come() -> None:
    schedule = Schedule()
    schedule.add(A, Priority.CHANGE, 0.0)
    schedule.forget(A)
    assert schedule.take(1.0) is None


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["add", "take", "done"]), st.sampled_from("abc"), st.integers(0, 5)),
    max_size=60,
)


@given(ACTIONS)
def test_no_object_is_worked_on_twice_at_once_and_none_is_lost(actions: list[tuple[str, str, int]]) -> None:
    schedule, working, asked, now = Schedule(), set[ObjectKey](), set[ObjectKey](), 0.0
    for action, name, seconds in actions:
        now += 1.0
        if action == "add":
            schedule.add(key(name), Priority.CHANGE, now + seconds)
            asked.add(key(name))
        elif action == "done" and key(name) in working:
            working.discard(key(name))
            schedule.done(key(name))
        elif action == "take" and (due := schedule.take(now)):
            assert due.key not in working
            assert due.at <= now
            working.add(due.key)
            asked.discard(due.key)
    for one in working:
        schedule.done(one)
    left = set()
    while due := schedule.take(now + 10.0):
        left.add(due.key)
    assert left == asked


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(base=2.0, most=30.0, chance=lambda: 0.0)
    assert [backoff.wait(failures) for failures in (1, 2, 3, 4, 5, 1000)] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@given(st.floats(0, 1))
def test_chance_takes_at_most_a_fifth_off(chance: float) -> None:
    assert 80.0 <= spread(100.0, lambda: chance) <= 100.0


@given(st.text(max_size=40), st.floats(1.0, 1e5), st.floats(0.0, 1e7))
def test_each_object_has_its_turn_once_in_a_period(ident: str, period: float, now: float) -> None:
    wait = until_turn(ident, period, now)
    assert wait is not None
    assert 0.0 <= wait <= period
    then = until_turn(ident, period, now + wait + period / 1000)
    assert then is not None
    assert then == pytest.approx(period * 0.999, abs=period / 100)


def test_turns_are_spread_over_the_period() -> None:
    turns = sorted(until_turn(f"uid-{number}", 600.0, 0.0) or 0.0 for number in range(200))
    tenths = Counter(int(turn // 60) for turn in turns)
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) <= 40


def test_without_a_period_there_is_no_turn() -> None:
    assert until_turn("uid", 0.0, 1.0) is None


def test_an_edit_goes_before_two_hundred_resyncs_that_were_due_earlier() -> None:
    schedule = Schedule()
    for number in range(200):
        schedule.add(key(f"old-{number}"), Priority.RESYNC, 0.0)
    schedule.add(key("new"), Priority.CHANGE, 1.0)
    first = schedule.take(1.0)
    assert first is not None
    assert first.key == key("new")


def test_a_resync_that_has_waited_long_goes_before_an_edit() -> None:
    schedule = Schedule()
    schedule.add(key("old"), Priority.RESYNC, 0.0)
    schedule.add(key("new"), Priority.CHANGE, 2 * AGE_SECONDS + 1)
    first = schedule.take(2 * AGE_SECONDS + 1)
    assert first is not None
    assert first.key == key("old")
