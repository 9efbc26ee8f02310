"""Hears when resources are settled: by one watch, so that measuring costs nearly nothing."""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import jmespath

from tests.support.api import Api

SETTLED = "status.conditions[?type=='Reconciled' && status=='True'].observedGeneration | [0]"
"""The generation that a resource is settled for, as this operator tells it."""

_PATH = "/apis/vllm.ai/v1alpha1/semanticrouters?watch=1&resourceVersion=0"


class Watching:
    """When each generation of each resource was settled, in seconds of the monotonic clock."""

    def __init__(self, api: Api, settled: str = SETTLED) -> None:
        """Watch from now on; ``settled`` is JMESPath over the resource and gives the settled generation."""
        self._api = api
        self._settled = jmespath.compile(settled)
        self._at: dict[tuple[str, str, int], float] = {}
        self._news = threading.Condition()
        threading.Thread(target=self._watch, daemon=True).start()

    def wait(self, namespace: str, name: str, generation: int, timeout: float = 300.0) -> float:
        """Return when that generation was settled; raises TimeoutError."""
        key = (namespace, name, generation)
        with self._news:
            if not self._news.wait_for(lambda: key in self._at, timeout):
                message = (
                    f"generation {generation} of {namespace}/{name} is not settled after {timeout:.0f} s"
                )
                raise TimeoutError(message)
            return self._at[key]

    def _watch(self) -> None:
        while True:
            with suppress(OSError, http.client.HTTPException, ValueError, LookupError):
                self._follow()  # until it ends, or is refused because the kind has just been installed
            time.sleep(0.1)

    def _follow(self) -> None:
        connection = http.client.HTTPSConnection(self._api.host, context=self._api.context)
        connection.request("GET", _PATH)
        response = connection.getresponse()
        while line := response.readline():
            self._hear(json.loads(line)["object"])

    def _hear(self, found: Mapping[str, Any]) -> None:
        generation = self._settled.search(found)
        if isinstance(generation, int) and "namespace" in found.get("metadata", {}):
            metadata = found["metadata"]
            with self._news:
                self._at.setdefault((metadata["namespace"], metadata["name"], generation), time.monotonic())
                self._news.notify_all()
