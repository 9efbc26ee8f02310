"""Filters around the apply: manifests become objects of their SemanticRouter, which the next roles see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils import ownership, take_over
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, plain


def claimed(manifests: Sequence[Object], resource: Object) -> list[dict[str, Any]]:
    """Complete manifests with namespace, labels and owner; leave out what is null."""
    return ownership.claimed(plain(manifests), resource)


def owner(resource: Object) -> dict[str, str]:
    """Return who the resource is, and nothing of its content, as the module ``apply`` wants it."""
    return asdict(identity_of(resource))


def takes_over(resource: Object) -> bool:
    """Whether somebody has said that another operator, which wrote the same objects, has ended."""
    return take_over.takes_over(resource)


def present(observed: Mapping[str, Any]) -> list[str] | None:
    """Return the keys of the objects that are there, as the module ``apply`` wants them; None when nobody knows."""
    return ownership.present(observed)


def with_applied(
    observed: Mapping[str, Any], applied: Mapping[str, Mapping[str, str]], resource: Object
) -> dict[str, Any]:
    """Return ``observed`` as it is after an apply: with the objects whose fingerprints are ``applied``.

    So a role sees what an earlier one has made in the same run. Nothing but their metadata is known.
    """
    return ownership.with_applied(observed, applied, identity_of(resource))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "claimed": claimed,
            "owner": owner,
            "present": present,
            "takes_over": takes_over,
            "with_applied": with_applied,
        }
