"""Typed access to YAML that remembers lines; the only importer of yaml, and of nothing but its syntax.

A ``Place`` is a node with its key path and line. What it is asked for and does not have becomes a problem
in the common list and gives None, so that reading goes on and all problems are found in one pass.
"""

import difflib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from playbook_engine.watches.errors import Problem

_TAG = "tag:yaml.org,2002:"


class Problems:
    """The list that all readers of one file add to."""

    def __init__(self, file: Path) -> None:
        """Start without problems."""
        self.file = file
        self.found: list[Problem] = []

    def add(self, *, line: int, key: str, what: str) -> None:
        """Note a problem."""
        self.found.append(Problem(file=self.file, line=line, key=key, what=what))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node of the document, its key path, the line (from 1) where it is given, and where problems go."""

    node: yaml.Node
    key: str
    line: int
    problems: Problems

    def wrong(self, what: str) -> None:
        """Note that something is wrong here."""
        self.problems.add(line=self.line, key=self.key, what=what)

    def is_null(self) -> bool:
        """Tell whether nothing stands here."""
        return bool(self.node.tag == f"{_TAG}null")

    def is_list(self) -> bool:
        """Tell whether a list stands here."""
        return isinstance(self.node, yaml.SequenceNode)

    def is_mapping(self) -> bool:
        """Tell whether a mapping stands here."""
        return isinstance(self.node, yaml.MappingNode)

    def kind(self) -> str:
        """Name what stands here, for messages."""
        if self.is_null():
            return "empty"
        if isinstance(self.node, yaml.ScalarNode):
            return f"{self.node.value!r}"
        return "a list" if self.is_list() else "a mapping"

    def text(self) -> str | None:
        """Give the scalar as it is written, whatever YAML would make of it; a problem when it is none."""
        if not isinstance(self.node, yaml.ScalarNode) or self.is_null() or not str(self.node.value).strip():
            self.wrong(f"must be a text, but is {self.kind()}")
            return None
        return str(self.node.value)

    def items(self) -> Iterator["Place"]:
        """Give the items of the list; a problem when it is none."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.wrong(f"must be a list, but is {self.kind()}")
            return
        for index, node in enumerate(self.node.value):
            yield Place(node=node, key=f"{self.key}[{index}]", line=_line(node), problems=self.problems)

    def members(self) -> dict[str, "Place"]:
        """Give the members of the mapping, merge keys resolved; problems when it is none or repeats a key."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong(f"must be a mapping, but is {self.kind()}")
            return {}
        merged: dict[str, Place] = {}
        own: dict[str, Place] = {}
        for key_node, node in self.node.value:
            member = self._member(key_node, node)
            if key_node.tag == f"{_TAG}merge":
                merged = self._merged(member) | merged
            elif not isinstance(key_node, yaml.ScalarNode):
                member.wrong("a key must be a text")
            elif key_node.value in own:
                first = own[key_node.value].line
                member.wrong(f"is given twice, first on line {first}; keep one of them")
            else:
                own[key_node.value] = member
        return merged | own

    def section(
        self, known: Collection[str], *, hints: Mapping[str, str] | None = None
    ) -> dict[str, "Place"]:
        """Give the members that are not null; a problem for each that is not ``known``.

        ``hints`` are advices for certain unknown keys; for others the closest known key is offered.
        """
        members = self.members()
        for name, member in members.items():
            if name not in known:
                member.wrong(f"unknown key; {(hints or {}).get(name) or closest(name, known)}")
        return {name: member for name, member in members.items() if name in known and not member.is_null()}

    def _member(self, key_node: yaml.Node, node: yaml.Node) -> "Place":
        name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        key = f"{self.key}.{name}" if self.key else name
        return Place(node=node, key=key, line=_line(key_node), problems=self.problems)

    def _merged(self, member: "Place") -> dict[str, "Place"]:
        sources = list(member.items()) if member.is_list() else [member]
        merged: dict[str, Place] = {}
        for source in reversed(sources):
            for name, place in source.members().items():
                key = f"{self.key}.{name}" if self.key else name
                merged[name] = Place(node=place.node, key=key, line=place.line, problems=self.problems)
        return merged


def closest(name: str, known: Collection[str]) -> str:
    """Advise which known word was meant; all of them when none is close."""
    folded = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.replace("_", "").lower(), folded, n=1)
    return f"did you mean {folded[close[0]]!r}?" if close else f"known here: {', '.join(known)}"


def compose(text: str, problems: Problems) -> Place | None:
    """Parse ``text`` as one YAML document; a problem when it is not well-formed, empty or several."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = int(error.problem_mark.line) + 1 if error.problem_mark else 1
        problems.add(line=line, key="", what=f"not YAML: {_story(error)}")
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"character {chr(int(error.character))!r} is not allowed; write its escape in double quotes"
        problems.add(line=line, key="", what=f"not YAML: {what}")
        return None
    if node is None:
        problems.add(line=1, key="", what="is empty; list at least one kind to watch")
        return None
    cycle = _cycle(node, above=())
    if cycle is not None:
        problems.add(line=_line(cycle), key="", what="contains itself; remove the alias")
        return None
    return Place(node=node, key="", line=_line(node), problems=problems)


def _story(error: yaml.MarkedYAMLError) -> str:
    begin = f" (begins on line {error.context_mark.line + 1})" if error.context_mark else ""
    parts = (f"{error.context}{begin}" if error.context else "", error.problem or "")
    return ", ".join(part for part in parts if part)


def plain(place: Place) -> object:
    """Give the place as plain data: mappings, lists, texts, numbers, booleans and nulls; problems for others.

    Dates stay the text that is written, since JSON has none.
    """
    if place.is_list():
        return [plain(item) for item in place.items()]
    if place.is_mapping():
        return {name: plain(member) for name, member in place.members().items()}
    kind = str(place.node.tag).removeprefix(_TAG)
    if kind in ("null", "bool", "int", "float"):
        return _value(place, kind)
    if kind not in ("str", "timestamp"):
        place.wrong(f"tag {place.node.tag!r} is not allowed; write plain data")
    return str(place.node.value)


def _value(place: Place, kind: str) -> object:
    value: object
    try:
        value = yaml.SafeLoader("").construct_object(place.node)
    except (KeyError, ValueError):
        place.wrong(f"{place.node.value!r} is no {kind}")
        return None
    if isinstance(value, float) and not math.isfinite(value):
        place.wrong(f"{place.node.value!r} has no place in JSON; write a finite number")
        return None
    return value


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _cycle(node: yaml.Node, *, above: tuple[yaml.Node, ...]) -> yaml.Node | None:
    if any(node is one for one in above):
        return node
    below: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        below = node.value
    elif isinstance(node, yaml.MappingNode):
        below = [part for pair in node.value for part in pair]
    return next((found for one in below if (found := _cycle(one, above=(*above, node)))), None)
