"""From one revision to the next, and back: pods that serve go on serving, whatever becomes of the new ones."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.pod_watch import watching_pods
from tests.support.routers import Router, endpoint, redis_cache, service
from tests.support.waiting import stays, wait_for

pytestmark = pytest.mark.usefixtures("operator")

NOWHERE = {"nodeSelector": {"example.com/no-such": "node"}}
NUMBER = "deployment.kubernetes.io/revision"
MILVUS = {"connection": {"host": "milvus", "port": 19530}}
CACHES: dict[str, dict[str, Any]] = {
    "redis": redis_cache(host="redis"),
    "milvus": {"semantic_cache": {"backend_type": "milvus", "milvus": MILVUS}},
    "hybrid": {"semantic_cache": {"backend_type": "hybrid", "milvus": MILVUS, "hnsw": {"use_hnsw": True}}},
    "memory": {"semantic_cache": {"backend_type": "memory", "milvus": None, "hnsw": None}},
}


def last_good(router: Router) -> str:
    return str(router.read()["status"].get("lastGood", {}).get("revision", ""))


def template_revision(router: Router) -> str:
    return str(router.deployment()["spec"]["template"]["metadata"]["annotations"]["vllm.ai/revision"])


def annotate(router: Router, **annotations: str | None) -> None:
    named = {f"vllm.ai/{name}".replace("_", "-"): value for name, value in annotations.items()}
    router.space.patch("SemanticRouter", router.name, {"metadata": {"annotations": named}})


def configs(router: Router) -> dict[str, dict[str, Any]]:
    """Return the ``config.yaml`` of each revision that has one."""
    return {
        child["metadata"]["labels"]["vllm.ai/revision"]: yaml.safe_load(child["data"]["config.yaml"])
        for child in router.children("ConfigMap").values()
        if "config.yaml" in child["data"]
    }


def ports_of_backends(router: Router) -> set[str]:
    return {
        reference["endpoint"].rpartition(":")[2]
        for document in configs(router).values()
        for model in document["providers"]["models"]
        for reference in model.get("backend_refs", ())
    }


def pods(space: Space) -> dict[str, dict[str, Any]]:
    found = space.list("Pod", "app.kubernetes.io/instance=router")
    return {pod["metadata"]["uid"]: pod for pod in found if "deletionTimestamp" not in pod["metadata"]}


def wait_pruned(router: Router) -> None:
    def alone() -> bool:
        assert set(configs(router)) == {template_revision(router)}
        return True

    wait_for(alone, timeout=60, what="the configuration of older revisions goes")


def test_a_cache_migrates_by_single_edits_without_a_moment_without_a_ready_pod(
    space: Space, control_plane: DevCluster, tmp_path: Path
) -> None:
    router = Router.create(space)
    router.wait_available()
    with watching_pods(control_plane, space.name, tmp_path / "pods.json") as history:
        for name, config in CACHES.items():
            number = int(router.deployment()["metadata"]["annotations"][NUMBER])
            router.edit({"config": config})
            router.wait_available()
            deployment = router.wait_rolled()
            assert int(deployment["metadata"]["annotations"][NUMBER]) == number + 1, (
                "one edit is one roll-out"
            )
            (document,) = [found for at, found in configs(router).items() if at == template_revision(router)]
            assert document["global"]["stores"]["response_cache"]["backend_type"] == name
            wait_for(
                lambda: last_good(router) == template_revision(router),
                timeout=30,
                what="it is the last good one",
            )
    assert history.fewest_ready >= 1
    assert len(history.nodes) == 1, "every pod was on the node of the volume"
    wait_pruned(router)


def test_a_roll_out_that_does_not_go_on_is_halted_told_and_taken_back(space: Space) -> None:
    space.create({**service(), "metadata": {"name": "model", "labels": {"app": "llama"}}})
    found_by_labels = {**endpoint(), "backend": {"type": "llamastack", "discoveryLabels": {"app": "llama"}}}
    router = Router.create(space, {"persistence": {"enabled": False}, "vllmEndpoints": [found_by_labels]})
    router.wait_available()
    good = wait_for(lambda: last_good(router), timeout=30, what="the first revision has proved itself")
    serving = pods(space)

    router.edit({**NOWHERE, "config": {"tools": {"top_k": 7}}})
    told = router.wait_condition("Progressing", "True", reason="RollingOut", says="is not scheduled")
    assert "pod router-" in told["message"]
    bad = template_revision(router)
    assert set(configs(router)) == {good, bad}
    assert last_good(router) == good

    space.patch("Service", "model", {"spec": {"ports": [{"port": 9000}]}})
    wait_for(
        lambda: ports_of_backends(router) == {"9000"},
        timeout=60,
        what="pods of both revisions follow the backend",
    )

    annotate(router, paused="true")
    router.wait_condition("Paused", "True")
    space.patch("Deployment", "router", {"spec": {"progressDeadlineSeconds": 1}})
    stalled = router.wait_condition("Progressing", "False", reason="RolloutStalled", says="is not scheduled")
    assert "pod router-" in stalled["message"]
    status = router.read()["status"]
    assert status["phase"] == "Degraded"
    assert router.condition("Degraded")["reason"] == "RolloutStalled"
    assert router.condition("Available")["status"] == "True"
    assert serving.keys() <= pods(space).keys()

    annotate(router, paused=None, rollback="now")
    router.wait_condition("RouterReady", "False", reason="RolledBack", says=good)
    router.wait_rolled()
    assert template_revision(router) == good
    assert pods(space).keys() == serving.keys(), "the pods that serve are not even started again"
    assert router.read()["status"]["rollback"]["active"] is True
    wait_pruned(router)

    router.edit({"nodeSelector": None, "podAnnotations": {"example.com/try": "2"}})
    router.wait_available()
    wait_for(lambda: last_good(router) not in ("", good, bad), timeout=30, what="the next edit goes forward")
    assert router.condition("RouterReady")["status"] == "True"
    assert router.read()["status"]["rollback"]["active"] is False
    wait_pruned(router)


def test_removing_the_annotation_goes_forward_again(space: Space) -> None:
    router = Router.create(space, {"persistence": {"enabled": False}})
    router.wait_available()
    good = wait_for(lambda: last_good(router), timeout=30, what="the first revision has proved itself")
    router.edit(NOWHERE)
    wait_for(lambda: template_revision(router) != good, timeout=60, what="the roll-out begins")
    annotate(router, rollback="1")
    router.wait_condition("RouterReady", "False", reason="RolledBack")
    wait_for(lambda: template_revision(router) == good, timeout=60, what="the pods go back")
    annotate(router, rollback=None)
    wait_for(lambda: template_revision(router) != good, timeout=60, what="the pods go forward")
    router.wait_condition("RouterReady", "True")
    assert "rollback" not in router.read()["status"]
    router.wait_condition("Progressing", "True", says="is not scheduled")
    assert last_good(router) == good


def test_the_last_addresses_stay_when_the_last_backend_goes(space: Space) -> None:
    space.create(service())
    router = Router.create(space, {"vllmEndpoints": [endpoint()], "persistence": {"enabled": False}})
    router.wait_available()
    before = {key: child["data"] for key, child in router.children("ConfigMap").items()}
    space.delete("Service", "model")
    router.wait_condition("BackendsReady", "False", reason="ServiceNotFound", says="stay in use")

    def kept() -> None:
        assert {key: child["data"] for key, child in router.children("ConfigMap").items()} == before

    stays(kept, seconds=2)
    space.create(service())
    router.wait_condition("BackendsReady", "True")


def test_a_volume_for_one_pod_announces_the_gap(space: Space) -> None:
    router = Router.create(space, {"persistence": {"accessMode": "ReadWriteOncePod"}})
    router.wait_condition("RouterReady", "True", reason="AppliedWithGaps", says="ReadWriteOncePod")
    assert router.deployment()["spec"]["strategy"] == {"type": "Recreate"}
    router.wait_available()
    assert "AppliedWithGaps" in {event["reason"] for event in router.events()}
