"""The part of CEL that the rules of the definition use, so that examples can be made that keep them.

Operators, ``has``, ``size``, ``in``, ``matches``, ``all`` and ``exists``; ``self`` is the object that a rule stands at.
Defaults of the definition must be filled in before. Tests of the definition hold it to the API server's evaluation.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

type Names = Mapping[str, Any]
type Meaning = Callable[[Names], Any]
"""What an expression is for given names."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+)|'(?P<text>[^']*)'|(?P<word>\w+)|(?P<sign>\|\||&&|==|!=|<=|>=|[-+<>!?:().,\[\]]))"
)
_BINARY: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {"==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
     ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "in": lambda a, b: a in b},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
)  # fmt: skip
_CONSTANTS: dict[str, Callable[[str], Any]] = {"number": int, "text": str}
_WORDS = {"true": True, "false": False, "null": None}


def broken_rules(value: object, schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the place and the message of every rule that ``value`` breaks; inner ones first."""
    yield from _broken(value, schema, ())


def _broken(
    value: object, schema: Mapping[str, Any], place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties") or {}
            yield from _broken(item, inner, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _broken(item, schema.get("items", {}), (*place, index))
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" not in rule["rule"] and not meaning(rule["rule"])({"self": value}):
            yield place, rule["message"]


@cache
def meaning(text: str) -> Meaning:
    """Parse an expression; raises ValueError for what is not known here."""
    parser = _Parser(list(_tokens(text)))
    found = parser.choice()
    if parser.rest:
        raise ValueError(f"{text!r}: {parser.rest[0]!r} is not understood")
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if not found:
            raise ValueError(f"{text[place:]!r} is not understood")
        place = found.end()
        yield str(found.lastgroup), found[str(found.lastgroup)]


@dataclass(slots=True)
class _Parser:
    """Takes tokens from the left; one method for each level of precedence."""

    rest: list[tuple[str, str]]

    def _takes(self, *signs: str) -> str:
        if self.rest and self.rest[0][0] != "text" and self.rest[0][1] in signs:
            return self.rest.pop(0)[1]
        return ""

    def _needs(self, sign: str) -> None:
        if not self._takes(sign):
            raise ValueError(f"{sign!r} is missing before {self.rest[:3]}")

    def choice(self) -> Meaning:
        condition = self._any()
        if not self._takes("?"):
            return condition
        one = self.choice()
        self._needs(":")
        other = self.choice()
        return lambda names: one(names) if condition(names) else other(names)

    def _any(self) -> Meaning:
        parts = [self._all()]
        while self._takes("||"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda names: any(part(names) for part in parts)

    def _all(self) -> Meaning:
        parts = [self._binary(0)]
        while self._takes("&&"):
            parts.append(self._binary(0))
        return parts[0] if len(parts) == 1 else lambda names: all(part(names) for part in parts)

    def _binary(self, level: int) -> Meaning:
        if level == len(_BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while sign := self._takes(*_BINARY[level]):
            left = _joined(_BINARY[level][sign], left, self._binary(level + 1))
        return left

    def _unary(self) -> Meaning:
        if self._takes("!"):
            inner = self._unary()
            return lambda names: not inner(names)
        return self._member(self._primary())

    def _primary(self) -> Meaning:
        if self._takes("("):
            inner = self.choice()
            self._needs(")")
            return inner
        if self._takes("["):
            return self._list()
        kind, text = self.rest.pop(0)
        if kind in _CONSTANTS or text in _WORDS:
            value = _CONSTANTS[kind](text) if kind in _CONSTANTS else _WORDS[text]
            return lambda _: value
        return self._function(text) if text in {"has", "size"} else lambda names: names[text]

    def _list(self) -> Meaning:
        items = [self.choice()]
        while self._takes(","):
            items.append(self.choice())
        self._needs("]")
        return lambda names: [item(names) for item in items]

    def _function(self, name: str) -> Meaning:
        self._needs("(")
        inner = self.choice()
        self._needs(")")
        return (lambda names: _is_there(inner, names)) if name == "has" else (lambda names: len(inner(names)))

    def _member(self, holder: Meaning) -> Meaning:
        while self._takes("."):
            _, name = self.rest.pop(0)
            holder = self._method(holder, name) if self._takes("(") else _field(holder, name)
        return holder

    def _method(self, holder: Meaning, name: str) -> Meaning:
        if name == "matches":
            pattern = self.choice()
            self._needs(")")
            return lambda names: re.search(pattern(names), holder(names)) is not None
        if name not in {"all", "exists"}:
            raise ValueError(f"{name}() is not known")
        _, variable = self.rest.pop(0)
        self._needs(",")
        inner = self.choice()
        self._needs(")")
        decide = all if name == "all" else any
        return lambda names: decide(inner({**names, variable: item}) for item in holder(names))


def _joined(operator: Callable[[Any, Any], Any], left: Meaning, right: Meaning) -> Meaning:
    return lambda names: operator(left(names), right(names))


def _field(holder: Meaning, name: str) -> Meaning:
    return lambda names: holder(names)[name]


def _is_there(inner: Meaning, names: Names) -> bool:
    try:
        return inner(names) is not None
    except KeyError:
        return False
