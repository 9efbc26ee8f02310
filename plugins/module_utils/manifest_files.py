"""Objects as files of a directory, for people who keep manifests under version control."""

import os
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, from_yaml, to_yaml

SECRET_MODE, MODE = 0o600, 0o644


def file_name(wanted: Object) -> str:
    """Return the name of an object's file; the same for the same object, and no two objects share one."""
    return f"{wanted['kind'].lower()}-{wanted['metadata']['name']}.yaml"


def write_files(
    directory: Path, objects: Sequence[Object], *, trial: bool = False
) -> list[tuple[Object | None, Object]]:
    """Write each object into a file; return each as its file was and as it is. A ``trial`` writes nothing.

    Files of Secrets are readable by their owner only. Raises OSError.
    """
    if objects and not trial:
        directory.mkdir(parents=True, exist_ok=True)
    return [_written(directory / file_name(one), one, trial=trial) for one in objects]


def _written(path: Path, wanted: Object, *, trial: bool) -> tuple[Object | None, Object]:
    text = to_yaml(wanted)
    before = path.read_text(encoding="utf-8") if path.exists() else None
    if before != text and not trial:
        _replace(path, text, SECRET_MODE if wanted["kind"] == "Secret" else MODE)
    return _read(before), wanted


def _read(text: str | None) -> Object | None:
    try:
        found = from_yaml(text) if text is not None else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"kind", "metadata"} <= set(found) else None


def _replace(path: Path, text: str, mode: int) -> None:
    """Nobody ever finds half a file, or a Secret that others can read."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
