"""What commands show to people; the only importer of rich."""

import json
from collections.abc import Awaitable, Callable, Iterable
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from playbook_engine.overview.rows import Row
from playbook_engine.settings import Settings
from playbook_engine.status.compose import DEGRADED, PAUSED, RECONCILED
from playbook_engine.watches.records import Watch

_STYLES = {"True": "green", "False": "yellow"}
SUMMED_UP = (DEGRADED, PAUSED, RECONCILED)
"""What these say has columns of its own."""


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
    (console or Console()).print(_overview(rows))


def print_rows(rows: Iterable[Row]) -> None:
    """Print resources as JSON, for programs."""
    print(json.dumps([row.as_json() for row in rows], indent=2))  # noqa: T201 - the output of the command


async def keep_showing(
    read: Callable[[], Awaitable[list[Row]]], pause: Callable[[], Awaitable[None]]
) -> None:
    """Show resources, and again after each pause, until cancelled."""
    with Live(_overview(await read()), auto_refresh=False, screen=True) as live:
        while True:
            live.refresh()
            await pause()
            live.update(_overview(await read()))


def _overview(rows: Iterable[Row]) -> RenderableType:
    tables = [_table(kind, list(found)) for kind, found in groupby(rows, key=lambda row: row.kind)]
    return Group(*tables) if tables else Text("there are no resources")


def _table(kind: str, rows: list[Row]) -> Table:
    columns = list(rows[0].cells)
    table = Table("Namespace", "Name", *columns, "Conditions", "What is wrong", "Last run", title=kind)
    for row in rows:
        told = Text(row.wrong, style="yellow")
        run = Text(row.running, style="cyan") if row.running else Text(row.last_run, style="dim")
        table.add_row(
            row.namespace,
            row.name,
            *(row.cells.get(name, "") for name in columns),
            _conditions(row),
            told,
            run,
        )
    return table


def _conditions(row: Row) -> Text:
    text = Text()
    for name, status in row.conditions.items():
        if name in SUMMED_UP:
            continue
        mark = {"True": "+", "False": "-"}.get(status, "?")
        text.append(f"{mark}{name}\n", style=_STYLES.get(status, "dim"))
    text.rstrip()
    return text
