from typing import Any

import pytest
import yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache import (
    CachePlan,
    literal,
    resolve_cache,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_fields import NOT_IN_FILE
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_store import (
    COMMON,
    DEFAULTS,
    DIMENSIONS,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import to_yaml
from hypothesis import given, strategies

from tests.support.cluster import CHECKOUT
from tests.support.router_loader import load
from tests.support.router_paths import OLDER_KEYS, check

PASSWORD = "SEMANTIC_ROUTER_CACHE_PASSWORD"  # noqa: S105 - the name of a variable
REFERENCE = {"name": "store", "key": "password"}
SECRET = {
    "metadata": {"namespace": "ml", "name": "store", "uid": "u-1", "resourceVersion": "7"},
    "keys": ["password", "api-key"],
}
SEEN = {"references": {"secrets": [SECRET]}}


def resource_with(cache: object, name: str = "semantic_cache", **config: object) -> dict[str, Any]:
    return {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": {"namespace": "ml", "name": "test-router", "uid": "1"},
        "spec": {"config": {name: cache, **config}},
    }


def plan_of(cache: object, observed: dict[str, Any] | None = None, **config: Any) -> CachePlan:  # noqa: ANN401
    return resolve_cache(resource_with(cache, **config), {} if observed is None else observed)


def redis(connection: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"backend_type": "redis", "redis": {"connection": {"host": "redis", **(connection or {})}}}


def definition() -> dict[str, Any]:
    """Return the schema of the cache in the CRD."""
    text = (CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml").read_text(encoding="utf-8")
    schema = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: dict[str, Any] = schema["properties"]["spec"]["properties"]["config"]["properties"][
        "semantic_cache"
    ]
    return found


def defaults_of(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {
        name: defaults_of(field) if "properties" in field else field.get("default")
        for name, field in schema["properties"].items()
        if name not in NOT_IN_FILE
    }
    return {name: value for name, value in inner.items() if value not in (None, {})}


def example_of(schema: dict[str, Any]) -> Any:  # noqa: ANN401 - any field of the schema
    """Return a value with every field that the schema has."""
    if "properties" in schema:
        return {
            name: example_of(field) for name, field in schema["properties"].items() if name not in NOT_IN_FILE
        }
    if "default" in schema or "enum" in schema:
        return schema.get("default", schema.get("enum", [None])[0])
    return {"string": "said", "integer": 3, "boolean": True}[schema["type"]]


def in_document(plan: CachePlan) -> dict[str, Any]:
    return {"version": "v0.3", "global": {"stores": {"response_cache": plan.store}}}


class TestStore:
    @pytest.mark.parametrize("config", [None, {}])
    def test_without_a_block_answers_are_kept_in_memory(self, config: object) -> None:
        plan = resolve_cache({**resource_with({}), "spec": {"config": config}}, {})
        assert plan.store == COMMON
        assert (plan.environment, plan.secrets) == ((), ())
        assert plan.ready
        assert plan.condition.status == "True"
        assert plan.condition.message == "answers are kept by memory, compared with bert"

    def test_both_names_of_the_block_mean_the_same(self) -> None:
        cache = {"backend_type": "qdrant", "qdrant": {"host": "qdrant"}}
        assert plan_of(cache) == resolve_cache(resource_with(cache, "response_cache"), {})

    def test_the_similarity_is_a_number_in_the_file(self) -> None:
        assert plan_of({"similarity_threshold": "0.92"}).store["similarity_threshold"] == 0.92

    def test_the_index_in_memory_stands_directly_below_the_cache(self) -> None:
        store = plan_of({"hnsw": {"use_hnsw": True, "hnsw_m": 32}}).store
        assert (store["use_hnsw"], store["hnsw_m"]) == (True, 32)
        assert "hnsw" not in store
        assert "max_memory_entries" not in store

    @pytest.mark.parametrize("backend", ["memory", "redis", "valkey", "milvus", "qdrant", "hybrid"])
    def test_every_field_of_the_definition_is_one_that_the_router_knows(self, backend: str) -> None:
        cache = {**example_of(definition()), "backend_type": backend, "embedding_model": "bert"}
        for block, where in (("redis", "index"), ("valkey", "index"), ("milvus", "collection")):
            cache[block][where]["vector_field"]["dimension"] = 384
        plan = plan_of(cache)
        assert list(check(in_document(plan))) == []
        blocks = {"hybrid": {"milvus"}, "memory": set()}.get(backend, {backend})
        assert set(plan.store) & set(DEFAULTS) == blocks
        for block in blocks:
            expected = {name: value for name, value in cache[block].items() if name not in NOT_IN_FILE}
            assert plan.store[block] == expected
        older = {path.rsplit(".", 1)[1] for path in OLDER_KEYS}
        assert {name: plan.store[name] for name in older} == cache["hnsw"]

    def test_defaults_are_those_of_the_definition(self) -> None:
        # The API server fills them in only inside of blocks that the user wrote.
        said = defaults_of(definition())
        assert {block: said.pop(block) for block in DEFAULTS} == DEFAULTS
        said.pop("hnsw")
        similarity = float(said["similarity_threshold"])
        assert {**said, "similarity_threshold": similarity, "embedding_model": "bert"} == COMMON

    @pytest.mark.parametrize("backend", ["redis", "valkey", "milvus", "qdrant", "hybrid"])
    def test_a_cache_that_is_switched_off_needs_no_backend(self, backend: str) -> None:
        plan = plan_of({**redis({"password": "old"}), "enabled": False, "backend_type": backend})
        assert plan.ready
        assert plan.condition.reason == "Disabled"
        assert plan.store["enabled"] is False
        assert not set(plan.store) & set(DEFAULTS)

    def test_a_dollar_of_the_user_stays_one(self) -> None:
        cache = redis()
        cache["redis"]["index"] = {"prefix": "$HOME:"}
        plan = plan_of(cache)
        loaded = load(to_yaml(in_document(plan)), {})
        assert plan.store["redis"]["index"]["prefix"] == "$$HOME:"
        assert loaded.document["global"]["stores"]["response_cache"]["redis"]["index"]["prefix"] == "$HOME:"

    @given(strategies.recursive(strategies.text("a${}: "), strategies.lists) | strategies.text("$A{}:-"))
    def test_the_loader_reads_a_literal_as_it_was_written(self, value: object) -> None:
        loaded = load(to_yaml({"annotated": literal({"deep": [value, 1]})}), {})
        assert loaded.document["annotated"] == {"deep": [value, 1]}


class TestDimension:
    @pytest.mark.parametrize(("model", "dimension"), DIMENSIONS.items())
    @pytest.mark.parametrize(("backend", "above"), [("redis", "index"), ("milvus", "collection")])
    def test_comes_from_the_model(self, backend: str, above: str, model: str, dimension: int) -> None:
        plan = plan_of({"backend_type": backend, "embedding_model": model, backend: {}})
        assert plan.store[backend][above]["vector_field"]["dimension"] == dimension

    @pytest.mark.parametrize(
        ("model", "dimension", "right"), [({}, 768, 384), ({"embedding_model": "qwen3"}, 384, 1024)]
    )
    def test_of_another_model_is_refused(self, model: dict[str, str], dimension: int, right: int) -> None:
        block = {"collection": {"vector_field": {"dimension": dimension}}}
        plan = plan_of({"backend_type": "hybrid", "milvus": block, **model})
        assert not plan.ready
        assert (plan.condition.status, plan.condition.reason) == ("False", "DimensionMismatch")
        field = "spec.config.semantic_cache.milvus.collection.vector_field.dimension"
        assert plan.condition.message.startswith(f"{field} is {dimension}, but ")
        assert f"write {right}" in plan.condition.message
        assert model.get("embedding_model", "the default embedding_model bert") in plan.condition.message

    def test_of_a_backend_that_is_not_used_does_not_matter(self) -> None:
        block = {"collection": {"vector_field": {"dimension": 5}}}
        assert plan_of({"milvus": block, **redis()}).ready


class TestCredentials:
    @pytest.mark.parametrize(
        ("backend", "block", "place", "field", "variable"),
        [
            ("redis", "redis", ["connection"], "password", PASSWORD),
            ("valkey", "valkey", ["connection"], "password", PASSWORD),
            ("milvus", "milvus", ["connection", "auth"], "password", PASSWORD),
            ("hybrid", "milvus", ["connection", "auth"], "password", PASSWORD),
            ("qdrant", "qdrant", [], "api_key", "SEMANTIC_ROUTER_CACHE_API_KEY"),
        ],
    )
    def test_come_from_the_secret_and_never_stand_in_the_file(
        self, backend: str, block: str, place: list[str], field: str, variable: str
    ) -> None:
        given: dict[str, Any] = {f"{field}_secret_ref": REFERENCE}
        for name in reversed([block, *place]):
            given = {name: given}
        plan = plan_of({"backend_type": backend, **given}, SEEN)
        assert plan.ready
        assert plan.environment == ({"name": variable, "valueFrom": {"secretKeyRef": REFERENCE}},)
        assert plan.secrets == ({"name": "store", "uid": "u-1", "resourceVersion": "7"},)
        loaded = load(to_yaml(in_document(plan)), {variable: "s3cret"})
        holder: Any = loaded.document["global"]["stores"]["response_cache"][block]
        for name in place:
            holder = holder[name]
        assert holder[field] == "s3cret"
        assert loaded.ignored == ()

    def test_of_a_milvus_that_does_not_ask_for_them_are_warned_of(self) -> None:
        auth: dict[str, Any] = {"password_secret_ref": REFERENCE}
        cache = {"backend_type": "milvus", "milvus": {"connection": {"auth": auth}}}
        condition = plan_of(cache, SEEN).condition
        assert (condition.status, condition.reason, condition.warning) == ("True", "AuthDisabled", True)
        assert "milvus.connection.auth.enabled is not true" in condition.message
        auth["enabled"] = True
        assert plan_of(cache, SEEN).condition.reason == "Configured"

    def test_an_empty_password_is_none(self) -> None:
        plan = plan_of(redis({"password": ""}))
        assert plan.ready
        assert "password" not in plan.store["redis"]["connection"]

    def test_a_missing_secret_is_named_with_its_field_and_key(self) -> None:
        other = {**SECRET, "metadata": {**SECRET["metadata"], "namespace": "other"}}  # type: ignore[dict-item]
        plan = plan_of(redis({"password_secret_ref": REFERENCE}), {"references": {"secrets": [other]}})
        assert not plan.ready
        assert plan.condition.reason == "SecretNotFound"
        assert plan.condition.message == (
            "spec.config.semantic_cache.redis.connection.password_secret_ref: Secret ml/store does not exist:"
            " create it with the key password; it is used as soon as it is there"
        )
        assert plan.secrets == ()

    def test_a_missing_key_is_named_with_those_that_are_there(self) -> None:
        plan = plan_of(redis({"password_secret_ref": {"name": "store", "key": "pass"}}), SEEN)
        assert not plan.ready
        assert plan.condition.reason == "SecretKeyNotFound"
        assert "Secret ml/store has no key pass, it has api-key, password" in plan.condition.message
        assert "add the key pass" in plan.condition.message
        assert plan.secrets

    @pytest.mark.parametrize("name", ["store", "", None])
    @pytest.mark.parametrize("reason", ["Forbidden", "Unavailable", "Absent"])
    def test_a_secret_that_cannot_be_read_is_not_called_missing(self, name: str | None, reason: str) -> None:
        errors = {"secrets": [{"namespace": "ml", "name": name, "reason": reason}]}
        reference = {**REFERENCE, "optional": True}
        plan = plan_of(redis({"password_secret_ref": reference}), {"errors": errors})
        assert not plan.ready
        assert plan.condition.reason == f"Secret{reason}"
        assert "Secret ml/store" in plan.condition.message

    def test_an_error_of_another_secret_does_not_matter(self) -> None:
        errors = {"secrets": [{"namespace": "ml", "name": "other", "reason": "Forbidden"}]}
        plan = plan_of(redis({"password_secret_ref": REFERENCE}), {"errors": errors})
        assert plan.condition.reason == "SecretNotFound"

    @pytest.mark.parametrize("key", ["password", "pass"])
    @pytest.mark.parametrize("observed", [SEEN, {}])
    def test_an_optional_credential_may_be_missing(self, key: str, observed: dict[str, Any]) -> None:
        reference = {"name": "store", "key": key, "optional": True}
        plan = plan_of(redis({"password_secret_ref": reference}), observed)
        assert plan.ready
        assert plan.environment == ({"name": PASSWORD, "valueFrom": {"secretKeyRef": reference}},)
        loaded = load(to_yaml(in_document(plan)), {})
        assert loaded.document["global"]["stores"]["response_cache"]["redis"]["connection"]["password"] == ""

    def test_all_problems_are_told_at_once(self) -> None:
        cache = redis({"password_secret_ref": REFERENCE, "tls": {"ca_secret_ref": {"name": "tls"}}})
        cache["redis"]["index"] = {"vector_field": {"dimension": 1}}
        message = plan_of(cache).condition.message
        assert "Secret ml/store does not exist" in message
        assert "Secret ml/tls does not exist" in message
        assert "dimension is 1" in message

    def test_of_a_backend_that_is_not_used_are_not_asked_for(self) -> None:
        plan = plan_of({**redis({"password_secret_ref": REFERENCE}), "backend_type": "memory"})
        assert plan.ready
        assert plan.environment == ()


PLAIN = [
    ("redis", redis({"password": "hunter2"}), PASSWORD),
    ("valkey", {"backend_type": "valkey", "valkey": {"connection": {"password": "hunter2"}}}, PASSWORD),
    (
        "milvus",
        {"backend_type": "hybrid", "milvus": {"connection": {"auth": {"password": "hunter2"}}}},
        PASSWORD,
    ),
    ("qdrant", {"backend_type": "qdrant", "qdrant": {"api_key": "hunter2"}}, "SEMANTIC_ROUTER_CACHE_API_KEY"),
]
MOVED = {
    "kind": "Secret",
    "metadata": {
        "namespace": "ml", "name": "test-router-credentials", "uid": "u-9", "resourceVersion": "5",
        "ownerReferences": [{"uid": "1"}],
    },
}  # fmt: skip


class TestPlainText:
    @pytest.mark.parametrize(("block", "cache", "variable"), PLAIN)
    def test_is_moved_into_a_secret_of_ours_and_warned_of(
        self, block: str, cache: dict[str, Any], variable: str
    ) -> None:
        before = plan_of(cache)
        assert (before.secret, before.moved, before.ready) == ("test-router-credentials", False, True)
        plan = plan_of(cache, {"owned": {"Secret": [MOVED]}})
        key = "api_key" if block == "qdrant" else "password"
        selector = {"name": "test-router-credentials", "key": key}
        assert plan.environment == ({"name": variable, "valueFrom": {"secretKeyRef": selector}},)
        assert plan.secrets == ({"name": "test-router-credentials", "uid": "u-9", "resourceVersion": "5"},)
        assert (plan.moved, plan.ready, plan.condition.status) == (True, True, "True")
        assert (plan.condition.reason, plan.condition.warning) == ("PlaintextPassword", True)
        assert f"refer to it by spec.config.semantic_cache.{block}." in plan.condition.message
        assert "hunter2" not in repr((before, plan))

    def test_beside_a_reference_is_not_looked_at(self) -> None:
        plan = plan_of(redis({"password": "hunter2", "password_secret_ref": REFERENCE}), SEEN)
        assert (plan.secret, plan.condition.reason) == ("", "Configured")

    def test_of_a_backend_that_is_not_used_stays_where_it_is(self) -> None:
        assert plan_of({**redis({"password": "hunter2"}), "backend_type": "memory"}).secret == ""

    def test_a_secret_of_somebody_else_is_a_conflict(self) -> None:
        foreign = {**MOVED, "metadata": {**MOVED["metadata"], "ownerReferences": []}}  # type: ignore[dict-item]
        plan = plan_of(redis({"password": "hunter2"}), {"owned": {"Secret": [foreign]}})
        assert (plan.ready, plan.moved, plan.condition.reason) == (False, False, "Conflict")
        assert "Secret ml/test-router-credentials is there already" in plan.condition.message

    @pytest.mark.parametrize(
        ("reason", "words"), [("Forbidden", "grant it `get`"), ("Unavailable", "tried again")]
    )
    def test_a_secret_that_cannot_be_looked_at_is_not_written(self, reason: str, words: str) -> None:
        errors = {"Secret": [{"namespace": "ml", "name": "test-router-credentials", "reason": reason}]}
        plan = plan_of(redis({"password": "hunter2"}), {"errors": errors})
        assert (plan.ready, plan.condition.reason) == (False, f"Secret{reason}")
        assert words in plan.condition.message


TLS_SECRET = {
    "metadata": {"namespace": "ml", "name": "tls", "uid": "u-2", "resourceVersion": "8"},
    "keys": ["ca.crt", "tls.crt", "tls.key"],
}
BUNDLE = {
    "metadata": {"namespace": "ml", "name": "bundle", "uid": "u-3", "resourceVersion": "9"},
    "keys": ["root.pem"],
}
SEEN_TLS = {"references": {"secrets": [SECRET, TLS_SECRET], "config_maps": [BUNDLE]}}
MUTUAL = {
    "ca_config_map_ref": {"name": "bundle", "key": "root.pem"},
    "cert_secret_ref": {"name": "tls"},
    "key_secret_ref": {"name": "tls", "key": "tls.key"},
}


def with_tls(block: str, tls: dict[str, Any]) -> dict[str, Any]:
    if block == "qdrant":
        return {"backend_type": block, block: {"use_tls": True, **tls}}
    return {"backend_type": block, block: {"connection": {"tls": {"enabled": True, **tls}}}}


class TestCertificates:
    @pytest.mark.parametrize("block", ["redis", "valkey", "milvus"])
    def test_are_mounted_where_the_file_says(self, block: str) -> None:
        plan = plan_of(with_tls(block, MUTUAL), SEEN_TLS)
        directory = "/app/certificates/cache"
        assert plan.ready
        assert plan.store[block]["connection"]["tls"] == {
            "enabled": True,
            "ca_file": f"{directory}/ca.crt",
            "cert_file": f"{directory}/client.crt",
            "key_file": f"{directory}/client.key",
        }
        (volume,) = plan.volumes
        client = [{"key": "tls.crt", "path": "client.crt"}, {"key": "tls.key", "path": "client.key"}]
        assert volume["projected"]["sources"] == [
            {"configMap": {"name": "bundle", "items": [{"key": "root.pem", "path": "ca.crt"}]}},
            {"secret": {"name": "tls", "items": client}},
        ]
        assert plan.mounts == ({"name": volume["name"], "mountPath": directory, "readOnly": True},)
        assert [one["uid"] for one in plan.secrets] == ["u-3", "u-2"], "each once, whatever is taken of it"
        assert list(check(in_document(plan))) == []

    def test_stand_beside_a_password(self) -> None:
        cache = with_tls("redis", {"ca_secret_ref": {"name": "tls"}})
        cache["redis"]["connection"]["password_secret_ref"] = REFERENCE
        plan = plan_of(cache, SEEN_TLS)
        assert [one["name"] for one in plan.secrets] == ["store", "tls"]
        assert len(plan.environment) == 1

    def test_paths_in_the_image_stay_as_they_are(self) -> None:
        plan = plan_of(with_tls("milvus", {"ca_file": "/etc/ca.crt"}))
        assert plan.store["milvus"]["connection"]["tls"]["ca_file"] == "/etc/ca.crt"
        assert (plan.volumes, plan.mounts) == ((), ())

    @pytest.mark.parametrize(
        ("env", "directories"),
        [
            ([], "/app/certificates/cache:/etc/ssl/certs"),
            ([{"name": "SSL_CERT_DIR", "value": "/mine"}], "/app/certificates/cache:/mine"),
        ],
    )
    def test_of_a_qdrant_are_trusted_by_the_environment(self, env: list[Any], directories: str) -> None:
        resource = resource_with(with_tls("qdrant", {"ca_secret_ref": {"name": "tls"}}))
        resource["spec"]["env"] = env
        plan = resolve_cache(resource, SEEN_TLS)
        assert plan.environment == ({"name": "SSL_CERT_DIR", "value": directories},)
        assert len(plan.volumes) == len(plan.mounts) == 1
        assert list(check(in_document(plan))) == []

    @pytest.mark.parametrize(
        ("tls", "reason", "words"),
        [
            (
                {"ca_secret_ref": {"name": "x"}},
                "SecretNotFound",
                "Secret ml/x does not exist: create it with the key ca.crt",
            ),
            ({"ca_config_map_ref": {"name": "x"}}, "ConfigMapNotFound", "ConfigMap ml/x does not exist"),
            (
                {"ca_config_map_ref": {"name": "bundle"}},
                "ConfigMapKeyNotFound",
                "has no key ca.crt, it has root.pem",
            ),
            ({"key_secret_ref": {"name": "tls", "key": "k"}}, "SecretKeyNotFound", "key_secret_ref.key"),
        ],
    )
    def test_that_are_missing_are_named_and_hold_the_pods_back(
        self, tls: dict[str, Any], reason: str, words: str
    ) -> None:
        plan = plan_of(with_tls("valkey", tls), SEEN_TLS)
        assert (plan.ready, plan.condition.status, plan.condition.reason) == (False, "False", reason)
        assert "spec.config.semantic_cache.valkey.connection.tls." in plan.condition.message
        assert words in plan.condition.message

    @pytest.mark.parametrize("block", ["redis", "qdrant"])
    def test_that_are_not_switched_on_are_warned_of(self, block: str) -> None:
        cache = with_tls(block, {"ca_secret_ref": {"name": "tls"}})
        assert plan_of(cache, SEEN_TLS).condition.reason == "Configured"
        holder = cache[block] if block == "qdrant" else cache[block]["connection"]["tls"]
        holder |= {"enabled": False, "use_tls": False}
        condition = plan_of(cache, SEEN_TLS).condition
        assert (condition.status, condition.reason, condition.warning) == ("True", "TLSDisabled", True)
        assert ("use_tls" if block == "qdrant" else "tls.enabled") in condition.message

    def test_of_a_backend_that_is_not_used_are_not_asked_for(self) -> None:
        cache = {**with_tls("redis", {"ca_secret_ref": {"name": "x"}}), "backend_type": "memory"}
        assert plan_of(cache).ready


def test_nothing_that_is_given_is_changed() -> None:
    cache = redis({"password_secret_ref": REFERENCE})
    before = repr((cache, SEEN, DEFAULTS))
    first, second = plan_of(cache, SEEN), plan_of(cache, SEEN)
    assert first == second
    assert repr((cache, SEEN, DEFAULTS)) == before
