from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import resolve_backends
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache import resolve_cache
from ansible_collections.vllm.semantic_router.plugins.module_utils.config_rules import check_config
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import to_yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import ports_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_config import render_config
from ansible_collections.vllm.semantic_router.plugins.module_utils.routing_types import (
    Place,
    routing_types,
    wrong_types,
)
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.support.router_loader import Loaded, RefusedError, load
from tests.support.router_paths import Node, WrongType, check, known

RULES = {"operator": "AND", "conditions": []}


def endpoint(model: str, family: str | None = None, *loras: str, service: str = "vllm") -> dict[str, Any]:
    return {
        "name": f"{model}-{service}",
        "model": model,
        "reasoningFamily": family,
        "loras": [{"name": lora} for lora in loras],
        "backend": {"type": "service", "service": {"name": service, "port": 8000}},
    }


def resource_of(endpoints: list[dict[str, Any]], service: object = None, **config: object) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "ml", "name": "test-router", "uid": "1"},
        "spec": {"vllmEndpoints": endpoints, "config": config, "service": service},
    }


OBSERVED = {
    "references": {
        "services": [
            {"metadata": {"namespace": "ml", "name": "vllm"}, "spec": {"ports": [{"port": 8000}]}},
        ],
        "secrets": [
            {
                "metadata": {"namespace": "ml", "name": "store", "uid": "u", "resourceVersion": "1"},
                "keys": ["password"],
            }
        ],
    }
}


def document_of(resource: dict[str, Any]) -> dict[str, Any]:
    backends = resolve_backends(resource, OBSERVED, "cluster.local")
    return render_config(resource, backends, resolve_cache(resource, OBSERVED), ports_of(resource))


def problems_of(endpoints: list[dict[str, Any]], **config: object) -> list[str]:
    resource = resource_of(endpoints, **config)
    return check_config(document_of(resource), resource)


def loaded(resource: dict[str, Any]) -> Loaded:
    variables = {entry["name"]: "value" for entry in resolve_cache(resource, OBSERVED).environment}
    return load(to_yaml(document_of(resource)), variables)


def decision(*references: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"name": "d", "rules": RULES, "modelRefs": list(references), **more}


class TestMessages:
    def test_nothing_is_said_about_a_good_resource(self) -> None:
        references = [{"model": "a", "lora_name": "tuned"}, {"model": "tuned"}, {"model": "own"}]
        routing = {"modelCards": [{"name": "own"}]}
        decisions = [
            decision(*references, rules={"operator": "AND", "conditions": [{"type": "x", "name": "?"}]})
        ]
        assert problems_of([endpoint("a", "qwen3", "tuned")], decisions=decisions, routing=routing) == []
        assert problems_of([]) == []

    def test_a_family_that_nobody_defined(self) -> None:
        families = {"own": {"type": "reasoning_effort", "parameter": "effort"}}
        endpoints = [endpoint("a", "own"), endpoint("b", "deepthought")]
        assert problems_of(endpoints, reasoning_families=families) == [
            (
                "spec.vllmEndpoints[1].reasoningFamily: family 'deepthought' is unknown: define it under"
                " spec.config.reasoning_families or use one of deepseek, gpt, gpt-oss, own, qwen3"
            )
        ]

    @pytest.mark.parametrize(
        ("config", "place"),
        [
            (
                {"decisions": [decision(), decision({"model": "a"}, {"model": "x"})]},
                "spec.config.decisions[1]",
            ),
            (
                {"routing": {"decisions": [{}, decision({"model": "a"}, {"model": "x"})]}},
                "spec.config.routing.decisions[1]",
            ),
        ],
    )
    def test_a_decision_for_a_model_that_is_not_there(self, config: dict[str, Any], place: str) -> None:
        assert problems_of([endpoint("b", None, "l"), endpoint("a")], **config) == [
            (
                f"{place}.modelRefs[1].model: no endpoint has model 'x'; known are a, b, l: use one of them or add"
                " it to spec.vllmEndpoints"
            )
        ]

    def test_many_known_models_are_counted(self) -> None:
        (said,) = problems_of([endpoint(f"m{n:02}") for n in range(13)], decisions=[decision({"model": "x"})])
        assert "known are m00, m01, m02, m03, m04, m05, m06, m07, m08, m09, 3 more: use" in said

    def test_an_adapter_that_the_model_does_not_have(self) -> None:
        endpoints = [endpoint("a", None, "tuned"), endpoint("b")]
        decisions = [decision({"model": "b", "lora_name": "tuned"}, {"model": "a", "lora_name": "tuned"})]
        assert problems_of(endpoints, decisions=decisions) == [
            (
                "spec.config.decisions[0].modelRefs[0].lora_name: model 'b' has no LoRA adapter 'tuned'; it has"
                " none: use one of them or add it to the loras of an endpoint of the model"
            )
        ]

    def test_names_with_a_dollar_are_compared_as_they_are_written(self) -> None:
        families = {"f$": {"type": "t", "parameter": "p"}}
        endpoints = [endpoint("$m", "f$", "$l")]
        decisions = [decision({"model": "$m", "lora_name": "$l"})]
        assert problems_of(endpoints, decisions=decisions, reasoning_families=families) == []
        (said,) = problems_of(endpoints, decisions=[decision({"model": "$x"})], reasoning_families=families)
        assert "no endpoint has model '$x'; known are $l, $m:" in said

    def test_a_model_whose_backend_is_away_is_still_known(self) -> None:
        endpoints = [endpoint("a", service="away")]
        assert problems_of(endpoints, decisions=[decision({"model": "a"})]) == []

    def test_both_names_of_the_cache(self) -> None:
        assert problems_of([], semantic_cache={}, response_cache={}) == [
            (
                "spec.config.semantic_cache and spec.config.response_cache are two names of one setting:"
                " keep one of them"
            )
        ]

    def test_ports_that_cannot_all_be_opened(self) -> None:
        resource = resource_of([], service={"api": {"targetPort": 9190}})
        (said,) = check_config(document_of(resource), resource)
        assert "spec.service.api.targetPort and spec.service.metrics.targetPort are both 9190" in said

    @pytest.mark.parametrize("card", [{"quality_score": 1}, {"name": ""}, None, {"name": "a", "loras": [{}]}])
    def test_a_model_card_without_a_name(self, card: object) -> None:
        (said,) = problems_of([endpoint("a")], routing={"modelCards": [card]})
        assert said.startswith("spec.config.routing.modelCards[0]")
        assert said.endswith("has no name: give it one, or remove it")

    def test_a_default_model_without_a_card(self) -> None:
        document = {"providers": {"defaults": {"default_model": "a"}}, "routing": {"modelCards": []}}
        (said,) = check_config(document, resource_of([]))
        assert said.startswith(
            "spec.config.routing.modelCards: the default model 'a' has no card; known are none"
        )

    @pytest.mark.parametrize(
        ("config", "said"),
        [
            (
                {"routing": {"signals": {"keywords": [{"bm25_threshold": "0.8"}]}}},
                (
                    "spec.config.routing.signals.keywords[0].bm25_threshold: the router wants a number here, not"
                    " '0.8': write it without quotes"
                ),
            ),
            (
                {"routing": {"signals": {"context": [{"min_tokens": 5}]}}},
                (
                    "spec.config.routing.signals.context[0].min_tokens: the router wants a text here, not 5:"
                    " put it in quotes"
                ),
            ),
            (
                {"routing": {"signals": ["no"]}},
                "spec.config.routing.signals: the router wants an object here, not ['no']: write an object",
            ),
            (
                {"routing": {"modelCards": "x" * 80}},
                "spec.config.routing.modelCards: the router wants a list here, not what it is: write a list",
            ),
            (
                {"decisions": [decision(algorithm={"ratings": {"max_concurrent": True}})]},
                (
                    "spec.config.decisions[0].algorithm.ratings.max_concurrent: the router wants a whole number"
                    " here, not True: write a whole number"
                ),
            ),
            (
                {"decisions": [decision(plugins=[{"type": 1}])]},
                (
                    "spec.config.decisions[0].plugins[0].type: the router wants a text here, not 1:"
                    " put it in quotes"
                ),
            ),
        ],
    )
    def test_a_value_of_a_wrong_type_in_a_free_object(self, config: dict[str, Any], said: str) -> None:
        assert problems_of([], **config) == [said]
        with pytest.raises(RefusedError):
            loaded(resource_of([], **config))


def routing_node() -> Node:
    return known().below["routing"]


def paths_of(node: Node | Place, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield every path below ``routing`` and its kind, and three turns of the recursive ones."""
    if node.kind:
        yield path, node.kind
    for name, below in node.below.items():
        turns = depth + (name == "conditions")
        if turns <= 3:
            yield from paths_of(below, f"{path}.{name}", turns)


def test_the_table_is_that_of_the_loader() -> None:
    kinds = {"string": "text", "float32": "number", "float64": "number", "slice": "list", "interface": "any"}
    theirs = {path: kinds.get(kind, kind) for path, kind in paths_of(routing_node())}
    assert dict(paths_of(routing_types())) == theirs


SCALARS = st.one_of(
    st.booleans(), st.integers(0, 9), st.floats(0, 1), st.sampled_from(["a", "0.5", "$x", "${Y}"])
)
OF_KIND: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
    "string": lambda: st.sampled_from(["a", "b", "$x"]),
    "int": lambda: st.integers(0, 9),
    "bool": st.booleans,
    "float32": lambda: st.floats(0, 1),
    "float64": lambda: st.floats(0, 1),
    "slice": lambda: st.lists(SCALARS, max_size=2),
    "interface": lambda: SCALARS,
}


def values_for(node: Node, wrong: float, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values for a place of the configuration; the share ``wrong`` of them has a wrong type."""
    if node.kind:
        right: st.SearchStrategy[Any] = OF_KIND[node.kind]()
    elif depth > 6:
        right = st.none()
    elif "[]" in node.below:
        item = st.deferred(lambda: values_for(node.below["[]"], wrong, depth + 1))
        right = st.lists(item.filter(lambda value: value is not None), max_size=2)
    else:
        right = st.deferred(lambda: some_fields(node, wrong, depth + 1))
    odd: st.SearchStrategy[Any] = SCALARS | st.just([]) | st.just({})
    return st.floats(0, 1).flatmap(lambda chance: odd if chance < wrong else right)


def some_fields(node: Node, wrong: float, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    names = st.lists(st.sampled_from(sorted(node.below)), max_size=3, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries(
            {name: values_for(node.below[name], wrong, depth) for name in chosen}
        )
    )


ROUTING = st.sampled_from([0.0, 0.02]).flatmap(lambda wrong: some_fields(routing_node(), wrong, 0))
MODELS = st.sampled_from(["a", "b", "$m"])
ENDPOINTS = st.lists(
    st.builds(
        endpoint,
        MODELS,
        st.sampled_from([None, "", "qwen3", "gpt", "own", "f$", "deepthought"]),
        service=st.sampled_from(["vllm", "away"]),
    )
    | st.builds(endpoint, MODELS, st.none(), st.sampled_from(["tuned", "l$"])),
    max_size=4,
    unique_by=lambda entry: entry["name"],
)
REFERENCES = st.fixed_dictionaries(
    {"model": st.sampled_from(["a", "b", "$m", "tuned", "l$"])}, optional={"lora_name": st.just("tuned")}
)
ALGORITHM = routing_node().below["decisions"].below["[]"].below["algorithm"]
DECISIONS = st.lists(
    st.builds(decision, REFERENCES, algorithm=some_fields(ALGORITHM, 0.02, 0)),
    max_size=2,
)
CACHES = st.fixed_dictionaries(
    {"backend_type": st.sampled_from(["memory", "redis", "valkey", "milvus", "qdrant", "hybrid"])},
    optional={
        "enabled": st.booleans(),
        "embedding_model": st.sampled_from(["bert", "mmbert"]),
        "hnsw": st.just({"use_hnsw": True}),
        "redis": st.just(
            {"connection": {"host": "$r", "password_secret_ref": {"name": "store", "key": "password"}}}
        ),
    },
)
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "reasoning_families": st.sampled_from(
            [{"own": {"type": "$t", "parameter": "p"}}, {"f$": {"type": "t"}, "qwen3": {"parameter": "p"}}]
        ),
        "decisions": DECISIONS,
        "routing": ROUTING,
        "semantic_cache": CACHES,
        "response_cache": CACHES,
    },
)


@settings(max_examples=300, deadline=None)
@given(ENDPOINTS, CONFIGS)
def test_the_router_starts_with_every_file_that_passes_and_with_no_other(
    endpoints: list[dict[str, Any]], config: dict[str, Any]
) -> None:
    resource = resource_of(endpoints, **config)
    problems = check_config(document_of(resource), resource)
    event("problems" if problems else "none")
    if not problems:
        assert loaded(resource).ignored == ()
        return
    # Here the rules ask for more than the loader does.
    stricter = ("two names of one setting", "has no LoRA adapter", "has no name", "is unknown")
    if not any(text in problem for problem in problems for text in stricter):
        with pytest.raises(RefusedError):
            loaded(resource)


@settings(max_examples=200, deadline=None)
@given(ROUTING)
def test_types_are_wrong_exactly_where_the_loader_says_so(routing: dict[str, Any]) -> None:
    found = [said.split(":")[0] for said in wrong_types(routing, routing_types(), "routing")]
    assert found == [wrong.path for wrong in check({"routing": routing}) if isinstance(wrong, WrongType)]
