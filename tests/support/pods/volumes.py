"""Lays out the volumes of a pod as directories, the way a kubelet does.

ConfigMaps, Secrets and projections are written behind a ``..data`` link that is swapped in one step, so
programs that watch their configuration see a change exactly as in a cluster; ownership and modes follow
``defaultMode`` and ``fsGroup``. What the files contain is decided in ``contents``.
"""

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

from tests.support.pods.contents import COLLECTORS, File, Files
from tests.support.pods.objects import Object, PodError, Reader, required

GROUP_READ, GROUP_ALL_SETGID = 0o040, 0o2070


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a pod's volumes are made of: its spec, its objects, and the directory that holds them."""

    pod: Object
    reader: Reader
    directory: Path

    @property
    def group(self) -> int | None:
        """The pod's ``fsGroup``, when this process may give files to it."""
        group = self.pod["spec"].get("securityContext", {}).get("fsGroup")
        return int(group) if group is not None and os.geteuid() == 0 else None

    def lay_out(self) -> None:
        """Make every volume of the pod."""
        for volume in self.pod["spec"].get("volumes", []):
            path = self.directory / volume["name"]
            path.mkdir()
            files = self._files(volume)
            if files is None:
                self._give(path, 0o777 if "emptyDir" in volume else 0o755)
            else:
                self._swap(path, files)

    def refresh(self) -> None:
        """Write anew what changed in ConfigMaps and Secrets, as the kubelet does within a minute."""
        for volume in self.pod["spec"].get("volumes", []):
            files = self._files(volume)
            if files is not None:
                self._swap(self.directory / volume["name"], files)

    def _files(self, volume: Object) -> Files | None:
        """Return the content of a volume that has any, None for one that starts empty; raises PodError."""
        for source, collect in COLLECTORS.items():
            if source in volume:
                return collect(volume[source], self.pod, self.reader)
        if "emptyDir" in volume:
            return None
        if "persistentVolumeClaim" in volume:
            required(self.reader, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
            return None
        message = f'volume "{volume["name"]}": none of the kinds that can be laid out here: {sorted(volume)}'
        raise PodError(message)

    def _give(self, path: Path, mode: int) -> None:
        """Set the mode of a directory that starts empty, and let the pod's group write to it."""
        path.chmod(mode if self.group is None else mode | GROUP_ALL_SETGID)
        if self.group is not None:
            os.chown(path, 0, self.group)

    def _swap(self, path: Path, files: Files) -> None:
        link = path / "..data"
        if link.exists() and _read_back(link, files):
            return
        version = next(name for n in itertools.count() if not (path / (name := f"..version_{n}")).exists())
        for name, file in files.items():
            self._write(path / version / name, file)
        (path / "..data_tmp").symlink_to(version)
        (path / "..data_tmp").rename(link)
        for top in {name.partition("/")[0] for name in files}:
            if not (path / top).is_symlink():
                (path / top).symlink_to(f"..data/{top}")
        for gone in [entry for entry in path.iterdir() if entry.is_symlink() and not entry.exists()]:
            gone.unlink()

    def _write(self, path: Path, file: File) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode if self.group is None else file.mode | GROUP_READ)
        if self.group is not None:
            os.chown(path, 0, self.group)


def _read_back(link: Path, files: Files) -> bool:
    present = {str(path.relative_to(link)): path.read_bytes() for path in link.rglob("*") if path.is_file()}
    return present == {name: file.content for name, file in files.items()}
