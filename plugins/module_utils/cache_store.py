"""The block ``global.stores.response_cache`` of the router's configuration file, without credentials."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_fields import (
    NOT_IN_FILE,
    active_block,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import laid_over, literal
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import without_nulls

DIMENSIONS = {"bert": 384, "qwen3": 1024, "gemma": 768, "mmbert": 768}
"""Length of the vectors that each embedding model makes."""

VECTOR_FIELDS = {
    "redis": ("index", "vector_field"),
    "valkey": ("index", "vector_field"),
    "milvus": ("collection", "vector_field"),
}
"""Where a block says how long vectors are; Qdrant learns it from the first one."""

COMMON: Mapping[str, Any] = {
    "enabled": True,
    "backend_type": "memory",
    "embedding_model": "bert",
    "similarity_threshold": 0.8,
    "max_entries": 1000,
    "ttl_seconds": 3600,
    "eviction_policy": "fifo",
}

_REDIS = {
    "connection": {"port": 6379, "database": 0, "timeout": 30, "tls": {"enabled": False}},
    "index": {
        "name": "semantic_cache_idx",
        "prefix": "doc:",
        "index_type": "HNSW",
        "vector_field": {"name": "embedding", "metric_type": "COSINE"},
        "params": {"M": 16, "efConstruction": 64},
    },
    "search": {"topk": 1},
    "development": {"auto_create_index": True, "drop_index_on_startup": False, "verbose_errors": True},
}
_MILVUS = {
    "connection": {
        "port": 19530,
        "database": "semantic_router_cache",
        "timeout": 30,
        "tls": {"enabled": False},
        "auth": {"enabled": False},
    },
    "collection": {
        "name": "semantic_cache",
        "description": "Semantic cache for LLM request-response pairs",
        "vector_field": {"name": "embedding", "metric_type": "IP"},
        "index": {"type": "HNSW", "params": {"M": 16, "efConstruction": 64}},
    },
    "search": {"topk": 10, "consistency_level": "Session", "params": {"ef": 64}},
    "performance": {
        "connection_pool": {"max_connections": 10, "max_idle_connections": 5, "acquire_timeout": 30},
        "batch": {"insert_batch_size": 100, "timeout": 60},
    },
    "data_management": {
        "ttl": {"enabled": False, "timestamp_field": "created_at", "cleanup_interval": 3600},
        "compaction": {"enabled": False, "interval": 86400},
    },
    "development": {
        "auto_create_collection": True,
        "drop_collection_on_startup": False,
        "verbose_errors": True,
    },
}
_QDRANT = {"port": 6334, "collection_name": "semantic_cache", "connect_timeout": 10, "use_tls": False}

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "redis": _REDIS,
    "valkey": _REDIS,
    "milvus": _MILVUS,
    "qdrant": _QDRANT,
}
"""Defaults of the CRD. The API server fills them in only inside of blocks that the user wrote."""


def embedding_model(given: Mapping[str, Any]) -> str:
    """Return the model that compares requests."""
    return str(given.get("embedding_model") or COMMON["embedding_model"])


def store_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the store for the user's block: with all defaults, and only the block of the chosen backend."""
    common = laid_over(COMMON, {key: given[key] for key in COMMON if key in given})
    common["similarity_threshold"] = float(common["similarity_threshold"])
    store: dict[str, Any] = {**literal(common), **without_nulls(literal(given.get("hnsw") or {}))}
    block = active_block(given)
    if block:
        store[block] = literal(_backend(given, block))
    return store


def _backend(given: Mapping[str, Any], block: str) -> dict[str, Any]:
    result = laid_over(DEFAULTS[block], _for_file(given.get(block) or {}))
    if block in VECTOR_FIELDS:
        above, name = VECTOR_FIELDS[block]
        result[above][name].setdefault("dimension", DIMENSIONS[embedding_model(given)])
    return dict(result)


def _for_file(block: Any) -> Any:  # noqa: ANN401 - as deep as the block
    if not isinstance(block, Mapping):
        return block
    return {key: _for_file(item) for key, item in block.items() if key not in NOT_IN_FILE}
