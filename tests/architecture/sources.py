"""What the architecture tests look at: files under version control, and what Python files import."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ENGINE = CHECKOUT / "operator" / "playbook_engine"


@cache
def tracked() -> tuple[Path, ...]:
    """Return every file that is, or could be, under version control: what git does not ignore."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    paths = [CHECKOUT / name for name in names.split("\0") if name]
    return tuple(path for path in paths if path.is_file() and not path.is_symlink())


def python_files(*parts: str) -> list[Path]:
    """Return the tracked Python files below a directory of the checkout."""
    below = CHECKOUT.joinpath(*parts)
    return [path for path in tracked() if path.suffix == ".py" and below in path.parents]


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def shown(path: Path) -> str:
    """Return the path as a reader of the repository knows it."""
    return str(path.relative_to(CHECKOUT))
