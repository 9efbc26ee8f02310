"""The cache of a SemanticRouter: its block in the configuration file, and the credentials beside the file.

A password never stands in the file: it says ``${NAME}``, and the container gets ``NAME`` from the Secret.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_credentials import (
    Credential,
    Problem,
    credential_of,
    find_secret,
    plaintext_problems,
    secret_problems,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_store import (
    DIMENSIONS,
    VECTOR_FIELDS,
    active_block,
    backend_type,
    embedding_model,
    is_enabled,
    store_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import literal
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false, true

__all__ = ["CachePlan", "literal", "resolve_cache"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """What the cache needs in the file (``store``) and in the container (``environment``).

    ``secrets`` are name, uid and resourceVersion of the Secrets that are used and exist. As long as ``ready`` is
    false, nothing may be applied that would restart pods with this cache.
    """

    store: dict[str, Any]
    environment: tuple[dict[str, Any], ...]
    secrets: tuple[dict[str, Any], ...]
    condition: Condition
    ready: bool


def resolve_cache(resource: Object, observed: Mapping[str, Any]) -> CachePlan:
    """Plan the cache of ``spec.config.semantic_cache`` or ``response_cache``; by default it is in memory."""
    name, given = _given(resource)
    path = f"spec.config.{name}"
    credential = _credential(resource, given, path)
    referred = credential if credential is not None and credential.reference else None
    problems = [
        *(plaintext_problems(credential) if credential else ()),
        *(secret_problems(referred, observed) if referred else ()),
        *_dimension_problems(given, path),
    ]
    return CachePlan(
        store=_store(given, referred),
        environment=(referred.entry,) if referred else (),
        secrets=tuple(_used(referred, observed)) if referred else (),
        condition=_condition(given, problems),
        ready=not problems,
    )


def _given(resource: Object) -> tuple[str, Mapping[str, Any]]:
    config = section(spec_of(resource), "config")
    for name in ("response_cache", "semantic_cache"):
        if config.get(name) is not None:
            return name, config[name]
    return "semantic_cache", {}


def _credential(resource: Object, given: Mapping[str, Any], path: str) -> Credential | None:
    block = active_block(given)
    return credential_of(resource, given, block, path) if block else None


def _store(given: Mapping[str, Any], credential: Credential | None) -> dict[str, Any]:
    store = store_of(given)
    if credential:
        holder = store
        for name in credential.place:
            holder = holder[name]
        holder[credential.name] = credential.placeholder
    return store


def _used(credential: Credential, observed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    secret = find_secret(credential, observed)
    if secret is not None:
        yield {name: str(secret["metadata"][name]) for name in ("name", "uid", "resourceVersion")}


def _dimension_problems(given: Mapping[str, Any], path: str) -> Iterator[Problem]:
    block = active_block(given)
    if block not in VECTOR_FIELDS:
        return
    where = (block, *VECTOR_FIELDS[block])
    dimension = section(given, *where).get("dimension")
    model = embedding_model(given)
    # mmbert's vectors may be cut to any length, by embedding_models.embedding_config.target_dimension.
    if dimension is not None and model != "mmbert" and int(dimension) != DIMENSIONS[model]:
        said = "embedding_model" if given.get("embedding_model") else "the default embedding_model"
        yield Problem(
            "DimensionMismatch",
            f"{'.'.join((path, *where))}.dimension is {dimension}, but {said} {model} makes vectors of length"
            f" {DIMENSIONS[model]}: write {DIMENSIONS[model]}, or leave dimension out",
        )


def _condition(given: Mapping[str, Any], problems: list[Problem]) -> Condition:
    if problems:
        return false(problems[0].reason, "; ".join(problem.text for problem in problems))
    if not is_enabled(given):
        return true("Disabled", "the cache is switched off: no answer is kept")
    return true(
        "Configured", f"answers are kept by {backend_type(given)}, compared with {embedding_model(given)}"
    )
