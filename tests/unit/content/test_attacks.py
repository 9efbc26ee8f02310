"""A SemanticRouter is written by people who are not trusted: whatever it says, it stays a value where it was put.

The corpus has one line for each trick that is known; Hypothesis makes up others. What is rendered is read again by
a parser of its own, and compared: text that breaks out of its place is found as a document that differs.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.content.routers import observed, resource

TRICKS = (
    "{{ lookup('pipe', 'id') }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ hostvars['localhost'] }}",
    "!unsafe '{{ 1 + 1 }}'",
    "!!python/object/apply:os.system ['id']",
    "$(id)`id`;id|id&&id",
    "../../../../etc/passwd",
    "x\nmalicious: true\n- y",
    "x\r\nX-Injected: 1\r\n\r\nGET / HTTP/1.1",
    '"},"injected":{"a":"',
    "'] }}]}}, *anchor, &anchor, <<: *x",
    "${REDIS_PASSWORD}$PATH$$",
    "%DOWNSTREAM_REMOTE_ADDRESS%%REQ(authorization)%",
    "x-envoy-original-path",
    "\u2028\u2029\ufeff\u202e\x7f",
    "yes",
    "0o17",
    "1_000",
    "~",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
)
TEXTS = st.sampled_from(TRICKS) | st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40
)


def spec_of(text: str) -> dict[str, Any]:
    """Put a text everywhere where the definition lets a person write one freely."""
    backend = {"type": "service", "service": {"name": "model", "port": 8000}}
    return {
        "vllmEndpoints": [{"name": text, "model": text, "backend": backend, "reasoningFamily": "qwen3"}],
        "podAnnotations": {"example.com/note": text},
        "env": [{"name": "NOTE", "value": text}],
        "args": [text],
        "toolsDb": [{"tool": {"type": "function", "function": {"name": text}}, "description": text}],
        "config": {
            "tools": {"enabled": True, "tools_db_path": text},
            "prompt_guard": {"enabled": True, "model_id": text},
            "classifier": {"category_model": {"model_id": text, "category_mapping_path": text}},
            "decisions": [{"name": text, "description": text, "priority": 1}],
            "complexity_rules": [{"name": text, "description": text}],
        },
    }


def seen() -> dict[str, Any]:
    """Observe the Service that the endpoint names."""
    service = {
        "kind": "Service",
        "metadata": {"namespace": "ml", "name": "model", "labels": {}},
        "spec": {"type": "ClusterIP", "clusterIP": "10.0.0.1", "ports": [{"port": 8000}]},
    }
    world = observed()
    world["references"]["services"] = [service]
    return world


def leaves(value: Any) -> Iterator[str]:  # noqa: ANN401 - decoded documents
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (str(name), *leaves(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


def skeleton(value: Any) -> Any:  # noqa: ANN401 - decoded documents
    """Return the shape of a document: its keys, and for each leaf what type it has."""
    if isinstance(value, dict):
        return {str(name): skeleton(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [skeleton(inner) for inner in value]
    return type(value).__name__


def rendered(text: str) -> dict[str, Any]:
    """Return every generated file, read by a parser of its own."""
    router = resource(**spec_of(text))
    files = plans.router_plan(router, seen())["files"] | _envoy_files(router)
    return {
        name: (json.loads if name.endswith(".json") else yaml.safe_load)(content)
        for name, content in files.items()
    }


def _envoy_files(router: dict[str, Any]) -> dict[str, str]:
    return dict(plans.gateway_plan(router, seen()).get("files", {}))


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_does_not_change_the_shape_of_any_file(trick: str) -> None:
    plain, tricked = rendered("plain"), rendered(trick)
    assert set(tricked) == set(plain)
    for name, document in tricked.items():
        assert skeleton(document) == skeleton(_with_names(plain[name], trick)), name


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_no_text_changes_the_shape_of_any_file(text: str) -> None:
    plain, tricked = rendered("plain"), rendered(text)
    for name, document in tricked.items():
        assert skeleton(document) == skeleton(_with_names(plain[name], text)), name


def _with_names(document: Any, text: str) -> Any:  # noqa: ANN401 - decoded documents
    """Rename the keys of a document that are the text itself."""
    if isinstance(document, dict):
        return {text if n == "plain" else n: _with_names(v, text) for n, v in document.items()}
    if isinstance(document, list):
        return [_with_names(inner, text) for inner in document]
    return document


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_the_router_expands_no_variable_that_a_user_wrote(text: str) -> None:
    """Every dollar sign of a user is doubled, so that the router takes none for a secret of its environment."""
    config = rendered(text)["config.yaml"]
    for leaf in leaves(config):
        assert "$" not in leaf.replace("$$", ""), leaf


@pytest.mark.parametrize("character", ["\x7f", "\x80", "\u2028", "\ufeff"])
def test_a_character_that_yaml_does_not_allow_does_not_make_envoys_files_unreadable(character: str) -> None:
    """JSON may hold them as they are; Envoy reads its files as YAML."""
    model = f"a{character}b"
    for name, content in _envoy_files(resource(**spec_of(model))).items():
        assert character not in content, name
        assert yaml.safe_load(content) == json.loads(content), name
