"""What the router cannot take is told, with its place and what to write instead, and degrades nothing."""

from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils.ignored_fields import (
    IGNORED,
    ignored_condition,
    ignored_fields,
)

from playbook_engine.watches.reading import read_watches
from tests.support.cluster import CHECKOUT
from tests.unit.content.routers import observed, resource


def test_a_resource_without_such_fields_says_so() -> None:
    condition = plans.router_plan(resource(), observed())["conditions"]["IgnoredFields"]
    assert (condition["status"], condition["reason"]) == ("False", "NoneIgnored")


def test_every_such_field_is_told_with_its_place_and_a_next_step() -> None:
    config = {
        "bert_model": {"model_id": "m", "threshold": "0.6"},
        "classifier": {"pii_model": {"use_modernbert": False}},
        "decisions": [{"name": "a"}, {"name": "b", "preferred_endpoints": ["e"]}],
    }
    given = resource(config=config)
    assert [place for place, _ in ignored_fields(given)] == [
        "spec.config.bert_model.threshold",
        "spec.config.classifier.pii_model.use_modernbert",
        "spec.config.decisions[1].preferred_endpoints",
    ]
    condition = ignored_condition(given)
    assert (condition["status"], condition["warning"]) == ("True", True)
    assert all(why in condition["message"] for why in IGNORED.values())


def test_many_are_counted() -> None:
    decisions = [{"name": str(number), "preferred_endpoints": ["e"]} for number in range(12)]
    message = ignored_condition(resource(config={"decisions": decisions}))["message"]
    assert message.endswith("; and 2 more")
    assert "decisions[10]" not in message


def test_the_condition_does_not_degrade() -> None:
    (watch,) = read_watches(CHECKOUT / "watches.yaml", {})
    assert watch.neutral == ("IgnoredFields",)
