"""Caches: every backend with its credentials and certificates, and what happens when those come, change or go."""

import json
from typing import Any

import pytest

from tests.conftest import Starter
from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.operators import USER, OperatorUnderTest, conditions
from tests.support.router_loader import load
from tests.support.routers import Router, redis_cache
from tests.support.waiting import stays, wait_for

PASSWORD = "SEMANTIC_ROUTER_CACHE_PASSWORD"  # noqa: S105 - the name of a variable
API_KEY = "SEMANTIC_ROUTER_CACHE_API_KEY"
WORD, CODED = "top-secret-word", "dG9wLXNlY3JldC13b3Jk"
REFERENCE = {"name": "store", "key": "word"}
DIRECTORY = "/app/certificates/cache"
QUIET_LOOKS = 10

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def operator(start_operator: Starter) -> OperatorUnderTest:
    """An operator that looks at Secrets again each two seconds, and at missing ones more often."""
    return start_operator(environment={"SECRET_POLL_PERIOD": "2s"})


def make_store(space: Space, **words: str) -> None:
    space.create({"kind": "Secret", "metadata": {"name": "store"}, "stringData": words or {"word": WORD}})


def make_certificates(space: Space) -> None:
    pair = {"tls.crt": "certificate", "tls.key": "key"}
    space.create({"kind": "Secret", "metadata": {"name": "tls"}, "stringData": pair})
    space.create({"kind": "ConfigMap", "metadata": {"name": "bundle"}, "data": {"root.pem": "authority"}})


def connection(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    tls = {
        "enabled": True,
        "ca_config_map_ref": {"name": "bundle", "key": "root.pem"},
        "cert_secret_ref": {"name": "tls"},
        "key_secret_ref": {"name": "tls"},
    }
    return {"connection": {"host": "store.example", "tls": tls, **more}}


def auth() -> dict[str, Any]:
    return {"auth": {"enabled": True, "username": "router", "password_secret_ref": REFERENCE}}


CACHES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "redis": ("semantic_cache", "redis", connection(password_secret_ref=REFERENCE)),
    "valkey": ("response_cache", "valkey", connection(password_secret_ref=REFERENCE)),
    "milvus": ("semantic_cache", "milvus", connection(**auth())),
    "hybrid": ("response_cache", "milvus", connection(**auth())),
}


def pod_spec(router: Router) -> dict[str, Any]:
    spec: dict[str, Any] = router.deployment()["spec"]["template"]["spec"]
    return spec


def config_of(router: Router) -> str:
    """Return the ``config.yaml`` that new pods read."""
    volumes = {volume["name"]: volume for volume in pod_spec(router)["volumes"]}
    config = router.space.get("ConfigMap", volumes["config"]["configMap"]["name"])
    return str(config["data"]["config.yaml"])


def environment_of(router: Router) -> dict[str, Any]:
    return {entry["name"]: entry for entry in router.container("semantic-router")["env"]}


def certificates_of(router: Router) -> list[Any]:
    """Return what is mounted under the directory of the certificates."""
    mounts = router.container("semantic-router")["volumeMounts"]
    (name,) = [mount["name"] for mount in mounts if mount["mountPath"] == DIRECTORY]
    volumes = {volume["name"]: volume for volume in pod_spec(router)["volumes"]}
    sources: list[Any] = volumes[name]["projected"]["sources"]
    return sources


@pytest.mark.parametrize("backend", CACHES)
def test_a_cache_gets_its_credentials_and_certificates(space: Space, backend: str) -> None:
    name, block, given = CACHES[backend]
    make_store(space)
    make_certificates(space)
    router = Router.create(space, {"config": {name: {"backend_type": backend, block: given}}})
    router.wait_available()
    loaded = load(config_of(router), {PASSWORD: WORD})
    store = loaded.document["global"]["stores"]["response_cache"]
    assert (store["backend_type"], loaded.ignored) == (backend, ())
    reached = store[block]["connection"]
    assert (reached.get("auth") or reached)["password"] == WORD
    assert reached["tls"] == {
        "enabled": True,
        "ca_file": f"{DIRECTORY}/ca.crt",
        "cert_file": f"{DIRECTORY}/client.crt",
        "key_file": f"{DIRECTORY}/client.key",
    }
    assert environment_of(router)[PASSWORD]["valueFrom"] == {"secretKeyRef": REFERENCE}
    pair = [{"key": "tls.crt", "path": "client.crt"}, {"key": "tls.key", "path": "client.key"}]
    assert certificates_of(router) == [
        {"configMap": {"name": "bundle", "items": [{"key": "root.pem", "path": "ca.crt"}]}},
        {"secret": {"name": "tls", "items": pair}},
    ]


def test_a_qdrant_gets_its_key_and_the_authority_that_it_is_known_by(space: Space) -> None:
    make_store(space)
    make_certificates(space)
    qdrant = {
        "host": "store.example",
        "use_tls": True,
        "api_key_secret_ref": REFERENCE,
        "ca_config_map_ref": {"name": "bundle", "key": "root.pem"},
    }
    router = Router.create(
        space, {"config": {"semantic_cache": {"backend_type": "qdrant", "qdrant": qdrant}}}
    )
    router.wait_available()
    loaded = load(config_of(router), {API_KEY: WORD})
    store = loaded.document["global"]["stores"]["response_cache"]
    assert (store["qdrant"]["api_key"], store["qdrant"]["use_tls"], loaded.ignored) == (WORD, True, ())
    assert environment_of(router)["SSL_CERT_DIR"]["value"] == f"{DIRECTORY}:/etc/ssl/certs"
    assert len(certificates_of(router)) == 1


def test_pods_wait_for_what_is_missing_and_are_left_alone_when_it_goes(space: Space) -> None:
    cache = {"semantic_cache": {"backend_type": "redis", "redis": connection(password_secret_ref=REFERENCE)}}
    router = Router.create(space, {"config": cache})
    message = router.wait_condition("CacheReady", "False", reason="SecretNotFound")["message"]
    for what in ("Secret", "ConfigMap"):
        assert f"{what} {space.name}/" in message
    assert space.get("Deployment", "router") is None
    make_certificates(space)
    make_store(space, wort=WORD)
    router.wait_condition(
        "CacheReady", "False", reason="SecretKeyNotFound", says="has no key word, it has wort"
    )
    space.patch("Secret", "store", {"stringData": {"word": WORD}})
    router.wait_available()
    router.wait_condition("CacheReady", "True")
    for kind, name in (("Secret", "store"), ("ConfigMap", "bundle")):
        before, kept = router.wait_rolled(), space.get(kind, name)
        space.delete(kind, name)
        router.wait_condition("CacheReady", "False", reason=f"{kind}NotFound", says=f"{space.name}/{name}")
        assert router.condition("Available")["status"] == "True"
        assert router.deployment()["spec"] == before["spec"], "pods that run are left alone"
        metadata = {"name": name}
        space.create({"kind": kind, "metadata": metadata, "data": kept["data"]})
        router.wait_condition("CacheReady", "True")
    router.wait_available()


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("Secret", "store", {"stringData": {"word": "another"}}),
        ("Secret", "tls", {"stringData": {"tls.crt": "another"}}),
        ("ConfigMap", "bundle", {"data": {"root.pem": "another"}}),
    ],
)
def test_what_changes_makes_new_pods_while_the_old_ones_serve(
    space: Space, kind: str, name: str, change: dict[str, Any]
) -> None:
    make_store(space)
    make_certificates(space)
    cache = {"semantic_cache": {"backend_type": "redis", "redis": connection(password_secret_ref=REFERENCE)}}
    router = Router.create(space, {"config": cache, "persistence": {"enabled": False}})
    router.wait_available()
    before = router.deployment()["spec"]["template"]
    space.patch(kind, name, change)

    def rolled() -> bool:
        deployment = router.deployment()
        assert deployment["status"].get("availableReplicas"), "there is always a pod that serves"
        return bool(deployment["spec"]["template"] != before)

    wait_for(rolled, timeout=60, what="new pods")
    router.wait_rolled()
    changed = router.deployment()["spec"]["template"]
    assert {**changed["spec"], "volumes": []} == {**before["spec"], "volumes": []}
    assert changed["metadata"]["annotations"] != before["metadata"]["annotations"]


def plain_router(space: Space, word: str = WORD) -> Router:
    router = Router.create(space, {"config": redis_cache(host="store.example", password=word)})
    router.wait_available()
    return router


def own_secret(router: Router) -> dict[str, Any]:
    found: dict[str, Any] | None = router.space.get("Secret", "router-credentials")
    assert found is not None, "no Secret"
    return found


def test_a_password_in_plain_text_works_from_a_secret_and_is_warned_of(
    space: Space, control_plane: DevCluster, operator: OperatorUnderTest
) -> None:
    router = plain_router(space)
    secret = own_secret(router)
    assert secret["data"] == {"password": CODED}
    assert [owner["name"] for owner in secret["metadata"]["ownerReferences"]] == ["router"]
    selector = {"name": "router-credentials", "key": "password"}
    assert environment_of(router)[PASSWORD]["valueFrom"] == {"secretKeyRef": selector}
    told = conditions(router.read())
    assert (told["CacheReady"]["status"], told["CacheReady"]["reason"]) == ("True", "PlaintextPassword")
    assert "redis.connection.password_secret_ref" in told["CacheReady"]["message"]
    assert told["Degraded"]["status"] == "False"
    warnings = [event for event in router.events() if event["type"] == "Warning"]
    assert [event["reason"] for event in warnings] == ["PlaintextPassword"]
    everything = control_plane.kubectl(
        "get", "deploy,rs,po,svc,cm,events,pvc,sa", "-n", space.name, "-o", "json"
    ).stdout
    for form in (WORD, CODED):
        assert form not in everything
        assert form not in json.dumps(router.read()["status"])
        assert form not in operator.log


def test_at_rest_our_secret_is_looked_at_and_nothing_is_run_or_written(
    space: Space, audit: AuditLog, operator: OperatorUnderTest
) -> None:
    plain_router(space).wait_rolled()
    seen: list[float] = []

    def quiet() -> bool:
        seen.append(operator.metric("playbook_engine_runs_total"))
        return len(seen) > QUIET_LOOKS and len(set(seen[-QUIET_LOOKS:])) == 1

    wait_for(quiet, timeout=60, what="no more runs", poll=0.5)
    mark = audit.now()
    stays(lambda: _silent(audit, mark), seconds=5)
    assert "get" in audit.verbs(USER, "secrets", mark), "it has looked"


def _silent(audit: AuditLog, mark: int) -> None:
    assert audit.writes(USER, mark) == []


def versions_of(router: Router) -> str:
    annotations = router.deployment()["spec"]["template"]["metadata"]["annotations"]
    return str(annotations["vllm.ai/secret-versions"])


def test_our_secret_is_put_right_and_made_again(space: Space) -> None:
    router = plain_router(space)
    before = own_secret(router)
    space.patch("Secret", "router-credentials", {"data": {"password": "d3Jvbmc="}})
    wait_for(
        lambda: own_secret(router)["data"] == before["data"], timeout=60, what="the password is put right"
    )
    router.wait_available()
    space.delete("Secret", "router-credentials")
    wait_for(
        lambda: own_secret(router)["metadata"]["uid"] != before["metadata"]["uid"],
        timeout=60,
        what="another Secret",
    )
    wait_for(
        lambda: own_secret(router)["metadata"]["uid"] in versions_of(router), timeout=60, what="new pods"
    )
    router.wait_rolled()


def test_another_password_in_plain_text_makes_new_pods(space: Space) -> None:
    router = plain_router(space)
    before = router.deployment()["spec"]["template"]["metadata"]["annotations"]
    router.edit({"config": redis_cache(host="store.example", password=WORD[::-1])})
    router.wait_available()
    router.wait_rolled()
    assert own_secret(router)["data"] == {"password": "ZHJvdy10ZXJjZXMtcG90"}
    assert router.deployment()["spec"]["template"]["metadata"]["annotations"] != before


def test_a_reference_in_place_of_plain_text_removes_our_secret_when_no_pod_needs_it(space: Space) -> None:
    router = plain_router(space)
    make_store(space)
    router.edit({"config": redis_cache(password=None, password_secret_ref=REFERENCE)})
    router.wait_available()
    assert environment_of(router)[PASSWORD]["valueFrom"] == {"secretKeyRef": REFERENCE}
    router.wait_condition("CacheReady", "True", reason="Configured")
    wait_for(
        lambda: space.get("Secret", "router-credentials") is None, timeout=60, what="the Secret of ours goes"
    )
    assert space.get("Secret", "store") is not None


def test_a_secret_of_somebody_else_is_neither_used_nor_changed(space: Space) -> None:
    space.create(
        {"kind": "Secret", "metadata": {"name": "router-credentials"}, "stringData": {"password": "theirs"}}
    )
    before = space.get("Secret", "router-credentials")
    router = Router.create(space, {"config": redis_cache(host="store.example", password=WORD)})
    router.wait_condition("CacheReady", "False", reason="Conflict", says="router-credentials")
    assert space.get("Deployment", "router") is None
    assert space.get("Secret", "router-credentials") == before
    space.delete("Secret", "router-credentials")
    router.wait_available()
    assert own_secret(router)["data"] == {"password": CODED}


def test_without_the_right_to_write_secrets_plain_text_is_told_and_the_rest_works(
    space: Space, control_plane: DevCluster, operator: OperatorUnderTest
) -> None:
    rights = str(CHECKOUT / "deploy" / "rbac" / "plaintext_credentials.yaml")
    control_plane.kubectl("delete", "-f", rights)
    try:
        plain = Router.create(
            space, {"config": redis_cache(host="store.example", password=WORD)}, name="plain"
        )
        condition = plain.wait_condition("CacheReady", "False", reason="SecretNotWritten", says="grant")
        assert "plaintext_credentials.yaml" in condition["message"]
        assert "plaintext_credentials.yaml" in plain.wait_condition("Reconciled", "False")["message"]
        Router.create(space, name="other").wait_available()
    finally:
        control_plane.kubectl("apply", "-f", rights)
    plain.wait_available()
    assert WORD not in operator.log


def test_secrets_are_only_ever_read_by_name(space: Space, audit: AuditLog) -> None:
    mark = audit.now()
    plain_router(space)
    stays(lambda: _by_name_only(audit, mark), seconds=3)
    assert "get" in audit.verbs(USER, "secrets", mark)


def _by_name_only(audit: AuditLog, mark: int) -> None:
    assert audit.verbs(USER, "secrets", mark) <= {"get", "create", "patch", "delete"}


def test_our_secret_stays_for_the_revision_that_a_roll_back_goes_to(space: Space) -> None:
    """No pod of that revision is left, since its volume can only be of one pod; only the status names it."""
    alone = {"persistence": {"accessMode": "ReadWriteOncePod"}}
    router = Router.create(space, {**alone, "config": redis_cache(host="store.example", password=WORD)})
    router.wait_available()
    good = wait_for(lambda: last_good(router), timeout=30, what="the first revision has proved itself")
    before = own_secret(router)
    make_store(space)
    nowhere = {"nodeSelector": {"example.com/no-such": "node"}}
    router.edit({**nowhere, "config": redis_cache(password=None, password_secret_ref=REFERENCE)})
    router.wait_condition("Progressing", "True", says="is not scheduled")
    wait_for(lambda: good not in revisions_of_pods(space), timeout=60, what="the older pods go")
    router.space.patch(
        "SemanticRouter", "router", {"metadata": {"annotations": {"vllm.ai/reconcile-at": "1"}}}
    )
    wait_for(lambda: router.read()["status"].get("reconcileAt") == "1", timeout=60, what="another run")
    assert own_secret(router) == before

    router.space.patch("SemanticRouter", "router", {"metadata": {"annotations": {"vllm.ai/rollback": "1"}}})
    router.wait_condition("RouterReady", "False", reason="RolledBack", says=good)
    router.wait_rolled()
    assert revisions_of_pods(space) == {good}
    selector = {"name": "router-credentials", "key": "password"}
    assert environment_of(router)[PASSWORD]["valueFrom"] == {"secretKeyRef": selector}
    assert own_secret(router) == before

    router.edit({"nodeSelector": None})
    router.space.patch("SemanticRouter", "router", {"metadata": {"annotations": {"vllm.ai/rollback": None}}})
    router.wait_available()
    wait_for(
        lambda: space.get("Secret", "router-credentials") is None, timeout=60, what="nobody needs it any more"
    )


def last_good(router: Router) -> str:
    return str(router.read()["status"].get("lastGood", {}).get("revision", ""))


def revisions_of_pods(space: Space) -> set[str]:
    pods = space.list("Pod", "app.kubernetes.io/instance=router")
    return {
        pod["metadata"]["annotations"]["vllm.ai/revision"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    }
