"""What is asked of a sandbox process, as records that travel to it as JSON."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """``source`` of this machine (a file or a directory) appears at ``target`` inside the container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the container's program is: numeric ids, as ``securityContext`` gives them."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container: its file system, its identity, its program.

    ``root`` is an empty directory of this machine on which the file system is put together. ``binds`` are in
    the order in which they are mounted. ``capabilities`` names what the program keeps when it runs as root.
    """

    root: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    working_directory: str
    binds: tuple[Bind, ...] = ()
    identity: Identity = field(default_factory=Identity)
    read_only_root: bool = False
    drop_capabilities: bool = False
    pid_file: str = ""

    def to_json(self) -> str:
        """Return the record as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ContainerSpec":
        """Make a record of what ``to_json`` gave."""
        data: dict[str, Any] = json.loads(text)
        data["argv"] = tuple(data["argv"])
        data["binds"] = tuple(Bind(**bind) for bind in data["binds"])
        identity = data["identity"]
        data["identity"] = Identity(
            uid=identity["uid"], gid=identity["gid"], groups=tuple(identity["groups"])
        )
        return cls(**data)
