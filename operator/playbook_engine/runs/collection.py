"""The engine's own ``operator_sdk.util``, for projects that use that collection in an image that does not carry it."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parents[1] / "collections"
MODULES = ("operator_sdk.util.k8s_event", "operator_sdk.util.k8s_status")
"""Those of its modules that a warm run need not start a process for."""

_PLACE = "ansible_collections/operator_sdk/util"
_USUAL = "/usr/share/ansible/collections:~/.ansible/collections"
_VARIABLE = "ANSIBLE_COLLECTIONS_PATH"


def is_own(environ: Mapping[str, str], beside: Iterable[str] = tuple(sys.path)) -> bool:
    """Whether no other collection of that name is where Ansible looks; ``beside`` is where Python does."""
    told = (environ.get(_VARIABLE) or _USUAL).split(os.pathsep)
    return not any(Path(place).expanduser().joinpath(_PLACE).is_dir() for place in (*told, *beside) if place)


def python_path(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variable by which Ansible finds it: after all places that it is told of, beside itself."""
    if not is_own(environ):
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, (environ.get("PYTHONPATH"), str(COLLECTIONS))))}
