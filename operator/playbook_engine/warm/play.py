"""What a fork does: run one playbook as ``ansible-playbook`` would, and write its events to a pipe."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from ansible import constants
from ansible.cli import playbook as command
from ansible.plugins.loader import callback_loader

from playbook_engine.runs.events import trim
from playbook_engine.runs.lessons import Lessons
from playbook_engine.runs.processes import die_with_parent
from playbook_engine.runs.workspace import UNSAFE
from playbook_engine.warm import delivery, discovery, files, inline, modules, playbooks, templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run to be made: its private directory, its working directory, its environment and its command line.

    ``shared`` is a directory of all runs of the server.
    """

    directory: str
    working_directory: str
    environment: Mapping[str, str]
    arguments: Sequence[str]
    shared: str


def play(order: Order, events: TextIO) -> None:
    """Run, and end as ``ansible-playbook`` does: by SystemExit with its exit code."""
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.working_directory)
    _own_temporary_directory(order)
    _own_kubeconfig()
    os.register_at_fork(after_in_child=partial(_as_worker, events))
    callback = sys.modules[callback_loader.get("awx_display", class_only=True).__module__]
    callback.event_context.cache = _Events(events, callback.AnsibleJSONEncoderLocal)
    callback.event_context.dump = _nothing  # marks in the output by which ansible-runner finds events in it
    delivery.install()
    inline.install()
    files.install(plain=Path(order.directory, UNSAFE))
    modules.install()
    templates.install()
    playbooks.install()
    discovery.install(Path(order.shared))
    try:
        command.PlaybookCLI.cli_executor(["ansible-playbook", *order.arguments])
    finally:
        _write(events, {"lessons": _lessons(order).plain()})


def _lessons(order: Order) -> Lessons:
    return Lessons.of({
        "files": files.loaded(outside=order.directory),
        "modules": modules.imported(),
        "templates": templates.compiled(),
        "playbooks": playbooks.loaded(outside=order.directory),
    })  # fmt: skip


def _as_worker(events: TextIO) -> None:
    """Ansible's workers tell no events, and must not outlive the run when its process is killed.

    A worker that held the pipe of events would keep the engine waiting for the end of a run that is dead.
    """
    die_with_parent()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, events.fileno())
    os.close(nothing)


def _own_temporary_directory(order: Order) -> None:
    """Ansible made one when it was imported, which all forks would share."""
    tempfile.tempdir = order.environment.get("TMPDIR")
    constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(prefix="ansible-local-", dir=tempfile.tempdir)


def _own_kubeconfig() -> None:
    """The Kubernetes client looked for its configuration when it was imported."""
    module = sys.modules.get("kubernetes.config.kube_config")
    if module:
        module.KUBE_CONFIG_DEFAULT_LOCATION = os.environ.get("KUBECONFIG", "~/.kube/config")  # type: ignore[attr-defined]


def _nothing(*_: object, **__: object) -> None:
    """Write no mark."""


class _Events:
    """Takes the place of the callback's store of events.

    An event must be written when it is made: the callback changes results afterwards.
    """

    def __init__(self, events: TextIO, encoder: type[json.JSONEncoder]) -> None:
        self._events = events
        self._encoder = encoder

    def set(self, _key: str, event: Mapping[str, object]) -> None:
        """Write what is needed of an event."""
        kept = trim(event)
        if kept:
            _write(self._events, kept, self._encoder)


def _write(events: TextIO, line: Mapping[str, object], encoder: type[json.JSONEncoder] | None = None) -> None:
    events.write(json.dumps(line, cls=encoder) + "\n")
    events.flush()
