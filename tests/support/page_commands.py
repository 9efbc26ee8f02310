"""The commands that pages have people type: lines of shell blocks, and what is set as code in the text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.cluster import CHECKOUT

PAGES = (
    "README.md",
    "SECURITY.md",
    "deploy/README.md",
    "molecule/README.md",
    "crds/README.md",
    "roles/*/README.md",
)
PROGRAMS = (
    "ansible-playbook|ansible-galaxy|curl|git|go|helm|kubectl|make|molecule|oc|pip|semantic-router-operator"
)
BLOCK = re.compile(r"^```(?:bash|sh|console|)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
START = re.compile(rf"(?:\w+=\S* )*(?:{PROGRAMS})\b")
INLINE = re.compile(rf"`((?:\w+=\S* )*(?:{PROGRAMS}) [^`\n]+)`")
COMMENT = re.compile(r"\s+# .*$|\s+#$")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCommand:
    """A command as a page has it, on one line, without its comment and with single spaces."""

    page: str
    text: str


def commands() -> list[PageCommand]:
    """Return every command of every page."""
    return [found for path in pages() for found in _of_page(path)]


def pages() -> list[Path]:
    """Return the pages that tell people what to do; decisions tell why."""
    found = [path for pattern in PAGES for path in CHECKOUT.glob(pattern)]
    found += [path for path in (CHECKOUT / "docs").rglob("*.md") if path.parent.name != "decisions"]
    return sorted(found)


def _of_page(path: Path) -> Iterator[PageCommand]:
    page = str(path.relative_to(CHECKOUT))
    text = path.read_text(encoding="utf-8")
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if START.match(line):
                yield PageCommand(page=page, text=_normal(line))
    for inline in INLINE.findall(FENCE.sub("", text)):
        yield PageCommand(page=page, text=_normal(inline))


def _normal(line: str) -> str:
    return " ".join(COMMENT.sub("", line).split())


TABLE = CHECKOUT / "tests" / "pages" / "commands.yaml"
FILLED = {"<name>": "test-router", "NAME": "test-router", "<namespace>": "default"}
"""What stands for a name on a page, and what is typed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A command that is typed: ``typed`` in a shell; ``says`` and ``until`` are pieces of what it prints."""

    command: str
    typed: str
    says: str = ""
    until: str = ""
    with_operator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How each command is shown to work; ``shown`` has by what, ``apart`` why not here."""

    walked: tuple[Walked, ...]
    shown: Mapping[str, str]
    apart: Mapping[str, str]
    named: tuple[str, ...]

    def all(self) -> list[str]:
        """Return every command, one that stands there twice twice."""
        return [one.command for one in self.walked] + [*self.shown, *self.apart, *self.named]


def table() -> Table:
    """Read the table."""
    read = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return Table(
        walked=tuple(_walked(**row) for row in read["walked"]),
        shown={row["command"]: row["by"] for row in read["shown"]},
        apart={command: row["why"] for row in read["apart"] for command in row["commands"]},
        named=tuple(read["named"]),
    )


def _walked(*, command: str, **rest: Any) -> Walked:  # noqa: ANN401 - as the file has it
    typed = rest.pop("as", command)
    for name, value in FILLED.items():
        typed = typed.replace(name, value)
    return Walked(command=command, typed=typed, **rest)
