"""JMESPath expressions, compiled once; the only importer of jmespath."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import IncompleteExpressionError, JMESPathError, LexerError, ParseError
from jmespath.functions import Functions, signature
from jmespath.parser import ParsedResult


class _Functions(Functions):
    """JMESPath's own functions and ``having``."""

    @signature({"types": ["array", "null"]}, {"types": ["expref"]}, {"types": []})
    def _func_having(self, items: list[object] | None, expression: Any, value: object) -> list[object]:  # noqa: ANN401 - jmespath's own type
        """Give the items for which the expression has the value. A filter cannot say that: it sees only the item."""
        return [item for item in items or [] if expression.visit(expression.expression, item) == value]


_OPTIONS = jmespath.Options(custom_functions=_Functions())
_SIGNATURES: dict[str, tuple[dict[str, object], ...]] = {
    name: entry["signature"] for name, entry in _Functions.FUNCTION_TABLE.items()
}


class ExpressionError(ValueError):
    """The text is no JMESPath expression, or a function in it was given a value of a wrong type."""


@lru_cache(maxsize=1024)
def _compiled(text: str) -> ParsedResult:
    return jmespath.compile(text)


@dataclass(frozen=True, slots=True)
class Expression:
    """A JMESPath expression that is known to compile and to call only functions that exist."""

    text: str

    def __post_init__(self) -> None:
        """Raise ExpressionError when ``text`` does not compile or calls a function wrongly."""
        try:
            parsed = _compiled(self.text)
        except JMESPathError as error:
            message = f"{self.text!r} is no JMESPath expression: {_reason(error)}"
            raise ExpressionError(message) from error
        for problem in _wrong_calls(parsed.parsed):
            message = f"{self.text!r} is no JMESPath expression: {problem}"
            raise ExpressionError(message)

    def search(self, document: object) -> object:
        """Evaluate over ``document``; raise ExpressionError when a function gets a value of a wrong type."""
        try:
            result: object = _compiled(self.text).search(document, options=_OPTIONS)
        except JMESPathError as error:
            message = f"cannot evaluate {self.text!r}: {error}"
            raise ExpressionError(message) from error
        return result


def _reason(error: JMESPathError) -> str:
    if isinstance(error, IncompleteExpressionError):
        return "it ends too early"
    if isinstance(error, LexerError):
        return f"{error.lexer_value!r} at character {error.lexer_position + 1} begins nothing"
    if isinstance(error, ParseError):
        return f"{error.token_value!r} at character {error.lex_position + 1} is not expected there"
    return " ".join(str(error).split())


def _wrong_calls(node: Mapping[str, object]) -> Iterator[str]:
    # jmespath looks functions up only when they are reached; a typing error should not wait so long.
    if _negates_too_little(node):
        yield "'!' takes the first word only; write !(a.b) instead of !a.b"
    if node.get("type") == "function_expression":
        arguments = node["children"]
        yield from _wrong_call(str(node["value"]), len(arguments) if isinstance(arguments, list) else 0)
    children = node.get("children")
    for child in children if isinstance(children, list) else ():
        if isinstance(child, dict):
            yield from _wrong_calls(child)


def _negates_too_little(node: Mapping[str, object]) -> bool:
    """Whether a field is looked up in the result of a negation, which has none."""
    children = node.get("children")
    first = children[0] if isinstance(children, list) and children else None
    looked_up = node.get("type") in {"subexpression", "index_expression", "projection", "filter_projection"}
    return looked_up and isinstance(first, dict) and first.get("type") == "not_expression"


def _wrong_call(name: str, given: int) -> Iterator[str]:
    if name not in _SIGNATURES:
        yield f"there is no function {name!r}"
        return
    signature = _SIGNATURES[name]
    variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if given < len(signature) or (given > len(signature) and not variadic):
        wanted = f"{len(signature)} or more" if variadic else f"{len(signature)}"
        yield f"function {name!r} takes {wanted} arguments, but has {given}"
