"""Filters for molecule's scenarios: what ``kubectl get -o json`` printed, compared with what is expected."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import yaml

from tests.support import expectations
from tests.support.fragments import differences

CALM = ("Degraded", "Progressing")
"""Conditions that are false when all is well; what is unknown, no controller of this cluster will ever say."""

NEUTRAL = ("IgnoredFields",)


def expected(
    resource: Mapping[str, Any], sample: str, namespace: str, objects: Mapping[str, Any]
) -> dict[str, Any]:
    """Return fragments of the objects that a resource makes: those of a sample, if one is named, and the given ones.

    A null takes a pattern of the sample away.
    """
    name = resource["metadata"]["name"]
    known = expectations.expectation(sample, name=name, namespace=namespace).objects if sample else {}
    own = yaml.safe_load(expectations.placed(json.dumps(objects), name=name, namespace=namespace))
    return expectations.layered([known, own])


def surprises(
    printed: str, objects: Mapping[str, Any], roll_outs: int, *, owned: bool, free: Sequence[str]
) -> list[str]:
    """Return what is wrong with the objects in the text that kubectl printed.

    ``roll_outs`` is how many revisions the pods have had; ``owned`` says whether the objects belong to a resource,
    those in ``free`` aside.
    """
    listed = {f"{one['kind']}/{one['metadata']['name']}": one for one in json.loads(printed)["items"]}
    made = {name: one for name, one in listed.items() if one["kind"] != "ReplicaSet"}
    seen = len(listed) - len(made)
    return [
        *expectations.surprises(made, objects),
        *([] if seen == roll_outs else [f"there were {seen} revisions of the pods, not {roll_outs}"]),
        *(
            text
            for name, one in made.items()
            for text in _owners(name, one, owned=owned and name not in free)
        ),
        *(text for name, one in made.items() if one["kind"] == "Deployment" for text in _pods(name, one)),
    ]


def _owners(name: str, found: Mapping[str, Any], *, owned: bool) -> list[str]:
    owners = [one["kind"] for one in found["metadata"].get("ownerReferences", []) if one.get("controller")]
    wanted = ["SemanticRouter"] if owned else []
    return [] if owners == wanted else [f"{name} belongs to {owners}, not to {wanted}"]


def _pods(name: str, found: Mapping[str, Any]) -> list[str]:
    status, replicas = found.get("status", {}), found["spec"]["replicas"]
    seen = {
        "of the newest generation": status.get("observedGeneration") == found["metadata"]["generation"],
        "all new": status.get("updatedReplicas") == replicas == status.get("replicas"),
        "all available": status.get("availableReplicas") == replicas,
    }
    return [f"the pods of {name} are not {what}" for what, holds in seen.items() if not holds]


def complaints(printed: str, sample: str) -> list[str]:
    """Return what the status of a resource, as kubectl printed it, says of trouble or not as its sample expects."""
    resource = json.loads(printed)
    name, namespace = (resource["metadata"][key] for key in ("name", "namespace"))
    wanted = expectations.expectation(sample, name=name, namespace=namespace).status if sample else {}
    trouble = [
        f"{one['type']}: {one['message']}"
        for one in resource["status"]["conditions"]
        if one["status"] == str(one["type"] in CALM) and one["type"] not in NEUTRAL
    ]
    return [*trouble, *differences({"phase": "Running", **wanted}, resource["status"], "status")]


def left(documents: Iterable[Any], owner: Mapping[str, Any]) -> dict[str, Any]:
    """Return rendered objects as an operator has left them: they belong to the resource ``owner``."""
    reference = {
        **{key: owner[key] for key in ("apiVersion", "kind")},
        **{key: owner["metadata"][key] for key in ("name", "uid")},
        "controller": True,
        "blockOwnerDeletion": True,
    }
    found = placed(documents, owner["metadata"]["namespace"])
    for one in found["items"]:
        del one["metadata"]["annotations"]["vllm.ai/adopt-by"]
        one["metadata"]["ownerReferences"] = [reference]
    return found


def placed(documents: Iterable[Any], namespace: str) -> dict[str, Any]:
    """Return objects as one list; those that name no namespace get this one."""
    items = [one for one in documents if one]
    for one in items:
        if one["kind"] != "Namespace":
            one["metadata"].setdefault("namespace", namespace)
    return {"apiVersion": "v1", "kind": "List", "items": items}


def edited(resource: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resource with some keys of its spec replaced; a null takes one away."""
    whole = {**resource.get("spec", {}), **spec}
    return {**resource, "spec": {key: value for key, value in whole.items() if value is not None}}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "complaints": complaints,
            "edited": edited,
            "expected": expected,
            "left": left,
            "placed": placed,
            "surprises": surprises,
        }
