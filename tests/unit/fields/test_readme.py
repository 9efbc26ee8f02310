"""Every specification of the operator's documentation makes what the words beside it promise."""

from typing import Any

import pytest
import yaml

from tests.support.cluster import CHECKOUT
from tests.support.fragments import differences
from tools.fields.runs import run
from tools.fields.surroundings import resource_of, surroundings
from tools.fields.values import with_defaults
from tools.fields.walk import spec_schema

TESTDATA = CHECKOUT / "tests" / "integration" / "testdata" / "crd"
MANIFESTS = list((TESTDATA / "readme").glob("*.yaml"))
EFFECTS = yaml.safe_load((TESTDATA / "readme_effects.yaml").read_text(encoding="utf-8"))


def parts_of(spec: dict[str, Any]) -> dict[str, Any]:
    """Return what is made by the names that effects have: kinds, files of the router, containers, and the status."""
    resource = resource_of(with_defaults(spec, spec_schema()))
    found = run(resource, surroundings(resource))
    parts: dict[str, Any] = {"status": found.status}
    for item in reversed(found.applied):  # the first of a kind counts
        parts[item["kind"]] = item
        parts.update({name: text for name, text in (item.get("data") or {}).items() if "." in name})
    containers = parts["Deployment"]["spec"]["template"]["spec"]["containers"]
    named = {"semantic-router": "router"}
    return {**parts, **{named.get(one["name"], one["name"]): one for one in containers}}


def test_every_manifest_has_its_effect() -> None:
    assert {path.stem for path in MANIFESTS} == set(EFFECTS)


@pytest.mark.parametrize("name", sorted(EFFECTS))
def test_a_documented_specification_has_the_promised_effect(name: str) -> None:
    manifest = yaml.safe_load((TESTDATA / "readme" / f"{name}.yaml").read_text(encoding="utf-8"))
    parts = parts_of(manifest["spec"])
    promised = dict(EFFECTS[name])
    assert [kind for kind in promised.pop("absent", []) if kind in parts] == []
    assert differences(promised, parts) == []
