"""What the playbooks and roles consist of, as one digest: when it changes, every resource is run again."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from playbook_engine.watches.records import Watch

_CONTENT_DIRECTORIES = ("roles", "plugins")
_IGNORED_DIRECTORIES = ("__pycache__",)
_IGNORED_SUFFIXES = (".pyc",)


def content_digest(watches: Iterable[Watch], *, directory: Path) -> str:
    """Give the sha256 (hex) of the content that the runs of ``watches`` can use.

    That are the roles, the playbooks with what lies in their directories, and ``roles/`` and ``plugins/`` of
    ``directory``, which is the directory of the watches file. Raises OSError when a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(content_files(watches, directory.absolute())):
        target = os.fsencode(path.readlink()) if path.is_symlink() else b""
        content = path.read_bytes() if path.is_file() else b""
        for part in (os.fsencode(os.path.relpath(path, directory)), target, content):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
    return digest.hexdigest()


def content_files(watches: Iterable[Watch], directory: Path) -> set[Path]:
    """Give the files and links that the content consists of; ``directory`` is absolute."""
    roots = {directory / name for name in _CONTENT_DIRECTORIES}
    found = set()
    for watch in watches:
        for playbook in (watch.playbook, watch.finalizer.playbook if watch.finalizer else watch.playbook):
            if playbook.is_dir():
                roots.add(playbook)
                continue
            found.add(playbook)
            if playbook.parent != directory:  # that directory holds more than content
                roots.add(playbook.parent)
    return found.union(*(_walked(root) for root in roots))


def _walked(root: Path) -> Iterator[Path]:
    for parent, directories, files in root.walk():
        directories[:] = [name for name in directories if name not in _IGNORED_DIRECTORIES]
        links = [name for name in directories if (parent / name).is_symlink()]
        yield from (parent / name for name in (*files, *links) if not name.endswith(_IGNORED_SUFFIXES))
