"""Playbooks that the server has loaded already, for its forks: plays, roles and tasks as Ansible's own objects.

That is only done with those whose loading templates nothing, since variables are a run's own, finds no plugins beside
a playbook or in a role, since other playbooks would see them, and warns of nothing, since each run has to be told. A
run that loads one finds that out, and the server looks again. What was loaded is used as long as the files it was
loaded from and the directories that they lie in are the same ones.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible import context
from ansible._internal._templating._engine import TemplateEngine
from ansible.cli import CLI
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.plugins.loader import get_all_plugin_loaders
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.collection_loader._collection_finder import _get_collection_name_from_path
from ansible.utils.display import Display
from ansible.vars.manager import VariableManager

from playbook_engine.warm.files import Version, version

_OF_ROLES = ("tasks", "handlers", "vars", "defaults", "meta")
"""The directories of a role that lie beside each other, each of which may come later, and files in them."""

type _Versions = Mapping[str, Version | None]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A playbook, and what it was loaded by, which its plays, roles and tasks hold on to."""

    playbook: Playbook
    variables: VariableManager
    loader: DataLoader
    versions: _Versions

    @property
    def is_current(self) -> bool:
        """Whether loading it again would find the same."""
        return all(version(path) == seen for path, seen in self.versions.items())


@dataclass(slots=True)
class _Noted:
    """What loading a playbook did: the files it read, and whether any other run could do with the outcome."""

    files: list[str] = field(default_factory=list)
    is_particular: bool = False

    def reads(self, loader: DataLoader, name: str) -> None:
        """Note a file."""
        self.files.append(loader.path_dwim(name))

    def templates(self, *_: object) -> None:
        """Note that variables have a say."""
        self.is_particular = True


_loaded: dict[str, _Loaded] = {}
_missed: dict[str, None] = {}
_directories: tuple[tuple[str, ...], ...] = ()
_stock_load = Playbook.load


def load(paths: Iterable[str]) -> None:
    """Load playbooks, in the server; one that cannot be is left to the runs."""
    for path in paths:
        known = _loaded.pop(path, None)
        found = known if known and known.is_current else _tried(path)
        if found:
            _loaded[path] = found


def forget(path: str) -> bool:
    """Load it no more; say whether it was loaded."""
    return _loaded.pop(path, None) is not None


def install() -> None:
    """Use what the server has loaded; only in the process of a run."""
    global _directories  # noqa: PLW0603 - a fork has one run
    _directories = _plugin_directories()
    Playbook.load = staticmethod(_load)


def loaded(*, outside: str) -> list[str]:
    """Give what this run had to load itself and the server can load, but for what lies in a directory of this run."""
    return [path for path in _missed if not Path(path).is_relative_to(outside)]


def _load(file_name: str, variable_manager: Any = None, loader: Any = None) -> Any:  # noqa: ANN401 - Ansible's
    known = _loaded.pop(file_name, None)
    if known and known.is_current and not context.CLIARGS.get("force_handlers"):
        return _adopted(known, variable_manager, loader)
    with _noting() as noted:
        found = _stock_load(file_name, variable_manager=variable_manager, loader=loader)
    if not noted.is_particular and _plugin_directories() == _directories:
        _missed[file_name] = None
    return found


def _adopted(known: _Loaded, variable_manager: Any, loader: Any) -> Playbook:  # noqa: ANN401 - Ansible's
    """Let what the playbook was loaded by be one with what the run goes on with; plays read tags when they are made."""
    known.variables.__dict__ = variable_manager.__dict__
    known.loader.__dict__ = loader.__dict__
    for play in known.playbook.get_plays():
        play.only_tags = set(context.CLIARGS.get("tags", ())) or frozenset(("all",))
        play.skip_tags = set(context.CLIARGS.get("skip_tags", ()))
    return known.playbook


def _tried(path: str) -> _Loaded | None:
    """Load a playbook as a run would; leave no trace of one that is not for everybody."""
    before = _plugin_directories()
    loader = DataLoader()
    variables = VariableManager(loader=loader, version_info=CLI.version_info(gitinfo=False))
    AnsibleCollectionConfig.default_collection = _get_collection_name_from_path(path)
    try:
        with _noting() as noted:
            playbook = _stock_load(path, variable_manager=variables, loader=loader)
    except Exception:  # noqa: BLE001 - the run that loads it tells what is wrong with it
        return None
    finally:
        AnsibleCollectionConfig.default_collection = None
        others = _plugin_directories() != before
        if others:
            _restore(before)
    if others or noted.is_particular:
        return None
    return _Loaded(playbook, variables, loader, _versions(path, noted.files))


@contextmanager
def _noting() -> Iterator[_Noted]:
    """Note what Ansible does during the block."""
    noted = _Noted()
    display = Display()
    told = _told(display)
    with ExitStack() as stack:
        stack.enter_context(_before(DataLoader, "load_from_file", noted.reads))
        for name in ("_compile_template", "_compile_expression"):
            stack.enter_context(_before(TemplateEngine, name, noted.templates))
        yield noted
    noted.is_particular |= _told(display) != told


@contextmanager
def _before(owner: type, name: str, note: Callable[[Any, Any], None]) -> Iterator[None]:
    """Have a method tell its object and first argument during the block."""
    stock = getattr(owner, name)

    def method(self: Any, first: Any, *given: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        note(self, first)
        return stock(self, first, *given, **options)

    setattr(owner, name, method)
    try:
        yield
    finally:
        setattr(owner, name, stock)


def _told(display: Any) -> tuple[int, ...]:  # noqa: ANN401 - Ansible's
    return len(display._warns), len(display._deprecations), len(display._errors)  # noqa: SLF001


def _plugin_directories() -> tuple[tuple[str, ...], ...]:
    """Give the directories that playbooks and roles have added to each plugin loader."""
    return tuple(tuple(loader._extra_dirs) for _, loader in get_all_plugin_loaders())  # noqa: SLF001


def _restore(directories: tuple[tuple[str, ...], ...]) -> None:
    for (_, loader), known in zip(get_all_plugin_loaders(), directories, strict=True):
        loader._extra_dirs[:] = known  # noqa: SLF001
        loader._clear_caches()  # noqa: SLF001


def _versions(playbook: str, files: Iterable[str]) -> _Versions:
    """Give the versions of all files, and of the directories where others would have been found.

    A role has its directories beside each other.
    """
    directories = {Path(playbook).parent}
    for above in (Path(path).parent for path in files):
        directories.add(above)
        if above.name in _OF_ROLES:
            directories |= {above.parent, *(above.parent / name for name in _OF_ROLES)}
    return {path: version(path) for path in (*files, *map(str, directories))}
