"""The probes of a pod spec, executed as a kubelet does: from outside the pod, against its address."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.pods.environment import POD_ADDRESS
from tests.support.pods.objects import Object, PodError
from tests.support.pods.requests import Answer, Request

HTTP_OK = range(200, 400)
DEFAULT_TIMEOUT_SECONDS = 1.0

type Asker = Callable[[Request], Answer]
type Executor = Callable[[list[str]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe or hook of one container, ready to be executed."""

    container: Object
    name: str
    handler: Object
    timeout_seconds: float = field(default=DEFAULT_TIMEOUT_SECONDS)

    def attempt(self, ask: Asker, execute: Executor) -> str:
        """Execute once; return an empty text for success, else what a kubelet would put into the event."""
        if "tcpSocket" in self.handler:
            return self._tcp(self.handler["tcpSocket"], ask)
        if "httpGet" in self.handler:
            return self._http(self.handler["httpGet"], ask)
        if "exec" in self.handler:
            code = execute(self.handler["exec"]["command"])
            return "" if code == 0 else f"{self.handler['exec']['command']} exited with {code}"
        if "sleep" in self.handler:
            threading.Event().wait(float(self.handler["sleep"]["seconds"]))
            return ""
        message = f'{self.name} of container "{self.container["name"]}": cannot execute {dict(self.handler)}'
        raise PodError(message)

    def _tcp(self, target: Mapping[str, Any], ask: Asker) -> str:
        return ask(self._request(target)).error

    def _http(self, target: Mapping[str, Any], ask: Asker) -> str:
        if target.get("scheme", "HTTP") != "HTTP":
            message = f'{self.name} of container "{self.container["name"]}": unsupported {target["scheme"]}'
            raise PodError(message)
        headers = {header["name"]: header["value"] for header in target.get("httpHeaders", [])}
        answer = ask(self._request(target, method="GET", path=target.get("path", "/"), headers=headers))
        if answer.error:
            return answer.error
        return "" if answer.status in HTTP_OK else f"HTTP probe failed with statuscode: {answer.status}"

    def _request(self, target: Mapping[str, Any], **more: Any) -> Request:  # noqa: ANN401 - fields of Request
        host = target.get("host") or POD_ADDRESS
        return Request(
            host=host, port=self.port(target["port"]), timeout_seconds=self.timeout_seconds, **more
        )

    def port(self, given: int | str) -> int:
        """Return the number of a port that may be given by name; raises PodError for an unknown name."""
        if isinstance(given, int):
            return given
        for port in self.container.get("ports", []):
            if port.get("name") == given:
                return int(port["containerPort"])
        message = f'{self.name} of container "{self.container["name"]}" has no port {given!r}'
        raise PodError(message)


def probes_of(container: Object) -> list[Probe]:
    """Return the container's probes in the order in which a kubelet heeds them."""
    names = ("startupProbe", "readinessProbe", "livenessProbe")
    return [
        Probe(
            container=container,
            name=name,
            handler=container[name],
            timeout_seconds=float(container[name].get("timeoutSeconds", DEFAULT_TIMEOUT_SECONDS)),
        )
        for name in names
        if container.get(name)
    ]


def stop_hook_of(container: Object, timeout_seconds: float) -> Probe | None:
    """Return what a kubelet does before it ends the container, None when it does nothing."""
    handler = (container.get("lifecycle") or {}).get("preStop")
    if not handler:
        return None
    return Probe(container=container, name="preStop", handler=handler, timeout_seconds=timeout_seconds)
