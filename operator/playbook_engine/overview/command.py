"""The command ``status``: its options, and what it shows on a ``Screen``, once or again and again."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from playbook_engine.cluster.client import RealCluster
from playbook_engine.cluster.errors import ClusterError, NoCredentialsError
from playbook_engine.overview.reading import read_rows
from playbook_engine.overview.rows import Row
from playbook_engine.watches.records import Watch

WATCH_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command is asked to show; the names are those of its options."""

    namespace: str | None
    output: str
    watch: bool
    engine: str


class Screen(Protocol):
    """Where rows are shown; ``terminal`` is one."""

    def show_rows(self, rows: Iterable[Row]) -> None:
        """Show them as tables."""
        ...

    def print_rows(self, rows: Iterable[Row]) -> None:
        """Print them for programs."""
        ...

    async def keep_showing(
        self, read: Callable[[], Awaitable[list[Row]]], pause: Callable[[], Awaitable[None]]
    ) -> None:
        """Show what is read, and again after each pause, until cancelled."""
        ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``Wanted``."""
    parser.add_argument("-n", "--namespace", help="of this namespace only; else of all that are watched")
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="json for programs"
    )
    parser.add_argument("-w", "--watch", action="store_true", help="keep the table on the screen up to date")
    parser.add_argument(
        "--engine",
        metavar="URL",
        default="http://127.0.0.1:8080",
        help="where an engine serves its metrics, to show the runs that go on. Default: the one of the same pod",
    )


def show_status(
    wanted: Wanted, watches: tuple[Watch, ...], *, namespaces: Sequence[str], screen: Screen
) -> int:
    """Show every resource, of the ``namespaces`` if none is wanted; give the exit code."""
    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(_show(wanted, watches, namespaces, screen))
        except (ClusterError, NoCredentialsError) as error:
            print(error, file=sys.stderr)  # noqa: T201 - for the person who typed it
            return 1
    return 0


async def _show(
    wanted: Wanted, watches: tuple[Watch, ...], namespaces: Sequence[str], screen: Screen
) -> None:
    cluster = RealCluster()
    chosen = (wanted.namespace,) if wanted.namespace else namespaces
    read = partial(read_rows, cluster, watches, namespaces=chosen, engine=wanted.engine)
    try:
        if wanted.watch:
            await screen.keep_showing(read, partial(asyncio.sleep, WATCH_SECONDS))
        else:
            show = screen.print_rows if wanted.output == "json" else screen.show_rows
            show(await read())
    finally:
        await cluster.close()
