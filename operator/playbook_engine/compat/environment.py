"""How Ansible is set where ansible-operator would have started it: by the whole environment of the process."""

import os
from collections.abc import Mapping
from pathlib import Path

_INVENTORY = "ANSIBLE_INVENTORY"
_GATHERING = "ANSIBLE_GATHERING"
_ENABLED = "ANSIBLE_INVENTORY_ENABLED"
_CONFIG = "ANSIBLE_CONFIG"
_ROLES = "ANSIBLE_ROLES_PATH"
_COLLECTIONS = "ANSIBLE_COLLECTIONS_PATH"


def process_environment(
    environ: Mapping[str, str], *, directory: Path, system: Path = Path("/")
) -> dict[str, str]:
    """Give the variables that a process lacks for its runs to find what they would find under ansible-operator.

    That are the configuration that Ansible would find from ``directory`` and the home directory, and, when there is
    none, the paths of roles and collections below that home: runs have another one.
    """
    found: dict[str, str] = {}
    home = Path(environ.get("HOME") or "/")
    usual = (directory / "ansible.cfg", home / ".ansible.cfg", system / "etc/ansible/ansible.cfg")
    config = next((path for path in usual if path.is_file()), None)
    if config and _CONFIG not in environ:
        found[_CONFIG] = str(config)
    if _CONFIG not in {**environ, **found}:
        shared = system / "usr/share/ansible"
        found[_ROLES] = os.pathsep.join(map(str, (home / ".ansible/roles", shared / "roles")))
        found[_COLLECTIONS] = os.pathsep.join(
            map(str, (home / ".ansible/collections", shared / "collections"))
        )
    return {name: value for name, value in found.items() if name not in environ}


def paths(roles: str, collections: str) -> dict[str, str]:
    """Give the variables for where roles and collections are looked for, as far as it was said."""
    return {name: path for name, path in ((_ROLES, roles), (_COLLECTIONS, collections)) if path}


def run_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the settings of Ansible that every run has: facts are gathered unless somebody says otherwise."""
    found = {_GATHERING: environ.get(_GATHERING) or "implicit"}
    if environ.get(_INVENTORY):
        found[_ENABLED] = environ.get(_ENABLED) or "host_list,script,auto,yaml,ini,toml"
    return found


def inventory(environ: Mapping[str, str]) -> Path | None:
    """Give where Ansible reads hosts; None for the local host alone."""
    path = environ.get(_INVENTORY)
    return Path(path) if path else None
