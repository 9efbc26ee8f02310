"""Runs tasks, and the modules of ``kubernetes.core``, in the process of the run instead of in new ones.

A task costs a fork and a module costs a new interpreter; for those named here neither buys anything. Everything
else takes Ansible's own way, and so does anything unusual about one of these: async, become, delegation. The
results are serialised as if they had crossed a process boundary, so that nothing is shared by accident.
"""

import importlib
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout, suppress
from typing import Any

from ansible._internal import _rpc_host, _task
from ansible.executor.process import worker as stock
from ansible.module_utils import basic
from ansible.module_utils._internal._ansiballz import _loader
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.plugins import strategy
from ansible.plugins.action import ActionBase

from playbook_engine.warm import asking
from playbook_engine.warm.delivery import Delivery

TASKS = frozenset(
    {
        "assert",
        "debug",
        "fail",
        "include_role",
        "include_tasks",
        "set_fact",
        "set_stats",
        "validate_argument_spec",
        "operator_sdk.util.requeue_after",
    }
)
"""Actions of ``ansible.builtin``, and one by its full name, that run in the process of the run."""

MODULES = {f"kubernetes.core.{name}" for name in ("k8s", "k8s_info", "k8s_json_patch")}
"""Modules that run in the process of the run, with the actions of the same names; ``admit`` adds to them."""

_BUILTIN = ("ansible.builtin.", "ansible.legacy.")
_PROFILE = "legacy"


def admit(modules: Iterable[str]) -> None:
    """Let more modules, by full name, run in the process of the run: they must bear to be run several times."""
    MODULES.update(modules)


def install() -> None:
    """Put the short ways in place of Ansible's; only in the process of a run."""
    strategy.WorkerProcess = _worker
    _rpc_host.LocalManager.shared_instance = _nothing  # a thread and a socket for workers
    ActionBase._execute_module = _execute_module  # noqa: SLF001 - what this module is for
    for name in MODULES:
        action = action_of(name)
        if action is not None:
            action.TRANSFERS_FILES = False  # it would make a directory by two shell processes


class InlineWorker:
    """Looks like a worker process that has ended by the time it has been started."""

    pid: int | None = None
    worker_queue = None

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - as Ansible calls it
        """Keep what a worker is given."""
        self._given = given

    def start(self) -> None:
        """Run the task and send its result the way a worker does."""
        given = self._given
        task, host, loader = _copied(given["task"]), given["host"], given["loader"]
        results = Delivery(given["final_q"])
        kept, loader._tempfiles = loader._tempfiles, set()  # noqa: SLF001 - of this task only
        try:
            with _task.TaskContext.create(task=task, task_vars=given["task_vars"], host_name=host.name):
                task.squash()
                executor = stock.TaskExecutor(
                    host, given["play_context"].copy(), loader, given["shared_loader_obj"],
                    results, given["variable_manager"],
                )  # fmt: skip
                result = executor.run()
                result.finalize_registered_values()
                task.ignore_errors, task.ignore_unreachable = result.ignore_errors, result.ignore_unreachable
                results.send_task_result(host, task, result)
        finally:
            loader.cleanup_all_tmp_files()
            loader._tempfiles = kept  # noqa: SLF001

    def is_alive(self) -> bool:
        """It has ended."""
        return False

    def close(self) -> None:
        """Nothing is held."""

    def terminate(self) -> None:
        """Nothing runs."""


def _copied(task: Any) -> Any:  # noqa: ANN401 - Ansible's
    """Copy a task as Ansible does for each item of a loop: what is above it is read and never changed."""
    copy = task.copy(exclude_parent=True, exclude_tasks=True)
    copy._parent = task._parent  # noqa: SLF001 - it has no setter
    return copy


def _worker(**given: Any) -> Any:  # noqa: ANN401 - as Ansible calls it
    if _may_run_inline(given["task"]):
        return InlineWorker(**given)
    _rpc_host.LocalManager.shared_instance = _stock_shared_instance
    _stock_shared_instance()
    return stock.WorkerProcess(**given)


def _nothing() -> None:
    """Start no server for processes that there may never be."""


def _may_run_inline(task: Any) -> bool:  # noqa: ANN401 - Ansible's
    if task.async_val or task.become or task.delegate_to or any(task.environment or ()):
        return False
    name = _full_name(task)
    for prefix in _BUILTIN:
        name = name.removeprefix(prefix)
    return name in TASKS or name in MODULES


def _full_name(task: Any) -> str:  # noqa: ANN401 - Ansible's
    """Give what an action is called where a playbook uses a short or an older name, such as ``k8s``."""
    return str(task._resolved_action or task.action)  # noqa: SLF001 - the public one warns when there is none


def action_of(name: str) -> Any:  # noqa: ANN401 - Ansible's
    """Give the class of the action of that name; None when there is none."""
    from ansible.plugins.loader import action_loader  # noqa: PLC0415 - of the process of a run

    return action_loader.get(name, class_only=True)


_stock_shared_instance = _rpc_host.LocalManager.shared_instance
_stock_execute_module = ActionBase._execute_module  # noqa: SLF001


def _execute_module(
    self: Any,  # noqa: ANN401 - Ansible's
    module_name: str | None = None,
    module_args: dict[str, Any] | None = None,
    tmp: str | None = None,
    task_vars: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401 - Ansible's
) -> Any:  # noqa: ANN401 - Ansible's
    name = _full_name(self._task) if module_name in (None, self._task.action) else module_name
    if name not in MODULES or any(more.values()) or not _may_run_inline(self._task):
        return _stock_execute_module(self, module_name, module_args, tmp, task_vars, **more)
    arguments = self._task.args if module_args is None else module_args
    self._update_module_args(name, arguments, task_vars or {})
    text = run_module(name, arguments)
    answer = {"rc": 0, "stdout": text, "stdout_lines": text.splitlines(), "stderr": "", "stderr_lines": []}
    result = self._parse_returned_data(answer, _PROFILE)
    result.remove_internal_keys()
    return result.as_result_dict(for_round_trip=True)


def run_module(name: str, arguments: Mapping[str, Any]) -> str:
    """Run the ``main`` of a module with ``arguments``; give the JSON that it would have printed."""
    module = importlib.import_module(python_name(name))
    encoder = get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
    text = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, cls=encoder)
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = text.encode(), _PROFILE  # noqa: SLF001
    basic._PARSED_MODULE_ARGS = None  # noqa: SLF001
    asking.forget()
    printed = io.StringIO()
    arguments_of_process, sys.argv = sys.argv, [name]
    try:
        with redirect_stdout(printed):
            _ended(module.main)
    finally:
        sys.argv = arguments_of_process
        basic._ANSIBLE_ARGS = basic._ANSIBLE_PROFILE = basic._PARSED_MODULE_ARGS = None  # noqa: SLF001
    return printed.getvalue()


def _ended(main: Callable[[], None]) -> None:
    """Call the main of a module, which ends its process when it has printed its result."""
    with suppress(SystemExit):
        try:
            main()
        except Exception as error:  # noqa: BLE001 - Ansible tells of it in the module's result
            _loader._handle_exception(error, _PROFILE)  # noqa: SLF001


def python_name(name: str) -> str:
    """Give the name by which Python imports a module."""
    namespace, collection, module = name.split(".")
    return f"ansible_collections.{namespace}.{collection}.plugins.modules.{module}"
