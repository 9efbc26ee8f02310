"""What a project for ansible-operator may rely on, seen from outside."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.dropin.conftest import KINDS
from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest, conditions
from tests.support.toys import passes, runs
from tests.support.waiting import stays, wait_for

SECONDS = 240.0
"""A cold run takes seconds on an idle machine; the rest is room."""
PERIOD = "ansible.sdk.operatorframework.io/reconcile-period"
COPIED = {"dropin.example.com/copied": "yes"}


def make(
    space: Space, kind: str, name: str, *, annotations: dict[str, str] | None = None, **spec: object
) -> str:
    """Create a resource; give its uid."""
    assert kind in KINDS
    metadata = {"name": name, "annotations": annotations or {}}
    created = space.create({"kind": kind, "metadata": metadata, "spec": spec})
    return str(created["metadata"]["uid"])


def settled(space: Space, kind: str, name: str, *, failed: bool = False) -> dict[str, Any]:
    """Wait until a resource's conditions say that its last run has ended well, or failed; give it."""
    wanted = {"Successful": "False", "Failure": "True"} if failed else {"Successful": "True"}

    def holds() -> dict[str, Any]:
        found: dict[str, Any] | None = space.get(kind, name)
        assert found is not None
        told = {one: told["status"] for one, told in conditions(found).items()}
        assert wanted.items() <= told.items(), told
        return found

    return wait_for(holds, timeout=SECONDS, what=f"{kind} {name} is settled")


def data(space: Space, name: str) -> dict[str, str]:
    """Give the data of a ConfigMap; raises AssertionError when there is none."""
    found = space.get("ConfigMap", name)
    assert found is not None, f"no ConfigMap {name}"
    return dict(found.get("data") or {})


def wait_data(space: Space, name: str, **wanted: str) -> None:
    """Wait until a ConfigMap has these data."""

    def has() -> bool:
        assert wanted.items() <= data(space, name).items(), data(space, name)
        return True

    wait_for(has, timeout=SECONDS, what=f"{wanted} in {name}")


def at_rest(engine: OperatorUnderTest, action: Callable[[], object], *, count: int) -> None:
    """Do something that leads to exactly so many runs."""
    before = runs(engine)
    action()
    wait_for(lambda: runs(engine) >= before + count, timeout=SECONDS, what=f"{count} runs")

    def rests() -> None:
        begun = runs(engine) + engine.metric("playbook_engine_runs_in_progress")
        assert begun == before + count

    stays(rests, seconds=2.0)


def owners(space: Space, kind: str, name: str) -> list[tuple[str, str]]:
    """Give kind and uid of the owners of an object."""
    found = space.get(kind, name)
    assert found is not None, f"no {kind} {name}"
    return [(one["kind"], one["uid"]) for one in found["metadata"].get("ownerReferences", [])]


def test_a_playbook_gets_its_parameters_and_whatever_it_makes_belongs_to_the_resource(space: Space) -> None:
    uid = make(space, "Site", "site", siteTitle="Home", menuEntries=["a", "b"])
    found = settled(space, "Site", "site")
    assert data(space, "site-page") == {"title": "Home", "origin": "the environment"}
    assert data(space, "site-menu") == {"entries": "a b"}
    for kind, name in (
        ("ConfigMap", "site-page"),
        ("ConfigMap", "site-menu"),
        ("ConfigMap", "site-style"),
        ("Service", "site"),
    ):
        assert owners(space, kind, name) == [("Site", uid)]
    assert found["metadata"]["finalizers"] == ["dropin.example.com/parting"]
    told = conditions(found)
    assert set(told) == {"Running", "Successful", "Failure"}
    assert (told["Running"]["status"], told["Running"]["reason"]) == ("True", "Successful")
    assert told["Failure"]["status"] == "False"
    result = told["Running"]["ansibleResult"]
    assert (result["changed"], result["failures"]) == (4, 0)
    assert result["completion"]


def test_one_change_makes_one_run_and_what_the_run_writes_makes_none(
    engine: OperatorUnderTest, space: Space
) -> None:
    def create() -> None:
        make(space, "Site", "site", siteTitle="Home")
        settled(space, "Site", "site")

    at_rest(engine, create, count=1)

    def change() -> None:
        space.patch("Site", "site", {"spec": {"siteColour": "red"}})
        wait_data(space, "site-style", colour="red")
        settled(space, "Site", "site")

    at_rest(engine, change, count=1)
    (owner,) = owners(space, "ConfigMap", "site-style")
    assert owner[0] == "Site", "server-side apply has kept the reference"


def test_what_drifts_or_goes_is_put_right_whichever_way_it_was_made(
    engine: OperatorUnderTest, space: Space
) -> None:
    make(space, "Site", "site", siteTitle="Home", menuEntries=["a"], siteColour="red")
    settled(space, "Site", "site")
    wanted = {"site-page": {"title": "Home"}, "site-menu": {"entries": "a"}, "site-style": {"colour": "red"}}

    def steal(name: str) -> None:
        space.patch("ConfigMap", name, {"data": dict.fromkeys(wanted[name], "stolen")})
        wait_data(space, name, **wanted[name])

    for name in wanted:
        at_rest(engine, partial(steal, name), count=1)
    old = space.get("ConfigMap", "site-page")["metadata"]["uid"]
    space.delete("ConfigMap", "site-page")
    wait_for(
        lambda: (space.get("ConfigMap", "site-page") or {"metadata": {"uid": old}})["metadata"]["uid"] != old,
        timeout=SECONDS,
        what="the page is back",
    )


def test_the_state_of_a_dependent_makes_no_run_and_its_annotations_do(
    engine: OperatorUnderTest, space: Space
) -> None:
    make(space, "Site", "site", siteTitle="Home")
    settled(space, "Site", "site")
    condition = {
        "type": "Ready", "status": "True", "reason": "Yes", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"
    }  # fmt: skip
    before = runs(engine)
    space.patch("Service", "site", {"status": {"conditions": [condition]}}, subresource="status")
    at_rest(
        engine, lambda: space.patch("Service", "site", {"metadata": {"annotations": {"a": "b"}}}), count=1
    )
    assert runs(engine) == before + 1


def test_a_failure_is_told_with_the_message_of_the_task_and_is_over_when_the_cause_is(space: Space) -> None:
    make(space, "Site", "site")
    told = conditions(settled(space, "Site", "site", failed=True))
    assert "site site has no title" in told["Failure"]["message"]
    assert told["Failure"]["reason"] == "Failed"
    space.patch("Site", "site", {"spec": {"siteTitle": "Home"}})
    told = conditions(settled(space, "Site", "site"))
    assert told["Failure"]["status"] == "False"


def test_a_period_in_an_annotation_makes_runs_without_a_change(
    engine: OperatorUnderTest, space: Space
) -> None:
    make(space, "Site", "site", siteTitle="Home", annotations={PERIOD: "2s"})
    settled(space, "Site", "site")
    before = runs(engine)
    wait_for(lambda: runs(engine) >= before + 2, timeout=SECONDS, what="two runs more")
    space.patch("Site", "site", {"metadata": {"annotations": {PERIOD: "soon"}}})
    space.patch("Site", "site", {"spec": {"siteColour": "red"}})
    told = conditions(settled(space, "Site", "site", failed=True))
    assert "soon" in told["Failure"]["message"]


def test_finalizers_of_several_resources_run_and_let_go(space: Space) -> None:
    space.create({"kind": "ConfigMap", "metadata": {"name": "guests"}})
    names = ("one", "two", "three")
    for name in names:
        make(space, "Site", name, siteTitle=name)
    for name in names:
        settled(space, "Site", name)
    for name in names:
        space.delete("Site", name)
    wait_for(lambda: not space.list("Site"), timeout=SECONDS, what="the sites go")
    assert data(space, "guests") == dict.fromkeys(names, "parted")
    assert owners(space, "ConfigMap", "guests") == [], "it was there before, and is nobody's"


def test_a_role_with_names_as_they_are_and_a_finalizer_of_variables_only(space: Space) -> None:
    space.create({"kind": "ConfigMap", "metadata": {"name": "guests"}})
    make(space, "Gadget", "gadget", gadgetSize=7)
    settled(space, "Gadget", "gadget")
    assert data(space, "gadget-left") == data(space, "gadget-right") == {"size": "7"}
    space.delete("Gadget", "gadget")
    wait_for(lambda: not space.list("Gadget"), timeout=SECONDS, what="the gadget goes")
    assert data(space, "guests") == {"gadget": "gone with size 7"}
    assert space.get("ConfigMap", "gadget-left") is None


def test_the_variables_of_a_role(engine: OperatorUnderTest, space: Space) -> None:
    text = "{{ 6 * 7 }} {% raw %}"
    spec: dict[str, Any] = {
        "plainText": text,
        "nestedValue": {"innerKey": [{"deepKey": 1}]},
        "overridden": "by the resource",
    }
    uid = make(space, "Echo", "echo", **spec)
    settled(space, "Echo", "echo")
    heard = data(space, "echo")
    assert heard["plain_text"] == text, "unsafe texts are no templates"
    assert json.loads(heard["nested_value"]) == {"inner_key": [{"deep_key": 1}]}
    assert heard["overridden"] == "by the watches file"
    assert json.loads(heard["spec"]) == spec
    assert heard["uid"] == uid
    assert owners(space, "ConfigMap", "echo") == [("Echo", uid)]
    before = runs(engine)
    space.patch("ConfigMap", "echo", {"data": {"uid": "stolen"}})
    seen = passes(engine)
    make(space, "Echo", "other", **spec)
    settled(space, "Echo", "other")
    assert passes(engine) > seen
    assert runs(engine) == before + 1, "dependents of this kind are not watched"


def test_dependents_out_of_reach_of_a_reference(
    engine: OperatorUnderTest, space: Space, control_plane: DevCluster
) -> None:
    elsewhere = f"{space.name}-elsewhere"
    space.create({"kind": "Namespace", "metadata": {"name": elsewhere}})
    far, role = Space(space.api, elsewhere), f"{space.name}-zone"
    make(space, "Zone", "zone", elsewhere=elsewhere)
    settled(space, "Zone", "zone")
    wanted = {
        "operator-sdk/primary-resource": f"{space.name}/zone",
        "operator-sdk/primary-resource-type": "Zone.dropin.example.com",
    }
    for found in (control_plane.get("clusterrole", role), far.get("ConfigMap", "zone")):
        assert wanted.items() <= found["metadata"]["annotations"].items()
    assert owners(space, "Service", "zone") == [], "the kind is on the list of those that are left alone"
    at_rest(
        engine,
        lambda: control_plane.kubectl("label", "clusterrole", role, "zone=other", "--overwrite"),
        count=1,
    )
    assert control_plane.get("clusterrole", role)["metadata"]["labels"]["zone"] == "none"
    far.delete("ConfigMap", "zone")
    wait_for(lambda: far.get("ConfigMap", "zone"), timeout=SECONDS, what="the ConfigMap is back")
    control_plane.kubectl("delete", "clusterrole", role)
    space.delete("Namespace", elsewhere)


def test_the_modules_for_status_events_and_another_run(space: Space) -> None:
    uid = make(space, "Beacon", "beacon")

    def lit() -> dict[str, Any]:
        found: dict[str, Any] = space.get("Beacon", "beacon")
        assert found.get("status", {}).get("flashes") == 3, found.get("status")
        return found

    found = wait_for(lit, timeout=SECONDS, what="three flashes")
    told = conditions(found)
    assert set(told) == {"Lit"}, "the status is the role's alone"
    assert (told["Lit"]["status"], told["Lit"]["message"]) == ("True", "3 of 3")
    assert told["Lit"]["lastTransitionTime"]

    def told_of() -> dict[str, Any]:
        (event,) = [one for one in space.list("Event") if one["involvedObject"].get("uid") == uid]
        assert event["count"] == 3
        return dict(event)

    event = wait_for(told_of, timeout=SECONDS, what="three Events")
    assert (event["reason"], event["source"]["component"]) == ("Flashed", "beacon")


def test_a_core_kind_is_reconciled_where_its_labels_say_so_and_gets_no_status(space: Space) -> None:
    for name, labels in (("yes", COPIED), ("no", {})):
        metadata = {"name": name, "labels": labels}
        space.create({"kind": "Secret", "metadata": metadata, "stringData": {"word": name}})
    wait_data(space, "yes-copy", word="yes")
    (owner,) = owners(space, "ConfigMap", "yes-copy")
    assert owner == ("Secret", space.get("Secret", "yes")["metadata"]["uid"])
    assert space.get("ConfigMap", "no-copy") is None
    space.patch("Secret", "no", {"metadata": {"labels": COPIED}})
    wait_data(space, "no-copy", word="no")


def test_after_a_restart_dependents_are_watched_again(engine: OperatorUnderTest, space: Space) -> None:
    make(space, "Site", "site", siteTitle="Home")
    settled(space, "Site", "site")
    engine.stop()
    engine.start()
    wait_for(lambda: runs(engine) >= 1, timeout=SECONDS, what="the run after the start")
    space.patch("ConfigMap", "site-page", {"data": {"title": "stolen"}})
    wait_data(space, "site-page", title="Home")


def test_the_log_has_no_traceback_and_runs_have_left_nothing(engine: OperatorUnderTest, space: Space) -> None:
    del space
    assert "Traceback" not in engine.log
