"""Finds the reasons that conditions can have: in ``watches.yaml``, in the plugins of the roles, in the engine."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.cluster import CHECKOUT

WORD = re.compile(r"(?:[A-Z]+[a-z]*)+")
MAKERS = {"true", "false", "warning", "Problem", "NotFoundError"}
"""Functions whose first argument is a reason."""
FAILURES = ("Forbidden", "Unavailable", "Absent")
"""How a read fails; the kind goes before it."""
KINDS = ("Secret", "ConfigMap")
"""What a resource can refer to for a single value; whether it has the kind is said by ``referred.py``."""
JOINED = {
    "{self.kind}KeyNotFound": {f"{kind}KeyNotFound" for kind in KINDS},
    "{self.kind}NotFound": {f"{kind}NotFound" for kind in KINDS},
    "{self.kind}{reason}": {f"{kind}{failure}" for kind in KINDS for failure in FAILURES},
    "Secret{reason}": {f"Secret{failure}" for failure in FAILURES},
    "Gateway{error['reason']}": {f"Gateway{failure}" for failure in FAILURES},
    "{kind}NotFound": {"ServiceNotFound", "InferenceServiceNotFound"},
}
"""Reasons that are put together from parts."""


def reasons() -> set[str]:
    """Return every reason that is written anywhere."""
    sources = [*CHECKOUT.glob("plugins/**/*.py"), *CHECKOUT.glob("operator/playbook_engine/**/*.py")]
    found = {reason for path in sources if "testing" not in path.parts for reason in of_python(path)}
    return found | set(of_watches()) | set(FAILURES)


def of_watches() -> Iterator[str]:
    """Yield those of the conditions that the engine derives."""

    def walk(value: Any) -> Iterator[str]:  # noqa: ANN401 - YAML of any shape
        if isinstance(value, dict):
            if isinstance(value.get("reason"), str):
                yield value["reason"]
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from walk(item)

    entries = yaml.safe_load((CHECKOUT / "watches.yaml").read_text(encoding="utf-8"))
    yield from walk([entry["status"]["conditions"] for entry in entries])


def of_python(path: Path) -> Iterator[str]:
    """Yield those of a module: what is given as a reason to a condition, by position or by name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for value in _given(node):
            for part in ast.walk(value):
                yield from _words(part)


def _given(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Call():
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "reason")
            if getattr(node.func, "id", "") in MAKERS and node.args:
                yield node.args[0]
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            yield from (
                value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "reason"
            )
        case ast.FunctionDef():
            yield from _defaults(node)
        case ast.Return(value=ast.Tuple(elts=[first, _])):
            yield from (part for part in ast.walk(first) if isinstance(part, ast.Constant))
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.endswith("_REASON"):
            yield value


def _defaults(node: ast.FunctionDef) -> Iterator[ast.expr]:
    named = node.args.args[len(node.args.args) - len(node.args.defaults) :]
    pairs = zip(named, node.args.defaults, strict=True)
    yield from (default for argument, default in pairs if argument.arg == "reason")


def _words(part: ast.AST) -> Iterator[str]:
    if isinstance(part, ast.JoinedStr):
        text = ast.unparse(part)[2:-1]
        if WORD.sub("", text.partition("{")[0]) == "":  # a sentence is no reason
            yield from JOINED[text]
    elif isinstance(part, ast.Constant) and isinstance(part.value, str) and WORD.fullmatch(part.value):
        yield part.value
