"""Forms of the values that people give to settings: what is allowed, in which unit, how it is read."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from playbook_engine.durations import FORM as DURATION_FORM
from playbook_engine.durations import parse_duration

BIGGEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form: ``allowed`` for people, ``parse`` for the engine; it raises ValueError for any other text.

    ``alone`` is what a flag without a value means, None when it must have one.
    """

    unit: str
    allowed: str
    parse: Callable[[str], object]
    alone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens; ``port`` 0 lets the operating system choose a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """``host:port``, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def whole_number(unit: str, *, least: int, most: int) -> Form:
    """Give the form of whole numbers between two bounds, both allowed."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return Form(unit=unit, allowed=f"a whole number from {least} to {most}", parse=parse)


def word(kind: type[StrEnum]) -> Form:
    """Give the form of one of the words of an enumeration."""
    *most, last = kind
    return Form(unit="word", allowed=f"{', '.join(most)} or {last}", parse=kind)


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _positive(text: str) -> float:
    seconds = parse_duration(text)
    if seconds <= 0:
        raise ValueError(text)
    return seconds


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})(Ki|Mi|Gi)?", text)
    if not match:
        raise ValueError(text)
    return int(match[1]) * {None: 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[match[2]]


def _namespaces(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_label(part.strip()) for part in text.split(",") if part.strip()))


def _label(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", text):
        raise ValueError(text)
    return text


def _subdomain(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", text):
        raise ValueError(text)
    return text


def _optional_label(text: str) -> str:
    return _label(text) if text else ""


def _address(text: str) -> Address | None:
    if text == "0":
        return None
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]\s]*)):([0-9]{1,5})", text)
    if not match or int(match[3]) > BIGGEST_PORT:
        raise ValueError(text)
    return Address(host=match[1] or match[2] or "0.0.0.0", port=int(match[3]))  # noqa: S104 - said by ":port"


def _words(text: str) -> tuple[str, ...]:
    return tuple(shlex.split(text))


def _file(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text)


def _optional_path(text: str) -> Path | None:
    return Path(text) if text else None


DURATION = Form(unit="duration", allowed=DURATION_FORM, parse=parse_duration)
POSITIVE_DURATION = Form(
    unit="duration", allowed="a duration above 0, such as 1h30m, 10m or 45s", parse=_positive
)
SWITCH = Form(unit="switch", allowed="true or false", parse=_switch, alone="true")
SUBDOMAIN = Form(unit="name", allowed="a name of small letters, digits, '-' and '.'", parse=_subdomain)
LABEL = Form(unit="name", allowed="a name of small letters, digits and '-'", parse=_label)
OPTIONAL_LABEL = Form(
    unit="name", allowed="a name of small letters, digits and '-', or nothing", parse=_optional_label
)
SIZE = Form(unit="bytes", allowed="a size such as 512Mi or 1Gi, or 0 for no limit", parse=_size)
NAMESPACES = Form(unit="names", allowed="names of namespaces, separated by commas", parse=_namespaces)
ADDRESS = Form(unit="address", allowed="host:port, :port for all addresses, or 0 for off", parse=_address)
TEXT = Form(unit="text", allowed="any text", parse=str)
WORDS = Form(unit="words", allowed="words as a shell takes them, with all quotes closed", parse=_words)
FILE = Form(unit="path", allowed="a path", parse=_file)
OPTIONAL_PATH = Form(unit="path", allowed="a path, or nothing", parse=_optional_path)
