"""What a role hands back: its condition, and the fingerprints of the objects that it applied."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, digest

_OF_THE_SERVER = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The state of one concern. ``status`` is ``"True"``, ``"False"`` or ``"Unknown"``; ``reason`` one word.

    ``warning`` makes a Warning event of it though all is well.
    """

    status: str
    reason: str
    message: str
    warning: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as ``set_stats`` wants it."""
        return asdict(self)


def true(reason: str, message: str) -> Condition:
    """All is well."""
    return Condition(status="True", reason=reason, message=message)


def warning(reason: str, message: str) -> Condition:
    """All is well, but somebody should do what the message says."""
    return Condition(status="True", reason=reason, message=message, warning=True)


def false(reason: str, message: str) -> Condition:
    """Something is wrong; the message names object and field, and says the next step."""
    return Condition(status="False", reason=reason, message=message)


def fingerprints(
    applied: Sequence[Object], field_manager: str, wanted: Sequence[Object] = ()
) -> dict[str, dict[str, str]]:
    """Fingerprint objects as the API server returned them.

    Keys are ``<apiVersion>/<Kind>/<namespace>/<name>``. How ``fields`` is made, and that a foreign writer who
    takes one of our fields changes it: docs/architecture.md. ``version`` is the resource version. Of an object that
    is among those that were ``wanted``, ``wanted`` is the digest of what was applied.
    """
    digests = {object_key(one): {"wanted": wanted_digest(one)} for one in wanted}
    return {
        key: _print(one, field_manager) | digests.get(key, {})
        for one in applied
        for key in (object_key(one),)
    }


def wanted_digest(wanted: Object) -> str:
    """Digest what is applied; empty for a Secret, whose content a digest would let one guess."""
    return "" if wanted["kind"] == "Secret" else digest(wanted)


def split(wanted: Sequence[Object], untouched: Mapping[str, str]) -> tuple[list[Object], list[Object]]:
    """Return what has to be applied, and what need not be: nobody has touched it since the same was applied.

    ``untouched`` are digests of what was applied, by object key.
    """
    remaining: list[Object] = []
    left: list[Object] = []
    for one in wanted:
        known = untouched.get(object_key(one))
        (left if known and known == wanted_digest(one) else remaining).append(one)
    return remaining, left


def left_alone(untouched: Sequence[Object]) -> dict[str, dict[str, bool]]:
    """Say of objects that they were not looked at, by object key."""
    return {object_key(one): {"untouched": True} for one in untouched}


def unstored(written: Sequence[Object]) -> dict[str, dict[str, str]]:
    """Return the same for objects that no API server has seen: who they are, and nothing of how they are stored."""
    return {object_key(one): {"uid": "", "version": "", "fields": ""} for one in written}


def shown(before: Object | None, after: Object) -> dict[str, Any]:
    """Return a write as Ansible shows differences, without what the API server keeps for itself, and no Secret."""
    metadata = after["metadata"]
    name = f"{after['kind']} {metadata.get('namespace', '')}/{metadata['name']}"
    texts = {"before": _shown(before) if before else {}, "after": _shown(after)}
    return {"before_header": name, "after_header": name, **texts}


def differs(before: Object | None, after: Object) -> bool:
    """Whether a write has changed anything that we, or a person, could have meant."""
    return before is None or _meant(before) != _meant(after)


def _shown(found: Object) -> dict[str, Any]:
    kept = _meant(found)
    for name in ("data", "stringData") if found["kind"] == "Secret" else ():
        if name in kept:
            kept[name] = dict.fromkeys(kept[name] or (), "not shown")
    return kept


def _meant(found: Object) -> dict[str, Any]:
    metadata = {key: value for key, value in found["metadata"].items() if key not in _OF_THE_SERVER}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


def object_key(applied: Object) -> str:
    """Return ``<apiVersion>/<Kind>/<namespace>/<name>``."""
    metadata = applied["metadata"]
    return f"{applied['apiVersion']}/{applied['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"


def _print(applied: Object, field_manager: str) -> dict[str, str]:
    ours = [
        entry.get("fieldsV1", {})
        for entry in applied["metadata"].get("managedFields") or []
        if entry.get("manager") == field_manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
    ]
    # What the API server only tried has no version.
    names = {"uid": "uid", "version": "resourceVersion", "generation": "generation"}
    said = {key: str(applied["metadata"].get(name) or "") for key, name in names.items()}
    return {**said, "fields": digest(ours)}
