"""Runs the playbook of a command for a person: with ``ansible-playbook``, as they could themselves."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from playbook_engine.watches.records import Command, Shown

_QUIET = {
    "ANSIBLE_DISPLAY_OK_HOSTS": "False",
    "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "False",
    "ANSIBLE_LOCALHOST_WARNING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
}
"""Of tasks that changed nothing nothing is told, unless the person's own environment says otherwise."""

STDIN = "-"


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


def call(command: Command, given: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> int:
    """Run the playbook with what was ``given``; return its exit code, after showing what the command shows."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        variables = {name: _absolute(value, directory) for name, value in given.items() if value is not None}
        output = Path(str(variables.setdefault("output", str(directory / "output"))))
        asked = directory / "variables.json"
        asked.write_text(json.dumps(variables), encoding="utf-8")
        code = _play(command, asked, environ)
        if code == 0 and command.shows is Shown.FILES:
            sys.stdout.writelines(_shown(output, whole=given.get("output") is None))
        return code


def _absolute(value: object, directory: Path) -> object:
    """Paths start where the person is, not where the playbook is."""
    if isinstance(value, list):
        return [str(_from_stdin(directory) if one == STDIN else Path(one).absolute()) for one in value]
    return str(value.absolute()) if isinstance(value, Path) else value


def _from_stdin(directory: Path) -> Path:
    path = directory / "stdin.yaml"
    path.write_text(sys.stdin.read(), encoding="utf-8")
    return path


def _play(command: Command, variables: Path, environ: Mapping[str, str]) -> int:
    program = Path(sys.executable).with_name("ansible-playbook")
    words = [str(program), str(command.playbook), "--extra-vars", f"@{variables}"]
    environment = {**_QUIET, **environ}
    if command.shows is Shown.PLAY:
        return subprocess.run(words, env=environment, check=False).returncode  # noqa: S603 - our own program
    done = subprocess.run(  # noqa: S603 - our own program
        words, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
    return done.returncode


def _shown(output: Path, *, whole: bool) -> Iterator[str]:
    for path in sorted(output.rglob("*.yaml")):
        yield f"---\n{path.read_text(encoding='utf-8').strip()}\n" if whole else f"{path}\n"
