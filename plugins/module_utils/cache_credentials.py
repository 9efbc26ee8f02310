"""The credential of the cache: in a Secret of the user's, or moved out of the resource into one of ours.

Either way the configuration file says ``${NAME}``, and the container gets ``NAME`` from the Secret.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_fields import (
    CREDENTIALS,
    CredentialField,
    within,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    CREDENTIALS as OWN_SECRET,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    name_of,
    section,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import find, foreign
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.referred import Problem, Referred

RIGHTS = "deploy/rbac/plaintext_credentials.yaml"
_OR_REFER = "or refer to a Secret of your own in place of the plain text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential that is used. ``moved`` says that it stands in the resource in plain text, at ``path``."""

    field: CredentialField
    path: str
    source: Referred
    moved: bool

    @property
    def placeholder(self) -> str:
        """What stands in the file: the variable, with an empty default when it may be unset."""
        return f"${{{self.field.variable}{':-' if self.source.optional else ''}}}"

    @property
    def entry(self) -> dict[str, Any]:
        """The entry of the container's ``env``."""
        selector: dict[str, Any] = {"name": self.source.name, "key": self.source.key}
        if self.source.optional:
            selector["optional"] = True
        return {"name": self.field.variable, "valueFrom": {"secretKeyRef": selector}}

    @property
    def advice(self) -> str:
        """What to do about a credential in plain text; it is not repeated."""
        return (
            f"{self.path} is in plain text, readable by everyone who may read this resource: the router gets it from"
            f" {self.source}, a copy that the operator made. Put it in a Secret of your own, refer to it by"
            f" {self.source.field}, and remove {self.field.name}"
        )

    def find(self, resource: Object, observed: Mapping[str, Any]) -> Object | None:
        """Return the Secret as it was observed."""
        if not self.moved:
            return self.source.find(observed)
        identity = identity_of(resource)
        found = find(observed, "Secret", identity, self.source.name)
        return found if found and not foreign(found, identity) else None

    def problems(self, resource: Object, observed: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield why the Secret cannot be used or made."""
        if not self.moved:
            yield from self.source.problems(observed)
            return
        for error in section(observed, "errors").get("Secret") or ():
            reason = str(error["reason"])
            yield Problem(f"Secret{reason}", _unreadable(self.source, self.path, reason))
            return
        identity = identity_of(resource)
        found = find(observed, "Secret", identity, self.source.name)
        if found is not None and (text := foreign(found, identity)):
            yield Problem("Conflict", text)


def credential_of(resource: Object, given: Mapping[str, Any], block: str, path: str) -> Credential | None:
    """Return the credential of ``block`` in the cache ``given``, which stands at ``path``; None when there is none."""
    field = CREDENTIALS[block]
    holder = within(given, field.place)
    namespace = str(resource["metadata"]["namespace"])
    at = ".".join((path, *field.place))
    reference = holder.get(field.reference)
    if not reference and not holder.get(field.name):
        return None
    chosen = reference or {"name": name_of(OWN_SECRET, resource), "key": field.name}
    source = Referred(
        kind="Secret",
        namespace=namespace,
        name=str(chosen["name"]),
        key=str(chosen["key"]),
        field=f"{at}.{field.reference}",
        optional=bool(chosen.get("optional")),
    )
    return Credential(field=field, path=f"{at}.{field.name}", source=source, moved=not reference)


def refusal(result: Mapping[str, Any], source: str) -> str:
    """Say why our Secret could not be applied.

    The words of the API server are not repeated, because they may quote what they were given.
    """
    if "forbidden" in str(result.get("msg")).lower():
        return f"the operator may not write {source}: grant it the rights of {RIGHTS}, {_OR_REFER}"
    return f"{source} could not be written; it is tried again. You need not wait: {_OR_REFER.removeprefix('or ')}"


def _unreadable(source: Referred, path: str, reason: str) -> str:
    if reason == "Forbidden":
        return f"the operator may not look at {source}: grant it `get` on Secrets there, {_OR_REFER}"
    return f"{source}, where {path} is to be moved, could not be looked at just now; it is tried again"
