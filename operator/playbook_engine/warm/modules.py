"""Modules of Ansible and of collections that the server has imported already, for its forks.

Most of them are plugins, which Ansible imports when they are first asked for: filters, actions, what they need. A
module of a collection is compiled from its source each time, since Ansible keeps no bytecode of it.
"""

import importlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.plugins.loader import PluginLoader, get_all_plugin_loaders
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

_OURS = re.compile(r"(ansible|ansible_collections)(\.\w+)+")
_OF_A_PATH = re.compile(r"_\d{9,}$")
"""Ansible names filters and tests outside collections by a hash of their path, which is another one in each server."""

_there: frozenset[str] = frozenset()
_stock_load = PluginLoader._load_module_source  # noqa: SLF001 - what this module is for
_stock_set_paths = _AnsibleCollectionFinder.set_playbook_paths


def load(names: Iterable[str]) -> None:
    """Import modules, in the server: those that a fork could import without starting a thread or opening a file."""
    for name in _harmless([name for name in names if name not in sys.modules]):
        with suppress(Exception):  # runs tell what is wrong with it
            importlib.import_module(name)


def install() -> None:
    """Use what the server has imported where it is the right one; only in the process of a run."""
    global _there  # noqa: PLW0603 - a fork has one run
    _there = frozenset(sys.modules)
    PluginLoader._load_module_source = _load_module_source  # noqa: SLF001
    _AnsibleCollectionFinder.set_playbook_paths = _set_playbook_paths


def imported() -> list[str]:
    """Give the modules that this run had to import itself."""
    return [
        name
        for name in sys.modules.keys() - _there
        if _OURS.fullmatch(name) and not _OF_A_PATH.search(name) and _is_named_by_file(name)
    ]


def _is_named_by_file(name: str) -> bool:
    """Whether importing it gives the same: an action can be another one by a redirection of its collection."""
    file = getattr(sys.modules[name], "__file__", None)
    return file is None or Path(file).stem in ("__init__", name.rpartition(".")[2])


def _harmless(names: list[str]) -> list[str]:
    """Import in a fork, and give what left it as it was: a server with a second thread could not fork safely."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            for name in names:
                before = _state()
                with suppress(Exception, SystemExit):
                    importlib.import_module(name)
                    if _state() != before:
                        break  # what follows could not be told apart from it
                    os.write(writing, f"{name}\n".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as told:
        found = told.read().split()
    with suppress(ChildProcessError):  # the server collects its children as they end
        os.waitpid(pid, 0)
    return found


def _state() -> tuple[int, int]:
    return _count("/proc/self/task"), _count("/proc/self/fd")


def _count(directory: str) -> int:
    return sum(1 for _ in Path(directory).iterdir())


def _load_module_source(self: Any, *, python_module_name: str, path: str) -> ModuleType:  # noqa: ANN401 - Ansible's
    """Load a plugin that lies beside a playbook also when the server has one of the same name."""
    known = sys.modules.get(python_module_name)
    if known is not None and python_module_name in _there and not _is_of(known, path):
        del sys.modules[python_module_name]
    loaded: ModuleType = _stock_load(self, python_module_name=python_module_name, path=path)
    return loaded


def _is_of(module: ModuleType, path: str) -> bool:
    return module.__file__ is not None and Path(module.__file__).resolve() == Path(path).resolve()


def _set_playbook_paths(self: Any, playbook_paths: Any) -> None:  # noqa: ANN401 - Ansible's
    """Forget collections where a playbook has some of the same name beside it, which go before others."""
    paths = [playbook_paths] if isinstance(playbook_paths, (str, bytes)) else playbook_paths
    beside = [name for path in paths for name in _collections(Path(os.fsdecode(path), "collections"))]
    for name in [name for name in sys.modules if name.startswith(tuple(beside))]:
        del sys.modules[name]
    if beside:
        for _, loader in get_all_plugin_loaders():
            loader._clear_caches()  # noqa: SLF001 - they know where plugins were found
    _stock_set_paths(self, playbook_paths)


def _collections(directory: Path) -> Iterator[str]:
    """Give how names of modules begin that are in the collections of a directory, or above them."""
    for found in directory.glob("ansible_collections/*/*/"):
        yield f"ansible_collections.{found.parent.name}"
