"""What a request of a run costs on its way to the API server: direct, with ownership in the client, by the proxy.

``python -m benchmarks.ways`` starts a control plane. Requests are made by the client of ``kubernetes.core``, in turns.
"""

import asyncio
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import kubernetes
from kubernetes.dynamic import DynamicClient
from rich.console import Console

from benchmarks.results import Results
from playbook_engine.cluster.client import RealCluster
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey
from playbook_engine.proxy.owning import Owner
from playbook_engine.proxy.server import Proxy
from playbook_engine.watches.records import Dependents
from tests.support.cluster import running

ROUNDS, EACH = 6, 50
APPLY = "application/apply-patch+yaml"


class Deaf:
    """Hears of nothing."""

    def seen(self, found: Object) -> None:
        """Nothing."""

    def gone(self, key: ObjectKey, uid: str) -> None:
        """Nothing."""

    async def follow(self, gvk: GroupVersionKind) -> None:
        """Nothing."""

    def ended(self, owner: ObjectKey) -> None:
        """Nothing."""


@dataclass(slots=True)
class Way:
    """One way to the API server; ``others`` gives the processor seconds of who else works for it."""

    name: str
    client: DynamicClient
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = field(default=lambda body: body)
    others: Callable[[], float] = field(default=lambda: 0.0)


def main() -> None:
    """Measure and print."""
    results = Results()
    with running(crds=()) as cluster:
        os.environ["KUBECONFIG"] = str(cluster.kubeconfig)
        direct = client(cluster.kubeconfig)
        maps = direct.resources.get(api_version="v1", kind="ConfigMap")
        resource_ = maps.create(namespace="default", body=body("owner")).to_dict()
        owner = Owner.of({"apiVersion": "v1", "kind": "ConfigMap", **resource_})
        with proxied(owner) as (kubeconfig, spent):
            ways = [
                Way("direct", direct),
                Way("in the client", client(cluster.kubeconfig), partial(adopted, owner)),
                Way("proxy", client(kubeconfig), others=spent),
            ]
            for number in range(ROUNDS):
                for way in ways:
                    measure(results, way, number)
    results.show(Console(width=140), [("proxy", "direct"), ("in the client", "direct")])


def client(kubeconfig: Path) -> DynamicClient:
    """Make a client as a run has it."""
    return DynamicClient(kubernetes.config.new_client_from_config(str(kubeconfig)))  # type: ignore[no-untyped-call]


def body(name: str) -> dict[str, Any]:
    """Give a ConfigMap of 2 KiB."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"text": "x" * 2048},
    }


def adopted(owner: Owner, given: dict[str, Any]) -> dict[str, Any]:
    """Do in the client what the proxy does."""
    return dict(owner.adopt(given, "default"))


def measure(results: Results, way: Way, number: int) -> None:
    """Make each kind of request some times."""
    maps = way.client.resources.get(api_version="v1", kind="ConfigMap")
    names = [f"{way.name.replace(' ', '-')}-{number}-{index}" for index in range(EACH)]
    steps: dict[str, Callable[[str], object]] = {
        "create": lambda name: maps.create(namespace="default", body=way.prepare(body(name))),
        "read": lambda name: maps.get(namespace="default", name=name),
        "apply": lambda name: maps.server_side_apply(
            namespace="default",
            name=name,
            body=way.prepare(body(name)),
            field_manager="bench",
            force_conflicts=True,
        ),
        "delete": lambda name: maps.delete(namespace="default", name=name),
    }
    for what, step in steps.items():
        began, used, other = time.perf_counter(), own_seconds(), way.others()
        for name in names:
            step(name)
        waited, mine = time.perf_counter() - began, own_seconds() - used
        results.add(what, way.name, "time", "ms", 1000 * waited / EACH)
        results.add(what, way.name, "processor, client", "ms", 1000 * mine / EACH)
        results.add(what, way.name, "processor, engine", "ms", 1000 * (way.others() - other) / EACH)


def own_seconds() -> float:
    """Give what this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def proxied(owner: Owner) -> Iterator[tuple[Path, Callable[[], float]]]:
    """Have a proxy in a process of its own; give a kubeconfig for it, and what it has used."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(owner, theirs))
    process.start()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "kubeconfig"
        path.write_text(ours.recv(), encoding="utf-8")

        def spent() -> float:
            ours.send("spent")
            return float(ours.recv())

        yield path, spent
    ours.send("end")
    process.join()


def serve(owner: Owner, pipe: Connection) -> None:
    """Serve until told to end."""
    asyncio.run(_serve(owner, pipe))


async def _serve(owner: Owner, pipe: Connection) -> None:
    cluster = RealCluster()
    proxy = Proxy(cluster, Deaf())
    async with proxy.serving(), proxy.session(owner, Dependents()) as session:
        pipe.send(session.kubeconfig)
        while await asyncio.to_thread(pipe.recv) != "end":
            pipe.send(own_seconds())
    await cluster.close()


if __name__ == "__main__":
    main()
