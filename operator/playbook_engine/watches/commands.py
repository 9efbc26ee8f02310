"""Reading ``commands``: playbooks that a person runs by ``<program> <command> -f FILE``."""

import re
from pathlib import Path

from playbook_engine.watches import values
from playbook_engine.watches.nodes import Place
from playbook_engine.watches.records import Command, Shown

BUILT_IN = ("run", "validate", "status", "version")
_KEYS = ("playbook", "shows", "help")
_NAME = re.compile(r"[a-z][a-z-]*")


def commands(place: Place | None, *, directory: Path) -> tuple[Command, ...]:
    """Read ``commands``, a mapping by name; relative playbooks start at ``directory``."""
    members = place.members() if place else {}
    found = (_command(name, member, directory=directory) for name, member in members.items())
    return tuple(one for one in found if one)


def _command(name: str, place: Place, *, directory: Path) -> Command | None:
    if not _NAME.fullmatch(name):
        place.wrong(f"{name!r} is no name for a command; use lower case letters and -")
    elif name in BUILT_IN:
        place.wrong(f"{name!r} is a command of the engine; choose another name")
    section = place.section(_KEYS)
    playbook = values.playbook(values.required(section, "playbook", at=place), directory=directory)
    text = section["help"].text() if "help" in section else None
    shown = _shown(section.get("shows"))
    if playbook is None or shown is None:
        return None
    return Command(name=name, playbook=playbook, shows=shown, help=text or f"run {playbook.name}")


def _shown(place: Place | None) -> Shown | None:
    text = place.text() if place else Shown.PLAY
    if place and text not in tuple(Shown):
        place.wrong(f"{text!r} is neither {' nor '.join(Shown)}")
        return None
    return Shown(text) if text else None
