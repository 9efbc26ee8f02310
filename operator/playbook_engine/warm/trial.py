"""Tries at the start whether Ansible's internals are what the short ways expect.

A playbook with everything that is done differently is loaded, run in a fork, and what it hands back is compared with
what Ansible's own way hands back. The second answer is written down here; the conformance tests keep it true.
"""

import io
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playbook_engine.warm import playbooks

_PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact: {one: "{{ given + 1 }}"}
    - ansible.builtin.debug: {msg: "{{ item }}"}
      loop: [a, "{{ one }}"]
      register: said
    - block:
        - ansible.builtin.fail: {msg: no}
      rescue:
        - ansible.builtin.assert: {that: one == 2}
    - ansible.builtin.set_stats: {data: {said: "{{ said.results | map(attribute='msg') }}", one: "{{ one }}"}}
"""
_ERRORS, _CHARACTERS = "errors", 1000
_EXPECTED = {
    "ok": {"localhost": 4},
    "rescued": {"localhost": 1},
    "failures": {},
    "artifact_data": {"said": ["a", 2], "one": 2},
}


def trial() -> str:
    """Give why the short ways cannot be used; empty when they can."""
    directory = Path(tempfile.mkdtemp(prefix="trial-"))
    try:
        return _tried(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _tried(directory: Path) -> str:
    playbook = directory / "trial.yml"
    playbook.write_text(_PLAYBOOK, encoding="utf-8")
    output = directory / "events"
    playbooks.load([str(playbook)])
    pid = os.fork()
    if pid == 0:
        _run(playbook, output)
    _, status = os.waitpid(pid, 0)
    if not playbooks.forget(str(playbook)):
        return "the fork server cannot load a playbook for its forks"
    lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
    recaps = [event for event in map(json.loads, lines) if event.get("event") == "playbook_on_stats"]
    if status != 0 or len(recaps) != 1:
        code = os.waitstatus_to_exitcode(status)
        words = " ".join((directory / _ERRORS).read_text(encoding="utf-8", errors="replace").split())
        return f"the trial of the fork server ended with {code}: {words[-_CHARACTERS:]}"
    found = {name: recaps[0]["event_data"].get(name) for name in _EXPECTED}
    return "" if found == _EXPECTED else f"the trial of the fork server gave {found}"


def _run(playbook: Path, output: Path) -> None:
    from playbook_engine.warm.play import Order, play  # noqa: PLC0415 - imports Ansible

    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1):
            os.dup2(nothing, descriptor)
        os.dup2(os.open(playbook.parent / _ERRORS, os.O_WRONLY | os.O_CREAT, 0o600), 2)
        arguments = ["-i", "localhost,", "-c", "local", "-e", '{"given": 1}', str(playbook)]
        directory = str(playbook.parent)
        environment = {**os.environ, "ANSIBLE_HOME": directory}
        order = Order(
            directory=directory,
            working_directory=directory,
            environment=environment,
            arguments=arguments,
            shared=directory,
        )
        with output.open("w", encoding="utf-8") as events:
            play(order, events)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout = io.StringIO()
        os._exit(code)
