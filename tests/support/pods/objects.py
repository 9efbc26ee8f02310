"""Typed access to Kubernetes objects in their plain form, and where they come from."""

from collections.abc import Callable, Mapping
from typing import Any

type Object = Mapping[str, Any]
"""A Kubernetes object, or a part of one, as decoded JSON."""

type Reader = Callable[[str, str], Object | None]
"""Gives the object of (kind, name) in the pod's namespace, or None: ``reader("ConfigMap", "x")``."""


class PodError(Exception):
    """A pod that a kubelet could not start, or whose containers do not do what the pod promises.

    The message names the pod or container, the field, and what is wrong, with the container's last output.
    """


def required(reader: Reader, kind: str, name: str) -> Object:
    """Return the object; raises PodError like a kubelet that cannot set up a pod."""
    found = reader(kind, name)
    if found is None:
        message = f'{kind} "{name}" not found, the pod would stay in ContainerCreating'
        raise PodError(message)
    return found
