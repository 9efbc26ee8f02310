"""The command line; the only importer of rich."""

import argparse
import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from playbook_engine import __version__
from playbook_engine.engine import making
from playbook_engine.observability.logs import configure
from playbook_engine.settings import SETTINGS, Settings, SettingsError, read_settings
from playbook_engine.watches.errors import WatchesFileError
from playbook_engine.watches.reading import read_watches
from playbook_engine.watches.records import Watch

USAGE_CODE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give the exit code: 0 for success, 1 for a failure, 2 for wrong usage."""
    given = vars(_parser().parse_args(arguments))
    command = given.pop("command")
    if command == "version":
        print(__version__)  # noqa: T201 - the output of the command
        return 0
    flags = {name: value for name, value in given.items() if value is not None}
    try:
        settings = read_settings(os.environ, flags)
        watches = read_watches(settings.watches_file)
    except (SettingsError, WatchesFileError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person who typed it
        return USAGE_CODE
    if command == "validate":
        _show(settings, watches)
        return 0
    configure(log_format=settings.log_format, level=settings.log_level)
    return making.run(settings, watches)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Reconciles Kubernetes objects with Ansible playbooks.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("run", "run until SIGTERM or SIGINT"),
        ("validate", "check the settings and the watches file, and show what would be done"),
    ):
        _add_settings(commands.add_parser(name, help=text, description=text))
    commands.add_parser("version", help="show the version")
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    for setting in SETTINGS:
        parser.add_argument(
            setting.flag,
            dest=setting.name,
            metavar=setting.form.unit.upper(),
            nargs=None if setting.form.alone is None else "?",
            const=setting.form.alone,
            help=f"{setting.description} Default: {setting.default or 'nothing'}. Variable: {setting.variable}.",
        )


def _show(settings: Settings, watches: tuple[Watch, ...]) -> None:
    table = Table("kind", "playbook", "finalizer", "owns", "references", title=str(settings.watches_file))
    for watch in watches:
        table.add_row(
            str(watch.gvk),
            str(watch.playbook),
            watch.finalizer.name if watch.finalizer else "",
            "\n".join(kind.gvk.kind for kind in watch.owns),
            "\n".join(f"{one.name} ({one.gvk.kind}, {one.mode})" for one in watch.references),
        )
    Console().print(table)
