"""Back to the last good revision at the word of an annotation, and forward again at the next edit."""

import json
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils import revisions
from ansible_collections.vllm.semantic_router.plugins.module_utils.rollback import (
    ANNOTATION,
    Course,
    course_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import REVISION_ANNOTATION

from tests.unit.content.routers import live, observed, resource

BAD: dict[str, Any] = {"image": {"tag": "bad"}}
GOOD = "good"


def template(revision: str, **labels: str) -> dict[str, Any]:
    metadata = {
        "annotations": {REVISION_ANNOTATION: revision},
        "labels": {"pod-template-hash": "x", **labels},
    }
    return {"metadata": {**metadata, "creationTimestamp": None}, "spec": {"serviceAccountName": "r"}}


def seen(*replica_sets: str) -> dict[str, Any]:
    """Return an observation with a Deployment of ours and ReplicaSets of these revisions, the oldest first."""
    found = observed({**live("Deployment"), "spec": {"template": template("bad")}})
    found["references"]["replica_sets"] = [
        {
            "deployment": "Deployment-1",
            "number": str(number),
            "has_pods": True,
            "template": template(name, n=str(number)),
        }
        for number, name in enumerate(replica_sets)
    ]
    return found


def router(
    request: str = "",
    *,
    generation: int = 2,
    good: str = GOOD,
    before: dict[str, Any] | None = None,
    **spec: Any,  # noqa: ANN401
) -> dict[str, Any]:
    given = json.loads(json.dumps(resource(**spec)))
    given["metadata"] |= {"generation": generation, "annotations": {ANNOTATION: request} if request else {}}
    given["status"] = {"lastGood": {"revision": good} if good else {}, "rollback": before}
    return dict(given)


def course(given: dict[str, Any], found: dict[str, Any] | None = None) -> Course:
    situation = Situation(given, found if found is not None else seen(GOOD, "bad"))
    return course_of(situation, revisions.revision_of(situation))


def test_without_the_annotation_the_way_is_forward() -> None:
    assert course(router(**BAD)) == Course()
    assert course(router(before={"request": "1", "active": True}, **BAD)).record is None


def test_the_pods_are_those_of_the_last_good_replica_set_to_the_letter() -> None:
    found = course(router("1", **BAD), seen(GOOD, GOOD, "bad"))
    expected = template(GOOD, n="1")
    del expected["metadata"]["labels"]["pod-template-hash"], expected["metadata"]["creationTimestamp"]
    assert found.template == expected, "of the newer one, so that no pod is made anew that is there"
    assert found.record is not None
    assert found.record["active"] is True
    assert found.condition is not None
    assert (found.condition.status, found.condition.reason) == ("False", "RolledBack")
    assert GOOD in found.condition.message
    assert ANNOTATION in found.condition.message


def test_the_configuration_that_failed_is_not_applied_while_the_pods_are_back() -> None:
    given, found = router("1", **BAD), seen(GOOD, "bad")
    plan = plans.router_plan(given, found)
    assert "ConfigMap" not in plan["wanted"]
    assert {"Deployment", "Service"} <= set(plan["wanted"])
    assert plan["template"]["metadata"]["annotations"] == {REVISION_ANNOTATION: GOOD}
    assert plan["conditions"]["RouterReady"]["reason"] == "RolledBack"
    assert plans.gateway_plan(given, found)["wanted"] == []
    name = f"r-config-{plan['revision']}"
    found["owned"]["ConfigMap"] = [live("ConfigMap", name)]
    assert [one["metadata"]["name"] for one in plans.router_plan(given, found)["unwanted"]] == [name]


def test_pods_go_back_even_when_the_specification_is_not_valid() -> None:
    backend = {"type": "kserve", "inferenceServiceName": "x"}
    endpoint = {"name": "e", "model": "m", "reasoningFamily": "none", "backend": backend}
    plan = plans.router_plan(router("1", vllmEndpoints=[endpoint]), seen(GOOD, "bad"))
    assert plan["wanted"] == ["Deployment"]
    assert plan["conditions"]["RouterReady"]["reason"] == "ConfigInvalid"
    assert plan["status"]["rollback"]["active"] is True


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (router("1", good="", **BAD), seen(GOOD, "bad")),
        (router("1", **BAD), seen("other", "bad")),
        (router("1", **BAD), observed()),
    ],
)
def test_where_there_is_nothing_to_go_back_to_the_request_is_spent(
    given: dict[str, Any], found: dict[str, Any]
) -> None:
    told = course(given, found)
    assert (told.template, told.condition) == (None, None)
    assert told.record is not None
    assert told.record["active"] is False


def test_a_request_while_all_is_well_does_not_bind_the_next_edit() -> None:
    well = router("1", **BAD)
    well["status"]["lastGood"]["revision"] = revisions.revision_of(Situation(well, seen(GOOD)))
    record = course(well).record
    assert course(router("1", generation=3, before=record, image={"tag": "worse"})).template is None


def again(request: str, generation: int, **spec: Any) -> Course:  # noqa: ANN401
    """Decide once more, after a roll-back of generation 2."""
    before = course(router("1", **BAD)).record
    return course(router(request, generation=generation, before=before, **spec))


def test_the_same_request_holds_as_long_as_nothing_changes() -> None:
    assert again("1", 2, **BAD).template is not None


def test_scaling_and_moved_backends_do_not_end_a_roll_back() -> None:
    assert again("1", 3, **BAD, replicas=5).template is not None
    weight = {
        "model": "m",
        "weight": 5,
        "name": "e",
        "backend": {"type": "kserve", "inferenceServiceName": "x"},
    }
    before = course(router("1", **BAD, vllmEndpoints=[{**weight, "weight": 1}])).record
    edited = router("1", generation=3, before=before, **BAD, vllmEndpoints=[weight])
    assert course(edited).template is not None


def test_an_upgrade_of_the_operator_does_not_end_a_roll_back() -> None:
    record = course(router("1", **BAD)).record
    assert record is not None
    other = {**record, "revision": "as the older operator had it"}
    assert course(router("1", before=other, **BAD)).template is not None


def test_scaling_and_then_an_upgrade_do_not_end_it_either() -> None:
    scaled = again("1", 3, **BAD, replicas=5).record
    assert scaled is not None
    upgraded = {**scaled, "revision": "as the older operator had it"}
    assert course(router("1", generation=3, before=upgraded, **BAD, replicas=5)).template is not None


def test_the_next_edit_goes_forward_and_stays_there() -> None:
    edited = again("1", 3, image={"tag": "better"})
    assert (edited.template, edited.condition) == (None, None)
    returned = router("1", generation=4, before=edited.record, **BAD)
    assert course(returned).template is None, "a request that is spent does not come back"


def test_another_value_is_another_request() -> None:
    spent = again("1", 3, image={"tag": "better"}).record
    assert course(router("2", generation=3, before=spent, image={"tag": "better"})).template is not None
