"""What a resource should make: fragments of all objects, by ``<Kind>/<name pattern>``, kept one file for each sample.

Used by the tests of the samples and by molecule's scenarios (``molecule/shared``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import laid_over

from tests.support.fragments import differences

KEPT = Path(__file__).resolve().parents[1] / "integration" / "testdata" / "samples"


@dataclass(frozen=True, slots=True)
class Expectation:
    """``objects`` has a fragment for each name pattern; ``status`` is a fragment of the resource's status."""

    objects: Mapping[str, Any]
    status: Mapping[str, Any]


def names() -> set[str]:
    """Return the samples for which there is an expectation."""
    return {path.stem for path in KEPT.glob("[!_]*.yaml")}


def expectation(sample: str, *, name: str, namespace: str) -> Expectation:
    """Return what a sample makes when its resource has that name, in that namespace."""
    own = _kept(sample, name, namespace)
    shared = ["_common", *([] if own.get("gateway") else ["_standalone"])]
    layers = [*(_kept(one, name, namespace) for one in shared), own.get("objects", {})]
    return Expectation(objects=layered(layers), status=own.get("status", {}))


def layered(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay the fragments of later layers over those of earlier ones; a null takes a pattern away."""
    patterns = dict.fromkeys(pattern for layer in layers for pattern in layer)
    found = {one: [layer[one] for layer in layers if one in layer] for one in patterns}
    return {
        one: reduce(laid_over, fragments) for one, fragments in found.items() if fragments[-1] is not None
    }


def placed(text: str, *, name: str, namespace: str) -> str:
    """Put the names of the resource and of its namespace into an expectation."""
    return text.replace("NAMESPACE", namespace).replace("NAME", name)


def surprises(made: Mapping[str, Any], objects: Mapping[str, Any]) -> list[str]:
    """Return what is not as expected about the objects ``made``, by ``<Kind>/<name>``; none may be too many."""
    return list(_surprises(made, objects))


def _surprises(made: Mapping[str, Any], objects: Mapping[str, Any]) -> Iterator[str]:
    patterns = {name: [one for one in objects if fnmatch(name, one)] for name in made}
    met = {one for found in patterns.values() for one in found}
    yield from (f"{one} is missing" for one in objects if one not in met)
    for name, found in patterns.items():
        if not found:
            yield f"{name} is not expected"
            continue
        labels = made[name]["metadata"].get("labels") or {}
        if labels.get("app.kubernetes.io/managed-by") != "semantic-router-operator":
            yield f"{name} has the labels {labels}"
        yield from differences(objects[found[-1]], made[name], name)


def _kept(file: str, name: str, namespace: str) -> Any:  # noqa: ANN401 - as the file says
    text = (KEPT / f"{file}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(placed(text, name=name, namespace=namespace))
