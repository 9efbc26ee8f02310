"""Wrong input is answered with what the user needs to know, at once or in a condition, and heals without a kick."""

import json

import pytest
import yaml

from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.routers import Router, endpoint, redis_cache, service
from tests.support.waiting import stays, wait_for

pytestmark = pytest.mark.usefixtures("operator")


def refusal(cluster: DevCluster, space: Space, spec: object) -> str:
    """Return kubectl's words when it applies a resource that is refused."""
    resource = {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": {"name": "router"},
        "spec": spec,
    }
    done = cluster.kubectl("apply", "-n", space.name, "-f", "-", stdin=json.dumps(resource), check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_an_unknown_field_is_refused_by_its_path(space: Space, control_plane: DevCluster) -> None:
    words = refusal(control_plane, space, {"config": {"semantic_cache": {"similarity": "0.8"}}})
    assert 'unknown field "spec.config.semantic_cache.similarity"' in words


def test_a_dimension_that_does_not_fit_the_model_is_refused(space: Space, control_plane: DevCluster) -> None:
    cache = redis_cache(host="redis")
    cache["semantic_cache"] |= {"embedding_model": "qwen3"}
    cache["semantic_cache"]["redis"]["index"] = {"vector_field": {"dimension": 384}}
    words = refusal(control_plane, space, {"config": cache})
    assert "dimension" in words
    assert "1024" in words
    assert "qwen3" in words


def test_a_redis_cache_without_a_host_is_refused(space: Space, control_plane: DevCluster) -> None:
    words = refusal(control_plane, space, {"config": redis_cache(port=6379)})
    assert "host" in words
    assert "redis" in words


def test_a_dimension_that_only_the_default_model_contradicts_is_told(space: Space) -> None:
    cache = redis_cache(host="redis")
    cache["semantic_cache"]["redis"]["index"] = {"vector_field": {"dimension": 1024}}
    router = Router.create(space, {"config": cache})
    condition = router.wait_condition("CacheReady", "False", says="384")
    assert "bert" in condition["message"]
    assert "dimension" in condition["message"]


def test_a_missing_secret_is_named_and_its_arrival_noticed(space: Space) -> None:
    reference = {"name": "redis-credentials", "key": "password"}
    router = Router.create(space, {"config": redis_cache(host="redis", password_secret_ref=reference)})
    router.wait_condition("CacheReady", "False", says="redis-credentials")
    space.create(
        {"kind": "Secret", "metadata": {"name": "redis-credentials"}, "stringData": {"passwort": "x"}}
    )
    router.wait_condition("CacheReady", "False", says="password")
    space.patch("Secret", "redis-credentials", {"stringData": {"password": "top-secret-word"}})
    router.wait_condition("CacheReady", "True")
    router.wait_available()


def test_a_storage_class_that_does_not_exist_is_named_and_its_arrival_noticed(space: Space) -> None:
    name = f"class-{space.name}"
    router = Router.create(space, {"persistence": {"storageClassName": name}})
    router.wait_condition("PersistenceReady", "False", says=name)
    default = next(
        item for item in space.list("StorageClass")
        if item["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    )  # fmt: skip
    copy = {key: value for key, value in default.items() if key != "metadata"}
    space.create({**copy, "kind": "StorageClass", "metadata": {"name": name}})
    try:
        router.wait_condition("PersistenceReady", "True")
        router.wait_available()
    finally:
        space.delete("StorageClass", name)


def kserve(name: str) -> dict[str, object]:
    backend = {"type": "kserve", "inferenceServiceName": name}
    return {"name": "e", "model": "llama3-8b", "reasoningFamily": "qwen3", "backend": backend}


def test_an_inference_service_that_comes_later_is_picked_up_without_a_resync(space: Space) -> None:
    router = Router.create(space, {"vllmEndpoints": [kserve("llama-3-8b")]})
    router.wait_condition("BackendsReady", "False", says="llama-3-8b")
    model = {"modelFormat": {"name": "vLLM"}}
    space.create(
        {
            "kind": "InferenceService",
            "metadata": {"name": "llama-3-8b"},
            "spec": {"predictor": {"model": model}},
        }
    )
    url = f"http://llama-3-8b-predictor.{space.name}.svc.cluster.local"
    status = {"conditions": [{"type": "Ready", "status": "True"}], "address": {"url": url}, "url": url}
    status |= {"components": {"predictor": {"address": {"url": url}}}}
    space.patch("InferenceService", "llama-3-8b", {"status": status})
    space.create(service("llama-3-8b-predictor", 80))
    router.wait_condition("BackendsReady", "True", timeout=30)
    router.wait_available()


def test_a_service_that_comes_later_is_picked_up_without_a_resync(space: Space) -> None:
    router = Router.create(space, {"vllmEndpoints": [endpoint()]})
    router.wait_condition("BackendsReady", "False", says="model")
    space.create(service())
    router.wait_condition("BackendsReady", "True", timeout=30)
    router.wait_available()


def test_a_decision_with_an_unknown_model_keeps_the_last_good_revision(space: Space) -> None:
    space.create(service())
    router = Router.create(space, {"vllmEndpoints": [endpoint()]})
    router.wait_available()
    template = router.deployment()["spec"]["template"]
    configs = {key: child["data"] for key, child in router.children("ConfigMap").items()}
    decision = {
        "name": "maths",
        "rules": {"operator": "AND", "conditions": [{"type": "domain", "name": "general"}]},
        "modelRefs": [{"model": "no-such-model"}],
    }
    router.edit({"config": {"decisions": [decision]}})
    condition = router.wait_condition("ConfigValid", "False", reason="ConfigInvalid", says="no-such-model")
    assert "decisions" in condition["message"]

    def unchanged() -> None:
        assert router.deployment()["spec"]["template"] == template
        assert {key: child["data"] for key, child in router.children("ConfigMap").items()} == configs
        assert router.condition("Available")["status"] == "True", "the last good revision serves"

    stays(unchanged, seconds=2)
    router.edit({"config": {"decisions": [{**decision, "modelRefs": [{"model": "llama"}]}]}})
    router.wait_condition("ConfigValid", "True")
    router.wait_available()
    assert "maths" in yaml.safe_dump(router.children("ConfigMap"))


def test_an_unknown_reasoning_family_is_told_before_anything_is_applied(space: Space) -> None:
    space.create(service())
    router = Router.create(space, {"vllmEndpoints": [endpoint(reasoningFamily="deepthought")]})
    condition = router.wait_condition("ConfigValid", "False", says="deepthought")
    assert "reasoning" in condition["message"]
    assert space.get("Deployment", "router") is None
    router.edit(
        {
            "config": {
                "reasoning_families": {"deepthought": {"type": "chat_template_kwargs", "parameter": "x"}}
            }
        }
    )
    router.wait_available()


def test_a_wrong_resource_does_not_stop_the_others(space: Space) -> None:
    wrong = Router.create(space, {"vllmEndpoints": [endpoint(reasoningFamily="deepthought")]}, name="wrong")
    right = Router.create(space, name="right")
    right.wait_available()
    wrong.wait_condition("ConfigValid", "False")


def test_a_text_that_looks_like_a_template_is_only_a_text(space: Space) -> None:
    text = "{{ lookup('pipe', 'touch /tmp/owned') }} {% raw %} $HOME ${HOME}"
    router = Router.create(space, {"toolsDb": [{"description": text, "category": "c"}]})
    router.wait_available()
    stored = [value for child in router.children("ConfigMap").values() for value in child["data"].values()]
    assert any(json.dumps(text)[1:-1] in value for value in stored)


def test_no_secret_is_anywhere_but_in_its_secret(space: Space, control_plane: DevCluster) -> None:
    secret = {
        "kind": "Secret",
        "metadata": {"name": "redis-credentials"},
        "stringData": {"password": "top-secret-word"},
    }
    space.create(secret)
    reference = {"name": "redis-credentials", "key": "password"}
    router = Router.create(space, {"config": redis_cache(host="redis", password_secret_ref=reference)})
    router.wait_available()
    everything = control_plane.kubectl(
        "get", "all,cm,sr,events,pvc,sa", "-n", space.name, "-o", "json"
    ).stdout
    for form in ("top-secret-word", "dG9wLXNlY3JldC13b3Jk"):
        assert form not in everything


def test_an_edit_while_a_problem_lasts_is_heard(space: Space) -> None:
    router = Router.create(space, {"vllmEndpoints": [endpoint(service="none")]})
    router.wait_condition("BackendsReady", "False", says="none")
    space.create(service("other"))
    router.edit({"vllmEndpoints": [endpoint(service="other")]})
    wait_for(
        lambda: router.condition("BackendsReady")["status"] == "True", timeout=30, what="the edit is heard"
    )
    router.wait_available()
