"""The stand-in for the router chooses models by the configuration that it reads."""

from typing import Any

import pytest

from tests.support.standin_choice import chosen_model

MODELS = ("a", "b", "c", "lora")


def decision(name: str, priority: int, operator: str, *signals: str, **reference: str) -> dict[str, Any]:
    conditions = [{"type": "keyword", "name": signal} for signal in signals]
    return {
        "name": name,
        "priority": priority,
        "rules": {"operator": operator, "conditions": conditions},
        "modelRefs": [reference],
    }


DOCUMENT = {
    "providers": {"defaults": {"default_model": "a"}},
    "routing": {
        "signals": {
            "keywords": [{"name": "code", "keywords": ["Python"]}, {"name": "sums", "keywords": ["add"]}]
        },
        "decisions": [
            decision("any", 1, "OR", "code", "sums", model="b"),
            decision("both", 9, "AND", "code", "sums", model="c", lora_name="lora"),
            {"name": "domain", "priority": 99, "modelRefs": [{"model": "c"}],
             "rules": {"conditions": [{"type": "domain", "name": "maths"}]}},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "said", "model"),
    [
        ("auto", "hello", "a"),
        ("MoM", "some python", "b"),
        ("auto", "add", "b"),
        ("auto", "add it in python", "lora"),
        ("c", "some python", "c"),
        ("unheard-of", "hello", ""),
    ],
)
def test_a_model_is_chosen(asked: str, said: str, model: str) -> None:
    body = {"model": asked, "messages": [{"role": "user", "content": said}]}
    assert chosen_model(DOCUMENT, MODELS, body) == model


def test_without_models_nobody_is_chosen() -> None:
    assert chosen_model({}, (), {"model": "auto"}) == ""
