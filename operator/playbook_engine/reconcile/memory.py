"""What the engine remembers of a resource between passes; a restart only costs what the status does not hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from playbook_engine.objects import Object, mapping
from playbook_engine.status.compose import LAST_GOOD, News

MOST_REPEATS = 3
"""A run that has to be made again this often in a row, with the same input, does not converge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """Digests of the last success: of what it depended on, and of what it left."""

    inputs: str
    objects: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last run failed with these inputs, as one of ``count`` in a row; the next try is at ``until``.

    ``restless`` means that it succeeded, but was undone again and again.
    """

    inputs: str
    count: int
    until: float
    restless: bool = False


@dataclass(slots=True)
class Memory:
    """The state of one resource, by its uid; ``unsaid`` is what a pass found and could not write into the status."""

    uid: str
    good: Good | None = None
    objects: Mapping[str, list[str]] = field(default_factory=dict)
    failure: Failure | None = None
    repeats: int = 0
    written: tuple[str, str] | None = None
    runs: int = 0
    unsaid: News | None = None


def good_of(resource: Object) -> Good | None:
    """Read the digests from the status, as an earlier process left them."""
    found = mapping(mapping(resource.get("status")).get(LAST_GOOD))
    inputs, objects = found.get("inputDigest"), found.get("objectsDigest")
    return Good(inputs=str(inputs), objects=str(objects)) if inputs and objects else None
