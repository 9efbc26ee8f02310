"""What the operator writes about a cache makes it in the real store: run in the pod's own container."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pymilvus import MilvusClient

from tests.support.pods.images import python
from tests.support.routers import Router
from tests.support.traffic.authorities import Authority
from tests.support.traffic.caches import milvus_server, redis_server, valkey_server
from tests.support.traffic.recorder import Gate, gate
from tests.support.traffic.relays import Relay, local
from tests.support.traffic.site import Site

PASSWORD = 'pass $word ${HOME} "quoted"'  # noqa: S105 - of a test
SECRET = {"name": "cache", "key": "password"}
DATABASE, USER = "answers", "router"
USE_SECONDS = 60.0
TLS = {
    "enabled": True,
    "ca_config_map_ref": {"name": "authority"},
    "cert_secret_ref": {"name": "certificate"},
    "key_secret_ref": {"name": "certificate"},
}


def redis_cache(index: Mapping[str, Any], **connection: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of it
    """Return a cache in Redis with a password."""
    where = {"host": "redis", "password_secret_ref": SECRET, **connection}
    return {"backend_type": "redis", "redis": {"connection": where, "index": dict(index)}}


def valkey_cache(index: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cache in Valkey with a password."""
    where = {"host": "valkey", "password_secret_ref": SECRET}
    return {"backend_type": "valkey", "valkey": {"connection": where, "index": dict(index)}}


def milvus_cache(collection: Mapping[str, Any], **connection: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of it
    """Return a cache in Milvus."""
    where = {"host": "milvus", "database": DATABASE, **connection}
    return {"backend_type": "milvus", "milvus": {"connection": where, "collection": dict(collection)}}


CACHES: Mapping[str, dict[str, Any]] = {
    "with-hnsw": redis_cache({"prefix": "kept:", "params": {"M": 24, "efConstruction": 90}}),
    "with-flat": redis_cache(
        {"name": "exact", "index_type": "FLAT", "vector_field": {"name": "v", "metric_type": "L2"}}
    )
    | {"embedding_model": "qwen3"},
    "with-tls": redis_cache({"name": "safe"}, host="redis-tls", port=6380, tls=TLS),
    "with-valkey": valkey_cache(
        {"prefix": "cache:", "vector_field": {"metric_type": "L2"}, "params": {"M": 8, "efConstruction": 32}}
    )
    | {"embedding_model": "mmbert"},
    "with-valkey-flat": valkey_cache({"name": "exact", "index_type": "FLAT"}),
    "with-milvus": milvus_cache({"name": "kept", "vector_field": {"metric_type": "COSINE"}})
    | {"embedding_model": "gemma"},
    "with-user": milvus_cache(
        {"name": "guarded"},
        host="milvus-tls",
        tls=TLS,
        auth={"enabled": True, "username": USER, "password_secret_ref": SECRET},
    ),
}


@pytest.fixture(scope="module")
def authority(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority of the stores and their clients, and its certificates in the cluster."""
    made = Authority.create(tmp_path_factory.mktemp("authority"))
    client = made.issue("client")
    files = client.files()
    objects: list[dict[str, Any]] = [
        {"kind": "ConfigMap", "name": "authority", "data": {"ca.crt": made.pair.certificate.read_text()}},
        {"kind": "Secret", "name": "certificate", "type": "kubernetes.io/tls", "stringData": files},
        {"kind": "Secret", "name": SECRET["name"], "stringData": {SECRET["key"]: PASSWORD}},
    ]
    for one in objects:
        site.space.create({"metadata": {"name": one.pop("name")}, **one})
    return made


@pytest.fixture(scope="module")
def stores(site: Site, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """Redis, Valkey and Milvus, two of them with TLS as well, behind Services; gives the gate before Milvus.

    Milvus has the database already: only its administrator makes one.
    """

    def room(name: str) -> Path:
        return tmp_path_factory.mktemp(name)

    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(room("redis"), PASSWORD))
        valkey = stack.enter_context(valkey_server(room("valkey"), PASSWORD))
        milvus = stack.enter_context(milvus_server(room("milvus")))
        MilvusClient(uri=f"http://127.0.0.1:{milvus}").create_database(DATABASE)
        pair = authority.issue("milvus-tls")
        guarded = stack.enter_context(
            gate(milvus, user=USER, password=PASSWORD, pair=pair, clients=authority)
        )
        encrypted = authority.issue("redis-tls").server_context(clients=authority)
        site.expose("redis", Relay(local(redis)), port=6379)
        site.expose("redis-tls", Relay(local(redis), encrypted), port=6380)
        site.expose("valkey", Relay(local(valkey)), port=6379)
        site.expose("milvus", Relay(local(milvus)), port=19530)
        site.expose("milvus-tls", Relay(local(guarded.port)), port=19530)
        yield guarded


@pytest.fixture(scope="module")
def routers(site: Site, stores: Gate) -> dict[str, Router]:
    """One router for each cache, all made at once."""
    del stores  # they must be there first
    specs = {name: {"config": {"semantic_cache": cache}} for name, cache in CACHES.items()}
    return {name: Router.create(site.space, spec, name=name) for name, spec in specs.items()}


def use(site: Site, router: Router) -> dict[str, Any]:
    """Run the router's pod and use the cache in its container; return what the store says."""
    router.wait_available()
    with site.run(router.deployment()) as place:
        container = place.pod.container("semantic-router")
        done = container.execute(python("tests.support.standin_cache"), timeout=USE_SECONDS)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def vector_field(report: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of the one vector field of a RediSearch index, by name."""
    (field,) = report["said"]["attributes"]
    return dict(zip(field[::2], field[1::2], strict=True))


def test_redis_makes_an_hnsw_index_with_the_given_parameters(site: Site, routers: dict[str, Router]) -> None:
    report = use(site, routers["with-hnsw"])
    assert report["said"]["index_name"] == "semantic_cache_idx"
    assert report["said"]["index_definition"]["prefixes"] == ["kept:"]
    assert report["found"] == ["kept:entry"]
    assert vector_field(report) == {
        "identifier": "embedding", "attribute": "embedding", "type": "VECTOR", "algorithm": "HNSW",
        "data_type": "FLOAT32", "dim": 384, "distance_metric": "COSINE", "M": 24, "ef_construction": 90,
    }  # fmt: skip


def test_redis_makes_a_flat_index_of_the_embedding_models_length(
    site: Site, routers: dict[str, Router]
) -> None:
    report = use(site, routers["with-flat"])
    assert report["said"]["index_name"] == "exact"
    assert report["found"] == ["doc:entry"]
    assert vector_field(report) == {
        "identifier": "v", "attribute": "v", "type": "VECTOR", "algorithm": "FLAT",
        "data_type": "FLOAT32", "dim": 1024, "distance_metric": "L2",
    }  # fmt: skip


def test_redis_is_reached_with_tls_and_certificates_out_of_the_cluster(
    site: Site, routers: dict[str, Router]
) -> None:
    report = use(site, routers["with-tls"])
    assert report["said"]["index_name"] == "safe"
    assert report["found"] == ["doc:entry"]


def test_valkey_makes_an_hnsw_index_with_the_given_parameters(site: Site, routers: dict[str, Router]) -> None:
    report = use(site, routers["with-valkey"])
    assert report["said"]["index_name"] == "semantic_cache_idx"
    assert report["said"]["index_definition"]["prefixes"] == ["cache:"]
    assert report["found"] == ["cache:entry"]
    assert vector_field(report) == {
        "identifier": "embedding", "attribute": "embedding", "type": "VECTOR", "algorithm": "HNSW",
        "data_type": "FLOAT32", "dim": 768, "distance_metric": "L2", "M": 8, "ef_construction": 32,
    }  # fmt: skip


def test_valkey_makes_a_flat_index(site: Site, routers: dict[str, Router]) -> None:
    report = use(site, routers["with-valkey-flat"])
    assert (report["said"]["index_name"], vector_field(report)["algorithm"]) == ("exact", "FLAT")
    assert report["found"] == ["doc:entry"]


def test_milvus_makes_a_collection_with_the_given_metric(site: Site, routers: dict[str, Router]) -> None:
    report = use(site, routers["with-milvus"])
    said = report["said"]
    (vector,) = [field for field in said["collection"]["fields"] if "dim" in field["params"]]
    assert (said["collection"]["collection_name"], vector["name"], vector["params"]["dim"]) == (
        "kept", "embedding", 768,
    )  # fmt: skip
    assert (said["index"]["index_type"], said["index"]["metric_type"]) == ("HNSW", "COSINE")
    assert report["found"] == ["entry"]


def test_milvus_is_reached_with_tls_as_the_given_user(
    site: Site, routers: dict[str, Router], stores: Gate
) -> None:
    report = use(site, routers["with-user"])
    assert report["said"]["collection"]["collection_name"] == "guarded"
    assert report["found"] == ["entry"]
    recorder = stores.recorder
    assert {"Connect", "CreateCollection", "CreateIndex", "Insert", "Search"} <= set(recorder.methods)
    assert recorder.refused == 0


def test_no_password_stands_in_a_config_map(site: Site, routers: dict[str, Router]) -> None:
    del routers  # they must be there
    maps = json.dumps(site.space.list("ConfigMap"))
    assert "semantic_cache_idx" in maps
    assert "pass $word" not in maps
    assert "pass $$word" not in maps
