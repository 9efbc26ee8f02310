"""The credential of the cache: found in the custom resource, looked up in a Secret, handed to the container."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

PASSWORD = "SEMANTIC_ROUTER_CACHE_PASSWORD"  # noqa: S105 - the name of a variable
API_KEY = "SEMANTIC_ROUTER_CACHE_API_KEY"

_FIELDS = {
    "redis": (("connection",), "password", PASSWORD),
    "valkey": (("connection",), "password", PASSWORD),
    "milvus": (("connection", "auth"), "password", PASSWORD),
    "qdrant": ((), "api_key", API_KEY),
}
"""Of each block: where its credential stands, the field's name, and the variable that the router reads."""

_UNREADABLE = {
    "Forbidden": "the operator may not read {what}: grant it `get` and `watch` on Secrets there",
    "Unavailable": "{what} could not be read just now; it is tried again",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the cache cannot be used: one word for programs, and a text for people."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential of one block. ``place`` leads to ``holder``, the mapping with the field ``name``."""

    namespace: str
    path: str
    place: tuple[str, ...]
    name: str
    variable: str
    holder: Mapping[str, Any]

    @property
    def field(self) -> str:
        """The path of the field that refers to a Secret."""
        return ".".join((self.path, *self.place, f"{self.name}_secret_ref"))

    @property
    def reference(self) -> Mapping[str, Any]:
        """The reference to a Secret, empty when there is none."""
        return self.holder.get(f"{self.name}_secret_ref") or {}

    @property
    def optional(self) -> bool:
        """Whether the router may start without it."""
        return bool(self.reference.get("optional"))

    @property
    def secret(self) -> str:
        """The Secret, as messages name it."""
        return f"Secret {self.namespace}/{self.reference['name']}"

    @property
    def placeholder(self) -> str:
        """What stands in the file: the variable, with an empty default when it may be unset."""
        return f"${{{self.variable}{':-' if self.optional else ''}}}"

    @property
    def entry(self) -> dict[str, Any]:
        """The entry of the container's ``env``."""
        selector: dict[str, Any] = {"name": str(self.reference["name"]), "key": str(self.reference["key"])}
        if self.optional:
            selector["optional"] = True
        return {"name": self.variable, "valueFrom": {"secretKeyRef": selector}}


def credential_of(resource: Object, given: Mapping[str, Any], block: str, path: str) -> Credential:
    """Return the credential of ``block`` in the cache ``given``, which stands at ``path``; it may be unset."""
    above, name, variable = _FIELDS[block]
    return Credential(
        namespace=str(resource["metadata"]["namespace"]),
        path=path,
        place=(block, *above),
        name=name,
        variable=variable,
        holder=section(given, block, *above),
    )


def plaintext_problems(credential: Credential) -> Iterator[Problem]:
    """Yield that a credential stands in the resource itself, without repeating it."""
    if credential.holder.get(credential.name):
        field = credential.field.removesuffix("_secret_ref")
        yield Problem(
            "PlaintextPassword",
            f"{field} is in plain text, readable by everyone who may read this resource: put it in a Secret,"
            f" refer to it by {credential.field}, and remove {credential.name}",
        )


def find_secret(credential: Credential, observed: Mapping[str, Any]) -> Object | None:
    """Return the Secret that is referred to, as it was observed: its metadata and the names of its keys."""
    wanted = (credential.namespace, credential.reference["name"])
    for secret in section(observed, "references").get("secrets") or ():
        if (secret["metadata"]["namespace"], secret["metadata"]["name"]) == wanted:
            found: Object = secret
            return found
    return None


def secret_problems(credential: Credential, observed: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield why the credential cannot be read from its Secret."""
    secret = find_secret(credential, observed)
    if secret is None:
        yield from _why_missing(credential, observed)
        return
    key, keys = credential.reference["key"], sorted(secret.get("keys") or ())
    if key not in keys and not credential.optional:
        yield Problem(
            "SecretKeyNotFound",
            f"{credential.field}: {credential.secret} has no key {key}, it has {', '.join(keys) or 'none'}:"
            f" add the key {key} to the Secret, or change {credential.field}.key",
        )


def _why_missing(credential: Credential, observed: Mapping[str, Any]) -> Iterator[Problem]:
    for error in section(observed, "errors").get("secrets") or ():
        mine = (credential.namespace, credential.reference["name"])
        if error.get("namespace") in (mine[0], "", None) and error.get("name") in (mine[1], "", None):
            reason = str(error["reason"])
            text = _UNREADABLE.get(reason, "{what} could not be read").format(what=credential.secret)
            yield Problem(f"Secret{reason}", f"{credential.field}: {text}")
            return
    if not credential.optional:
        yield Problem(
            "SecretNotFound",
            f"{credential.field}: {credential.secret} does not exist: create it with the key"
            f" {credential.reference['key']}; it is used as soon as it is there",
        )
