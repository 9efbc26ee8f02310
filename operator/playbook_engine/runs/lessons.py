"""What runs tell at their end that they had to do for themselves, and the fork server does for the runs to come.

So nobody has to know in advance where Ansible looks and what it loads. Names and texts of playbooks cross the process
boundary, never what was made of them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from operator import or_
from typing import Any, Self

type ParsedFile = tuple[str, bool]
"""The path of a file as Ansible asked for it, and whether its texts may be templates."""

type Template = tuple[str, bool, bool]
"""The text of a template, whether it is a lone expression, and whether backslashes in its texts stay as they are."""

MOST = 2000
"""So many things of a kind are remembered: names that are other ones in each run must not add up."""

_MESSAGE_CHARACTERS = 60_000
"""A message to the server stays below what a socket takes at once."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Files that were parsed, modules of Python that were imported, templates that were compiled, playbooks loaded."""

    files: frozenset[ParsedFile] = frozenset()
    modules: frozenset[str] = frozenset()
    templates: frozenset[Template] = frozenset()
    playbooks: frozenset[str] = frozenset()

    @classmethod
    def of(cls, plain: Mapping[str, Iterable[Any]]) -> Self:
        """Read what ``plain`` gives."""
        found: dict[str, Any] = {name: frozenset(map(_frozen, items)) for name, items in plain.items()}
        return cls(**found)

    def plain(self) -> dict[str, list[Any]]:
        """Give it as JSON can hold it, in a stable order."""
        return {field.name: sorted(getattr(self, field.name)) for field in fields(self)}

    def new_to(self, known: "Lessons") -> "Lessons":
        """Give what is not among the known, without what would be too much together with it."""
        return self._joined(known, _new)

    def __or__(self, other: "Lessons") -> "Lessons":
        """Give both together."""
        return self._joined(other, or_)

    def _joined(self, other: "Lessons", join: Callable[[frozenset[Any], frozenset[Any]], Any]) -> "Lessons":
        joined = {one.name: join(getattr(self, one.name), getattr(other, one.name)) for one in fields(self)}
        return Lessons(**joined)

    def messages(self) -> Iterator[bytes]:
        """Give it in parts that fit into a message each."""
        for name, items in self.plain().items():
            part: list[Any] = []
            characters = 0
            for item in items:
                size = len(json.dumps(item))
                if part and characters + size > _MESSAGE_CHARACTERS:
                    yield _message(name, part)
                    part, characters = [], 0
                part.append(item)
                characters += size
            if part:
                yield _message(name, part)


def _new[T](told: frozenset[T], known: frozenset[T]) -> frozenset[T]:
    return frozenset(islice(told - known, max(0, MOST - len(known))))


def _frozen(item: object) -> object:
    return tuple(item) if isinstance(item, list) else item


def _message(name: str, part: list[Any]) -> bytes:
    return json.dumps({name: part}).encode()
