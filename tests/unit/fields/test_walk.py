"""Every field of the definition changes something, or is told to be ignored; and what it changes, the router knows."""

import jsonschema
import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.ignored_fields import (
    IGNORED,
    ignored_fields,
)

from tests.support.broken_rules import broken_rules
from tests.support.router_loader import load
from tests.unit.crd.schemas import fields
from tools.fields.runs import Run
from tools.fields.surroundings import resource_of
from tools.fields.walk import Step, spec_schema, walk


def is_ignored(step: Step) -> bool:
    return step.leaf.path.removesuffix("[]") in IGNORED


def has_one_value(step: Step) -> bool:
    return len(step.leaf.schema.get("enum", ())) == 1


def environment(run: Run) -> dict[str, str]:
    """Return the variables of the router's container."""
    (deployment,) = (item for item in run.applied if item["kind"] == "Deployment")
    (router,) = (
        one
        for one in deployment["spec"]["template"]["spec"]["containers"]
        if one["name"] == "semantic-router"
    )
    return {entry["name"]: entry.get("value", "from elsewhere") for entry in router["env"]}


def test_the_walk_has_every_field_of_the_definition() -> None:
    """Said by a second reader of the definition."""
    elements = ("[]", ".*")
    walked = {f"spec.{step.leaf.path}" for step in walk()}
    inner = {
        field.path
        for field in fields()
        if field.path.startswith("spec.")
        and not {"properties", "items", "additionalProperties"} & field.schema.keys()
    }
    assert walked == inner
    assert len(walked) > 540
    assert any(path.endswith(elements) for path in walked)


def test_every_field_changes_something_unless_it_is_told_to_be_ignored() -> None:
    without = {step.leaf.path for step in walk() if not step.effects and not has_one_value(step)}
    assert without == {step.leaf.path for step in walk() if is_ignored(step)}


def test_the_ignored_fields_are_fields_and_each_is_told_when_it_is_set() -> None:
    assert {step.leaf.path.removesuffix("[]") for step in walk() if is_ignored(step)} == set(IGNORED)
    for step in walk():
        assert bool(ignored_fields(resource_of(step.after))) == is_ignored(step), step.leaf.path


def test_what_is_set_is_valid_and_differs() -> None:
    validator = jsonschema.Draft202012Validator(spec_schema())
    for step in walk():
        assert has_one_value(step) or step.after != step.before, step.leaf.path
        assert [error.message for error in validator.iter_errors(step.after)] == [], step.leaf.path
        assert list(broken_rules(step.after, spec_schema())) == [], step.leaf.path


def test_nothing_stands_in_the_way_of_what_is_compared() -> None:
    """Else everything would differ, and the field seem to have an effect."""
    for step in walk():
        for run in step.runs:
            wrong = {kind for kind, told in run.conditions.items() if told["status"] != "True"}
            assert wrong <= {"IgnoredFields"}, (step.leaf.path, run.conditions)


def test_the_router_takes_each_configuration_and_knows_every_key_of_it() -> None:
    for step in walk():
        run = step.runs[1]
        texts = [item["data"]["config.yaml"] for item in run.applied if "config.yaml" in item.get("data", {})]
        for text in texts:
            assert load(text, environment(run)).ignored == (), step.leaf.path
        assert texts or step.runs[0].applied, step.leaf.path


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("replicas", "Deployment: spec.replicas"),
        ("service.api.port", "Service: spec.ports[api].port"),
        ("persistence.size", "PersistentVolumeClaim: spec.resources.requests.storage"),
        ("config.semantic_cache.ttl_seconds", "config.yaml: global.stores.response_cache.ttl_seconds"),
        (
            "config.response_cache.redis.search.topk",
            "config.yaml: global.stores.response_cache.redis.search.topk",
        ),
        ("toolsDb[].category", "tools_db.json: [0].category"),
        ("gateway.existingRef.sectionName", "HTTPRoute: spec.parentRefs[g].sectionName"),
    ],
)
def test_the_walk_finds_what_is_known(path: str, place: str) -> None:
    (step,) = (step for step in walk() if step.leaf.path == path)
    assert place in step.effects
