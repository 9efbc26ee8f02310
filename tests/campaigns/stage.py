"""Where campaigns play: a router that goes through its whole life, and what is true after each step of it."""

import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaigns.states import MADE, REVISION, State, objects_of, state_of
from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.canary import CANARY
from tests.support.faults.proxy import FaultProxy
from tests.support.operators import USER, OperatorUnderTest, conditions
from tests.support.routers import Router, endpoint, redis_cache, service
from tests.support.waiting import wait_for

SETTLED_SECONDS = 120.0
REST_SECONDS = 1.5
COMPARE_SECONDS = 5
"""How often the operator of a campaign compares what it knows with the API server."""

BUSY = ("playbook_engine_runs_in_progress", "playbook_engine_queue_depth")

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


@dataclass(slots=True)
class Stage:
    """One namespace, one operator behind the proxy, one router at a time."""

    space: Space
    operator: OperatorUnderTest
    proxy: FaultProxy
    audit: AuditLog
    scratch: Path
    """Where the operator's temporary files are."""

    router: Router = field(init=False)

    def __post_init__(self) -> None:
        """Make what the router refers to."""
        self.router = Router(self.space)
        self.space.create(service())
        self.space.create(secret())

    def revive(self) -> bool:
        """Start the operator when it has been killed; say whether it had been."""
        if self.operator.current is not None:
            return False
        self.operator.start()
        return True

    def perform(self, step: Step) -> None:
        """Do a step and wait until it is done and all is at rest."""
        step.act(self.router)
        self.settle(step)
        self.rest()

    def settle(self, step: Step, timeout: float = SETTLED_SECONDS) -> None:
        """Wait until the step has been done; raises AssertionError with what is missing."""
        if not step.leaves:
            wait_for(self._is_gone, timeout=timeout, what=f"after {step.name} nothing is left")
            return
        self.router.wait_available(timeout=timeout)
        self.router.wait_condition("Reconciled", "True", timeout=timeout)
        self.router.wait_condition("Degraded", "False", timeout=timeout)
        wait_for(self._is_tidy, timeout=timeout, what="objects of older revisions go")

    def complaints(self) -> list[str]:
        """Return what the router's conditions say of what is not well."""
        told = conditions(self.space.get("SemanticRouter", self.router.name) or {})
        return [
            f"{kind}={one['status']} {one['reason']}: {one['message']}"
            for kind, one in told.items()
            if one["message"]
            and (one["status"] == "Unknown" or (kind == "Degraded" and one["status"] == "True"))
        ]

    def _is_tidy(self) -> bool:
        template = self.router.deployment()["spec"]["template"]
        current = template["metadata"]["annotations"]["vllm.ai/revision"]
        older = [name for name in self.uids() for found in REVISION.findall(name) if found != current]
        assert not older, f"left: {older}"
        return True

    def _is_gone(self) -> bool:
        assert self.space.get("SemanticRouter", self.router.name) is None, "the router is still there"
        left = [name for name in objects_of(self.space) if name not in ("Service/model", "Secret/redis")]
        assert not left, f"left: {left}"
        return True

    def state(self) -> State:
        """Look at everything."""
        return state_of(self.space, self.router.name)

    def uids(self) -> dict[str, str]:
        """Return the uid of every object."""
        return {
            f"{kind}/{item['metadata']['name']}": item["metadata"]["uid"]
            for kind in MADE
            for item in self.space.list(kind)
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
            assert not self.is_busy(), "a run goes on"
            old = [number for at, number in seen if at <= seen[-1][0] - REST_SECONDS]
            assert old, "it has not been looked at for long enough"
            assert old[-1] == len(writes), f"written: {writes[old[-1] :]}"
            return True

        mark = self.audit.now()
        wait_for(silent, timeout=SETTLED_SECONDS, what="the operator comes to rest")

    def is_busy(self) -> bool:
        """Tell whether something runs or is about to; one that has been killed does nothing."""
        with suppress(OSError):
            return self.operator.current is not None and any(self.operator.metric(name) for name in BUSY)
        return False

    def unexpected(self, since: int = 0) -> list[str]:
        """Return lines of the operator's log, from a length of it on, that should never be there."""
        return [line for line in self.operator.log[since:].splitlines() if _is_unexpected(line)]


def secret() -> dict[str, Any]:
    """Return the Secret that a router's life refers to; what is in it must be found nowhere else."""
    return {"kind": "Secret", "metadata": {"name": "redis"}, "stringData": {"password": CANARY}}


def _is_unexpected(line: str) -> bool:
    """Tell what should never be logged; kopf calls every request an error that it makes again."""
    if "Traceback" in line or CANARY in line:
        return True
    try:
        said = json.loads(line)
    except ValueError:
        return False
    return said.get("level") in ("error", "critical") and not said.get("logger", "").startswith("kopf")
