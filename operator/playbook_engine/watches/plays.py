"""Reading what an entry runs: a ``playbook`` or a ``role``, for its resources and for its finalizer."""

import re
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.watches import values
from playbook_engine.watches.nodes import Place
from playbook_engine.watches.records import Finalizer
from playbook_engine.watches.searching import Places, candidates, find_role

KEYS = ("playbook", "role")
_FINALIZER_KEYS = ("name", *KEYS, "vars")
QUALIFIED = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
NAME = re.compile(rf"({QUALIFIED.pattern})|[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
"""The name of an annotation, or of a finalizer of an earlier time: the domain may be missing."""


def play(section: Mapping[str, Place], found: Places, *, at: Place) -> Path | None:
    """Give the file of the playbook or the directory of the role; of two the playbook."""
    if "playbook" in section:
        return values.playbook(section["playbook"], directory=found.directory)
    if "role" in section:
        return role(section["role"], found)
    if at.is_mapping():
        at.wrong("neither 'playbook' nor 'role' is given; add one")
    return None


def role(place: Place, found: Places) -> Path | None:
    """Give the directory of a role that exists."""
    text = place.text()
    if text is None:
        return None
    path = find_role(text, found)
    if path is None:
        tried = ", ".join(str(one) for one in candidates(text, found))
        place.wrong(f"no role {text!r}; looked for {tried}")
    return path


def finalizer(
    place: Place | None, main: Path | None, found: Places, environ: Mapping[str, str], *, lenient: bool
) -> Finalizer | None:
    """Read ``finalizer``; when it only has ``vars``, it runs ``main`` again with them.

    ``lenient`` lets it have a name without a domain, as older projects do.
    """
    if place is None:
        return None
    section = place.section(_FINALIZER_KEYS)
    pattern = NAME if lenient else QUALIFIED
    form = "a finalizer such as example.com/finalizer"
    name = values.matching(values.required(section, "name", at=place), pattern, form=form)
    variables = values.variables(section.get("vars"), environ, reserved=not lenient)
    runs = main if variables and not set(KEYS) & set(section) else _own(section, found, at=place)
    if name is None or runs is None:
        return None
    return Finalizer(name=name, playbook=runs, vars=variables)


def _own(section: Mapping[str, Place], found: Places, *, at: Place) -> Path | None:
    if at.is_mapping() and not set(KEYS) & set(section):
        at.wrong("give 'playbook', 'role', or 'vars' to run the entry's own again with them")
        return None
    return play(section, found, at=at)
