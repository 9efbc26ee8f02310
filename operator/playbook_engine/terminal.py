"""What commands show to people; the only importer of rich."""

import json
from collections.abc import Awaitable, Callable, Iterable
from itertools import groupby

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from playbook_engine.overview.rows import Row
from playbook_engine.settings.table import Settings
from playbook_engine.status.compose import DEGRADED, PAUSED, RECONCILED
from playbook_engine.watches.records import Watch

_STYLES = {"True": "green", "False": "yellow"}
SUMMED_UP = (DEGRADED, PAUSED, RECONCILED)
"""What these say has columns of its own."""

WIDE = 150
"""From so many columns on everything is in one table; narrower terminals, and pipes, get the words below it."""


def show_watches(settings: Settings, watches: tuple[Watch, ...]) -> None:
    """Show what would be done: each kind with its playbooks and the kinds that matter to it."""
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


def show_rows(rows: Iterable[Row], *, console: Console | None = None) -> None:
    """Show resources as tables, one for each kind."""
    console = console or Console()
    console.print(_overview(rows, console.width))


def print_rows(rows: Iterable[Row]) -> None:
    """Print resources as JSON, for programs."""
    print(json.dumps([row.as_json() for row in rows], indent=2))  # noqa: T201 - the output of the command


async def keep_showing(
    read: Callable[[], Awaitable[list[Row]]], pause: Callable[[], Awaitable[None]]
) -> None:
    """Show resources, and again after each pause, until cancelled."""
    console = Console()
    with Live(
        _overview(await read(), console.width), console=console, auto_refresh=False, screen=True
    ) as live:
        while True:
            live.refresh()
            await pause()
            live.update(_overview(await read(), console.width))


def _overview(rows: Iterable[Row], width: int) -> RenderableType:
    table = _table if width >= WIDE else _narrow
    tables = [table(kind, list(found)) for kind, found in groupby(rows, key=lambda row: row.kind)]
    return Group(*tables) if tables else Text("there are no resources")


def _table(kind: str, rows: list[Row]) -> Table:
    table = _columns(kind, rows)
    for name in ("Conditions", "What is wrong", "Last run"):
        table.add_column(name)
    for row in rows:
        table.add_row(*_cells(row, rows), _conditions(row), Text(row.wrong, style="yellow"), _run(row))
    return table


def _narrow(kind: str, rows: list[Row]) -> RenderableType:
    table = _columns(kind, rows)
    table.box = box.SIMPLE_HEAD
    for row in rows:
        table.add_row(*_cells(row, rows))
    return Group(table, *(_words(row) for row in rows))


def _words(row: Row) -> Text:
    """Give what a row of a narrow table has no room for."""
    text = Text(f"{row.namespace}/{row.name}\n", style="bold")
    text.append_text(Text("  ").append_text(_conditions(row, between=" ")).append("\n"))
    for told in (Text(row.wrong, style="yellow"), _run(row)):
        if told:
            text.append_text(Text("  ").append_text(told).append("\n"))
    return text


def _columns(kind: str, rows: list[Row]) -> Table:
    """Give the table with the columns that every width has; names are never cut."""
    table = Table(title=kind)
    for name in ("Namespace", "Name"):
        table.add_column(name, overflow="fold")
    for name in rows[0].cells:
        table.add_column(name, no_wrap=True)
    return table


def _cells(row: Row, rows: list[Row]) -> list[str]:
    return [row.namespace, row.name, *(row.cells.get(name, "") for name in rows[0].cells)]


def _run(row: Row) -> Text:
    return Text(row.running, style="cyan") if row.running else Text(row.last_run, style="dim")


def _conditions(row: Row, between: str = "\n") -> Text:
    text = Text()
    for name, status in row.conditions.items():
        if name in SUMMED_UP:
            continue
        mark = {"True": "+", "False": "-"}.get(status, "?")
        text.append(f"{mark}{name}{between}", style=_STYLES.get(status, "dim"))
    text.rstrip()
    return text
