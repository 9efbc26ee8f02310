"""The private directory of a run: what ansible-runner reads lies in it, readable for nobody else."""

import errno
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from playbook_engine.runs.environment import run_environment, without_detour
from playbook_engine.runs.records import Rules, RunRequest
from playbook_engine.runs.supervise import LIMITS
from playbook_engine.runs.variables import render_plain, render_variables

UNSAFE = Path("env", "unsafe.json")
"""The file with variables that are no templates, in the directory of a run that a fork makes."""

KUBECONFIG = "kubeconfig"
_KUBECONFIG_VARIABLES = ("KUBECONFIG", "K8S_AUTH_KUBECONFIG")
_OWNER_ONLY = 0o700
_FILE_MODE = 0o600
_SETTINGS = {
    "pexpect_timeout": 1,  # seconds until the end of a process without output is noticed
    "suppress_output_file": True,  # no copy of the output
}
_PLAY = "play.json"
_LONGEST_SOCKET = 107
"""Characters of the path of a Unix socket; unix(7)."""
_LONGEST_BELOW = len("/runs-12345678/12345678/tmp/pymp-12345678/listener-12345678")
"""Where Ansible opens one: in a new directory of multiprocessing in the temporary directory of a run."""


def make_root(parent: Path | None) -> Path:
    """Make a new private directory for the runs of one engine, under ``parent`` or the system's for such.

    ``parent`` is made when it is not there. Raises OSError, also when the path of ``parent`` is so long that
    Ansible could not open its sockets below it.
    """
    above = (parent or Path(tempfile.gettempdir())).absolute()
    most = _LONGEST_SOCKET - _LONGEST_BELOW
    if len(os.fsencode(above)) > most:
        reason = (
            f"the directory of the runs may have {most} characters, for Ansible opens Unix sockets below it"
        )
        raise OSError(errno.ENAMETOOLONG, reason, str(above))
    above.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="runs-", dir=above))


def make_workspace(root: Path, request: RunRequest, rules: Rules) -> Path:
    """Make a new directory under ``root`` with everything that one run by ansible-runner needs.

    Raises OSError, and TypeError when a variable is nothing that JSON can hold; then nothing of it is left.
    """
    variables = render_variables(request.variables, unsafe=request.unsafe)
    with _new_directory(root) as directory:
        _furnish(directory, request, variables)
        _write(directory / "env" / "settings", json.dumps(_SETTINGS))
        _write(directory / "request.json", json.dumps(_invocation(directory, request, rules)))
        _write(directory / LIMITS, json.dumps(asdict(rules.limits)))
    return directory


def make_warm_workspace(root: Path, request: RunRequest) -> Path:
    """Make a new directory for a run that a fork makes; raises the same.

    What is unsafe lies apart from the other variables, so that the fork need not read it as YAML.
    """
    unsafe = {name: value for name, value in request.variables.items() if name in request.unsafe}
    others = {name: value for name, value in request.variables.items() if name not in request.unsafe}
    plain, variables = render_plain(unsafe), render_variables(others, unsafe=frozenset())
    with _new_directory(root) as directory:
        _furnish(directory, request, variables)
        _write(directory / UNSAFE, plain)
    return directory


@contextmanager
def _new_directory(root: Path) -> Iterator[Path]:
    """Make a directory that is gone again when the block fails for the disk."""
    directory = Path(tempfile.mkdtemp(prefix="", dir=root))
    try:
        yield directory
    except OSError:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _furnish(directory: Path, request: RunRequest, variables: str) -> None:
    for name in ("env", "inventory", "tmp", "home"):
        (directory / name).mkdir(mode=_OWNER_ONLY)
    _write(directory / "ansible.cfg", "[defaults]\n")  # an empty one, so that no other is looked for
    _write(directory / "env" / "extravars", variables)
    _write(directory / "inventory" / "hosts.json", json.dumps(_inventory()))
    if request.playbook.is_dir():
        _write_play(directory, request.playbook)
    if request.kubeconfig:
        _write(directory / KUBECONFIG, request.kubeconfig)


def environment_in(directory: Path, request: RunRequest, rules: Rules, *, mark: str) -> dict[str, str]:
    """Give the environment of the run in ``directory``, by whose ``mark`` its processes are found."""
    added = _added_environment(directory, request)
    return run_environment(os.environ, directory=directory, mark=mark, added=added, settings=rules.settings)


def _added_environment(directory: Path, request: RunRequest) -> dict[str, str]:
    """Give what a run adds to its environment: what it was given, and the place of its kubeconfig if it has one."""
    if not request.kubeconfig:
        return dict(request.environment)
    own = dict.fromkeys(_KUBECONFIG_VARIABLES, str(directory / KUBECONFIG))
    return {**request.environment, **own, **without_detour(os.environ)}


def playbook_in(directory: Path, request: RunRequest) -> Path:
    """Give the absolute path of the playbook that the run in ``directory`` runs."""
    return directory / _PLAY if request.playbook.is_dir() else request.playbook.absolute()


def inventory_in(directory: Path, rules: Rules) -> Path:
    """Give the absolute path of the inventory of the run in ``directory``."""
    return rules.inventory.absolute() if rules.inventory else directory / "inventory" / "hosts.json"


def options_of(request: RunRequest, rules: Rules) -> list[str]:
    """Give what ``ansible-playbook`` is told besides the files, the tags and how loud to be."""
    asked = [name for name, on in (("--check", request.check), ("--diff", request.diff)) if on]
    return [*asked, *rules.arguments]


def _write_play(directory: Path, role: Path) -> None:
    """Write a play of the role alone; the link lets it find the roles beside it, as beside a playbook."""
    (directory / "roles").symlink_to(role.absolute().parent, target_is_directory=True)
    _write(directory / _PLAY, json.dumps([{"hosts": "localhost", "roles": [{"role": role.name}]}]))


def _inventory() -> dict[str, object]:
    localhost = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return {"all": {"hosts": {"localhost": localhost}}}


def _invocation(directory: Path, request: RunRequest, rules: Rules) -> dict[str, object]:
    return {
        "playbook": str(playbook_in(directory, request)),
        "inventory": str(inventory_in(directory, rules)),
        "options": shlex.join(options_of(request, rules)),
        "tags": ",".join(request.tags),
        "verbosity": request.verbosity,
    }


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
