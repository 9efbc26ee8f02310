"""Loads what every run needs, before the first one: forks share the memory and find the work done.

Nothing here may start a thread or keep a plugin's instance, and no playbook may be run in this process: forks
would inherit its state.
"""

import gc
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_MODULES = (
    "ansible.cli.playbook",
    "ansible.executor.task_queue_manager",
    "ansible.executor.process.worker",
    "ansible.plugins.callback.default",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.connection.local",
    "ansible.module_utils.basic",
    "multiprocessing.popen_fork",
    "multiprocessing.synchronize",
)
_OPTIONAL = (
    "kubernetes",
    "kubernetes.dynamic",
    "jsonpatch",
    "ansible_collections.kubernetes.core.plugins.modules.k8s",
    "ansible_collections.kubernetes.core.plugins.modules.k8s_info",
    "ansible_collections.kubernetes.core.plugins.modules.k8s_json_patch",
    "ansible_collections.kubernetes.core.plugins.action.k8s_info",
    "ansible_collections.kubernetes.core.plugins.module_utils.k8s.service",
    "ansible_collections.kubernetes.core.plugins.module_utils.k8s.runner",
)
_ACTIONS = ("debug", "set_fact", "set_stats", "fail", "assert", "validate_argument_spec", "command", "copy")


def preload(modules: Iterable[str] = ()) -> None:
    """Import and look up, with further modules by full name; raises ImportError when Ansible is not as expected."""
    _set_callback()
    for name in _MODULES:
        importlib.import_module(name)
    from ansible.plugins import loader  # noqa: PLC0415 - after the environment is set

    loader.init_plugin_loader()
    for kind in ("connection", "shell", "become", "callback", "inventory", "vars"):
        list(getattr(loader, f"{kind}_loader").all(class_only=True))
    from playbook_engine.warm import inline  # noqa: PLC0415 - imports Ansible

    inline.admit(modules)
    for name in (*_OPTIONAL, *map(inline.python_name, modules)):
        try:
            importlib.import_module(name)
        except ImportError:  # a project without Kubernetes, or a collection of another version
            continue
    from playbook_engine.warm import (  # noqa: PLC0415 - imports Ansible
        asking,
        beforehand,
        play,  # noqa: F401 - for forks
        shortcuts,
    )

    shortcuts.install()
    asking.install()
    beforehand.install()
    for name in (*(f"ansible.builtin.{one}" for one in _ACTIONS), *inline.MODULES):
        loader.module_loader.find_plugin_with_context(name)
        inline.action_of(name)
    settle()


def settle() -> None:
    """Take what is loaded out of the garbage collector's sight: it would write to memory that forks share."""
    gc.collect()
    gc.freeze()


def _set_callback() -> None:
    """Let ansible-runner's own callback make the events; it is read from the environment at import."""
    spec = importlib.util.find_spec("ansible_runner.display_callback.callback")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("ansible_runner.display_callback.callback is not there")
    os.environ["ANSIBLE_CALLBACK_PLUGINS"] = str(Path(next(iter(spec.submodule_search_locations))))
    os.environ["ANSIBLE_STDOUT_CALLBACK"] = "awx_display"
    os.environ["AWX_ISOLATED_DATA_DIR"] = os.devnull  # its event files are replaced by a pipe
    sys.modules.pop("ansible.constants", None)
