import json

from playbook_engine.runs.lessons import MOST, Lessons

SOME = Lessons(
    files=frozenset({("/a.yml", True), ("/b.yml", False)}),
    modules=frozenset({"ansible.x"}),
    templates=frozenset({("{{ a }}", False, True)}),
)


def test_lessons_are_the_same_after_a_way_through_json() -> None:
    assert Lessons.of(json.loads(json.dumps(SOME.plain()))) == SOME


def test_only_what_is_new_is_told() -> None:
    more = SOME | Lessons(modules=frozenset({"ansible.y"}))
    assert more.new_to(SOME) == Lessons(modules=frozenset({"ansible.y"}))
    assert SOME.new_to(SOME) == Lessons()


def test_names_that_are_other_ones_in_each_run_do_not_add_up() -> None:
    known = Lessons()
    for number in range(MOST + 10):
        known |= Lessons(modules=frozenset({f"ansible.x{number}"})).new_to(known)
    assert len(known.modules) == MOST


def test_messages_hold_all_of_it_and_stay_small() -> None:
    many = Lessons(templates=frozenset((f"{number:05}" * 100, False, True) for number in range(1000)))
    messages = list(many.messages())
    assert max(map(len, messages)) < 70_000
    told = Lessons()
    for message in messages:
        told |= Lessons.of(json.loads(message))
    assert told == many


def test_nothing_takes_no_message() -> None:
    assert list(Lessons().messages()) == []
