"""The paths that the router's configuration loader knows, and a check of a document against them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("router_config_paths.tsv")
RECURSIVE = "(object, see above)"
"""Where a structure contains itself: ``rules.conditions[]`` has the fields of ``rules``."""

OWN_DECODERS = ("routing.decisions[].plugins[].configuration",)
"""Places that decode themselves, of which the table does not tell: any value, by the type of the plugin."""

OLDER_KEYS = frozenset(
    f"global.stores.response_cache.{name}"
    for name in ("use_hnsw", "hnsw_m", "hnsw_ef_construction", "max_memory_entries")
)
"""Keys that only older routers read; newer ones ignore them without harm."""


@dataclass(slots=True)
class Node:
    """One place in the configuration: the kind of its scalar, or what lies below (``[]``, ``*``, a key)."""

    kind: str = ""
    below: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrongType:
    """A value that the loader cannot decode."""

    path: str
    kind: str
    value: object

    def __str__(self) -> str:
        """Say it the way the loader does."""
        return f"cannot unmarshal {self.value!r} into {self.kind} at {self.path}"


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A key that the loader silently ignores: usually a misspelling."""

    path: str


type Finding = WrongType | UnknownKey


def _parts(path: str) -> list[str]:
    """Split ``a[].b`` into ``a``, ``[]``, ``b``."""
    return path.replace("[]", ".[]").split(".")


@cache
def known() -> Node:
    """Read the table into a tree."""
    root = Node()
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    for line in (*lines, *(f"{path}\tinterface" for path in OWN_DECODERS)):
        if line.startswith("#"):
            continue
        path, kind = line.split("\t")
        node, trail = root, [root]
        for part in _parts(path):
            node = node.below.setdefault(part, Node())
            trail.append(node)
        if kind == RECURSIVE:
            node.below = trail[-3].below  # […, rules, conditions, []]
        else:
            node.kind = kind
    return root


def check(document: object) -> Iterator[Finding]:
    """Yield every value of a wrong type and every unknown key of a configuration."""
    return _check(document, known(), "")


def _check(value: object, node: Node, path: str) -> Iterator[Finding]:
    if value is None or node.kind == "interface":
        return
    if node.kind:
        if not _fits(value, node.kind):
            yield WrongType(path, node.kind, value)
    elif isinstance(value, list) and "[]" in node.below:
        for index, item in enumerate(value):
            yield from _check(item, node.below["[]"], f"{path}[{index}]")
    elif isinstance(value, Mapping) and "[]" not in node.below:
        yield from _check_keys(value, node, path)
    else:
        yield WrongType(path, "list" if "[]" in node.below else "object", value)


def _check_keys(value: Mapping[object, object], node: Node, path: str) -> Iterator[Finding]:
    for key, item in value.items():
        place = f"{path}.{key}" if path else str(key)
        below = node.below.get(str(key)) or node.below.get("*")
        if below is not None:
            yield from _check(item, below, place)
        elif place not in OLDER_KEYS:
            yield UnknownKey(place)


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    if kind in {"int", "int64"}:
        return isinstance(value, int)
    if kind in {"float32", "float64"}:
        return isinstance(value, int | float)
    return isinstance(value, list if kind == "slice" else str) and kind in {"slice", "string"}
