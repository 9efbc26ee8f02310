"""Messages made fit for status, events and logs: what looks like a credential goes, the length has a bound.

``no_log`` is the first line of defence and belongs to the roles; this is the second, for messages of tools
that repeat what they were given.
"""

import re
from collections.abc import Callable, Iterable, Mapping

HIDDEN = "********"
_SHORTEST_SECRET = 6  # shorter values occur in ordinary words
_CUT = " … (cut)"

_WORD = r"(?:password|passwd|passphrase|token|secret|api[_-]?key|access[_-]?key|credential)"
_NAME_END = rf"{_WORD}[\w.-]{{0,40}}"  # no pattern begins with a repetition: that would be slow on long words
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", HIDDEN),
        (r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", HIDDEN),  # a JSON web token, such as a ServiceAccount's
        (r"(authorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic))\s+[\w.~+/=-]+", rf"\1 {HIDDEN}"),
        (r"\b(bearer)\s+[\w.~+/=-]{20,}", rf"\1 {HIDDEN}"),
        (r"://[^/\s:@]{0,256}:[^/\s@]{1,256}@", f"://{HIDDEN}@"),
        (rf"({_NAME_END}['\"]\s*:\s*)(['\"])(?:\\.|(?!\2).)*\2", rf"\1\2{HIDDEN}\2"),
        (rf"({_NAME_END}=)(?:\"[^\"]*\"|'[^']*'|[^\s,;&'\"]+)", rf"\1{HIDDEN}"),
    )
)
_SECRET_NAME = re.compile(_WORD, re.IGNORECASE)


def redact(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Hide ``secrets`` and what looks like a credential: keys, tokens, passwords in URLs and assignments."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def bound(text: str, *, characters: int) -> str:
    """Cut ``text`` to at most ``characters`` (more than a few), and say so when something is cut."""
    text = text.strip()
    return text if len(text) <= characters else text[: characters - len(_CUT)].rstrip() + _CUT


def secret_values(environment: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Give the values of those variables whose name says that they hold a credential."""
    return tuple(value for name, value in environment if value and _SECRET_NAME.search(name))


def cleaner(environment: Mapping[str, str], *, characters: int) -> Callable[[str], str]:
    """Give what redacts and bounds the messages of a run that had this environment."""
    secrets = secret_values(environment.items())
    return lambda text: bound(redact(text, secrets=secrets), characters=characters)
