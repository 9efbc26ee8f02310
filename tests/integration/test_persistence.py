"""The volume through its life: made, grown, refused, put aside, kept and taken again."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.routers import Router
from tests.support.waiting import stays, wait_for

CLAIM, NAME = "PersistentVolumeClaim", "router-models"
PART_OF = "app.kubernetes.io/part-of"
OWNER = "vllm.ai/owner-uid"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
WAIT_SECONDS = 60.0

pytestmark = pytest.mark.usefixtures("operator")


def claim_of(space: Space, name: str = NAME) -> dict[str, Any]:
    found: dict[str, Any] | None = space.get(CLAIM, name)
    assert found is not None, f"no claim {name}"
    return found


def size_of(space: Space) -> str:
    return str(claim_of(space)["spec"]["resources"]["requests"]["storage"])


def comes_back(space: Space, kind: str, name: str) -> None:
    """Wait until the label of an object is ours again."""

    def is_back() -> bool:
        return bool(space.get(kind, name)["metadata"]["labels"][PART_OF] != "another")

    wait_for(is_back, timeout=WAIT_SECONDS, what=f"the label of {kind} comes back")


def owners_of(space: Space) -> list[str]:
    return [owner["uid"] for owner in claim_of(space)["metadata"].get("ownerReferences", [])]


def mounted(router: Router) -> str:
    """Return the claim that new pods mount, empty for none."""
    volumes = {one["name"]: one for one in router.deployment()["spec"]["template"]["spec"]["volumes"]}
    return str(volumes["models"].get("persistentVolumeClaim", {}).get("claimName", ""))


def default_class(space: Space) -> dict[str, Any]:
    found = [one for one in space.list("StorageClass") if annotation(one) == "true"]
    return dict(found[0])


def annotation(storage_class: dict[str, Any]) -> str:
    return str(storage_class["metadata"].get("annotations", {}).get(DEFAULT))


@pytest.fixture
def own_class(space: Space) -> Iterator[str]:
    """A StorageClass whose volumes somebody makes by hand, and which may grow."""
    name = f"class-{space.name}"
    given = {
        "provisioner": "example.com/nobody",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "Immediate",
    }
    space.create({"kind": "StorageClass", "metadata": {"name": name}, **given})
    yield name
    space.delete("StorageClass", name)


def test_a_claim_grows_and_never_shrinks(space: Space) -> None:
    router = Router.create(space, {"persistence": {"size": "5Gi", "annotations": {"example.com/a": "b"}}})
    router.wait_available()
    claim = claim_of(space)
    assert claim["spec"]["storageClassName"] == default_class(space)["metadata"]["name"]
    assert claim["metadata"]["annotations"]["example.com/a"] == "b"
    router.edit({"persistence": {"size": "8Gi"}})
    wait_for(lambda: size_of(space) == "8Gi", timeout=WAIT_SECONDS, what="the claim grows")
    router.wait_condition("PersistenceReady", "True")
    before = claim_of(space)
    router.edit({"persistence": {"size": "5Gi"}})
    condition = router.wait_condition("PersistenceReady", "False", reason="ImmutableField")
    assert f"{CLAIM} {space.name}/{NAME}" in condition["message"]
    assert "set spec.persistence.size to 8Gi or more" in condition["message"]
    assert claim_of(space)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert router.condition("Available")["status"] == "True"


def test_a_claim_that_another_client_grows_stays_and_is_in_the_way_of_nothing(space: Space) -> None:
    router = Router.create(space, {"persistence": {"size": "5Gi"}})
    router.wait_available()
    space.patch(CLAIM, NAME, {"spec": {"resources": {"requests": {"storage": "8Gi"}}}})
    condition = router.wait_condition("PersistenceReady", "False", reason="ImmutableField")
    assert "set spec.persistence.size to 8Gi or more" in condition["message"]
    for kind, name in ((CLAIM, NAME), ("Deployment", "router")):
        space.patch(kind, name, {"metadata": {"labels": {PART_OF: "another"}}})
        comes_back(space, kind, name)
    assert size_of(space) == "8Gi"
    assert router.condition("Available")["status"] == "True"


def test_what_cannot_change_is_told_and_the_claim_stays_the_same(space: Space, own_class: str) -> None:
    router = Router.create(space)
    router.wait_available()
    before = claim_of(space)
    router.edit({"persistence": {"storageClassName": own_class, "accessMode": "ReadWriteMany"}})
    message = router.wait_condition("PersistenceReady", "False", reason="ImmutableField")["message"]
    assert "spec.persistence.storageClassName" in message
    assert "spec.persistence.accessMode" in message
    assert claim_of(space)["spec"] == before["spec"]
    router.edit({"persistence": {"retentionPolicy": "Retain"}})
    wait_for(lambda: owners_of(space) == [], timeout=WAIT_SECONDS, what="the policy counts all the same")
    assert claim_of(space)["metadata"]["uid"] == before["metadata"]["uid"]


def test_a_claim_that_is_not_bound_yet_grows_when_it_is(
    space: Space, own_class: str, control_plane: DevCluster
) -> None:
    router = Router.create(space, {"persistence": {"storageClassName": own_class, "size": "1Gi"}})
    wait_for(lambda: space.get(CLAIM, NAME), timeout=WAIT_SECONDS, what="the claim")
    router.wait_condition("PersistenceReady", "True")
    router.edit({"persistence": {"size": "2Gi"}})
    router.wait_condition("PersistenceReady", "True", says="as soon as it is bound")
    assert size_of(space) == "1Gi"
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": space.name},
        "spec": {
            "storageClassName": own_class,
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": "/nowhere"},
        },
    }
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(volume))
    wait_for(lambda: size_of(space) == "2Gi", timeout=WAIT_SECONDS, what="the claim grows")


def test_without_a_default_class_nothing_is_made_until_there_is_one(space: Space) -> None:
    storage_class = default_class(space)["metadata"]["name"]
    space.patch("StorageClass", storage_class, {"metadata": {"annotations": {DEFAULT: "false"}}})
    try:
        router = Router.create(space)
        condition = router.wait_condition("PersistenceReady", "False", reason="NoDefaultStorageClass")
        assert "spec.persistence.storageClassName" in condition["message"]
        assert space.get(CLAIM, NAME) is None
        assert space.get("Deployment", "router") is None
    finally:
        space.patch("StorageClass", storage_class, {"metadata": {"annotations": {DEFAULT: "true"}}})
    router.wait_available()


def test_no_edit_deletes_data(space: Space) -> None:
    router = Router.create(space)
    router.wait_available()
    uid = claim_of(space)["metadata"]["uid"]
    router.edit({"persistence": {"enabled": False}})
    router.wait_available()
    router.wait_condition("PersistenceReady", "True", reason="Disabled", says=f"{NAME} keeps its data")
    assert mounted(router) == ""
    router.edit({"persistence": {"enabled": True, "existingClaim": "mine"}})
    router.wait_condition("PersistenceReady", "False", reason="ClaimNotFound", says=f"{space.name}/mine")
    assert mounted(router) == "", "pods are left alone"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    space.create({"kind": CLAIM, "metadata": {"name": "mine"}, "spec": spec})
    router.wait_available()
    router.wait_condition("PersistenceReady", "True", reason="ClaimFound")
    assert (mounted(router), claim_of(space, "mine")["metadata"].get("ownerReferences")) == ("mine", None)
    router.edit({"persistence": {"existingClaim": None}})
    router.wait_available()
    router.wait_condition("PersistenceReady", "True", reason="ClaimMade")
    assert (mounted(router), claim_of(space)["metadata"]["uid"]) == (NAME, uid)


def test_several_pods_on_a_volume_of_one_node_are_warned_of(space: Space) -> None:
    router = Router.create(space, {"replicas": 2})
    condition = router.wait_condition("PersistenceReady", "True", reason="OneNode", says="ReadWriteOnce")
    assert "2 pods share" in condition["message"]
    assert router.wait_condition("Degraded", "False")

    def warned() -> bool:
        """The Event is made after the status."""
        return [one["type"] for one in router.events() if one["reason"] == "OneNode"] == ["Warning"]

    wait_for(warned, timeout=WAIT_SECONDS, what="the Warning event comes")


def delete_in_foreground(router: Router, cluster: DevCluster) -> None:
    namespace = router.space.name
    cluster.kubectl("delete", "-n", namespace, "sr", router.name, "--cascade=foreground", "--timeout=60s")
    assert router.space.get("SemanticRouter", router.name) is None


def test_a_claim_goes_with_its_resource(space: Space, control_plane: DevCluster) -> None:
    router = Router.create(space)
    router.wait_available()
    delete_in_foreground(router, control_plane)
    wait_for(lambda: space.get(CLAIM, NAME) is None, timeout=WAIT_SECONDS, what="the claim goes")


def test_a_claim_that_is_kept_outlives_its_resource_and_is_taken_again(
    space: Space, control_plane: DevCluster
) -> None:
    retained = {"persistence": {"retentionPolicy": "Retain"}}
    first = Router.create(space, retained)
    first.wait_available()
    before, uid = claim_of(space), first.uid
    assert "ownerReferences" not in before["metadata"]
    assert before["metadata"]["annotations"][OWNER] == uid
    assert before["metadata"]["labels"]["app.kubernetes.io/instance"] == "router"
    delete_in_foreground(first, control_plane)
    stays(lambda: _is_whole(space, before), seconds=2)
    second = Router.create(space, retained)
    second.wait_available()
    second.wait_condition("PersistenceReady", "True")
    after = claim_of(space)
    assert (after["metadata"]["uid"], after["metadata"]["annotations"][OWNER]) == (
        before["metadata"]["uid"],
        second.uid,
    )
    second.edit({"persistence": {"retentionPolicy": "Delete"}})
    wait_for(lambda: owners_of(space) == [second.uid], timeout=WAIT_SECONDS, what="it goes with the resource")
    assert OWNER not in claim_of(space)["metadata"]["annotations"]
    second.edit(retained)
    wait_for(lambda: owners_of(space) == [], timeout=WAIT_SECONDS, what="it is kept again")
    assert claim_of(space)["metadata"]["annotations"][OWNER] == second.uid
    second.wait_available()


def _is_whole(space: Space, before: dict[str, Any]) -> None:
    claim = claim_of(space)
    assert claim["metadata"]["uid"] == before["metadata"]["uid"]
    assert "deletionTimestamp" not in claim["metadata"]


def test_a_claim_is_kept_whoever_wrote_its_owner_and_however_late_that_is_asked_for(space: Space) -> None:
    router = Router.create(space)
    router.wait_available()
    before = claim_of(space)
    (owner,) = before["metadata"]["ownerReferences"]
    space.patch(CLAIM, NAME, {"metadata": {"ownerReferences": [{**owner, "blockOwnerDeletion": False}]}})
    router.wait_available()
    router.edit({"persistence": {"retentionPolicy": "Retain"}})
    router.delete()
    wait_for(lambda: space.get("SemanticRouter", "router") is None, timeout=WAIT_SECONDS, what="it goes")
    stays(lambda: _is_whole(space, before), seconds=3)
    assert owners_of(space) == []


def test_a_claim_of_somebody_else_is_not_taken(space: Space) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    space.create({"kind": CLAIM, "metadata": {"name": NAME}, "spec": spec})
    before = claim_of(space)["metadata"]["uid"]
    router = Router.create(space)
    condition = router.wait_condition("RouterReady", "False", reason="Conflict")
    assert f"{CLAIM} {space.name}/{NAME}" in condition["message"]
    assert (owners_of(space), claim_of(space)["metadata"]["uid"]) == ([], before)
