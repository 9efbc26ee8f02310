"""Reads what is shown: tables from the API server, and from an engine the runs that go on."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping

from playbook_engine.cluster.client import RealCluster
from playbook_engine.cluster.errors import NotFoundError
from playbook_engine.overview.rows import Row, rows_of, with_runs
from playbook_engine.watches.records import Watch

ANSWER_SECONDS = 2.0


async def read_rows(
    cluster: RealCluster, watches: Iterable[Watch], *, namespaces: Iterable[str] = (), engine: str = ""
) -> list[Row]:
    """Read every resource of the watched kinds, in the namespaces or in all of them.

    ``engine`` is the URL of an engine's metrics; one that does not answer has nothing to add. A kind that is not
    served has no resources. Raises ClusterError when the API server refuses or does not answer.
    """
    rows: list[Row] = []
    for watch in watches:
        for namespace in sorted(namespaces) or ("",):
            try:
                rows += rows_of(watch.gvk.kind, await cluster.table(watch.gvk, namespace))
            except NotFoundError:
                continue
    return with_runs(rows, await asyncio.to_thread(_runs, engine) if engine else ())


def _runs(engine: str) -> list[Mapping[str, object]]:
    try:
        with urllib.request.urlopen(f"{engine}/runs", timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - of our own
            found = json.load(answer)
    except (OSError, ValueError):
        return []
    return [run for run in found if isinstance(run, Mapping)] if isinstance(found, list) else []
