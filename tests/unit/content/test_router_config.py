from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import (
    Address,
    Backends,
    Endpoint,
    Model,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache import resolve_cache
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import to_yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import ports_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import true
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_config import (
    management_environment,
    render_config,
    tools_db,
)

from tests.support.cluster import CHECKOUT
from tests.support.router_loader import Loaded, listener, load

GATEWAY = {"existingRef": {"name": "shared", "namespace": "gateways"}}
NOT_IN_THE_FILE = {
    "bert_model.threshold",  # the cache has a threshold of its own
    "classifier.pii_model.use_modernbert",
    "decisions[].preferred_endpoints[]",
    "observability.tracing.resource.environment",  # an older name, which gives way to the newer one
    "observability.tracing.sampling.probability",
}
"""Fields of ``spec.config`` that the router has no place for."""


def resource_with(config: object = None, **spec: object) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "ml", "name": "test-router", "uid": "1"},
        "spec": {**spec, "config": config},
    }


def model(name: str, family: str = "", loras: tuple[str, ...] = (), *, found: bool = True) -> Model:
    address = Address(host=f"{name}.ml.svc.cluster.local", port=8000)
    return Model(
        name=name,
        reasoning_family=family,
        loras=tuple({"name": lora} for lora in loras),
        endpoints=(Endpoint(name=f"{name}-endpoint", model=name, address=address),) if found else (),
    )


def rendered(resource: dict[str, Any], *models: Model) -> dict[str, Any]:
    backends = Backends(models=models, condition=true("Resolved", "all"))
    return render_config(resource, backends, resolve_cache(resource, {}), ports_of(resource))


def loaded(resource: dict[str, Any], *models: Model) -> Loaded:
    return load(to_yaml(rendered(resource, *models)), {})


def config_definition() -> dict[str, Any]:
    text = (CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml").read_text(encoding="utf-8")
    schema = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: dict[str, Any] = schema["properties"]["spec"]["properties"]["config"]
    return found


class Examples:
    """Values for all fields of a schema, every one different where the type allows it."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.numbers = count(1)

    def of(self, schema: dict[str, Any], path: str = "") -> Any:  # noqa: ANN401 - any field of a schema
        if "properties" in schema:
            below = schema["properties"].items()
            return {name: self.of(field, f"{path}.{name}".lstrip(".")) for name, field in below}
        if isinstance(schema.get("additionalProperties"), dict):
            return {"qwen3": self.of(schema["additionalProperties"], f"{path}.*")}
        if schema["type"] == "array":
            return [self.of(schema["items"], f"{path}[]")]
        self.made[path] = self._scalar(schema)
        return self.made[path]

    def _scalar(self, schema: dict[str, Any]) -> Any:  # noqa: ANN401 - as the schema says
        number = next(self.numbers)
        if "enum" in schema:
            return schema["enum"][-1]
        if str(schema.get("pattern", "")).startswith("^0"):
            return f"0.{number:03}"
        if str(schema.get("pattern", "")).startswith("^[0-9]"):
            return f"{number}.5"
        simple = {"string": f"said-{number}", "integer": number, "boolean": True, "object": {}}
        return simple[schema["type"]]


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


class TestFile:
    def test_an_empty_resource_makes_a_file_that_the_router_starts_with(self) -> None:
        document = rendered({"metadata": {"namespace": "ml", "name": "r", "uid": "1"}})
        assert load(to_yaml(document), {}).ignored == ()
        assert document["version"] == "v0.3"
        assert document["providers"] == {"defaults": {"reasoning_families": {}}, "models": []}
        assert document["global"]["stores"]["response_cache"]["backend_type"] == "memory"
        assert document["global"]["integrations"] == {"tools": {"tools_db_path": "config/tools_db.json"}}

    def test_every_field_of_the_definition_arrives_where_the_router_knows_it(self) -> None:
        definition = config_definition()
        for cache in ("semantic_cache", "response_cache"):
            definition["properties"].pop(cache)
        examples = Examples()
        config = examples.of(definition)
        config["decisions"][0]["modelRefs"][0]["model"] = "m"
        document = rendered(resource_with(config), model("m"))
        assert load(to_yaml(document), {}).ignored == ()
        there = {str(value) for value in leaves(document)}
        for path, value in examples.made.items():
            if path in NOT_IN_THE_FILE | {"decisions[].modelRefs[].model"} or value == {}:
                continue
            expected = float(value) if isinstance(value, str) and value[0].isdigit() else value
            assert str(expected) in there, path
        missing = {str(examples.made[path]) for path in NOT_IN_THE_FILE if examples.made[path] is not True}
        assert not missing & there

    def test_a_dollar_of_the_user_reaches_the_router_anywhere(self) -> None:
        text = "costs ${HOME} $5 $$"
        config = {
            "prompt_guard": {"model_id": text, "positive_labels": [text]},
            "reasoning_families": {"a$b": {"type": text, "parameter": text}},
            "routing": {"signals": {"keywords": [{"name": "k", "keywords": [text]}]}},
            "decisions": [{"name": "d", "description": text, "rules": {"operator": "AND", "conditions": []}}],
            "semantic_cache": {"backend_type": "qdrant", "qdrant": {"collection_name": text, "host": "q"}},
        }
        found = loaded(resource_with(config), model("$m", "a$b")).document
        assert found["global"]["model_catalog"]["modules"]["prompt_guard"] == config["prompt_guard"]
        assert found["routing"]["signals"]["keywords"][0]["keywords"] == [text]
        assert found["routing"]["decisions"][0]["description"] == text
        assert found["global"]["stores"]["response_cache"]["qdrant"]["collection_name"] == text
        assert found["providers"]["defaults"]["reasoning_families"] == config["reasoning_families"]
        assert found["providers"]["models"][0]["reasoning_family"] == "a$b"

    def test_it_is_the_same_for_the_same_resource_and_changes_nothing(self) -> None:
        config = {"routing": {"modelCards": [{"name": "m", "tags": ["x"]}]}, "tools": {"top_k": 1}}
        resource = resource_with(config)
        before = repr(resource)
        assert to_yaml(rendered(resource, model("m"))) == to_yaml(rendered(resource, model("m")))
        assert repr(resource) == before


class TestModels:
    def test_have_their_endpoints_in_the_order_of_the_specification(self) -> None:
        tls = Address(host="fd00::1", port=443, tls=True)
        two = Model(
            name="b",
            endpoints=(
                Endpoint(name="z", model="b", address=Address(host="z.ml.svc", port=80), weight=0),
                Endpoint(name="y", model="b", address=tls, weight=3),
            ),
        )
        providers = rendered(resource_with(), two, model("a"))["providers"]
        assert [entry["name"] for entry in providers["models"]] == ["b", "a"]
        assert providers["defaults"]["default_model"] == "b"
        assert providers["models"][0]["backend_refs"] == [
            {"name": "z", "endpoint": "z.ml.svc:80", "protocol": "http", "weight": 0},
            {"name": "y", "endpoint": "[fd00::1]:443", "protocol": "https", "weight": 3},
        ]

    def test_stay_without_endpoints_so_that_decisions_stay_valid(self) -> None:
        decisions = [{"name": "d", "rules": {}, "modelRefs": [{"model": "away"}, {"model": "fine-tuned"}]}]
        gone = model("away", loras=("fine-tuned",), found=False)
        found = loaded(resource_with({"decisions": decisions}), gone)
        assert found.document["providers"]["models"] == [{"name": "away"}]
        assert found.models == ["away", "fine-tuned"]

    @pytest.mark.parametrize("family", ["qwen3", "deepseek", "gpt", "gpt-oss"])
    def test_of_a_known_family_need_no_definition_of_it(self, family: str) -> None:
        document = loaded(resource_with(), model("m", family)).document
        assert set(document["providers"]["defaults"]["reasoning_families"]) == {family}

    def test_a_definition_of_the_user_wins_over_the_known_one(self) -> None:
        mine = {"type": "reasoning_effort", "parameter": "effort"}
        config = {"reasoning_families": {"qwen3": mine, "own": mine}, "default_reasoning_effort": "low"}
        defaults = rendered(resource_with(config), model("m", "qwen3"))["providers"]["defaults"]
        assert defaults["reasoning_families"] == {"qwen3": mine, "own": mine}
        assert defaults["default_reasoning_effort"] == "low"


class TestRouting:
    def test_has_a_general_domain_when_the_user_gives_none(self) -> None:
        general = [{"name": "general", "mmlu_categories": ["other"]}]
        assert rendered(resource_with())["routing"]["signals"]["domains"] == general
        keywords = {"signals": {"keywords": [{"name": "k"}]}}
        signals = rendered(resource_with({"routing": keywords}))["routing"]["signals"]
        assert signals == {"domains": general, "keywords": [{"name": "k"}]}

    @pytest.mark.parametrize("domains", [[], [{"name": "law"}]])
    def test_has_only_the_domains_that_the_user_gives(self, domains: list[Any]) -> None:
        document = rendered(resource_with({"routing": {"signals": {"domains": domains}}}))
        assert document["routing"]["signals"]["domains"] == domains

    def test_of_the_user_adds_to_what_is_made(self) -> None:
        rules = {"operator": "AND", "conditions": []}
        config = {
            "decisions": [{"name": "first", "priority": 1, "rules": rules}],
            "routing": {
                "modelCards": [{"name": "m", "quality_score": 0.5}, {"name": "other"}],
                "decisions": [{"name": "first", "tier": 2}, {"name": "second", "rules": rules}, {"tier": 1}],
                "strategy": "priority",
                "projections": None,
            },
        }
        routing = rendered(resource_with(config), model("m", loras=("l",)))["routing"]
        assert routing["modelCards"] == [
            {"name": "m", "loras": [{"name": "l"}], "quality_score": 0.5},
            {"name": "other"},
        ]
        assert routing["decisions"] == [
            {"name": "first", "priority": 1, "rules": rules, "tier": 2},
            {"name": "second", "rules": rules},
            {"tier": 1},
        ]
        assert routing["strategy"] == "priority"
        assert "projections" not in routing

    def test_rules_of_complexity_become_signals_with_numbers(self) -> None:
        rule = {"name": "hard", "easy": {"candidates": ["a"]}, "hard": {"candidates": ["b"]}}
        config = {"complexity_rules": [{**rule, "threshold": "0.1"}, {**rule, "name": "plain"}]}
        signals = loaded(resource_with(config)).document["routing"]["signals"]
        assert signals["complexity"] == [{**rule, "threshold": 0.1}, {**rule, "name": "plain"}]


class TestSettings:
    def test_older_names_count_when_the_newer_one_has_its_default_only(self) -> None:
        # The API server writes the default of the newer field beside the older one.
        tracing = {
            "sampling": {"type": "probabilistic", "rate": "1.0", "probability": "0.25"},
            "resource": {"deployment_environment": "development", "environment": "production"},
        }
        document = loaded(resource_with({"observability": {"tracing": tracing}})).document
        found = document["global"]["services"]["observability"]["tracing"]
        assert found["sampling"] == {"type": "probabilistic", "rate": 0.25}
        assert found["resource"] == {"deployment_environment": "production"}

    def test_newer_names_win_over_older_ones(self) -> None:
        tracing = {
            "sampling": {"rate": "0.5", "probability": "0.25"},
            "resource": {"deployment_environment": "staging", "environment": "production"},
        }
        found = rendered(resource_with({"observability": {"tracing": tracing}}))["global"]["services"]
        assert found["observability"]["tracing"]["sampling"] == {"rate": 0.5}
        assert found["observability"]["tracing"]["resource"] == {"deployment_environment": "staging"}

    @pytest.mark.parametrize(
        ("config", "expected"),
        [
            ({"bert_model": {"model_id": "b"}}, {"bert_model_path": "b"}),
            ({"bert_model": {"use_cpu": False}, "embedding_models": {"use_cpu": True}}, {"use_cpu": False}),
            ({"embedding_models": {"use_cpu": True}}, {"use_cpu": True}),
        ],
    )
    def test_both_blocks_about_embeddings_become_one(
        self, config: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        document = loaded(resource_with(config)).document
        assert document["global"]["model_catalog"]["embeddings"]["semantic"] == expected

    def test_the_management_api_is_on_loopback_beside_an_envoy(self) -> None:
        resource = resource_with(service={"api": {"targetPort": 8081}})
        assert management_environment(resource) == []
        assert listener(rendered(resource), {}, "") == ("127.0.0.1", 8082)

    def test_the_management_api_is_what_a_gateway_reaches(self) -> None:
        resource = resource_with(gateway=GATEWAY, service={"api": {"targetPort": 9000}})
        environment = {entry["name"]: entry["value"] for entry in management_environment(resource)}
        found = listener(rendered(resource), environment, "")
        assert found == ("0.0.0.0", 9000)  # noqa: S104 - the pod's port behind the Service


class TestTools:
    def test_the_short_form_becomes_the_long_form(self) -> None:
        parameters = {"type": "object", "properties": {"city": {"type": "string", "default": None}}}
        tool = {"name": "weather", "description": "costs $5", "parameters": parameters}
        given = {**tool, "category": "geo", "tags": ["rain"], "tool": {"function": {"name": None}}}
        resource = resource_with(toolsDb=[given])
        assert tools_db(resource) == [
            {
                "tool": {"type": "function", "function": tool},
                "description": "costs $5",
                "category": "geo",
                "tags": ["rain"],
            }
        ]

    def test_the_long_form_stays(self) -> None:
        function = {"name": "weather", "description": "says the weather", "parameters": {"type": "object"}}
        tool = {"tool": {"type": "function", "function": function}, "description": "rain", "tags": []}
        assert tools_db(resource_with(toolsDb=[tool])) == [tool]

    def test_a_tool_is_found_by_its_own_description_when_there_is_no_other(self) -> None:
        tool = {"tool": {"function": {"name": "weather", "description": "says the weather"}}}
        assert tools_db(resource_with(toolsDb=[tool]))[0]["description"] == "says the weather"

    @pytest.mark.parametrize("spec", [{}, {"toolsDb": []}, {"toolsDb": None}])
    def test_without_tools_the_list_is_empty(self, spec: dict[str, Any]) -> None:
        assert tools_db(resource_with(**spec)) == []
