"""Random resources: the router takes what is made of them or a path is named, and edits leave nothing behind."""

from typing import Any

import jsonschema
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.broken_rules import broken_rules
from tests.support.examples import few
from tests.support.imagined import ImaginedCluster
from tests.support.resources import specs
from tests.support.router_loader import load
from tools.fields.runs import Run, run
from tools.fields.surroundings import resource_of, surroundings
from tools.fields.values import with_defaults
from tools.fields.walk import spec_schema

VALIDATOR = jsonschema.Draft202012Validator(spec_schema())
KEPT = ("PersistentVolumeClaim",)
EVERYTHING: dict[str, Any] = {
    "replicas": 2,
    "autoscaling": {"enabled": True, "targetMemoryUtilizationPercentage": 70},
    "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
    "ingress": {"enabled": True, "hosts": [{"host": "a.example", "paths": [{"path": "/"}]}]},
    "openshift": {"routes": {"enabled": True}},
    "serviceAccount": {"name": "other"},
    "config": {
        "semantic_cache": {"backend_type": "redis", "redis": {"connection": {"host": "r", "password": "p"}}}
    },
}


def without_volume(spec: dict[str, Any]) -> dict[str, Any]:
    """A claim is kept as it is through every edit, and how pods roll depends on it."""
    return {name: block for name, block in spec.items() if name != "persistence"}


def outcome(spec: dict[str, Any]) -> Run:
    resource = resource_of(with_defaults(spec, spec_schema()))
    return run(resource, surroundings(resource))


def environment(found: Run) -> dict[str, str]:
    """Return the variables of the router's container."""
    (deployment,) = (item for item in found.applied if item["kind"] == "Deployment")
    router, *_ = deployment["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", "from elsewhere") for entry in router["env"]}


@few(60)
@given(specs())
def test_a_random_resource_is_valid(spec: dict[str, Any]) -> None:
    """What the strategy promises; that the API server agrees is tested with one."""
    assert [error.message for error in VALIDATOR.iter_errors(spec)] == []
    assert list(broken_rules(with_defaults(spec, spec_schema()), spec_schema())) == []


@few(60)
@given(specs())
def test_the_router_takes_the_configuration_or_a_path_is_named(spec: dict[str, Any]) -> None:
    found = outcome(spec)
    condition = found.conditions["ConfigValid"]
    texts = [item["data"]["config.yaml"] for item in found.applied if "config.yaml" in item.get("data", {})]
    if condition["status"] == "False":
        assert condition["reason"] == "ConfigInvalid"
        assert "spec." in condition["message"]
        assert texts == []
    for text in texts:
        assert load(text, environment(found)).ignored == ()


@few(60)
@given(specs())
def test_what_stands_in_the_way_is_told_in_words_with_a_reason(spec: dict[str, Any]) -> None:
    found = outcome(spec)
    if not any(item["kind"] == "Deployment" for item in found.applied):
        assert found.conditions["RouterReady"]["status"] != "True"
        assert found.conditions["RouterReady"]["message"]


@few(30)
@example(edits=[EVERYTHING, {}])
@example(edits=[{}, EVERYTHING])
@given(edits=st.lists(specs().map(without_volume), min_size=2, max_size=3))
def test_edits_end_as_if_only_the_last_had_been_made(edits: list[dict[str, Any]]) -> None:
    """But for volumes, and for the last good state that stays while a specification cannot be applied."""
    edited, alone = ImaginedCluster(), ImaginedCluster()
    last = [edited.settle(spec) for spec in edits][-1]
    only = alone.settle(edits[-1])
    if only.conditions["RouterReady"]["status"] == "True":
        assert edited.without(*KEPT) == alone.without(*KEPT)
        assert last.conditions["RouterReady"] == only.conditions["RouterReady"]
    else:
        assert alone.without(*KEPT) == {} or only.conditions["ConfigValid"]["status"] == "True"
