"""The cache of a SemanticRouter: its block in the configuration file, and the credentials beside the file.

A password never stands in the file: it says ``${NAME}``, and the container gets ``NAME`` from the Secret.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils import cache_certificates
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_certificates import (
    Certificate,
    certificates_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_credentials import (
    Credential,
    credential_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_fields import (
    CERTIFICATES,
    active_block,
    backend_type,
    cache_of,
    is_enabled,
    within,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_store import (
    DIMENSIONS,
    VECTOR_FIELDS,
    embedding_model,
    store_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import literal
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.referred import Problem, version_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import (
    Condition,
    false,
    true,
    warning,
)

__all__ = ["CachePlan", "literal", "resolve_cache"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """What the cache needs in the file (``store``) and in the pods.

    ``secrets`` are name, uid and resourceVersion of the Secrets and ConfigMaps that are used and exist. As long as
    ``ready`` is false, nothing may be applied that would restart pods with this cache. ``secret`` names the Secret of
    ours that a credential in plain text is moved into, empty for none; until ``moved``, pods must wait for it.
    """

    store: dict[str, Any]
    environment: tuple[dict[str, Any], ...] = ()
    volumes: tuple[dict[str, Any], ...] = ()
    mounts: tuple[dict[str, Any], ...] = ()
    secrets: tuple[dict[str, Any], ...] = ()
    secret: str = ""
    moved: bool = True
    condition: Condition
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Needs:
    """What a block refers to."""

    block: str = ""
    credential: Credential | None = None
    certificates: tuple[Certificate, ...] = field(default=())


def resolve_cache(resource: Object, observed: Mapping[str, Any]) -> CachePlan:
    """Plan the cache of ``spec.config.semantic_cache`` or ``response_cache``; by default it is in memory."""
    name, given = cache_of(section(spec_of(resource), "config"))
    path = f"spec.config.{name}"
    needs = _needs(resource, given, path)
    problems = [*_missing(needs, resource, observed), *_dimension_problems(given, path)]
    found = list(_found(needs, resource, observed))
    credential, certificates = needs.credential, needs.certificates
    own = credential if credential and credential.moved else None
    advice = list(_advice(given, needs, path))
    return CachePlan(
        store=_store(given, needs),
        environment=(
            *((credential.entry,) if credential else ()),
            *cache_certificates.trust(resource, needs.block, certificates),
        ),
        volumes=cache_certificates.volumes(certificates),
        mounts=cache_certificates.mounts(certificates),
        secrets=tuple(version_of(one) for one in found),
        secret=own.source.name if own else "",
        moved=own is None or own.find(resource, observed) is not None,
        condition=_condition(given, problems, advice),
        ready=not problems,
    )


def _needs(resource: Object, given: Mapping[str, Any], path: str) -> _Needs:
    block = active_block(given)
    if not block:
        return _Needs()
    return _Needs(
        block=block,
        credential=credential_of(resource, given, block, path),
        certificates=certificates_of(resource, given, block, path),
    )


def _missing(needs: _Needs, resource: Object, observed: Mapping[str, Any]) -> Iterator[Problem]:
    if needs.credential:
        yield from needs.credential.problems(resource, observed)
    for certificate in needs.certificates:
        yield from certificate.source.problems(observed)


def _found(needs: _Needs, resource: Object, observed: Mapping[str, Any]) -> Iterator[Object]:
    """Yield the objects that are used, each once."""
    credential = needs.credential.find(resource, observed) if needs.credential else None
    seen = [credential, *(one.source.find(observed) for one in needs.certificates)]
    found = {one["metadata"]["uid"]: one for one in seen if one is not None}
    yield from found.values()


def _store(given: Mapping[str, Any], needs: _Needs) -> dict[str, Any]:
    store = store_of(given)
    if needs.credential:
        holder = _within(store, needs.credential.field.place)
        holder[needs.credential.field.name] = needs.credential.placeholder
    if needs.certificates and needs.block != "qdrant":
        _within(store, CERTIFICATES[needs.block]).update(cache_certificates.paths(needs.certificates))
    return store


def _within(store: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    for name in place:
        store = store[name]
    return store


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


def _advice(given: Mapping[str, Any], needs: _Needs, path: str) -> Iterator[Problem]:
    """Yield what works and should be put right all the same."""
    credential = needs.credential
    if credential and credential.moved:
        yield Problem("PlaintextPassword", credential.advice)
    if needs.certificates:
        place = CERTIFICATES[needs.block]
        switch = "use_tls" if needs.block == "qdrant" else "enabled"
        if not within(given, place).get(switch):
            at = ".".join((path, *place, switch))
            yield Problem("TLSDisabled", f"its certificates are not used, since {at} is not true: set it")
    if credential and needs.block == "milvus" and not within(given, credential.field.place).get("enabled"):
        at = ".".join((path, *credential.field.place, "enabled"))
        yield Problem("AuthDisabled", f"its password is not used, since {at} is not true: set it")


def _condition(given: Mapping[str, Any], problems: list[Problem], advice: list[Problem]) -> Condition:
    if problems:
        return false(problems[0].reason, "; ".join(problem.text for problem in problems))
    if not is_enabled(given):
        return true("Disabled", "the cache is switched off: no answer is kept")
    text = f"answers are kept by {backend_type(given)}, compared with {embedding_model(given)}"
    if not advice:
        return true("Configured", text)
    return warning(advice[0].reason, "; ".join((text, *(one.text for one in advice))))
