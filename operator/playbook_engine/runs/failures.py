"""What a failed task says for itself: its result turned into one message for people."""

import json
import re
from collections.abc import Iterator, Mapping

HIDDEN_BY_NO_LOG = "the output is hidden by no_log"

_CHARACTERS = 50_000  # more is cut before anything looks at it; the bound of messages is far below
_STDERR_LINES = 5
_REASON = re.compile(r"([A-Z][a-z]+){1,8}")


def failure_message(result: Mapping[str, object]) -> str:
    """Give the message of a failed result: of its failed items when it is a loop, with the end of stderr."""
    items = tuple(dict.fromkeys(_items(result)))
    return ("; ".join(items) or _message(result))[:_CHARACTERS]


def failure_reason(result: Mapping[str, object]) -> str:
    """Give the ``reason`` of a failed result when it is fit for a condition; modules also put sentences there."""
    reason = result.get("reason")
    return reason if isinstance(reason, str) and _REASON.fullmatch(reason) else ""


def _items(result: Mapping[str, object]) -> Iterator[str]:
    results = result.get("results")
    for item in results if isinstance(results, list) else ():
        if isinstance(item, Mapping) and ("censored" in item or item.get("failed")):
            yield _message(item)


def _message(result: Mapping[str, object]) -> str:
    if "censored" in result:
        return HIDDEN_BY_NO_LOG
    message = _text(result.get("msg")) or _text(result.get("reason")) or "the task failed without a message"
    stderr = "\n".join(_text(result.get("stderr"))[-_CHARACTERS:].splitlines()[-_STDERR_LINES:])
    return message if not stderr or stderr in message else f"{message} {stderr}"


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
