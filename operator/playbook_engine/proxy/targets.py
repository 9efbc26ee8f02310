"""What a path of the API server names. Pure."""

from dataclasses import dataclass
from urllib.parse import unquote

_OF_NAMESPACES = ("status", "finalize")
"""Subresources of a namespace itself; anything else after its name is a resource in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resource by its path; ``name`` is empty for a collection, ``prefix`` is such as ``/apis/apps/v1``."""

    prefix: str
    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def target_of(path: str) -> Target | None:
    """Read a path, still encoded; None for what is no resource: discovery, health, the version."""
    parts = [unquote(part) for part in path.split("/")[1:]]
    if len(parts) > 2 and parts[0] == "api":  # noqa: PLR2004 - api, version, and something
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) > 3 and parts[0] == "apis":  # noqa: PLR2004 - apis, group, version, and something
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _OF_NAMESPACES:  # noqa: PLR2004 - within it
        namespace, rest = rest[1], rest[2:]
    if rest[0] in ("", "watch", "proxy"):
        return None
    plural, name, *below = (*rest, "")
    return Target(
        prefix=prefix, group=group, version=version, plural=plural,
        namespace=namespace, name=name, subresource="/".join(filter(None, below)),
    )  # fmt: skip
