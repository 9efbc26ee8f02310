"""Generated files: where the checkout is, how YAML is written, and which files are stale."""

import difflib
from collections.abc import Mapping
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
LINE_WIDTH = 140
LONGEST_DIFFERENCE = 60


class _Indented(yaml.SafeDumper):
    """Items of lists are indented, for yamllint; an object that comes again is an alias of the first."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002 -- PyYAML's
        del indentless
        super().increase_indent(flow, indentless=False)

    def generate_anchor(self, node: object) -> str:
        """``shared1`` says more than PyYAML's ``id001``."""
        number = super().generate_anchor(node).removeprefix("id").lstrip("0")
        return f"shared{number}"


class _WrittenOut(_Indented):
    """Without aliases, which not every reader of a CRD understands."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def dump(content: object, *, aliases: bool = False) -> str:
    """Content as YAML with its keys in their own order; the same content always gives the same text.

    With ``aliases`` an object that is contained twice (the same one, not an equal one) is written once.
    """
    dumper = _Indented if aliases else _WrittenOut
    return yaml.dump(content, Dumper=dumper, sort_keys=False, width=LINE_WIDTH, allow_unicode=True)


def stale(files: Mapping[Path, str]) -> list[Path]:
    """The files whose content on disk is not the given one."""
    return [path for path, content in files.items() if current(path) != content]


def current(path: Path) -> str:
    """What the file holds now; nothing when it is not there."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def difference(path: Path, wanted: str) -> list[str]:
    """The first lines of a unified diff from what the file holds to what it should."""
    name = str(path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path)
    before, after = current(path).splitlines(keepends=True), wanted.splitlines(keepends=True)
    return list(difflib.unified_diff(before, after, name, f"{name} (generated)"))[:LONGEST_DIFFERENCE]


def write(path: Path, content: str) -> None:
    """Write one file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
