"""What a role hands back: its condition, and the fingerprints of the objects that it applied."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, digest


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


def fingerprints(result: Mapping[str, Any], field_manager: str) -> dict[str, dict[str, str]]:
    """Fingerprint every object in the result of a ``kubernetes.core.k8s`` task with ``hidden_fields: []``.

    Keys are ``<apiVersion>/<Kind>/<namespace>/<name>``. How ``fields`` is made, and that a foreign writer who
    takes one of our fields changes it: docs/architecture.md. ``version`` is the resource version. A skipped task has
    no objects.
    """
    return {_key(applied): _print(applied, field_manager) for applied in _objects(result.get("result") or {})}


def _objects(result: Mapping[str, Any]) -> Iterator[Object]:
    # The module returns a lone object as it is, several as a list of results.
    if "results" in result and "metadata" not in result:
        yield from (one["result"] for one in result["results"])
    elif result:
        yield result


def _key(applied: Object) -> str:
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
    metadata = applied["metadata"]
    return {"uid": str(metadata["uid"]), "version": str(metadata["resourceVersion"]), "fields": digest(ours)}
