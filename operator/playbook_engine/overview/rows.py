"""From the tables of the API server to rows for people. Pure.

A table has the columns that the definition of the kind names (``additionalPrinterColumns``), as for ``kubectl get``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from playbook_engine.objects import Object, mapping, metadata_of, spoken
from playbook_engine.status.compose import DEGRADED, PAUSED, RECONCILED
from playbook_engine.status.conditions import read_conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One resource: ``cells`` by column, ``conditions`` by type, and what is wrong in words; empty for nothing.

    ``last_run`` is what ``Reconciled`` says, ``running`` what a run that goes on is doing now.
    """

    kind: str
    namespace: str
    name: str
    cells: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    wrong: str = ""
    last_run: str = ""
    running: str = ""

    def as_json(self) -> dict[str, object]:
        """Give it as plain data."""
        return asdict(self)


def rows_of(kind: str, table: Object) -> list[Row]:
    """Read a ``meta.k8s.io/v1`` Table whose rows have their objects."""
    columns = [
        str(column["name"]) for column in _list(table, "columnDefinitions") if not column.get("priority")
    ]
    shown = [name for name in columns if name != "Name"]
    rows = []
    for line in _list(table, "rows"):
        cells = dict(zip(columns, (_text(cell) for cell in _cells(line)), strict=False))
        resource = mapping(line.get("object"))
        rows.append(_row(kind, resource, {name: cells.get(name, "") for name in shown}))
    return rows


def with_runs(rows: Iterable[Row], runs: Iterable[Mapping[str, object]]) -> list[Row]:
    """Add what the engine says of the runs that go on."""
    going = {str(run.get("object")): run for run in runs}
    return [
        replace(row, running=_running(going.get(spoken(row.kind, row.namespace, row.name), {})))
        for row in rows
    ]


def _row(kind: str, resource: Object, cells: Mapping[str, str]) -> Row:
    metadata, conditions = metadata_of(resource), read_conditions(resource)
    return Row(
        kind=kind,
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
        cells=cells,
        conditions={name: str(one.get("status")) for name, one in sorted(conditions.items())},
        wrong=_wrong(conditions),
        last_run=str(conditions.get(RECONCILED, {}).get("message") or ""),
    )


def _wrong(conditions: Mapping[str, Object]) -> str:
    """``Degraded`` sums up what is wrong; a pause comes before it, since nothing is mended meanwhile."""
    paused, degraded = conditions.get(PAUSED, {}), conditions.get(DEGRADED, {})
    texts = [str(one.get("message")) for one in (paused, degraded) if one.get("status") == "True"]
    return "; ".join(texts) if conditions else "nothing has been done yet"


def _running(run: Mapping[str, object]) -> str:
    if not run:
        return ""
    return f"{run.get('operation')} for {run.get('seconds')} s: {run.get('task') or 'begins'}"


def _list(table: Object, name: str) -> list[Object]:
    found = table.get(name)
    return [mapping(one) for one in found] if isinstance(found, list) else []


def _cells(line: Object) -> list[object]:
    found = line.get("cells")
    return list(found) if isinstance(found, list) else []


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
