"""What the operator made stays as it made it; what others add stays too."""

import pytest

from tests.support.api import Space
from tests.support.routers import CHILD_KINDS, Router, endpoint, service
from tests.support.waiting import stays, wait_for

pytestmark = pytest.mark.usefixtures("operator")

BACK_SECONDS = 30.0


@pytest.fixture
def router(space: Space) -> Router:
    space.create(service())
    router = Router.create(space, {"vllmEndpoints": [endpoint()]})
    router.wait_available()
    return router


@pytest.mark.parametrize("kind", CHILD_KINDS)
def test_a_deleted_child_is_back(router: Router, kind: str) -> None:
    space = router.space
    for name, uid in [(n, c["metadata"]["uid"]) for (_, n), c in router.children(kind).items()]:
        space.delete(kind, name)
        if kind == "PersistentVolumeClaim":  # its protection keeps it while pods use it
            space.patch(kind, name, {"metadata": {"finalizers": None}})

        def back(name: str = name, uid: str = uid) -> bool:
            found = space.get(kind, name)
            assert found is not None, "not there"
            assert found["metadata"]["uid"] != uid, "the old one"
            return True

        wait_for(back, timeout=BACK_SECONDS, what=f"{kind} {name} is back")
    router.wait_available()


EDITS = {
    "Deployment": {"spec": {"template": {"spec": {"serviceAccountName": "default"}}}},
    "Service": {"spec": {"selector": {"app.kubernetes.io/instance": "another"}}},
    "ServiceAccount": {"metadata": {"labels": {"app.kubernetes.io/instance": "another"}}},
    "ConfigMap": {"metadata": {"labels": {"app.kubernetes.io/instance": "another"}}},
    "PersistentVolumeClaim": {"metadata": {"labels": {"app.kubernetes.io/instance": "another"}}},
}


@pytest.mark.parametrize("kind", CHILD_KINDS)
def test_an_owned_field_that_somebody_changes_is_corrected(router: Router, kind: str) -> None:
    for _, name in router.children(kind):
        before = router.space.get(kind, name)
        router.space.patch(kind, name, EDITS[kind])

        def corrected(name: str = name, before: object = before) -> bool:
            assert owned(router.space.get(kind, name)) == owned(before)
            return True

        wait_for(corrected, timeout=BACK_SECONDS, what=f"{kind} {name} is corrected")
    router.wait_available()


def owned(child: object) -> object:
    """Return what an edit of EDITS changes, without what changes by itself."""
    assert isinstance(child, dict)
    spec = child.get("spec", {})
    template = spec.get("template", {}).get("spec", {}).get("serviceAccountName")
    return child["metadata"]["labels"], spec.get("selector"), template


def test_a_configuration_that_somebody_edits_is_corrected(router: Router) -> None:
    space = router.space
    maps = {n: c for (_, n), c in router.children("ConfigMap").items() if "immutable" not in c}
    for name, before in maps.items():
        key = next(iter(before["data"]))
        space.patch("ConfigMap", name, {"data": {key: "broken"}})
        wait_for(
            lambda n=name, b=before: space.get("ConfigMap", n)["data"] == b["data"],  # type: ignore[misc]
            timeout=BACK_SECONDS, what=f"the data of {name} are corrected",
        )  # fmt: skip
    router.wait_available()


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
