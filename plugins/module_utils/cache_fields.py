"""Where the fields of the cache stand that need more than a copy: which block counts, credentials, certificates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

type Block = Mapping[str, Any]

NAMES = ("response_cache", "semantic_cache")
"""Two names of the same block; only one of them may be there."""

BLOCKS = {"redis": "redis", "valkey": "valkey", "milvus": "milvus", "qdrant": "qdrant", "hybrid": "milvus"}
"""The block that each backend reads; the in-memory cache reads none."""

HIDDEN = "not shown"
PASSWORD = "SEMANTIC_ROUTER_CACHE_PASSWORD"  # noqa: S105 - the name of a variable
API_KEY = "SEMANTIC_ROUTER_CACHE_API_KEY"


@dataclass(frozen=True, slots=True)
class CredentialField:
    """A credential of a block: where its mapping is, the field's name, and the variable that the router reads."""

    place: tuple[str, ...]
    name: str
    variable: str

    @property
    def reference(self) -> str:
        """The field beside it that refers to a Secret."""
        return f"{self.name}_secret_ref"


CREDENTIALS = {
    "redis": CredentialField(("redis", "connection"), "password", PASSWORD),
    "valkey": CredentialField(("valkey", "connection"), "password", PASSWORD),
    "milvus": CredentialField(("milvus", "connection", "auth"), "password", PASSWORD),
    "qdrant": CredentialField(("qdrant",), "api_key", API_KEY),
}

CERTIFICATES = {
    "redis": ("redis", "connection", "tls"),
    "valkey": ("valkey", "connection", "tls"),
    "milvus": ("milvus", "connection", "tls"),
    "qdrant": ("qdrant",),
}
"""Of each block: where the mapping is that refers to certificates."""

CERTIFICATE_REFERENCES = {
    "ca_secret_ref": ("Secret", "ca_file", "ca.crt"),
    "ca_config_map_ref": ("ConfigMap", "ca_file", "ca.crt"),
    "cert_secret_ref": ("Secret", "cert_file", "tls.crt"),
    "key_secret_ref": ("Secret", "key_file", "tls.key"),
}
"""Of each reference: the kind that it names, the field with a path in its stead, and the key when none is named."""

NOT_IN_FILE = frozenset(
    {name for field in CREDENTIALS.values() for name in (field.name, field.reference)}
    | set(CERTIFICATE_REFERENCES)
)
"""Fields at any depth of a block that the router's file does not have, or must not hold."""


def cache_of(config: Block) -> tuple[str, Block]:
    """Return the name and the content of the block in ``spec.config``; the older name with nothing by default."""
    for name in NAMES:
        if config.get(name) is not None:
            return name, config[name]
    return NAMES[-1], {}


def is_enabled(given: Block) -> bool:
    """Whether answers are kept at all."""
    return given.get("enabled") in (None, True)


def backend_type(given: Block) -> str:
    """Return what keeps the answers."""
    return str(given.get("backend_type") or "memory")


def active_block(given: Block) -> str:
    """Return the name of the block that the chosen backend reads, empty when it reads none."""
    return BLOCKS.get(backend_type(given), "") if is_enabled(given) else ""


def within(given: Block, place: tuple[str, ...]) -> Block:
    """Return the mapping at ``place``, empty when it, or one around it, is not given."""
    for name in place:
        given = given.get(name) or {}
    return given


def without_credentials(config: Block) -> dict[str, Any]:
    """Return ``spec.config`` with ``HIDDEN`` in place of every credential that stands in it, also of unused blocks."""
    kept = dict(config)
    for name in NAMES:
        for field in CREDENTIALS.values():
            if within(kept, (name, *field.place)).get(field.name):
                kept = _replaced(kept, (name, *field.place, field.name))
    return kept


def _replaced(block: Block, path: tuple[str, ...]) -> dict[str, Any]:
    first, *rest = path
    return {**block, first: _replaced(block[first], tuple(rest)) if rest else HIDDEN}


def plaintext(config: Block) -> dict[str, str]:
    """Return the credential that is used and stands in ``spec.config`` itself, by its name; empty for none."""
    _, given = cache_of(config)
    field = CREDENTIALS.get(active_block(given))
    holder = within(given, field.place) if field else {}
    if field is None or holder.get(field.reference) or not holder.get(field.name):
        return {}
    return {field.name: str(holder[field.name])}
