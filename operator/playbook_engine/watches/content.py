"""Notices that playbooks, roles, plugins, collections or CA files have changed, for the price of a look at each name.

Only when a name, a size or a time of change differs is the content read again. A new digest makes every resource run
again; anything else that runs are made of, such as a collection, only needs a new fork server.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from playbook_engine.watches.digest import content_digest, content_files
from playbook_engine.watches.records import Watch

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "K8S_AUTH_SSL_CA_CERT")
_CA_OF_POD = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
_COLLECTIONS_VARIABLE = "ANSIBLE_COLLECTIONS_PATH"

type _Seen = frozenset[tuple[Path, int, int, int]]


@dataclass(frozen=True, slots=True)
class ContentChange:
    """What a look found: whether the ``content`` is another one, and whether the ``surroundings`` are."""

    content: bool
    surroundings: bool

    def __bool__(self) -> bool:
        return self.content or self.surroundings


class Content:
    """The content of the runs of some entries, with its digest as of the last look."""

    def __init__(self, watches: Iterable[Watch], *, directory: Path, environ: Mapping[str, str]) -> None:
        """Read it for the first time; ``directory`` is that of the watches file. Raises OSError."""
        self._watches = tuple(watches)
        self._directory = directory.absolute()
        self._environ = environ
        self._files, self._surroundings = self._look()
        self.digest = content_digest(self._watches, directory=self._directory)

    def look(self) -> ContentChange:
        """Look again. Raises OSError, for instance when a file goes away meanwhile; the next look finds it then."""
        files, surroundings = self._look()
        digest = self.digest
        if files != self._files:
            digest = content_digest(self._watches, directory=self._directory)
        change = ContentChange(digest != self.digest, surroundings != self._surroundings)
        self._files, self._surroundings, self.digest = files, surroundings, digest
        return change

    def _look(self) -> tuple[_Seen, _Seen]:
        files = content_files(self._watches, self._directory)
        return _seen(files), _seen(_surroundings(self._environ))


def _seen(paths: Iterable[Path]) -> _Seen:
    return frozenset(
        (path, found.st_mtime_ns, found.st_size, found.st_ino)
        for path in paths
        if path.exists()
        for found in (path.stat(),)
    )


def _surroundings(environ: Mapping[str, str]) -> Iterator[Path]:
    yield from (Path(environ[name]) for name in _CA_VARIABLES if environ.get(name))
    yield Path(_CA_OF_POD)
    places = [*environ.get(_COLLECTIONS_VARIABLE, "").split(os.pathsep), *sys.path]
    for place in dict.fromkeys(filter(None, places)):
        yield from Path(place, "ansible_collections").glob("*/*/MANIFEST.json")
