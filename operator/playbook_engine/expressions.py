"""JMESPath expressions, compiled once; the only importer of jmespath."""

from dataclasses import dataclass
from functools import lru_cache

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult


class ExpressionError(ValueError):
    """The text is no JMESPath expression, or a function in it was given a value of a wrong type."""


@lru_cache(maxsize=1024)
def _compiled(text: str) -> ParsedResult:
    return jmespath.compile(text)


@dataclass(frozen=True, slots=True)
class Expression:
    """A JMESPath expression that is known to compile."""

    text: str

    def __post_init__(self) -> None:
        """Raise ExpressionError when ``text`` does not compile."""
        try:
            _compiled(self.text)
        except JMESPathError as error:
            message = f"not a JMESPath expression: {self.text!r}: {error}"
            raise ExpressionError(message) from error

    def search(self, document: object) -> object:
        """Evaluate over ``document``; raise ExpressionError when a function gets a value of a wrong type."""
        try:
            result: object = _compiled(self.text).search(document)
        except JMESPathError as error:
            message = f"cannot evaluate {self.text!r}: {error}"
            raise ExpressionError(message) from error
        return result
