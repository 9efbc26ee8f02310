"""The command line."""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from playbook_engine import __version__, calls
from playbook_engine.compat import environment, flags
from playbook_engine.engine import making
from playbook_engine.observability.logs import configure, get_logger
from playbook_engine.overview import command as status
from playbook_engine.overview.command import Wanted
from playbook_engine.settings.choices import Compatibility
from playbook_engine.settings.reading import SettingsError, read_settings
from playbook_engine.settings.table import SETTINGS, Setting, Settings
from playbook_engine.watches.commands import BUILT_IN
from playbook_engine.watches.errors import WatchesFileError
from playbook_engine.watches.reading import Given, read_watches, switch_of
from playbook_engine.watches.records import Command, Watch

USAGE_CODE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give the exit code: 0 for success, 1 for a failure, 2 for wrong usage."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    declared = _declared() if words[:1] and words[0] not in BUILT_IN else ()
    given = vars(_parser(declared).parse_args(words))
    command = given.pop("command")
    if command == "version":
        print(__version__)  # noqa: T201 - the output of the command
        return 0
    if called := next((one for one in declared if one.name == command), None):
        return calls.call(called, given)
    wanted = {field.name: given.pop(field.name) for field in fields(Wanted) if field.name in given}
    values, without_meaning = flags.taken(given)
    try:
        settings, watches = _read(values)
    except (SettingsError, WatchesFileError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person who typed it
        return USAGE_CODE
    if command in ("validate", "status"):
        from playbook_engine import terminal  # noqa: PLC0415 - the operator has no use for it

        if command == "validate":
            terminal.show_watches(settings, watches)
            return 0
        return status.show_status(Wanted(**wanted), watches, namespaces=settings.namespaces, screen=terminal)
    configure(log_format=settings.log_format, level=settings.log_level)
    for line in without_meaning:
        get_logger(__name__).warning("a flag is not used", reason=line)
    return making.run(settings, watches)


def _read(values: Mapping[str, str]) -> tuple[Settings, tuple[Watch, ...]]:
    """Read settings and watches file; what the file says of whose form it has goes before the setting.

    The environment of this process is what runs inherit, so paths that were given by flags are put into it.
    """
    settings = read_settings(os.environ, values)
    declared = switch_of(settings.watches_file) or settings.compatibility
    if declared is Compatibility.ANSIBLE_OPERATOR:
        theirs = flags.by_environment(os.environ)
        settings = read_settings(os.environ, {**theirs, **values, "compatibility": declared})
        os.environ.update(environment.process_environment(os.environ, directory=Path.cwd()))
    os.environ.update(environment.paths(settings.ansible_roles_path, settings.ansible_collections_path))
    return settings, read_watches(settings.watches_file, given=Given.by(settings))


def _declared() -> tuple[Command, ...]:
    """Read the commands of the watches file; there are none when it cannot be read."""
    try:
        _, watches = _read({})
    except (SettingsError, WatchesFileError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person who typed it
        return ()
    return tuple(command for watch in watches for command in watch.commands)


def _parser(declared: Iterable[Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Reconciles Kubernetes objects with Ansible playbooks.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("run", "run until SIGTERM or SIGINT"),
        ("validate", "check the settings and the watches file, and show what would be done"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        _add_settings(command)
        flags.add_arguments(command)
    text = "show every resource: its columns, its conditions, what is wrong, and its last run"
    parser_of_status = commands.add_parser("status", help=text, description=text)
    status.add_arguments(parser_of_status)
    asked = ("watches_file", "compatibility")
    _add_settings(parser_of_status, (one for one in SETTINGS if one.name in asked))
    commands.add_parser("version", help="show the version")
    for one in declared:
        calls.add_arguments(commands.add_parser(one.name, help=one.help, description=one.help), one)
    return parser


def _add_settings(parser: argparse.ArgumentParser, settings: Iterable[Setting] = SETTINGS) -> None:
    for setting in settings:
        flag = setting.flag
        parser.add_argument(
            flag.name,
            dest=setting.name,
            metavar=flag.form.unit.upper(),
            nargs=None if flag.form.alone is None else "?",
            const=flag.form.alone,
            help=f"{setting.meaning} Default: {flag.default or 'nothing'}. Variable: {flag.variable}.",
        )
