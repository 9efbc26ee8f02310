"""A key of a Secret or ConfigMap that the resource refers to: whether it is there, and what to do when not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

REFERENCES = {"Secret": "secrets", "ConfigMap": "config_maps"}
"""Of each kind: the entry of ``references`` in watches.yaml that finds it."""

_UNREADABLE = {
    "Forbidden": "the operator may not read {what}: grant it `get` on {kind}s there",
    "Unavailable": "{what} could not be read just now; it is tried again",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something cannot be used: one word for programs, and a text for people."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """``key`` of an object; ``field`` is the path of the field that refers to it."""

    kind: str
    namespace: str
    name: str
    key: str
    field: str
    optional: bool = False

    def __str__(self) -> str:
        """Name the object as messages do."""
        return f"{self.kind} {self.namespace}/{self.name}"

    def problems(self, observed: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield why the key cannot be used. An object that cannot be read is not called missing."""
        found = self.find(observed)
        if found is None:
            yield from self._why_missing(observed)
            return
        keys = sorted(found.get("keys") or ())
        if self.key not in keys and not self.optional:
            yield Problem(
                f"{self.kind}KeyNotFound",
                f"{self.field}: {self} has no key {self.key}, it has {', '.join(keys) or 'none'}:"
                f" add the key {self.key} to the {self.kind}, or change {self.field}.key",
            )

    def find(self, observed: Mapping[str, Any]) -> Object | None:
        """Return the object as it was observed: its metadata and the names of its keys."""
        for found in section(observed, "references").get(REFERENCES[self.kind]) or ():
            if (found["metadata"]["namespace"], found["metadata"]["name"]) == (self.namespace, self.name):
                seen: Object = found
                return seen
        return None

    def _why_missing(self, observed: Mapping[str, Any]) -> Iterator[Problem]:
        for error in section(observed, "errors").get(REFERENCES[self.kind]) or ():
            if self._is_mine(error):
                reason = str(error["reason"])
                text = _UNREADABLE.get(reason, "{what} could not be read").format(what=self, kind=self.kind)
                yield Problem(f"{self.kind}{reason}", f"{self.field}: {text}")
                return
        if not self.optional:
            yield Problem(
                f"{self.kind}NotFound",
                f"{self.field}: {self} does not exist: create it with the key {self.key}; it is used as soon"
                " as it is there",
            )

    def _is_mine(self, error: Mapping[str, Any]) -> bool:
        anywhere = ("", None)
        return error.get("namespace") in (self.namespace, *anywhere) and error.get("name") in (
            self.name,
            *anywhere,
        )


def version_of(found: Object) -> dict[str, str]:
    """Return what tells one state of an object from another without a word of its content."""
    return {name: str(found["metadata"][name]) for name in ("name", "uid", "resourceVersion")}
