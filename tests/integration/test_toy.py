"""The engine drives a kind that it has never heard of, by nothing but a watches file and two playbooks."""

import pytest

from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.operators import USER, OperatorUnderTest, conditions
from tests.support.toys import FINALIZER, Gate, Toy, runs, wait_passes
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("toymaker")


def test_a_toy_becomes_available_with_its_object_and_its_finalizer(space: Space) -> None:
    toy = Toy.create(space)
    made = toy.wait_made()
    assert made["metadata"]["finalizers"] == [FINALIZER]
    (owner,) = toy.config_map()["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Toy", made["metadata"]["uid"])
    assert toy.config_map()["data"]["workshop"] == "cellar", "a variable of the watches file"


def test_what_a_user_writes_is_never_templated_and_the_status_shows_it(space: Space) -> None:
    title = "{{ 6 * 7 }} {{ lookup('env', 'HOME') }} {% raw %}"
    toy = Toy.create(space, colour="red", title=title)
    made = toy.wait_made()
    assert toy.config_map()["data"]["title"] == title
    status = made["status"]
    assert (status["maker"], status["colour"], status["seen"]) == ("toy-maker", "red", 1)
    assert status["observedGeneration"] == made["metadata"]["generation"]
    told = conditions(made)
    assert list(told) == ["Available", "Degraded", "Reconciled", "ToyReady"]
    assert (told["Available"]["reason"], told["Available"]["message"]) == ("Painted", title)
    assert (told["ToyReady"]["status"], told["ToyReady"]["reason"]) == ("False", "PartsMissing")
    assert told["Degraded"]["message"] == "ToyReady: 0 parts"


def test_at_rest_nothing_is_written(toymaker: OperatorUnderTest, space: Space, audit: AuditLog) -> None:
    Toy.create(space).wait_made()
    Toy.create(space, name="other").wait_made()
    wait_passes(toymaker, 4)
    mark, ran = audit.now(), runs(toymaker)
    wait_passes(toymaker, 2 * 3)
    assert audit.writes(USER, mark) == []
    assert runs(toymaker) == ran


def test_a_field_of_ours_that_drifts_is_corrected_and_a_foreign_one_stays(space: Space) -> None:
    toy = Toy.create(space)
    toy.wait_made()
    space.patch("ConfigMap", "toy", {"data": {"title": "stolen", "foreign": "mine"}})
    toy.wait_data(title="toy", foreign="mine")


def test_a_deleted_object_is_back(space: Space) -> None:
    toy = Toy.create(space)
    toy.wait_made()
    uid = toy.config_map()["metadata"]["uid"]
    space.delete("ConfigMap", "toy")
    assert toy.wait_data(title="toy")["metadata"]["uid"] != uid
    toy.wait_made()


def test_a_reference_that_appears_or_changes_is_picked_up(space: Space) -> None:
    toy = Toy.create(space, parts=["wheel"])
    toy.wait_condition("ToyReady", "False", reason="PartsMissing")
    space.create({"kind": "ConfigMap", "metadata": {"name": "wheel"}, "data": {"shape": "round"}})
    toy.wait_data(parts="round")
    toy.wait_condition("ToyReady", "True", reason="Assembled")
    space.patch("ConfigMap", "wheel", {"data": {"shape": "square"}})
    toy.wait_data(parts="square")


def test_a_secret_is_read_by_name_and_never_listed_or_watched(space: Space, audit: AuditLog) -> None:
    mark = audit.now()
    toy = Toy.create(space, paints=["gloss"])
    toy.wait_made()
    toy.wait_data(paints="")
    secret = space.create(
        {"kind": "Secret", "metadata": {"name": "gloss"}, "stringData": {"tint": "top-secret"}}
    )
    toy.wait_data(paints=secret["metadata"]["resourceVersion"])
    secret = space.patch("Secret", "gloss", {"stringData": {"tint": "another-secret"}})
    toy.wait_data(paints=secret["metadata"]["resourceVersion"])
    assert audit.verbs(USER, "secrets", mark) == {"get"}
    assert audit.verbs(USER, "secrets").isdisjoint({"list", "watch"}), "nor when it started"


def test_only_an_annotation_that_the_watches_file_names_starts_a_run(
    toymaker: OperatorUnderTest, space: Space
) -> None:
    toy = Toy.create(space)
    toy.wait_made()
    wait_passes(toymaker, 2)
    before = runs(toymaker)
    toy.mark(annotations={"example.com/other": "now"}, labels={"team": "a"})
    wait_passes(toymaker, 2)
    assert runs(toymaker) == before
    toy.mark(annotations={"example.com/again": "now"})
    wait_for(lambda: runs(toymaker) == before + 1, timeout=20, what="the run that was asked for")
    wait_passes(toymaker, 2)
    assert runs(toymaker) == before + 1


def test_a_change_during_a_run_leads_to_exactly_one_more(
    toymaker: OperatorUnderTest, space: Space, gate: Gate
) -> None:
    before = runs(toymaker)
    toy = Toy.create(space, gate=str(gate.directory))
    gate.wait_arrived()
    for colour in ("red", "green", "blue"):
        toy.edit(colour=colour)
    gate.open()
    toy.wait_made()
    toy.wait_data(colour="blue")
    wait_passes(toymaker, 2)
    assert len(gate.arrived) == 2
    assert runs(toymaker) == before + 2


def test_finalizers_of_others_are_not_touched(space: Space) -> None:
    toy = Toy.create(space, finalizers=("example.com/other",))
    assert toy.wait_made()["metadata"]["finalizers"] == ["example.com/other", FINALIZER]
    toy.delete()
    others = ["example.com/other"]
    wait_for(lambda: toy.read()["metadata"]["finalizers"] == others, timeout=20, what="ours goes")
    space.patch("Toy", "toy", {"metadata": {"finalizers": None}})
    toy.wait_gone()


def test_the_log_has_no_traceback_and_no_secret(toymaker: OperatorUnderTest) -> None:
    assert "Traceback" not in toymaker.log
    assert "-secret" not in toymaker.log
