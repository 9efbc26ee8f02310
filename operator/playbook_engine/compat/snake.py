"""Names in camelCase turned into snake_case as ansible-operator does it, at every depth. Pure.

Roles were written for these very names, so the rules are its own, with what is odd about them: a run of capitals is one
word up to its last letter (``egressIPs``: ``egress_i_ps``), digits are a word of their own, and a name that begins with
a capital gets a ``_`` in front unless its first word is one of three acronyms.
"""

import re
from collections.abc import Mapping

_DIGITS = re.compile(r"([a-zA-Z])(\d+)([a-zA-Z]?)")
_WORD_ENDS = re.compile(
    r"[ -]"  # a space or a dash is a boundary itself
    r"|(?<=[^_ -])(?=[A-Z][a-z])"  # before the capital that begins a word
    r"|(?<=[^_ -][a-z])(?=[A-Z])"  # after a small letter, unless it is the first of its word
)
_ACRONYMS = ("http", "url", "ip")


def snake_case(name: str) -> str:
    """Give a name in snake_case."""
    text = _DIGITS.sub(r"\1 \2 \3", name).strip(" ")
    words = _WORD_ENDS.split(text)
    begins_with_capital = text[:1].isascii() and text[:1].isupper()
    prefix = "_" if begins_with_capital and words[0].lower() not in _ACRONYMS else ""
    return prefix + "_".join(words).lower()


def with_snake_case(value: object) -> object:
    """Give a value with all names of all mappings in it converted; of names that become the same the last counts."""
    if isinstance(value, Mapping):
        return {snake_case(str(name)): with_snake_case(item) for name, item in value.items()}
    if isinstance(value, list):
        return [with_snake_case(item) for item in value]
    return value
