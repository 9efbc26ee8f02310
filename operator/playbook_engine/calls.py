"""Runs the playbook of a command for a person.

A play is run with ``ansible-playbook``, as they could themselves; of one that writes files only these are shown, or
what was wrong.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.records import Rules, RunOutcome, RunRequest, RunStatus
from playbook_engine.watches.records import Command, Shown

_QUIET = {
    "ANSIBLE_DISPLAY_OK_HOSTS": "False",
    "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "False",
    "ANSIBLE_LOCALHOST_WARNING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
}
"""Of tasks that changed nothing nothing is told, unless the person's own environment says otherwise."""

STDIN = "-"
RUN_SECONDS = 3600.0
MESSAGE_CHARACTERS = 20_000
_PLUGIN = re.compile(r"\AThe \w+ plugin '[\w.]+' failed: ")
"""What Ansible puts before the sentence that a plugin fails with."""


def add_arguments(parser: argparse.ArgumentParser, command: Command) -> None:
    """Add the options of a command; their names in the result are the variables of its playbook."""
    parser.add_argument(
        *("-f", "--file"),
        dest="files",
        action="append",
        required=True,
        metavar="FILE",
        help="a file of resources and what comes with them, - for standard input; may be given several times",
    )
    parser.add_argument(
        "--observed",
        dest="observed_file",
        type=Path,
        metavar="FILE",
        help="a description of what a cluster would show",
    )
    parser.add_argument(
        "-n", "--namespace", dest="target_namespace", help="namespace of what names none; default: default"
    )
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="default: as everywhere")
    parser.add_argument("--context", help="context of the kubeconfig; default: its current one")
    if command.shows is Shown.FILES:
        parser.add_argument(
            "-o", dest="output", type=Path, metavar="DIRECTORY", help="default: standard output"
        )


def call(command: Command, given: Mapping[str, object]) -> int:
    """Run the playbook with what was ``given``; return its exit code, after showing what the command shows."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        variables = {name: _absolute(value, directory) for name, value in given.items() if value is not None}
        output = Path(str(variables.setdefault("output", str(directory / "output"))))
        if command.shows is Shown.PLAY:
            return _play(command, variables, directory)
        problems = _problems(asyncio.run(_run(command, variables, directory)))
        if problems:
            sys.stderr.writelines(f"{problem}\n" for problem in problems)
            return 1
        sys.stdout.writelines(_shown(output, whole=given.get("output") is None))
        return 0


def _absolute(value: object, directory: Path) -> object:
    """Paths start where the person is, not where the playbook is."""
    if isinstance(value, list):
        return [str(_from_stdin(directory) if one == STDIN else Path(one).absolute()) for one in value]
    return str(value.absolute()) if isinstance(value, Path) else value


def _from_stdin(directory: Path) -> Path:
    path = directory / "stdin.yaml"
    path.write_text(sys.stdin.read(), encoding="utf-8")
    return path


def _play(command: Command, variables: Mapping[str, object], directory: Path) -> int:
    asked = directory / "variables.json"
    asked.write_text(json.dumps(variables), encoding="utf-8")
    program = Path(sys.executable).with_name("ansible-playbook")
    words = [str(program), str(command.playbook), "--extra-vars", f"@{asked}"]
    return subprocess.run(words, env={**_QUIET, **os.environ}, check=False).returncode  # noqa: S603 - our own program


async def _run(command: Command, variables: Mapping[str, object], directory: Path) -> RunOutcome:
    executor = ColdExecutor(directory, rules=Rules(message_bound=MESSAGE_CHARACTERS))
    try:
        request = RunRequest(
            ident=command.name,
            subject=command.name,
            playbook=command.playbook,
            variables=variables,
            unsafe=frozenset(variables),
            timeout_seconds=RUN_SECONDS,
        )
        return await executor.run(request)
    finally:
        await executor.close()


def _problems(outcome: RunOutcome) -> tuple[str, ...]:
    """Give what was wrong, a line each; nothing after a success."""
    if outcome.status is RunStatus.SUCCESSFUL:
        return ()
    told = tuple(_PLUGIN.sub("", failure.message) for failure in outcome.failures)
    return told or (
        outcome.detail or f"the run {outcome.status.value} at: {outcome.last_task or 'its start'}",
    )


def _shown(output: Path, *, whole: bool) -> Iterator[str]:
    for path in sorted(output.rglob("*.yaml")):
        yield f"---\n{path.read_text(encoding='utf-8').strip()}\n" if whole else f"{path}\n"
