"""What happened to the pods of a router, moment by moment: how few of them were ready, and where they ran."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.cluster import DevCluster


@dataclass(slots=True)
class PodHistory:
    """Every event that a watch on the pods has told; read when the watch has ended."""

    path: Path
    events: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> None:
        """Decode what kubectl has written; a last event that was cut is left out."""
        text, decoder, at = self.path.read_text(encoding="utf-8"), json.JSONDecoder(), 0
        while at < len(text):
            try:
                event, at = decoder.raw_decode(text, at)
            except ValueError:
                break
            self.events.append(event)
            while at < len(text) and text[at].isspace():
                at += 1

    @property
    def fewest_ready(self) -> int:
        """The smallest number of pods that were ready and not about to go, from the first that was."""
        ready: set[str] = set()
        counts: list[int] = []
        for event in self.events:
            pod = event["object"]
            uid, is_gone = pod["metadata"]["uid"], event["type"] == "DELETED"
            if not is_gone and "deletionTimestamp" not in pod["metadata"] and _is_ready(pod):
                ready.add(uid)
            else:
                ready.discard(uid)
            if counts or ready:
                counts.append(len(ready))
        assert counts, "no pod was ever ready"
        return min(counts)

    @property
    def nodes(self) -> set[str]:
        """Nodes that pods ran on."""
        named = (event["object"]["spec"].get("nodeName") for event in self.events)
        return {str(name) for name in named if name}


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


@contextmanager
def watching_pods(
    cluster: DevCluster, namespace: str, path: Path, name: str = "router"
) -> Iterator[PodHistory]:
    """Watch the pods of a router for the length of a block; the history is complete after it."""
    history = PodHistory(path)
    selector = f"app.kubernetes.io/instance={name}"
    command = [
        *(*cluster.kubectl_command, "--kubeconfig", str(cluster.kubeconfig)),
        *("get", "pods", "-n", namespace, "-l", selector, "--watch", "--output-watch-events", "-o", "json"),
    ]
    with path.open("w") as file, subprocess.Popen(command, stdout=file) as process:
        try:
            yield history
        finally:
            process.terminate()
            process.wait()
    history.read()
