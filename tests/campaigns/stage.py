"""Where campaigns play: a router that goes through its whole life, and what is true after each step of it."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.support.api import KINDS, Space
from tests.support.audit import AuditLog
from tests.support.faults.proxy import FaultProxy
from tests.support.operators import USER, OperatorUnderTest, conditions
from tests.support.routers import DERIVED, Router, endpoint, redis_cache, service
from tests.support.waiting import wait_for

SETTLED_SECONDS = 120.0
REST_SECONDS = 1.5
COMPARE_SECONDS = 5
"""How often the operator of a campaign compares what it knows with the API server."""

MADE = tuple(
    kind
    for kind in KINDS
    if kind not in ("Event", "Namespace", "Pod", "ReplicaSet", "StorageClass", "SemanticRouter", "Toy")
)
BUSY = ("playbook_engine_runs_in_progress", "playbook_engine_queue_depth")
VOLATILE = {"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "namespace"}
OF_OTHERS = (
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
)
ASSIGNED = ("clusterIP", "clusterIPs", "volumeName", "nodePort", "ipFamilies", "healthCheckNodePort")

REVISION = re.compile(r"\b[0-9a-f]{12}\b")

CACHE = redis_cache(host="redis", password_secret_ref={"name": "redis", "key": "password"})
INGRESS = {
    "enabled": True,
    "hosts": [{"host": "r.example.com", "paths": [{"path": "/", "pathType": "Prefix", "servicePort": 8080}]}],
}
FIRST = {"vllmEndpoints": [endpoint()], "config": CACHE}
SECOND = {"replicas": 2, "config": {**CACHE, "tools": {"top_k": 7}}, "ingress": INGRESS}
THIRD = {
    "replicas": None,
    "ingress": None,
    "config": {**CACHE, "tools": None},
    "autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 3},
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a router's life: what somebody does."""

    name: str
    act: Callable[[Router], object]
    leaves: bool = True
    """Whether there is a router afterwards."""


LIFE = (
    Step("create", lambda router: Router.create(router.space, FIRST, name=router.name)),
    Step("edit", lambda router: router.edit(SECOND)),
    Step("migrate", lambda router: router.edit(THIRD)),
    Step("delete", lambda router: router.delete(), leaves=False),
)


@dataclass(frozen=True, slots=True)
class State:
    """What is there at rest: the router's status and every object with a name, without what differs each time."""

    told: Mapping[str, Any]
    objects: Mapping[str, Any]

    def differences(self, other: "State") -> list[str]:
        """Say how ``other`` differs from this one, which is the reference."""
        found = [f"status: {self.told} became {other.told}"] if self.told != other.told else []
        for name in sorted({*self.objects, *other.objects}):
            one, two = self.objects.get(name), other.objects.get(name)
            if one is None or two is None:
                found.append(f"{name} is {'missing' if two is None else 'too much'}")
            elif one != two:
                found.append(f"{name}: {_first_difference(one, two)}")
        return found


@dataclass(slots=True)
class Stage:
    """One namespace, one operator behind the proxy, one router at a time."""

    space: Space
    operator: OperatorUnderTest
    proxy: FaultProxy
    audit: AuditLog
    router: Router = field(init=False)

    def __post_init__(self) -> None:
        """Make what the router refers to."""
        self.router = Router(self.space)
        self.space.create(service())
        secret = {"kind": "Secret", "metadata": {"name": "redis"}, "stringData": {"password": "top-secret"}}
        self.space.create(secret)

    def revive(self) -> bool:
        """Start the operator when it has been killed; say whether it had been."""
        if self.operator.current is not None:
            return False
        self.operator.start()
        return True

    def settle(self, step: Step, timeout: float = SETTLED_SECONDS) -> None:
        """Wait until the step has been done; raises AssertionError with what is missing."""
        if not step.leaves:
            wait_for(self._is_gone, timeout=timeout, what=f"after {step.name} nothing is left")
            return
        self.router.wait_available(timeout=timeout)
        self.router.wait_condition("Reconciled", "True", timeout=timeout)
        self.router.wait_condition("Degraded", "False", timeout=timeout)
        wait_for(self._is_tidy, timeout=timeout, what="objects of older revisions go")

    def _is_tidy(self) -> bool:
        template = self.router.deployment()["spec"]["template"]
        current = template["metadata"]["annotations"]["vllm.ai/revision"]
        older = [name for name in self.uids() for found in REVISION.findall(name) if found != current]
        assert not older, f"left: {older}"
        return True

    def _is_gone(self) -> bool:
        assert self.space.get("SemanticRouter", self.router.name) is None, "the router is still there"
        left = [name for name in self._objects() if name not in ("Service/model", "Secret/redis")]
        assert not left, f"left: {left}"
        return True

    def state(self) -> State:
        """Look at everything."""
        resource = self.space.get("SemanticRouter", self.router.name)
        return State(_told(resource) if resource else {}, self._objects(_uid(resource)))

    def uids(self) -> dict[str, str]:
        """Return the uid of every object."""
        return {
            f"{kind}/{item['metadata']['name']}": item["metadata"]["uid"]
            for kind in MADE
            for item in self.space.list(kind)
        }

    def _objects(self, owner: str = "") -> dict[str, Any]:
        """Return every object by its name; a revision differs from life to life, for it depends on uids."""
        return {
            REVISION.sub("<revision>", f"{kind}/{item['metadata']['name']}"): _plain(item, owner)
            for kind in MADE
            for item in self.space.list(kind)
            if item["metadata"]["name"] not in ("default", "kube-root-ca.crt")
        }

    def made(self, since: int) -> Counter[str]:
        """Count what the operator created and deleted since a mark; a server-side apply that creates answers 201."""
        counts: Counter[str] = Counter()
        for write in self.audit.writes(USER, since):
            if write.namespace != self.space.name or write.resource == "events":
                continue
            name = REVISION.sub("<revision>", f"{write.resource}/{write.name}")
            if write.code == 201:
                counts[f"create {name}"] += 1
            if write.verb == "delete" and write.code < 300:
                counts[f"delete {name}"] += 1
        return counts

    def rest(self) -> None:
        """Wait until nothing runs or is written for a while; raises AssertionError when that goes on for ever."""
        seen: list[tuple[float, int]] = []

        def silent() -> bool:
            writes = [one for one in self.audit.writes(USER, mark) if one.namespace == self.space.name]
            seen.append((time.monotonic(), len(writes)))
            assert not self._is_busy(), "a run goes on"
            old = [number for at, number in seen if at <= seen[-1][0] - REST_SECONDS]
            assert old, "it has not been looked at for long enough"
            assert old[-1] == len(writes), f"written: {writes[old[-1] :]}"
            return True

        mark = self.audit.now()
        wait_for(silent, timeout=SETTLED_SECONDS, what="the operator comes to rest")

    def _is_busy(self) -> bool:
        """Tell whether something runs or is about to; one that has been killed does nothing."""
        with suppress(OSError):
            return self.operator.current is not None and any(self.operator.metric(name) for name in BUSY)
        return False

    def unexpected(self) -> list[str]:
        """Return lines of the operator's log that should never be there."""
        return [line for line in self.operator.log.splitlines() if _is_unexpected(line)]


def _is_unexpected(line: str) -> bool:
    """Tell what should never be logged; kopf calls every request an error that it makes again."""
    if "Traceback" in line or "top-secret" in line:
        return True
    try:
        said = json.loads(line)
    except ValueError:
        return False
    return said.get("level") in ("error", "critical") and not said.get("logger", "").startswith("kopf")


def _uid(resource: Any) -> str:  # noqa: ANN401 - an object, or None
    return str(resource["metadata"]["uid"]) if resource else ""


def _told(resource: Mapping[str, Any]) -> dict[str, Any]:
    told = {kind: (one["status"], one["reason"]) for kind, one in conditions(resource).items()}
    status = resource.get("status", {})
    kept = {name: status.get(name) for name in ("phase", "replicas", "readyReplicas", "gatewayMode")}
    return {**kept, **told, "finalizers": resource["metadata"].get("finalizers")}


def _plain(item: Mapping[str, Any], owner: str) -> Any:  # noqa: ANN401 - decoded JSON
    kept = {name: value for name, value in item.items() if name not in ("status", "metadata")}
    metadata = {name: value for name, value in item["metadata"].items() if name not in VOLATILE}
    annotations = metadata.get("annotations", {})
    metadata["annotations"] = {n: v for n, v in annotations.items() if not n.startswith(OF_OTHERS)}
    text = json.dumps({**kept, "metadata": metadata}, sort_keys=True)
    text = DERIVED.sub("<revision>", text.replace(owner, "<owner>") if owner else text)
    decoded = json.loads(text)
    spec = decoded.get("spec")
    if isinstance(spec, dict):
        for name in ASSIGNED:
            spec.pop(name, None)
    return decoded


def _first_difference(one: Any, two: Any, path: str = "") -> str:  # noqa: ANN401 - decoded JSON
    if isinstance(one, dict) and isinstance(two, dict):
        for name in sorted({*one, *two}):
            if one.get(name) != two.get(name):
                return _first_difference(one.get(name), two.get(name), f"{path}.{name}")
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for index, (left, right) in enumerate(zip(one, two, strict=True)):
            if left != right:
                return _first_difference(left, right, f"{path}[{index}]")
    return f"{path or '.'}: {str(one)[:200]} became {str(two)[:200]}"
