"""Earlier versions of the operator, taken out of the history of this repository, and run as they were."""

import io
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.cluster import CHECKOUT

MARKER = "molecule/upgrade/previous.yaml"
"""What a release makes of a sample; written anew with each release and with nothing else."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version in a directory of its own, with a program that runs it."""

    directory: Path
    program: Path


def revisions() -> list[str]:
    """Return the commits of the last release and of the version before this one; none in a clone without history."""
    if _git("rev-parse", "--is-shallow-repository").strip() != b"false":
        return []
    released = _git("log", "--format=%H", "--max-count=1", "--", MARKER)
    return list(dict.fromkeys((released + _git("rev-parse", "--verify", "HEAD^")).decode().split()))


def take_out(revision: str, directory: Path) -> Release:
    """Write a version into the directory, and make an environment of its own for it, with the packages that it pins."""
    checkout, environment = directory / "checkout", directory / "environment"
    with tarfile.open(fileobj=io.BytesIO(_git("archive", revision))) as archive:
        archive.extractall(checkout, filter="data")
    python = environment / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    lock = checkout / "requirements" / "runtime.lock"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--requirement", lock], check=True)
    subprocess.run([python, checkout / "tools" / "env" / "install_collections.py"], check=True)
    base = {"base": str(environment), "platbase": str(environment)}
    packages = Path(sysconfig.get_path("purelib", vars=base))
    (packages / "release.pth").write_text(f"{checkout / 'operator'}\n", encoding="utf-8")
    program = environment / "bin" / "semantic-router-operator"
    program.write_text(
        f"#!{python} -P\nimport sys\nfrom playbook_engine.cli import main\nsys.exit(main())\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return Release(checkout, program)


def _git(*arguments: str) -> bytes:
    """Run git; where there is none, or no repository, it has nothing to say."""
    try:
        return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""
