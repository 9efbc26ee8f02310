"""The rules of a CustomResourceDefinition (CEL), evaluated without an API server.

Only the part of the language is known that definitions of 1.25 need: literals, lists, fields, ``has``, ``size``,
``matches``, ``all``, ``exists``, ``in``, comparisons, ``+``, ``!``, ``&&``, ``||`` and ``?:``. Anything else is an
error when the rule is read, so that a rule is never taken for kept because it was not understood.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

type Scope = Mapping[str, Any]
type Expression = Callable[[Scope], Any]

_TOKENS = re.compile(
    r"\s*(?:(?P<number>[0-9]+)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>&&|\|\||[=!<>]=|[+!<>?:()\[\],.]))"
)
_CONSTANTS = {"true": True, "false": False, "null": None}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "in": lambda left, right: left in right,
}


class RuleError(ValueError):
    """A rule that cannot be read or evaluated; the text quotes it."""


@cache
def read(text: str) -> Expression:
    """Read a rule; the result takes the names that it may use, such as ``self``. Raises RuleError."""
    reader = _Reader(text, list(_tokens(text)))
    expression = reader.choice()
    if reader.rest:
        raise reader.error()
    return expression


def holds(text: str, value: object) -> bool:
    """Whether ``value``, known as ``self``, keeps a rule; raises RuleError."""
    try:
        return bool(read(text)({"self": value}))
    except (KeyError, TypeError) as error:
        raise RuleError(f"rule {text!r} cannot be evaluated: {error!r}") from error


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKENS.match(text, at)
        if match is None:
            raise RuleError(f"rule {text!r} cannot be read at {text[at:]!r}")
        at = match.end()
        yield str(match.lastgroup), match.group(str(match.lastgroup))


@dataclass(slots=True)
class _Reader:
    """Reads from the weakest operator to the strongest; each method reads what binds tighter by the next."""

    text: str
    tokens: list[tuple[str, str]]
    at: int = field(default=0)

    @property
    def rest(self) -> list[tuple[str, str]]:
        return self.tokens[self.at :]

    def error(self) -> RuleError:
        rest = " ".join(token for _, token in self.rest) or "its end"
        return RuleError(f"rule {self.text!r} cannot be read at {rest!r}")

    def choice(self) -> Expression:
        condition = self._either()
        if not self._takes("?"):
            return condition
        then = self._either()
        self._demand(":")
        otherwise = self.choice()
        return lambda scope: then(scope) if condition(scope) else otherwise(scope)

    def _either(self) -> Expression:
        left = self._both()
        while self._takes("||"):
            left = _or(left, self._both())
        return left

    def _both(self) -> Expression:
        left = self._compared()
        while self._takes("&&"):
            left = _and(left, self._compared())
        return left

    def _compared(self) -> Expression:
        left = self._sum()
        for sign, compare in _COMPARISONS.items():
            if self._takes(sign):
                right = self._sum()
                return lambda scope: compare(left(scope), right(scope))
        return left

    def _sum(self) -> Expression:
        left = self._negated()
        while self._takes("+"):
            left = _added(left, self._negated())
        return left

    def _negated(self) -> Expression:
        if self._takes("!"):
            inner = self._negated()
            return lambda scope: not inner(scope)
        return self._member()

    def _member(self) -> Expression:
        value = self._primary()
        while self._takes("."):
            name = self._next("name")
            value = self._call(value, name) if self._takes("(") else _field(value, name)
        return value

    def _call(self, value: Expression, name: str) -> Expression:
        if name in ("all", "exists"):
            variable = self._next("name")
            self._demand(",")
            inner = self.choice()
            self._demand(")")
            every = {"all": all, "exists": any}[name]
            return lambda scope: every(inner({**scope, variable: item}) for item in value(scope))
        if name != "matches":
            raise self.error()
        pattern = self.choice()
        self._demand(")")
        return lambda scope: re.search(pattern(scope), value(scope)) is not None

    def _primary(self) -> Expression:
        if self._takes("("):
            inner = self.choice()
            self._demand(")")
            return inner
        if self._takes("["):
            return self._list()
        kind, token = self.rest[0] if self.rest else ("", "")
        self.at += 1
        if kind == "number":
            return _constant(int(token))
        if kind == "text":
            return _constant(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if kind != "name":
            self.at -= 1
            raise self.error()
        return self._named(token)

    def _named(self, name: str) -> Expression:
        if name in _CONSTANTS:
            return _constant(_CONSTANTS[name])
        if not self._takes("("):
            return lambda scope: scope[name]
        if name == "has":
            return self._has()
        if name != "size":
            raise self.error()
        inner = self.choice()
        self._demand(")")
        return lambda scope: len(inner(scope))

    def _has(self) -> Expression:
        value, names = self._primary(), []
        while self._takes("."):
            names.append(self._next("name"))
        self._demand(")")
        if not names:
            raise self.error()
        *above, last = names
        for name in above:
            value = _field(value, name)
        return lambda scope: last in value(scope)

    def _list(self) -> Expression:
        items: list[Expression] = []
        while not self._takes("]"):
            if items:
                self._demand(",")
            items.append(self.choice())
        return lambda scope: [item(scope) for item in items]

    def _takes(self, token: str) -> bool:
        found = bool(self.rest) and self.rest[0] in (("sign", token), ("name", token))
        self.at += found
        return found

    def _demand(self, token: str) -> None:
        if not self._takes(token):
            raise self.error()

    def _next(self, kind: str) -> str:
        if not self.rest or self.rest[0][0] != kind:
            raise self.error()
        self.at += 1
        return self.tokens[self.at - 1][1]


def _or(left: Expression, right: Expression) -> Expression:
    return lambda scope: bool(left(scope) or right(scope))


def _and(left: Expression, right: Expression) -> Expression:
    return lambda scope: bool(left(scope) and right(scope))


def _added(left: Expression, right: Expression) -> Expression:
    return lambda scope: left(scope) + right(scope)


def _field(value: Expression, name: str) -> Expression:
    return lambda scope: value(scope)[name]


def _constant(value: object) -> Expression:
    return lambda _scope: value
