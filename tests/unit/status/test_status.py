"""Statuses: what is told becomes conditions, what dependents show becomes fields, and only changes are told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.expressions import Expression
from playbook_engine.objects import GroupVersionKind
from playbook_engine.status.compose import News, compose
from playbook_engine.status.conditions import Told, merged, read_conditions, read_told
from playbook_engine.status.derive import View, derive_conditions, derive_fields
from playbook_engine.status.notes import event, notes
from playbook_engine.watches.records import Case, DerivedCondition, DerivedField, Watch

TRUE, FALSE = Told(status="True", reason="Good", message="m"), Told(status="False", reason="Bad", message="m")
NOTHING = View(resource={}, owned={}, conditions={})
TOLD = st.builds(
    Told,
    status=st.sampled_from(["True", "False", "Unknown"]),
    reason=st.just("R"),
    message=st.text(max_size=5),
)


def watch(*conditions: DerivedCondition, fields: tuple[DerivedField, ...] = ()) -> Watch:
    kind = GroupVersionKind(group="", version="v1", kind="Pot")
    return Watch(gvk=kind, playbook=Path("p"), field_manager="m", conditions=conditions, fields=fields)


def derived(kind: str, *cases: tuple[str | None, str]) -> DerivedCondition:
    rows = [
        Case(when=Expression(when) if when else None, value={"status": status, "reason": "R", "message": "m"})
        for when, status in cases
    ]
    return DerivedCondition(type=kind, cases=tuple(rows))


def resource(**status: Any) -> dict[str, Any]:  # noqa: ANN401 - as the server has it
    metadata = {"name": "pot", "namespace": "ns", "uid": "u", "generation": 3}
    return {"apiVersion": "v1", "kind": "Pot", "metadata": metadata, "status": status}


class TestConditions:
    @given(st.dictionaries(st.sampled_from("ABC"), TOLD), st.dictionaries(st.sampled_from("ABC"), TOLD))
    def test_the_transition_time_moves_with_the_status_only(
        self, before: dict[str, Told], after: dict[str, Told]
    ) -> None:
        old = merged({}, before, generation=1, now="then")
        new = merged(old, after, generation=2, now="now")
        for kind, told in after.items():
            same = kind in before and before[kind].status == told.status
            assert new[kind]["lastTransitionTime"] == ("then" if same else "now")
        assert list(new) == sorted(new)
        assert merged(new, after, generation=2, now="later", keep=new) == new, "again changes nothing"

    def test_older_conditions_that_are_kept_stay_as_they_are(self) -> None:
        old = merged({}, {"A": TRUE, "B": TRUE}, generation=1, now="then")
        new = merged(old, {"B": FALSE}, generation=2, now="now", keep=("A",))
        assert new["A"] == old["A"]
        assert new["B"]["observedGeneration"] == 2

    @pytest.mark.parametrize(
        "given_",
        [{"status": "yes", "reason": "R"}, {"status": "True", "reason": "two words"}, "True", None, {}],
    )
    def test_what_is_no_condition_becomes_one_that_says_so(self, given_: object) -> None:
        told = read_told({"conditions": {"A": given_}})["A"]
        assert (told.status, told.reason) == ("Unknown", "WrongCondition")

    def test_a_status_that_yaml_made_a_boolean_is_understood(self) -> None:
        assert read_told({"conditions": {"A": {"status": True, "reason": "R"}}})["A"].status == "True"

    def test_a_condition_without_a_reason_gets_one(self) -> None:
        assert read_told({"conditions": {"A": {"status": "True"}}})["A"].reason == "NoReasonGiven"


class TestDerived:
    def test_the_first_case_that_holds_is_taken(self) -> None:
        view = View(resource={}, owned={"Pod": [{"ready": True}]}, conditions={})
        rows = watch(derived("A", ("owned.Pod[0].ready", "True"), (None, "False")))
        assert derive_conditions(rows, view, [])["A"].status == "True"

    def test_without_a_case_that_holds_there_is_no_condition(self) -> None:
        assert derive_conditions(watch(derived("A", ("`false`", "True"))), NOTHING, []) == {}

    def test_a_row_sees_the_conditions_of_runs_and_of_rows_above(self) -> None:
        rows = (
            derived("A", ("conditions.Run.status == 'True'", "True")),
            derived("B", ("conditions.A", "True")),
        )
        view = View(resource={}, owned={}, conditions={"Run": TRUE})
        assert set(derive_conditions(watch(*rows), view, [])) == {"A", "B"}

    def test_a_row_sees_what_only_the_status_looks_at(self) -> None:
        view = View(resource={}, owned={}, conditions={}, references={"pods": [{"broken": True}]})
        rows = watch(derived("A", ("references.pods[?broken]", "False")))
        assert set(derive_conditions(rows, view, [])) == {"A"}

    def test_a_field_that_is_null_is_left_out(self) -> None:
        fields = (
            DerivedField(name="none", expression=Expression("resource.nothing")),
            DerivedField(name="zero", expression=Expression("`0`")),
        )
        assert derive_fields(watch(fields=fields), NOTHING, {}, []) == {"zero": 0}

    def test_an_expression_that_fails_is_told_and_the_others_hold(self) -> None:
        rows = (derived("A", ("length(resource.number)", "True")), derived("B", (None, "True")))
        problems: list[str] = []
        view = View(resource={"number": 1}, owned={}, conditions={})
        assert set(derive_conditions(watch(*rows), view, problems)) == {"B"}
        assert "status condition A" in problems[0]


def refining(kind: str, *cases: tuple[str | None, str]) -> DerivedCondition:
    return replace(derived(kind, *cases), refines=True)


class TestRefined:
    """A condition that the playbook reports and objects have more to say about."""

    ROW = refining("Open", ("owned.Door[0].locked", "False"))

    def status(
        self, status: dict[str, Any], news: News, *doors: dict[str, Any], generation: int = 3
    ) -> dict[str, Any]:
        one = resource(**status)
        one["metadata"]["generation"] = generation
        return dict(compose(watch(self.ROW), one, {"Door": list(doors)}, news, "t").status)

    def test_objects_may_contradict_a_playbook_that_says_all_is_well(self) -> None:
        told = News(told={"Open": TRUE})
        assert read_conditions({"status": self.status({}, told)})["Open"]["status"] == "True"
        locked = self.status({}, told, {"locked": True})
        assert read_conditions({"status": locked})["Open"]["status"] == "False"
        assert read_conditions({"status": locked})["Degraded"]["status"] == "True"

    def test_what_the_playbook_said_is_back_when_objects_agree_again(self) -> None:
        """Also for an engine that has started anew: it knows nothing but the status."""
        locked = self.status({}, News(told={"Open": TRUE}), {"locked": True})
        again = self.status(locked, News(current=True), {"locked": False})
        found = read_conditions({"status": again})["Open"]
        assert (found["status"], found["reason"], found["message"]) == ("True", "Good", "m")

    def test_a_playbook_that_sees_something_wrong_has_the_last_word(self) -> None:
        row = refining("Open", (None, "True"))
        news = News(told={"Open": FALSE})
        found = compose(watch(row), resource(), {}, news, "t").status
        assert read_conditions({"status": found})["Open"]["reason"] == "Bad"
        later = compose(watch(row), resource(**found), {}, News(current=True), "t").status
        assert read_conditions({"status": later})["Open"]["reason"] == "Bad"

    def test_a_pass_that_changes_nothing_writes_nothing(self) -> None:
        locked = self.status({}, News(told={"Open": TRUE}), {"locked": True})
        assert self.status(locked, News(current=True), {"locked": True}) == locked

    def test_before_a_run_has_spoken_there_is_no_condition(self) -> None:
        assert "Open" not in read_conditions({"status": self.status({}, News(), {"locked": True})})

    def test_it_keeps_its_generation_until_a_run_or_a_settled_pass_confirms_it(self) -> None:
        first = self.status({}, News(told={"Open": TRUE}))
        failed = self.status(first, News(told={"Reconciled": FALSE}), generation=4)
        assert read_conditions({"status": failed})["Open"]["observedGeneration"] == 3
        settled = self.status(first, News(current=True), generation=4)
        assert read_conditions({"status": settled})["Open"]["observedGeneration"] == 4

    def test_the_reason_may_be_one_that_another_controller_chose(self) -> None:
        def reason(text: str) -> object:
            value = {
                "status": "False",
                "reason": "Locked",
                "reasonFrom": Expression("owned.Door[0].why"),
                "message": "m",
            }
            row = DerivedCondition(type="Open", cases=(Case(when=None, value=value),), refines=True)
            news = News(told={"Open": TRUE})
            found = compose(watch(row), resource(), {"Door": [{"why": text}]}, news, "t").status
            return read_conditions({"status": found})["Open"]["reason"]

        assert reason("KeyLost") == "KeyLost"
        assert reason("the key is lost") == "Locked", "the API server would not take it"


class TestValues:
    def test_values_see_those_before_them_and_rows_see_all(self) -> None:
        values = (
            DerivedField(name="door", expression=Expression("owned.Door | [0]")),
            DerivedField(name="colour", expression=Expression("values.door.colour")),
        )
        fields = (DerivedField(name="paint", expression=Expression("values.colour")),)
        row = derived("Red", ("values.colour == 'red'", "True"))
        known = replace(watch(row, fields=fields), values=values)
        found = compose(known, resource(), {"Door": [{"colour": "red"}]}, News(), "t").status
        assert found["paint"] == "red"
        assert "Red" in read_conditions({"status": found})

    def test_a_value_that_fails_is_told_and_is_null(self) -> None:
        values = (DerivedField(name="bad", expression=Expression("length(resource.number)")),)
        fields = (DerivedField(name="seen", expression=Expression("values.bad == `null`")),)
        known = replace(watch(fields=fields), values=values)
        found = compose(known, {**resource(), "number": 1}, {}, News(), "t")
        assert found.status["seen"] is True
        assert "status value bad" in found.problems[0]


class TestComposed:
    def test_what_runs_said_stays_until_they_say_otherwise(self) -> None:
        first = compose(
            watch(), resource(), {}, News(told={"A": TRUE}, fields={"colour": "red", "old": 1}), "t"
        ).status
        second = compose(watch(), resource(**first), {}, News(fields={"old": None}), "t").status
        assert (second["colour"], "old" in second) == ("red", False)
        assert read_conditions({"status": second})["A"]["status"] == "True"

    def test_a_current_pass_says_that_older_conditions_hold_for_this_generation(self) -> None:
        old = compose(watch(), resource(), {}, News(told={"A": TRUE}), "t").status
        newer = resource(**old)
        newer["metadata"]["generation"] = 4
        kept = read_conditions({"status": compose(watch(), newer, {}, News(), "t").status})
        held = read_conditions({"status": compose(watch(), newer, {}, News(current=True), "t").status})
        assert (kept["A"]["observedGeneration"], held["A"]["observedGeneration"]) == (3, 4)

    def test_a_false_condition_of_a_run_degrades_and_reconciled_comes_first(self) -> None:
        told = {"B": FALSE, "Reconciled": Told(status="False", reason="RunFailed", message="x")}
        found = read_conditions({"status": compose(watch(), resource(), {}, News(told=told), "t").status})
        assert found["Degraded"]["reason"] == "RunFailed"
        assert found["Degraded"]["message"] == "Reconciled: x; B: m"

    def test_what_waits_for_another_condition_does_not_repeat_its_words(self) -> None:
        cause = Told(status="False", reason="SecretNotFound", message="Secret a/b does not exist")
        waits = replace(cause, message=f"waiting for the cache: {cause.message}")
        told = {"CacheReady": cause, "GatewayReady": waits, "RouterReady": waits}
        found = read_conditions({"status": compose(watch(), resource(), {}, News(told=told), "t").status})
        assert (
            found["Degraded"]["message"] == f"CacheReady: {cause.message}; so too GatewayReady, RouterReady"
        )
        assert found["RouterReady"]["message"] == waits.message, "which is told where it is asked for"
        (event,) = notes({}, found, derived=(), silent=("Degraded",))
        assert event.message == f"CacheReady: {cause.message}"

    def test_while_a_condition_is_not_known_nobody_knows_whether_anything_is_wrong(self) -> None:
        told = {"B": TRUE, "C": Told(status="Unknown", reason="Unheard", message="no answer")}
        found = read_conditions({"status": compose(watch(), resource(), {}, News(told=told), "t").status})
        degraded = found["Degraded"]
        assert (degraded["status"], degraded["reason"], degraded["message"]) == (
            "Unknown",
            "Unheard",
            "C: no answer",
        )

    def test_what_objects_have_not_said_yet_is_waited_for_and_leaves_open_nothing(self) -> None:
        row = refining("Open", ("!(owned.Door)", "Unknown"))
        found = compose(watch(row), resource(), {"Door": []}, News(told={"Open": TRUE}), "t").status
        told = read_conditions({"status": found})
        assert (told["Open"]["status"], told["Degraded"]["status"]) == ("Unknown", "False")
        again = compose(watch(row), resource(**found), {"Door": []}, News(current=True), "t").status
        assert read_conditions({"status": again})["Degraded"]["status"] == "False"

    def test_what_is_wrong_comes_before_what_is_not_known(self) -> None:
        told = {"B": FALSE, "C": Told(status="Unknown", reason="Unheard", message="no answer")}
        found = read_conditions({"status": compose(watch(), resource(), {}, News(told=told), "t").status})
        assert (found["Degraded"]["status"], found["Degraded"]["message"]) == ("True", "B: m")

    def test_a_neutral_condition_that_is_not_known_leaves_open_nothing(self) -> None:
        told = {"A": Told(status="Unknown", reason="Unheard")}
        neutral = replace(watch(), neutral=("A",))
        found = compose(neutral, resource(), {}, News(told=told), "t").status
        assert read_conditions({"status": found})["Degraded"]["status"] == "False"

    def test_a_derived_condition_that_is_false_does_not_degrade(self) -> None:
        found = compose(watch(derived("Available", (None, "False"))), resource(), {}, News(), "t").status
        assert read_conditions({"status": found})["Degraded"]["status"] == "False"

    def test_a_neutral_condition_that_is_false_does_not_degrade(self) -> None:
        neutral = replace(watch(), neutral=("A",))
        found = compose(neutral, resource(), {}, News(told={"A": FALSE}), "t").status
        assert read_conditions({"status": found})["Degraded"]["status"] == "False"
        assert read_conditions({"status": found})["A"]["status"] == "False"

    def test_a_derived_field_whose_row_is_gone_is_gone(self) -> None:
        row = DerivedField(name="pieces", expression=Expression("owned.nothing"))
        found = compose(watch(fields=(row,)), resource(pieces=3), {}, News(), "t").status
        assert "pieces" not in found

    def test_the_digests_of_the_engine_stand_beside_what_roles_say_of_the_last_good_state(self) -> None:
        news = News(fields={"lastGood": {"revision": "r1"}}, last_good={"inputDigest": "i"})
        found = compose(watch(), resource(), {}, news, "t").status
        assert found["lastGood"] == {"revision": "r1", "inputDigest": "i"}
        failed = News(fields={"lastGood": {"revision": "r2"}})
        assert compose(watch(), resource(**found), {}, failed, "t").status["lastGood"]["revision"] == "r1"  # type: ignore[index]


class TestNotes:
    def conditions(self, **told: Told) -> dict[str, Any]:
        return merged({}, told, generation=1, now="t")

    def test_what_gets_wrong_and_what_is_right_again_is_told(self) -> None:
        wrong = list(notes({}, self.conditions(A=FALSE), derived=(), silent=()))
        assert [(note.warning, note.reason, note.message) for note in wrong] == [(True, "Bad", "A: m")]
        right = list(notes(self.conditions(A=FALSE), self.conditions(A=TRUE), derived=(), silent=()))
        assert [(note.warning, note.reason) for note in right] == [(False, "Good")]

    def test_what_stays_or_is_right_from_the_start_is_not_told(self) -> None:
        assert list(notes({}, self.conditions(A=TRUE), derived=(), silent=())) == []
        assert list(notes(self.conditions(A=FALSE), self.conditions(A=FALSE), derived=(), silent=())) == []

    def test_what_is_well_and_warns_is_told_once(self) -> None:
        told = read_told({"conditions": {"A": {"status": "True", "reason": "Good", "warning": True}}})
        new = self.conditions(**told)
        (note,) = notes({}, new, derived=(), silent=(), warned={"A"})
        assert (note.warning, note.reason) == (True, "Good")
        assert list(notes(new, new, derived=(), silent=(), warned={"A"})) == []

    def test_a_derived_condition_is_told_when_it_comes_true(self) -> None:
        assert list(notes({}, self.conditions(A=FALSE), derived=("A",), silent=())) == []
        assert len(list(notes({}, self.conditions(A=TRUE), derived=("A",), silent=()))) == 1

    def test_the_same_note_has_the_same_name_and_fits_the_limits(self) -> None:
        long = Told(status="False", reason="Bad", message="x" * 5000)
        (note,) = notes({}, self.conditions(A=long), derived=(), silent=())
        one, other = (event(note, resource(), component="c", now=now) for now in ("1", "2"))
        assert one["metadata"] == other["metadata"]
        assert len(str(one["message"])) <= 1024
