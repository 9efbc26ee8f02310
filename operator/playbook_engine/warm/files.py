"""Files of playbooks and roles that the server has parsed already, for its forks.

What was parsed is used as long as the file on disk is the same one.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader

from playbook_engine.runs.lessons import ParsedFile

type Version = tuple[int, int, int]

_parsed: dict[ParsedFile, tuple[Version, Any]] = {}
_asked: dict[ParsedFile, None] = {}
_handed_out: set[ParsedFile] = set()
_plain = ""
_stock_load = DataLoader.load_from_file


def parse(files: Iterable[ParsedFile]) -> None:
    """Parse files that are not parsed yet, in the server; one that cannot be is left to the runs."""
    loader = DataLoader()
    for path, trusted in files:
        now = version(path)
        known = _parsed.get((path, trusted))
        if now is None or (known and known[0] == now):
            continue
        try:
            data = _stock_load(loader, path, cache="none", unsafe=True, trusted_as_template=trusted)
        except Exception:  # noqa: BLE001, S112 - the run that loads it tells what is wrong with it
            continue
        _parsed[path, trusted] = (now, data)


def install(*, plain: Path) -> None:
    """Use what the server has parsed; only in the process of a run.

    ``plain`` is a file with variables that are data and no templates: JSON, which takes a tenth of the time of YAML.
    """
    global _plain  # noqa: PLW0603 - a fork has one run
    _plain = str(plain)
    DataLoader.load_from_file = _load_from_file


def loaded(*, outside: str) -> list[ParsedFile]:
    """Give what this run had to parse itself, but for files in a directory that is of this run only."""
    return [
        (path, trusted)
        for path, trusted in _asked
        if (path, trusted) not in _handed_out and not Path(path).is_relative_to(outside)
    ]


def _load_from_file(self: Any, file_name: str, *given: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
    """Hand out what was parsed once, and take it out of the cache: it needs no copy then.

    The first load of any other file needs none either, when it is kept nowhere.
    """
    path = self.path_dwim(file_name)
    if path == _plain:
        return json.loads(Path(path).read_bytes())
    trusted = bool(options.get("trusted_as_template"))
    if given or options.keys() - {"cache", "unsafe", "trusted_as_template"} or (path, trusted) in _asked:
        return _stock_load(self, file_name, *given, **options)
    _asked[path, trusted] = None
    parsed, data = _parsed.pop((path, trusted), (None, None))
    if parsed is not None and parsed == version(path):
        _handed_out.add((path, trusted))
        return data
    return _stock_load(self, file_name, **{**options, "cache": "none", "unsafe": True})


def version(path: str) -> Version | None:
    """Give what another version of a file or a directory differs in; None for one that is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116 - for each of many files, in each run
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
