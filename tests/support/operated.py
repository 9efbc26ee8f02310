"""Random resources under a real operator: where they live, when they are at rest, and what they came to."""

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.conftest import temporary_space
from tests.support.api import Api, ApiError, Space
from tests.support.canary import CANARY
from tests.support.operators import conditions
from tests.support.resources import SECRET, specs
from tests.support.routers import CHILD_KINDS, SWITCHED, Router
from tests.support.waiting import wait_for

PATIENCE = 120.0
"""Seconds for a resource to settle: several runs, one after another."""

SERVICES = ("s", "t")
MOST_PODS = 3
FEWEST_BLOCKS = 2
ELSEWHERE = ("nodeSelector", "affinity", "resources")
"""Blocks by which pods may find no node, so that older ones stay as they should."""

CLAIM = "PersistentVolumeClaim"
COMPARED = tuple(kind for kind in (*CHILD_KINDS, *SWITCHED, "Secret") if kind != CLAIM)
OF_THE_SERVER = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "ownerReferences",
)
GIVEN_BY_THE_SERVER = ("clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort")
ROLLED = "deployment.kubernetes.io/revision"


def bounded(spec: dict[str, Any]) -> dict[str, Any]:
    """Take from a specification what asks for thousands of pods, and what keeps pods from ever running."""
    kept = {name: block for name, block in spec.items() if name not in ELSEWHERE}
    if "replicas" in kept:
        kept["replicas"] = min(kept["replicas"], MOST_PODS)
    for name in ("minReplicas", "maxReplicas"):
        if name in kept.get("autoscaling", {}):
            kept["autoscaling"] = {**kept["autoscaling"], name: MOST_PODS}
    return kept


def without_volume(spec: dict[str, Any]) -> dict[str, Any]:
    """A claim is kept as it is through every edit, and how pods roll depends on it."""
    return {name: block for name, block in spec.items() if name != "persistence"}


BUSY = specs().map(bounded).filter(lambda spec: len(spec) >= FEWEST_BLOCKS)
"""What says something: each example costs a minute."""


@contextmanager
def place(api: Api) -> Iterator[Space]:
    """A namespace with what random resources refer to."""
    with temporary_space(api, operated=True) as space:
        space.create(
            {"kind": "Secret", "metadata": {"name": SECRET["name"]}, "stringData": {SECRET["key"]: CANARY}}
        )
        for name in SERVICES:
            ports = [{"name": f"p{port}", "port": port} for port in (80, 443, 8000)]
            labels = {"app": "a", "tier": "b"}
            space.create(
                {"kind": "Service", "metadata": {"name": name, "labels": labels}, "spec": {"ports": ports}}
            )
        yield space


def replace(router: Router, spec: Mapping[str, Any]) -> None:
    """Put a whole specification in place of the other, as ``kubectl replace`` does."""

    def put() -> bool:
        path = router.space.path("SemanticRouter", router.name)
        try:
            router.space.api.request("PUT", path, body={**router.read(), "spec": dict(spec)})
        except ApiError as error:
            if error.code == http.client.CONFLICT:  # the operator has written meanwhile
                raise AssertionError(str(error)) from error
            raise
        return True

    wait_for(put, timeout=10, what="the specification is replaced")


def run_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition that tells of the last run, which must have gone through."""
    found: dict[str, Any] = conditions(resource).get("Reconciled", {})
    assert found.get("status") == "True", found
    assert found.get("observedGeneration") == resource["metadata"]["generation"], found
    return found


def settle(router: Router) -> dict[str, Any]:
    """Force a run until one changes nothing, when all that rolls has rolled; return the resource."""
    rounds = iter(range(1000))

    def settled() -> dict[str, Any]:
        resource = router.read()
        run_of(resource)
        told = conditions(resource)
        if told["RouterReady"]["status"] == "True":
            assert told["Progressing"]["status"] == "False", told["Progressing"]
        found = force(router, str(next(rounds)))
        assert " 0 changed" in run_of(found)["message"], run_of(found)
        return found

    return wait_for(settled, timeout=PATIENCE, what=f"{router.name} settles", poll=0.5)


def force(router: Router, value: str) -> dict[str, Any]:
    """Ask for a run by the annotation, and wait for it; return the resource."""
    annotations = {"annotations": {"vllm.ai/reconcile-at": value}}
    router.space.patch("SemanticRouter", router.name, {"metadata": annotations})

    def is_done() -> dict[str, Any]:
        resource = router.read()
        assert resource.get("status", {}).get("reconcileAt") == value
        run_of(resource)
        return resource

    return wait_for(is_done, timeout=PATIENCE, what="the run that was asked for")


def outcome(router: Router) -> dict[str, Any]:
    """Return what it has made, without what the API server and other controllers say of it."""
    return {f"{kind} {name}": plain(item, router) for (kind, name), item in named(router).items()}


def named(router: Router) -> dict[tuple[str, str], dict[str, Any]]:
    """Return its objects by kind and name; those of a revision without its digest."""
    found = router.children(*COMPARED).items()
    return {(kind, re.sub("-[0-9a-f]{12}$", "-REVISION", name)): item for (kind, name), item in found}


def plain(item: Mapping[str, Any], router: Router) -> Any:  # noqa: ANN401 - JSON
    metadata = {key: value for key, value in item["metadata"].items() if key not in OF_THE_SERVER}
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != ROLLED}
    kept = {key: value for key, value in item.items() if key != "status"}
    text = json.dumps(without({**kept, "metadata": {**metadata, "annotations": annotations}}))
    revision = router.deployment()["spec"]["template"]["metadata"]["annotations"]["vllm.ai/revision"]
    text = text.replace(router.space.name, "NAMESPACE").replace(revision, "REVISION")
    text = re.sub("/drain/[0-9a-f]{32}", "/drain/PATH", text)
    return json.loads(re.sub(r"(?<=/)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/\d+", "VERSION", text))


def without(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Leave out what the API server gives to each object anew."""
    if isinstance(value, dict):
        return {key: without(item) for key, item in value.items() if key not in GIVEN_BY_THE_SERVER}
    return [without(item) for item in value] if isinstance(value, list) else value
