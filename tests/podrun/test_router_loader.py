"""The stand-in's loader refuses and accepts what was measured on the real one."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.router_loader import RefusedError, expand, listener, load

MINIMAL = {
    "version": "v0.3",
    "providers": {
        "defaults": {"default_model": "m", "reasoning_families": {"qwen3": {"type": "x", "parameter": "y"}}},
        "models": [{"name": "m", "reasoning_family": "qwen3", "backend_refs": [{"name": "b", "weight": 0}]}],
    },
    "routing": {"modelCards": [{"name": "m", "loras": [{"name": "adapter"}]}]},
}


def with_changes(**changes: object) -> str:
    return yaml.safe_dump({**MINIMAL, **changes})


def routing(*models: str) -> dict[str, object]:
    decision = {"name": "d", "modelRefs": [{"model": model} for model in models]}
    return {**MINIMAL["routing"], "decisions": [decision]}  # type: ignore[dict-item] # one of its three shapes


def stores(**values: object) -> dict[str, object]:
    return {"stores": values}


def test_a_minimal_configuration_with_a_weight_of_zero_is_accepted() -> None:
    loaded = load(with_changes(), {})
    assert loaded.ignored == ()
    assert loaded.models == ["adapter", "m"]


@pytest.mark.parametrize("text", ["", "version: v0.3", "routing: {}", "providers:"])
def test_a_configuration_without_models_is_accepted(text: str) -> None:
    assert load(text, {}).models == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            with_changes(providers={"models": [{"name": "m", "reasoning_family": "gpt"}]}),
            "model 'm': reasoning family 'gpt' is not defined",
        ),
        (with_changes(routing={}), "default_model 'm' is in no routing.modelCards"),
        (with_changes(routing=routing("m", "x")), "decision 'd': unknown model 'x'"),
        (
            with_changes(**{"global": stores(response_cache={}, semantic_cache={})}),
            "response_cache and semantic_cache are both set",
        ),
        (
            with_changes(**{"global": stores(response_cache={"similarity_threshold": "0.8"})}),
            "cannot unmarshal '0.8' into float32 at global.stores.response_cache.similarity_threshold",
        ),
        (
            with_changes(**{"global": stores(semantic_cache={"max_entries": "many"})}),
            "cannot unmarshal 'many' into int at global.stores.response_cache.max_entries",
        ),
        (with_changes(routing={"modelCards": {"name": "m"}}), "into list at routing.modelCards"),
        (with_changes(providers=[]), "into object at providers"),
        ("a: [", "not yaml"),
        ("- a", "the file is no mapping"),
    ],
)
def test_what_the_real_loader_refuses_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=r".") as refused:
        load(text, {})
    assert reason in str(refused.value)


def test_an_adapter_may_be_the_default_model_and_be_named_by_a_decision() -> None:
    providers = {**MINIMAL["providers"], "defaults": {"default_model": "adapter"}, "models": []}  # type: ignore[dict-item]
    assert load(with_changes(providers=providers, routing=routing("adapter")), {}).ignored == ()


def test_a_misspelt_key_is_accepted_and_reported() -> None:
    loaded = load(with_changes(routing={**routing("m"), "modelCard": []}), {})
    assert loaded.ignored == ("routing.modelCard",)


def test_keys_that_only_older_routers_read_are_not_reported() -> None:
    cache = {"use_hnsw": True, "hnsw_m": 16, "hnsw_ef_construction": 200, "max_memory_entries": 1000}
    assert load(with_changes(**{"global": stores(response_cache=cache)}), {}).ignored == ()


def test_rules_of_a_decision_nest_to_any_depth() -> None:
    leaf = {"type": "keyword", "name": "k", "opperator": "AND"}
    rules = {"operator": "AND", "conditions": [{"operator": "OR", "conditions": [leaf]}]}
    loaded = load(with_changes(routing={**routing("m"), "decisions": [{"name": "d", "rules": rules}]}), {})
    assert loaded.ignored == ("routing.decisions[0].rules.conditions[0].conditions[0].opperator",)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${A}", "1"),
        ("$A", "1"),
        ("x${A}y", "x1y"),
        ("${B:-d}", "d"),
        ("${B-d}", "d"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("$$A", "$A"),
        ("$${A}", "${A}"),
        ("100%", "100%"),
        ("a$", "a$"),
    ],
)
def test_variables_are_expanded_as_the_router_does(text: str, expanded: str) -> None:
    assert expand({"k": [text]}, {"A": "1", "E": ""}) == {"k": [expanded]}


def test_a_variable_that_is_not_set_is_refused_by_name() -> None:
    with pytest.raises(RefusedError, match="REDIS_PASSWORD is not set"):
        load('version: "${REDIS_PASSWORD}"', {})


@given(st.text())
def test_a_text_with_every_dollar_doubled_comes_out_as_it_was(text: str) -> None:
    assert expand(text.replace("$", "$$"), {}) == text


TOKENS = {"remote_exposure": True, "auth": {"mode": "bearer", "tokens": [{"env": "TOKEN"}]}}


@pytest.mark.parametrize(
    ("settings", "environment", "bind", "listening"),
    [
        ({}, {}, "", ("127.0.0.1", 8080)),
        ({"port": 9000}, {}, "127.0.0.1", ("127.0.0.1", 9000)),
        ({"bind_address": "0.0.0.0"} | TOKENS, {"TOKEN": "t"}, "", ("0.0.0.0", 8080)),  # noqa: S104
        ({}, {"VLLM_SR_MANAGEMENT_INTERNAL_LISTENER": "true"}, "0.0.0.0", ("0.0.0.0", 8080)),  # noqa: S104
    ],
)
def test_the_management_api_listens_on_loopback_unless_it_is_protected(
    settings: dict[str, object], environment: dict[str, str], bind: str, listening: tuple[str, int]
) -> None:
    assert listener({"global": {"services": {"management_api": settings}}}, environment, bind) == listening


def test_an_exposed_management_api_without_tokens_is_refused() -> None:
    with pytest.raises(RefusedError, match="needs remote_exposure with bearer tokens"):
        listener({}, {}, "0.0.0.0")  # noqa: S104 - the address under test


def test_a_token_whose_variable_is_missing_is_refused() -> None:
    with pytest.raises(RefusedError, match="TOKEN of a token is not set"):
        load(yaml.safe_dump({"global": {"services": {"management_api": TOKENS}}}), {})
