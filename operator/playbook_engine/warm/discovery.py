"""What the API server serves, asked once in the life of a fork server instead of in each run.

``kubernetes.core`` keeps its answers in a file in the temporary directory, which each run has for itself. Here they are
in a file of the fork server. A kind that is not found in it is asked for again, as ever.
"""

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

_CLIENT = "ansible_collections.kubernetes.core.plugins.module_utils.k8s.client"


def install(directory: Path) -> None:
    """Keep the answers in ``directory``; only in the process of a run."""
    module: Any = sys.modules.get(_CLIENT)
    if module is not None:
        module.LazyDiscoverer = _shared(module.LazyDiscoverer, directory)


def _shared(stock: Any, directory: Path) -> Any:  # noqa: ANN401 - a class of the collection
    class SharedDiscoverer(stock):  # type: ignore[misc]
        """Writes its file so that runs at the same time read it whole."""

        def __init__(self, client: Any, cache_file: str | None) -> None:  # noqa: ANN401 - the collection's
            """Read the file of the server that the client talks to."""
            host = hashlib.sha256(client.configuration.host.encode()).hexdigest()
            self._file = Path(cache_file or directory / f"discovery-{host}.json")
            super().__init__(client, str(self._file))

        def _write_cache(self) -> None:
            """Write a new file and put it in the place of the old one; without success when the server has ended."""
            with suppress(OSError):
                descriptor, path = tempfile.mkstemp(dir=self._file.parent)
                os.close(descriptor)
                self._Discoverer__cache_file = path
                super()._write_cache()
                Path(path).replace(self._file)
            self._Discoverer__cache_file = str(self._file)

    return SharedDiscoverer
