"""Hands the results of tasks that run in the process of the run to Ansible's strategy, at once.

A worker process puts them on a queue, from which a thread of the strategy takes them while the strategy looks for them
every millisecond. Where the worker is the strategy's own process, all three can be left out.
"""

import pickle
from multiprocessing.reduction import ForkingPickler
from typing import Any

from ansible._internal import _task
from ansible.plugins import strategy

_current: Any = None
_stock_init = strategy.StrategyBase.__init__


def install() -> None:
    """Know which strategy works; only in the process of a run."""
    strategy.StrategyBase.__init__ = _begin


def _begin(self: Any, *given: Any, **options: Any) -> None:  # noqa: ANN401 - Ansible's
    global _current  # noqa: PLW0603 - the plays of a run follow each other
    _stock_init(self, *given, **options)
    _current = self


class Delivery:
    """Takes the place of a worker's end of the queue, and passes on what it has no short way for.

    Results are serialised as by the queue, so that nothing is shared by accident.
    """

    def __init__(self, queue: Any) -> None:  # noqa: ANN401 - Ansible's
        """Hand over to the strategy that works now."""
        self._queue = queue
        self._strategy = _current

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - Ansible's
        """Give what the queue can do."""
        return getattr(self._queue, name)

    def send_callback(self, method_name: str, host: Any, task: Any, utr: Any) -> None:  # noqa: ANN401 - Ansible's
        """Tell callbacks of a part of a task, as an item of its loop."""
        self._strategy._tqm.send_callback(method_name, self._crossed(host, task, utr))  # noqa: SLF001

    def send_task_result(self, host: Any, task: Any, utr: Any) -> None:  # noqa: ANN401 - Ansible's
        """Give the strategy the result of a task."""
        result = self._crossed(host, task, utr)
        with self._strategy._results_lock:  # noqa: SLF001 - what this module is for
            self._strategy._results.append(result)  # noqa: SLF001

    def _crossed(self, host: Any, task: Any, utr: Any) -> Any:  # noqa: ANN401 - Ansible's
        wire = ForkingPickler.dumps(_task.WireTaskResult.create(host=host, task=task, utr=utr))
        return self._strategy._convert_wire_task_result_to_host_task_result(pickle.loads(wire))  # noqa: S301, SLF001
