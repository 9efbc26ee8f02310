"""What others add stays, and who wins a fight over a field. Every field and object: tests/campaigns/test_drift.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.operators import USER
from tests.support.routers import CHILD_KINDS, Router, endpoint, service
from tests.support.waiting import meanwhile, stays, wait_for
from tools.fields.runs import FIELD_MANAGER

pytestmark = pytest.mark.usefixtures("operator")

BACK_SECONDS = 30.0
LABEL = "app.kubernetes.io/instance"


@pytest.fixture
def router(space: Space) -> Router:
    space.create(service())
    router = Router.create(space, {"vllmEndpoints": [endpoint()]})
    router.wait_available()
    return router


def test_a_foreign_field_stays(router: Router) -> None:
    space = router.space
    mark = {"metadata": {"annotations": {"example.com/note": "mine"}, "labels": {"team": "a"}}}
    marked = router.children(*CHILD_KINDS)
    for kind, name in marked:
        space.patch(kind, name, mark)
    space.patch(
        "Deployment", "router", {"spec": {"template": {"metadata": {"annotations": {"restarted": "1"}}}}}
    )
    router.edit({"podAnnotations": {"example.com/colour": "blue"}})
    router.wait_available()

    def kept() -> None:
        for key, child in router.children(*CHILD_KINDS).items():
            if key not in marked:
                continue  # the configuration of the new revision
            assert child["metadata"]["annotations"]["example.com/note"] == "mine"
            assert child["metadata"]["labels"]["team"] == "a"
        annotations = router.deployment()["spec"]["template"]["metadata"]["annotations"]
        assert annotations["restarted"] == "1", "`kubectl rollout restart` writes such an annotation"
        assert annotations["example.com/colour"] == "blue"

    stays(kept, seconds=2)


def test_a_field_that_another_manager_forces_is_taken_back(router: Router) -> None:
    space = router.space
    patch = {
        "kind": "Service",
        "metadata": {"name": "router"},
        "spec": {"selector": {"app.kubernetes.io/instance": "x"}},
    }
    space.apply(patch, manager="rival", force=True)
    wait_for(
        lambda: space.get("Service", "router")["spec"]["selector"]["app.kubernetes.io/instance"] == "router",
        timeout=BACK_SECONDS, what="the selector is corrected",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("Service", "router-headless", "/spec/ports/0/port"),
        ("Service", "router", "/spec/ports/1/port"),
        ("Deployment", "router", "/spec/template/spec/containers/0/ports/0/containerPort"),
    ],
)
def test_a_port_that_another_client_moves_comes_back_and_what_it_adds_stays(
    router: Router, kind: str, name: str, path: str
) -> None:
    """Server-side apply knows ports by their numbers: it would add ours beside the moved one, of the same name."""
    space, ports = router.space, path.rpartition("/")[0].rpartition("/")[0]
    before = at(space.get(kind, name), ports)
    (number,) = {"port", "containerPort"} & set(before[0])
    added = {"name": "theirs", number: 9}
    space.patch(
        kind, name,
        [{"op": "replace", "path": path, "value": 1}, {"op": "add", "path": f"{ports}/-", "value": added}],
    )  # fmt: skip

    def back() -> bool:
        found = {one["name"]: one[number] for one in at(space.get(kind, name), ports)}
        assert found == {**{one["name"]: one[number] for one in before}, "theirs": 9}
        return True

    wait_for(back, timeout=BACK_SECONDS, what="the port has its number again")
    router.wait_condition("Reconciled", "True")


def test_a_field_goes_though_another_client_has_cleared_the_accounts_of_all(router: Router) -> None:
    """The API server then has all that is there on the account of nobody, who never lets go of anything."""
    space = router.space
    router.edit({"podAnnotations": {"example.com/colour": "blue"}})
    router.wait_available()
    space.patch("Deployment", "router", {"metadata": {"labels": {"team": "a"}, "managedFields": [{}]}})

    def is_kept_again() -> bool:
        found = router.deployment()["metadata"].get("managedFields", [])
        return any((one["manager"], one["operation"]) == (FIELD_MANAGER, "Apply") for one in found)

    wait_for(is_kept_again, timeout=BACK_SECONDS, what="an account of what the operator applies")
    router.edit({"podAnnotations": None})

    def is_gone() -> bool:
        annotations = router.deployment()["spec"]["template"]["metadata"]["annotations"]
        return "example.com/colour" not in annotations

    wait_for(is_gone, timeout=BACK_SECONDS, what="what is not asked for any more goes")
    assert router.deployment()["metadata"]["labels"]["team"] == "a"
    router.wait_available()


def at(value: Any, path: str) -> Any:  # noqa: ANN401 - decoded JSON
    """Return what a JSON pointer leads to."""
    for part in path.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def test_a_deleted_pod_costs_no_run_and_comes_back(router: Router) -> None:
    space = router.space
    before = {pod["metadata"]["uid"] for pod in space.list("Pod", "app.kubernetes.io/instance=router")}
    for pod in space.list("Pod", "app.kubernetes.io/instance=router"):
        space.delete("Pod", pod["metadata"]["name"])

    def replaced() -> bool:
        now = {pod["metadata"]["uid"] for pod in space.list("Pod", "app.kubernetes.io/instance=router")}
        return bool(now) and now.isdisjoint(before)

    wait_for(replaced, timeout=BACK_SECONDS, what="another pod takes over")
    router.wait_available()


@contextmanager
def undoing(router: Router) -> Iterator[None]:
    """Another client that has its own idea of the Service, and never gives in."""
    theirs = {"spec": {"selector": {LABEL: "another"}}}

    def undo() -> None:
        found = router.space.get("Service", router.name)
        if found and found["spec"]["selector"][LABEL] != "another":
            router.space.patch("Service", router.name, theirs)

    with meanwhile(undo, each=0.05):
        yield


def test_what_another_client_undoes_each_time_is_told_and_not_fought_over(
    router: Router, audit: AuditLog
) -> None:
    with undoing(router):
        told = router.wait_condition("Reconciled", "False", reason="NotConverging")
        assert "Find out who else writes there" in told["message"]
        assert "Service" in told["message"]
        mark = audit.now()
        stays(lambda: None, seconds=8)
        again = [
            write
            for write in audit.writes(USER, mark)
            if (write.resource, write.namespace, write.name) == ("services", router.space.name, router.name)
        ]
        assert len(again) <= 3, "the waits between the tries grow: 2 s, 4 s, …"
    router.wait_condition("Reconciled", "True")
    assert router.space.get("Service", router.name)["spec"]["selector"][LABEL] == router.name
