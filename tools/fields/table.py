"""``docs/reference/fields.md``: every field and what it changes, written from the walk."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from ansible_collections.vllm.semantic_router.plugins.module_utils.ignored_fields import IGNORED

from tools.fields.walk import TWINS, Step, walk
from tools.generate.files import CHECKOUT

TARGET = CHECKOUT / "docs" / "reference" / "fields.md"
MOST_PLACES = 3
HEADER = """\
# What each field changes

Made by `make generate`: every field of `spec` is set to another valid value than its default, and what roles make of
it is compared. `[]` stands for an item of a list, `.*` for a key of a map. A place is an object and a path in it, or a
file and a path in it: `config.yaml` and `tools_db.json` are the router's, the other files are Envoy's. Of more than
three places the shortest are named; an object alone is one that comes or goes.

{twins}

## Fields without effect

The router cannot take these. They are accepted, because manifests written for other operators have them, and the
condition `IgnoredFields` is true while one is set; it degrades nothing.

| field | why, and what to write instead |
|---|---|
{ignored}
"""


def render() -> dict[Path, str]:
    """The file and its content."""
    twins = " ".join(f"`{one}` has the same fields and effects as `{other}`." for one, other in TWINS.items())
    ignored = "\n".join(f"| `{path}` | {why} |" for path, why in IGNORED.items())
    return {TARGET: HEADER.format(twins=twins, ignored=ignored) + "".join(_blocks())}


def _blocks() -> Iterator[str]:
    shown = (step for step in walk() if not step.leaf.path.startswith(tuple(TWINS)) and _is_listed(step))
    for block, steps in groupby(shown, _block):
        rows = "".join(f"| `{step.leaf.path}` | {_told(step.effects)} |\n" for step in steps)
        yield f"\n## {block}\n\n| field | changes |\n|---|---|\n{rows}"


def _is_listed(step: Step) -> bool:
    return step.leaf.path.removesuffix("[]") not in IGNORED


def _block(step: Step) -> str:
    first, _, rest = step.leaf.path.partition(".")
    return re.sub(r"\[\]|\.\*", "", f"{first}.{rest.split('.')[0]}" if first == "config" else first)


def _told(effects: Sequence[str]) -> str:
    """Name places, without the names in lists but for containers; an object that comes or goes is one place."""
    whole = {place.removesuffix(": kind") for place in effects if place.endswith(": kind")}
    parts = (place for place in effects if place.partition(":")[0] not in whole)
    places = {*whole, *(re.sub(r"\[(?!semantic-router|envoy\])[^]]*\]", "[]", place) for place in parts)}
    shortest = sorted(places, key=lambda place: (len(place), place))[:MOST_PLACES]
    more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    if not places:
        return "nothing else is possible"
    return "<br>".join(f"`{place}`" for place in shortest) + more
