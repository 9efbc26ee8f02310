"""Random SemanticRouters from the definition's own schema: valid by types, bounds, patterns and rules.

Where Kubernetes wants more of a value than the definition can say (names of labels, tolerations, probes), the table
``MEANINGFUL`` has values of that kind: what is passed on to a pod is the user's business, and shown by the walk.
"""

import string
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain
from hypothesis import strategies as st

from tests.support.broken_rules import broken_rules
from tools.fields.values import Schema, with_defaults
from tools.fields.walk import spec_schema

LONGEST = 12
MOST_ITEMS = 2
MOST_BLOCKS = 5
GREATEST = 1000
SPECIAL = ("", "${HOME}", "$", "{{ now() }}", "{% raw %}", "y", "1e3", "0o7", "null", "ä: #", "'\"", " a\n b")
"""Texts that templates, YAML or the router could take for something else."""

LABELS = st.sampled_from(["app", "example.com/role", "a-b", "tier"])
SECRET = {"name": "keys", "key": "value"}
MEANINGFUL: Mapping[str, st.SearchStrategy[Any]] = {
    "nodeSelector": st.dictionaries(LABELS, st.sampled_from(["a", "", "b-c"]), max_size=2),
    "tolerations": st.lists(
        st.sampled_from([{"operator": "Exists"}, {"key": "gpu", "value": "yes", "effect": "NoSchedule"}]),
        max_size=2,
    ),
    "affinity": st.sampled_from(
        [
            {},
            {
                "podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]
                }
            },
        ]
    ),
    "resources": st.sampled_from([{}, {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": 2}}]),
    "env": st.lists(
        st.one_of(
            st.fixed_dictionaries({"name": st.sampled_from("ABC"), "value": st.sampled_from(SPECIAL)}),
            st.just({"name": "D", "valueFrom": {"secretKeyRef": SECRET}}),
        ),
        max_size=3,
        unique_by=lambda entry: entry["name"],
    ),
    "podSecurityContext": st.sampled_from(
        [{}, {"runAsUser": 1000, "fsGroup": 2000}, {"runAsNonRoot": False}]
    ),
    "securityContext": st.sampled_from(
        [{}, {"readOnlyRootFilesystem": True}, {"capabilities": {"drop": ["ALL"]}}]
    ),
    "httpGet": st.sampled_from([{"port": 8080, "path": "/health"}, {"port": "grpc", "scheme": "HTTPS"}]),
    "successThreshold": st.just(1),
    "size": st.sampled_from(["1Gi", "500M", "1.5Gi"]),
    "path": st.sampled_from(["/", "/v1", "/a/b"]),
    "host": st.sampled_from(["a.example", "*.b.example", ""]),
    "hostname": st.sampled_from(["a.example", ""]),
    "hosts[]": st.sampled_from(["a.example", "*.b.example"]),
    "hostnames[]": st.sampled_from(["a.example", "*.b.example"]),
    "annotations": st.dictionaries(LABELS, st.sampled_from(SPECIAL), max_size=2),
    "podAnnotations": st.dictionaries(LABELS, st.sampled_from(SPECIAL), max_size=2),
    "discoveryLabels": st.dictionaries(LABELS, st.sampled_from(["a", "b"]), min_size=1, max_size=2),
    "routing": st.sampled_from([{}, {"strategy": "priority"}, {"signals": {"keywords": [{"name": "$k"}]}}]),
    "algorithm": st.sampled_from([{}, {"type": "static"}]),
    "plugins[]": st.sampled_from([{"type": "system_prompt", "configuration": {"text": "$x"}}]),
    "parameters": st.sampled_from([{}, {"type": "object"}]),
    "properties": st.sampled_from([{}, {"a": {"type": "string"}}]),
}
"""By the last part of the path."""

PLACES, EXPOSED = {"path", "host", "hosts[]"}, "ingress"
"""Names of fields that mean a place on the network only below ``ingress``."""

MODELS = st.sampled_from(["m", "$n", "unknown"])


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a specification as a user would write it, without the defaults that the API server fills in."""
    schema = spec_schema()
    blocks = draw(st.sets(st.sampled_from(sorted(schema["properties"])), max_size=MOST_BLOCKS))
    drawn = {block: draw(_values(schema["properties"][block], block)) for block in sorted(blocks)}
    return kept(drawn)


def kept(spec: dict[str, Any]) -> dict[str, Any]:
    """Take away what breaks a rule, until none is broken."""
    spec = plain(spec)
    while places := [place for place, _ in broken_rules(with_defaults(spec, spec_schema()), spec_schema())]:
        _take_away(spec, places[0])
    return spec


def _take_away(spec: Any, place: tuple[str | int, ...]) -> None:  # noqa: ANN401 - any part of a specification
    """Remove the object at ``place``; of two that cannot be together, and of a whole block, what comes first."""
    if place in {(), ("config",)}:
        holder = spec["config"] if place else spec
        del holder[next(name for name in ("response_cache", "openshift") if name in holder)]
        return
    holder = spec
    for part in place[:-1]:
        holder = holder[part]
    del holder[place[-1]]


def _values(schema: Schema, path: str) -> st.SearchStrategy[Any]:
    name = path.rpartition(".")[2]
    if path == "vllmEndpoints[].backend":
        return _backends()
    if path.endswith(".modelRefs[].model") or path == "vllmEndpoints[].model":
        return MODELS
    if name in MEANINGFUL and (
        name not in PLACES or (schema.get("type") == "string" and path.startswith(EXPOSED))
    ):
        return MEANINGFUL[name]
    if schema.get("enum"):
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.sampled_from([1, "1"])
    return _OF_TYPE[schema["type"]](schema, path)


def _backends() -> st.SearchStrategy[Any]:
    service = {"name": st.sampled_from(["s", "t"]), "port": st.sampled_from([80, 443, 8000])}
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("kserve"), "inferenceServiceName": st.sampled_from(["i", "j"])}
        ),
        st.fixed_dictionaries(
            {"type": st.just("llamastack"), "discoveryLabels": MEANINGFUL["discoveryLabels"]}
        ),
        st.fixed_dictionaries(
            {"type": st.just("service"), "service": st.fixed_dictionaries(service)},
        ),
    )


def _integers(schema: Schema, _: str) -> st.SearchStrategy[int]:
    least = schema.get("minimum", 0)
    return st.integers(least, min(schema.get("maximum", GREATEST), max(GREATEST, least)))


def _texts(schema: Schema, _: str) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", LONGEST), LONGEST)
    if "pattern" in schema:
        printable = st.characters(min_codepoint=33, max_codepoint=126)
        texts = st.from_regex(schema["pattern"], fullmatch=True, alphabet=printable)
        return texts.filter(lambda text: least <= len(text) <= max(most, least))
    special = st.sampled_from([text for text in SPECIAL if len(text) >= least])
    return st.one_of(special, st.text(string.ascii_letters, min_size=least, max_size=most))


def _lists(schema: Schema, path: str) -> st.SearchStrategy[list[Any]]:
    keys = schema.get("x-kubernetes-list-map-keys")
    unique = (lambda item: tuple(item[key] for key in keys)) if keys else None
    least, most = schema.get("minItems", 0), min(schema.get("maxItems", MOST_ITEMS), MOST_ITEMS)
    return st.lists(_values(schema["items"], f"{path}[]"), min_size=least, max_size=most, unique_by=unique)


def _objects(schema: Schema, path: str) -> st.SearchStrategy[dict[str, Any]]:
    if "additionalProperties" in schema:
        return st.dictionaries(
            LABELS, _values(schema["additionalProperties"], f"{path}.*"), max_size=MOST_ITEMS
        )
    required = set(schema.get("required", ()))
    fields = dict(_fields(schema, path))
    return st.fixed_dictionaries(
        {name: values for name, values in fields.items() if name in required},
        optional={name: values for name, values in fields.items() if name not in required},
    )


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    for name, inner in schema.get("properties", {}).items():
        yield name, _values(inner, f"{path}.{name}")


_OF_TYPE = {
    "boolean": lambda _schema, _path: st.booleans(),
    "integer": _integers,
    "string": _texts,
    "array": _lists,
    "object": _objects,
}
