"""Put the Ansible collections that the project uses into the site-packages of the running interpreter.

Ansible finds collections that stand beside ansible-core, so with this no ``ansible.cfg`` and no search path
is needed, and a user's own ``~/.ansible`` never changes what runs:

- ``kubernetes.core`` is unpacked out of the wheel of the ``ansible`` package (its other hundred collections
  would be 500 MB). The wheel is downloaded by pip, which checks the hash in ``requirements/collections.txt``;
  the part that is used is kept in the cache.
- ``vllm.semantic_router`` is made of links to the checkout, so that roles and plugins have their full names
  while they are edited.

The file is not called ``collections.py``: a script's folder comes first on the module path, and that name
would hide the standard library's.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
REQUIREMENTS = CHECKOUT / "requirements" / "collections.txt"
COLLECTION = "ansible_collections/kubernetes/core/"
LINKED = ("roles", "plugins", "playbooks")
STAMP = ".unpacked-from"


def cache_directory() -> Path:
    """Where downloads are kept: ``SEMANTIC_ROUTER_CACHE`` or the user's cache directory."""
    given = os.environ.get("SEMANTIC_ROUTER_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "semantic-router-operator"


def required() -> str:
    """The one line of the requirements file that is no comment; its hash names the content exactly."""
    lines = [line.strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines()]
    (line,) = [line for line in lines if line and not line.startswith("#")]
    return line


def download(target: Path) -> Path:
    """Download the required wheel into ``target`` and return its path; pip refuses one with another hash."""
    print("    downloading the wheel that holds kubernetes.core (51 MB, once)", flush=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--dest", str(target), "--requirement", str(REQUIREMENTS)], check=True)
    (wheel,) = target.glob("*.whl")
    return wheel


def cut_out(wheel: Path, archive: Path) -> None:
    """Write the members of ``wheel`` that belong to the collection to the smaller ``archive``."""
    unfinished = archive.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as cut:
        for member in source.infolist():
            if member.filename.startswith(COLLECTION):
                cut.writestr(member, source.read(member))
    unfinished.replace(archive)  # so that two runs at once cannot see half an archive


def kept_archive() -> Path:
    """The collection as an archive in the cache, downloaded when it is not there for the required hash."""
    directory = cache_directory() / "collections"
    archive = directory / f"kubernetes-core-{required().rpartition(':')[2][:16]}.zip"
    if not archive.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as temporary:
            cut_out(download(Path(temporary)), archive)
    return archive


def unpack(wheel: Path, collections: Path) -> None:
    """Unpack the collection, with its licences, out of a wheel that has been checked already."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(
            collections.parent, [name for name in archive.namelist() if name.startswith(COLLECTION)]
        )


def install_kubernetes_core(collections: Path) -> None:
    """Unpack kubernetes.core below ``collections`` unless exactly this one is there."""
    installed = collections / "kubernetes" / "core"
    stamp = installed / STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == required():
        return
    shutil.rmtree(installed, ignore_errors=True)
    with zipfile.ZipFile(kept_archive()) as archive:
        archive.extractall(collections.parent)
    stamp.write_text(required(), encoding="utf-8")


def link_checkout(collections: Path) -> None:
    """Make ``vllm.semantic_router`` of links to this checkout, replacing links to another one."""
    ours = collections / "vllm" / "semantic_router"
    ours.mkdir(parents=True, exist_ok=True)
    for name in LINKED:
        link, target = ours / name, CHECKOUT / name
        if link.is_symlink() and link.readlink() == target:
            continue
        link.unlink(missing_ok=True)
        link.symlink_to(target, target_is_directory=True)


def main(arguments: list[str]) -> None:
    """Install both collections; doing it again changes nothing.

    ``--wheel FILE`` installs ``kubernetes.core`` alone, out of that file: how an image gets it.
    """
    if sys.prefix == sys.base_prefix:
        message = "not in a virtual environment: run this with .venv/bin/python, or run `make env`"
        raise SystemExit(message)
    collections = Path(sysconfig.get_path("purelib")) / "ansible_collections"
    if arguments[:1] == ["--wheel"]:
        unpack(Path(arguments[1]), collections)
        return
    install_kubernetes_core(collections)
    link_checkout(collections)


if __name__ == "__main__":
    main(sys.argv[1:])
