"""What a role hands back of objects, and which it need not apply again."""

from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import (
    fingerprints,
    left_alone,
    split,
)


def config_map(name: str = "one", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "ns", "name": name},
        "data": data,
    }


def stored(wanted: dict[str, Any], **metadata: object) -> dict[str, Any]:
    return {**wanted, "metadata": {**wanted["metadata"], "uid": "u", "resourceVersion": "7", **metadata}}


def digests(*wanted: dict[str, Any]) -> dict[str, str]:
    """Return what the engine knows of objects that were applied and that nobody has touched."""
    found = fingerprints([stored(one) for one in wanted], "us", wanted)
    return {key: one["wanted"] for key, one in found.items()}


def test_who_an_object_is_and_how_it_is_now() -> None:
    entry = {"manager": "us", "operation": "Apply", "fieldsV1": {"f:data": {}}}
    wanted = config_map(a="1")
    told = fingerprints([stored(wanted, generation=3, managedFields=[entry])], "us", [wanted])
    (one,) = told.values()
    assert list(told) == ["v1/ConfigMap/ns/one"]
    assert (one["uid"], one["version"], one["generation"]) == ("u", "7", "3")
    assert len(one["fields"]) == len(one["wanted"]) == 64


def test_the_same_is_not_applied_again() -> None:
    both = [config_map(a="1"), config_map("two")]
    assert split(both, digests(*both)) == ([], both)
    assert left_alone(both) == {f"v1/ConfigMap/ns/{name}": {"untouched": True} for name in ("one", "two")}


@pytest.mark.parametrize("wanted", [config_map(a="2"), config_map(), config_map("three", a="1")])
def test_anything_else_is_applied(wanted: dict[str, Any]) -> None:
    assert split([wanted], digests(config_map(a="1"))) == ([wanted], [])
    assert split([wanted], {}) == ([wanted], [])


def test_a_secret_is_always_applied_since_a_digest_would_let_one_guess_it() -> None:
    secret = {**config_map(), "kind": "Secret", "stringData": {"password": "guess"}}
    assert digests(secret) == {"v1/Secret/ns/one": ""}
    assert split([secret], digests(secret)) == ([secret], [])
