"""What modules have the Kubernetes client do again and again, done once. Installed in the server, used by its forks.

Whether modules give the same results is what ``tests/integration/test_modules.py`` is for, which runs them warm and
cold on an API server.
"""

import sys
import time
import traceback
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Any

from ansible.module_utils.common.yaml import SafeLoader

_FRESH_SECONDS = 0.1
"""So long an answer is given again. A request may take as long to come back."""

_OK, _NOT_FOUND = 200, 404


@dataclass(slots=True)
class _Answers:
    """What a module has asked for last, and what came back ``at`` (seconds of the monotonic clock)."""

    asked: tuple[Any, ...] = ()
    answer: Any = None
    at: float = 0.0

    def keep(self, asked: tuple[Any, ...], answer: Any) -> None:  # noqa: ANN401 - the client's
        """Keep what says how an object is, or that there is none."""
        if answer.status in (_OK, _NOT_FOUND):
            self.asked, self.answer, self.at = asked, answer, time.monotonic()

    def again(self, asked: tuple[Any, ...]) -> Any:  # noqa: ANN401 - the client's
        """Give the answer to the same question when it is fresh; None else."""
        fresh = self.asked == asked and time.monotonic() < self.at + _FRESH_SECONDS
        return self.answer if fresh else None

    def forget(self) -> None:
        """Forget it: something may have changed since."""
        self.asked, self.answer = (), None


_answers = _Answers()


def install() -> None:
    """Put the short ways in place, where the client is there."""
    _read_files_quickly(sys.modules.get("kubernetes.config.kube_config"))
    _trace_quickly(sys.modules.get("kubernetes.dynamic.exceptions"))
    _ask_once(sys.modules.get("kubernetes.client.api_client"))


def forget() -> None:
    """Let the next request be made: another module begins, and others have worked in between."""
    _answers.forget()


def _read_files_quickly(module: Any) -> None:  # noqa: ANN401 - the client's
    """Let the client parse its file once, and by the library in C where there is one: each task reads it."""
    if module is None:
        return
    load, parsed = module.yaml.load, dict[str | bytes, Any]()

    def safe_load(stream: Any) -> Any:  # noqa: ANN401 - a file or a text
        text: str | bytes = stream if isinstance(stream, (str, bytes)) else stream.read()
        if text not in parsed:
            parsed.clear()
            parsed[text] = load(text, Loader=SafeLoader)
        return deepcopy(parsed[text])

    module.yaml = SimpleNamespace(safe_load=safe_load, safe_dump=module.yaml.safe_dump)


def _trace_quickly(module: Any) -> None:  # noqa: ANN401 - the client's
    """Say where an error comes from without reading the source: the client does so for each object that is absent."""
    if module is not None:
        module.traceback = SimpleNamespace(format_tb=_lines)


def _lines(trace: TracebackType | None) -> list[str]:
    return [
        f'  File "{frame.f_code.co_filename}", line {number}, in {frame.f_code.co_name}\n'
        for frame, number in traceback.walk_tb(trace)
    ]


def _ask_once(module: Any) -> None:  # noqa: ANN401 - the client's
    """Answer what a module asks for again before it has done anything else as it was answered a moment ago.

    ``k8s`` reads each object, and reads it once more to apply it.
    """
    if module is None:
        return
    stock: Callable[..., Any] = module.ApiClient.call_api

    def call_api(self: Any, method: str, url: str, *given: Any, **more: Any) -> Any:  # noqa: ANN401 - the client's
        if method != "GET" or "watch=" in url:
            _answers.forget()
            return stock(self, method, url, *given, **more)
        asked = (self.rest_client, url, given, more)
        answer = _answers.again(asked)
        if answer is None:
            _answers.forget()
            answer = stock(self, method, url, *given, **more)
            _answers.keep(asked, answer)
        return answer

    module.ApiClient.call_api = call_api
