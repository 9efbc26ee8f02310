"""The environment of a run: the engine's own, with what the run needs, without what makes runs differ."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from playbook_engine.runs.collection import python_path

MARK = "PLAYBOOK_ENGINE_RUN"
"""A variable with a value of its own for each run: its processes can be found by it."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY")
_LOOPBACK = "127.0.0.1"

NOTHING: Mapping[str, str] = MappingProxyType({})

_REMOVED_PREFIXES = ("AWX_", "RUNNER_")
_REMOVED = (
    "AD_HOC_COMMAND_ID",
    "JOB_ID",
    "PROJECT_UPDATE_ID",
    "ORIGINAL_STDOUT_CALLBACK",
    "ANSIBLE_DEBUG",
    "ANSIBLE_LOG_PATH",
    "ANSIBLE_CALLBACKS_ENABLED",
    "ANSIBLE_INVENTORY",
    "ANSIBLE_KEEP_REMOTE_FILES",
    "ANSIBLE_STRATEGY",
    "PYTHONSTARTUP",
)
_FIXED = {
    "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "False",
    "ANSIBLE_FORCE_COLOR": "False",
    "ANSIBLE_GATHERING": "explicit",
    "ANSIBLE_INVENTORY_ENABLED": "yaml",
    "ANSIBLE_LOCALHOST_WARNING": "False",
    "ANSIBLE_NOCOLOR": "True",
    "ANSIBLE_NOCOWS": "True",
    "ANSIBLE_NO_TARGET_SYSLOG": "True",  # modules would log their parameters
    "ANSIBLE_PIPELINING": "True",  # modules and their parameters go over pipes, not through files
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    "ANSIBLE_STDOUT_CALLBACK": "default",
    "LC_ALL": "C.UTF-8",
}


def run_environment(
    environ: Mapping[str, str],
    *,
    directory: Path,
    mark: str,
    added: Mapping[str, str] = NOTHING,
    settings: Mapping[str, str] = NOTHING,
) -> dict[str, str]:
    """Give the environment of the run that owns ``directory``.

    Settings of Ansible that ``environ`` has are kept unless they would take a run out of its directory
    or change how it is followed; ``added`` goes before everything but those, and ``settings`` before those
    as well. No configuration file is used unless ``ANSIBLE_CONFIG`` names one: what lies in a home directory
    shall not change what the operator does.
    """
    kept = {name: value for name, value in environ.items() if not _is_removed(name)}
    path = os.pathsep.join(filter(None, (str(Path(sys.executable).parent), environ.get("PATH"))))
    temporary = str(directory / "tmp")
    own = {
        "ANSIBLE_HOME": str(directory / "home"),
        "ANSIBLE_LOCAL_TEMP": temporary,
        "ANSIBLE_REMOTE_TEMP": temporary,
        "TMPDIR": temporary,
        "PATH": path,
        MARK: mark,
    }
    kept |= python_path(kept)
    defaults = {"ANSIBLE_CONFIG": str(directory / "ansible.cfg"), "HOME": str(directory / "home")}
    return {**defaults, **kept, **added, **_FIXED, **settings, **own}


def _is_removed(name: str) -> bool:
    return name in _REMOVED or name.startswith(_REMOVED_PREFIXES)


def without_detour(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables by which clients ask what listens on loopback directly, where they have an HTTP proxy."""
    if not any(environ.get(name) or environ.get(name.lower()) for name in _PROXIES):
        return {}
    known = environ.get("no_proxy") or environ.get("NO_PROXY")
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, (known, _LOOPBACK))))
