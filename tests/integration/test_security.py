"""What the operator may not do, where a secret may not be, and what the API server's own admission says of its pods."""

import os
import stat
from pathlib import Path

import pytest
import yaml

from tests.support.api import Api, ApiError, Space, may
from tests.support.audit import AuditLog
from tests.support.canary import CANARY, anywhere
from tests.support.cluster import CHECKOUT
from tests.support.operators import USER, OperatorUnderTest
from tests.support.routers import Router, endpoint, redis_cache, service

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("list", "secrets"),
        ("watch", "secrets"),
        ("update", "secrets"),
        ("deletecollection", "secrets"),
        ("get", "pods"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("create", "serviceaccounts/token"),
        ("impersonate", "serviceaccounts"),
        ("create", "namespaces"),
        ("delete", "namespaces"),
        ("patch", "nodes"),
        ("create", "clusterroles.rbac.authorization.k8s.io"),
        ("bind", "clusterroles.rbac.authorization.k8s.io"),
        ("escalate", "clusterroles.rbac.authorization.k8s.io"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
        ("patch", "customresourcedefinitions.apiextensions.k8s.io"),
        ("create", "validatingwebhookconfigurations.admissionregistration.k8s.io"),
        ("create", "semanticrouters.vllm.ai"),
        ("delete", "semanticrouters.vllm.ai"),
        ("patch", "replicasets.apps"),
        ("patch", "gateways.gateway.networking.k8s.io"),
        ("patch", "inferenceservices.serving.kserve.io"),
        ("patch", "storageclasses.storage.k8s.io"),
        ("delete", "persistentvolumes"),
    ],
)
def test_the_operator_may_not(api: Api, verb: str, resource: str) -> None:
    assert not may(api, USER, verb, resource, namespace="default")


def test_the_lease_of_nobody_else_can_be_changed(api: Api) -> None:
    lease = "leases.coordination.k8s.io"
    own = {"namespace": "semantic-router-operator-system"}
    assert may(api, USER, "update", lease, name="semantic-router-operator", **own)
    assert not may(api, USER, "update", lease, name="another", **own)
    assert not may(api, USER, "update", lease, name="kube-scheduler", namespace="kube-system")


@pytest.fixture
def restricted(api: Api, space: Space) -> Space:
    """The namespace of the test, in which the API server's admission lets only restricted pods in."""
    api.request(
        "PATCH",
        f"api/v1/namespaces/{space.name}",
        body={"metadata": {"labels": RESTRICTED}},
        kind="application/merge-patch+json",
    )
    return space


def test_the_admission_of_restricted_namespaces_takes_the_operators_pods(restricted: Space) -> None:
    manager = yaml.safe_load((CHECKOUT / "deploy" / "base" / "manager.yaml").read_text(encoding="utf-8"))
    restricted.create({"kind": "ServiceAccount", "metadata": {"name": "semantic-router-operator"}})
    pod = {"apiVersion": "v1", "kind": "Pod", **manager["spec"]["template"]}
    pod["metadata"] = {"name": "operator"}
    path = f"{restricted.path('Pod')}"
    assert restricted.api.request("POST", path, body=pod, dryRun="All")["metadata"]["name"] == "operator"
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(ApiError, match="violates PodSecurity"):
        restricted.api.request("POST", path, body=pod, dryRun="All")


@pytest.fixture
def with_canary(operator: OperatorUnderTest, restricted: Space) -> Router:
    """A router that has a password in a Secret, in a namespace for restricted pods, after an edit that fails."""
    del operator
    restricted.create(service())
    secret = {"kind": "Secret", "metadata": {"name": "redis"}, "stringData": {"password": CANARY}}
    restricted.create(secret)
    cache = redis_cache(host="redis", password_secret_ref={"name": "redis", "key": "password"})
    router = Router.create(restricted, {"vllmEndpoints": [endpoint()], "config": cache})
    router.wait_available()
    wrong = redis_cache(host="redis", password_secret_ref={"name": "redis", "key": "missing"})
    router.edit({"config": wrong})
    router.wait_condition("CacheReady", "False")
    router.edit({"config": cache})
    router.wait_available()
    return router


def test_a_password_is_nowhere_but_in_its_secret_and_restricted_admission_takes_the_routers_pods(
    with_canary: Router, operator: OperatorUnderTest, audit: AuditLog
) -> None:
    space = with_canary.space
    for kind in ("SemanticRouter", "ConfigMap", "Deployment", "Service", "ReplicaSet", "Pod"):
        assert space.list(kind), f"no {kind} was looked at"
    assert list(anywhere(space, operator)) == []
    assert "secrets" not in {
        write.resource for write in audit.writes(USER, 0) if write.namespace == space.name
    }


def test_the_files_of_the_operator_are_readable_for_nobody_else(operator: OperatorUnderTest) -> None:
    environment = dict(
        line.split("=", 1)
        for line in Path(f"/proc/{operator.running.process.process.pid}/environ").read_text().split("\0")
        if "=" in line
    )
    (roots) = sorted(Path(environment.get("TMPDIR", "/tmp")).glob("runs-*"))  # noqa: S108 - where the operator puts it
    mine = [root for root in roots if root.stat().st_uid == os.getuid()]
    assert mine
    for root in mine:
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
