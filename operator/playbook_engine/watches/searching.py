"""Where a role is looked for that a ``watches.yaml`` names, and which of these places has it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

COLLECTIONS = ("/usr/share/ansible/collections", "~/.ansible/collections")
"""Where ansible-operator looks for collections when nothing else is said."""

_PARTS_OF_FULL_NAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where playbooks and roles are.

    Relative paths start at ``directory``. ``roles`` are directories with roles, or with a directory ``roles``;
    ``collections`` have ``ansible_collections`` in them. ``home`` is what ``~`` stands for.
    """

    directory: Path
    roles: tuple[str, ...] = ()
    collections: tuple[str, ...] = COLLECTIONS
    home: Path = field(default_factory=Path.home)


def places(directory: Path, environ: Mapping[str, str], *, roles: str = "", collections: str = "") -> Places:
    """Give the places by the paths of Ansible's two settings, colons between directories."""
    return Places(
        directory=directory.absolute(),
        roles=_split(roles),
        collections=_split(collections) or COLLECTIONS,
        home=Path(environ.get("HOME") or "/"),
    )


def find_role(name: str, found: Places) -> Path | None:
    """Give the directory of a role by its path, its full name (``namespace.collection.role``) or its name."""
    return next((path for path in candidates(name, found) if path.is_dir()), None)


def candidates(name: str, found: Places) -> Iterator[Path]:
    """Give the directories in which a role is looked for, in order."""
    if Path(name).is_absolute():
        yield Path(name)
        return
    parts = name.split(".")
    if len(parts) == _PARTS_OF_FULL_NAME:
        namespace, collection, role = parts
        for path in found.collections:
            yield _home(path, found) / "ansible_collections" / namespace / collection / "roles" / role
    for path in found.roles:
        yield _home(path, found) / name
        yield _home(path, found) / "roles" / name
    yield found.directory / "roles" / name


def _home(path: str, found: Places) -> Path:
    whole = found.home / path.removeprefix("~").lstrip("/") if path.startswith("~") else Path(path)
    return found.directory / whole


def _split(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split(":") if part)
