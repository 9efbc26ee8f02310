"""The volume that keeps downloaded models: which claim the pods mount, and whether it may be made or changed.

A claim holds data. What cannot be changed without losing it is left alone and told.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import find, is_ours
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false, true

DEFAULT_SIZE = "10Gi"
DEFAULT_ACCESS_MODE = "ReadWriteOnce"
DEFAULT_CLASS_ANNOTATION = "storageclass.kubernetes.io/is-default-class"
CLAIM_SUFFIX = "models"
MOST_LISTED = 10

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_SUFFIXES = {
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    "m": Decimal("1e-3"),
    "": Decimal(1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePlan:
    """``claim`` is the name that the pods mount, empty for none; ``make`` says whether ours is to be applied.

    As long as ``ready`` is false, no pod that needs the claim could start.
    """

    claim: str
    make: bool
    size: str
    access_mode: str
    storage_class: str
    condition: Condition
    ready: bool


def resolve_volume(resource: Object, observed: Mapping[str, Any]) -> VolumePlan:
    """Plan the volume of ``spec.persistence``."""
    wanted = section(spec_of(resource), "persistence")
    if not wanted.get("enabled", True):
        text = "no volume is wanted: every new pod downloads its models again"
        return _plan(wanted, condition=true("Disabled", text))
    if wanted.get("existingClaim"):
        return _existing(wanted, resource, observed)
    return _own(wanted, resource, observed)


def quantity(text: object) -> Decimal:
    """Read a quantity of Kubernetes, such as ``10Gi`` or ``1500M``; raises ValueError."""
    plain = str(text)
    digits = plain.rstrip("KMGTPEkmi")
    suffix = plain[len(digits) :]
    if suffix not in _SUFFIXES or not _NUMBER.fullmatch(digits):
        raise ValueError(f"{plain!r} is no quantity")
    return Decimal(digits) * _SUFFIXES[suffix]


def _plan(wanted: Mapping[str, Any], *, condition: Condition, **chosen: Any) -> VolumePlan:  # noqa: ANN401
    """Fill in what the specification says, and for what is not ``chosen`` that no claim is mounted or made."""
    plan = VolumePlan(
        claim="",
        make=False,
        size=str(wanted.get("size") or DEFAULT_SIZE),
        access_mode=str(wanted.get("accessMode") or DEFAULT_ACCESS_MODE),
        storage_class="",
        condition=condition,
        ready=True,
    )
    return replace(plan, **chosen)


def _existing(wanted: Mapping[str, Any], resource: Object, observed: Mapping[str, Any]) -> VolumePlan:
    name = str(wanted["existingClaim"])
    place = f"PersistentVolumeClaim {resource['metadata']['namespace']}/{name}"
    if any(
        claim["metadata"]["name"] == name for claim in section(observed, "references").get("claims") or ()
    ):
        return _plan(wanted, claim=name, condition=true("ClaimFound", f"{place} is used as it is"))
    text = f"{place} does not exist: create it, or remove spec.persistence.existingClaim to get one made"
    return _plan(wanted, claim=name, condition=false("ClaimNotFound", text), ready=False)


def _own(wanted: Mapping[str, Any], resource: Object, observed: Mapping[str, Any]) -> VolumePlan:
    identity = identity_of(resource)
    name = identity.name_of(CLAIM_SUFFIX)
    live = find(observed, "PersistentVolumeClaim", identity, name)
    classes = _Classes(observed)
    if live is not None and is_ours(live, identity):
        return _kept(wanted, live, classes)
    problem = classes.problem(wanted)
    if problem:
        return _plan(wanted, claim=name, condition=problem, ready=False)
    chosen = classes.choice(wanted)
    text = f"PersistentVolumeClaim {identity.namespace}/{name} is made with StorageClass {chosen}"
    return _plan(wanted, claim=name, storage_class=chosen, make=True, condition=true("ClaimMade", text))


def _kept(wanted: Mapping[str, Any], live: Object, classes: "_Classes") -> VolumePlan:
    """Our claim is there. Growing is all that can be done to it; it goes on serving whatever else is asked for."""
    name, storage_class = live["metadata"]["name"], str(live["spec"].get("storageClassName") or "")
    if live["metadata"].get("deletionTimestamp"):
        text = (
            f"PersistentVolumeClaim {live['metadata']['namespace']}/{name} is being deleted, which waits until no pod"
            " uses it; a new one is made then"
        )
        return _plan(
            wanted, claim=name, storage_class=storage_class, condition=false("ClaimTerminating", text)
        )
    problems = list(_impossible(wanted, live, classes))
    if problems:
        text = f"PersistentVolumeClaim {live['metadata']['namespace']}/{name} stays as it is: {'; '.join(problems)}"
        return _plan(wanted, claim=name, storage_class=storage_class, condition=false("ImmutableField", text))
    text = f"PersistentVolumeClaim {live['metadata']['namespace']}/{name} is there"
    return _plan(
        wanted, claim=name, storage_class=storage_class, make=True, condition=true("ClaimMade", text)
    )


def _impossible(wanted: Mapping[str, Any], live: Object, classes: "_Classes") -> Iterator[str]:
    spec = live["spec"]
    asked, has = str(wanted.get("size") or DEFAULT_SIZE), str(spec["resources"]["requests"]["storage"])
    named = str(spec.get("storageClassName") or "")
    if quantity(asked) < quantity(has):
        yield f"a volume cannot shrink from {has} to {asked}: set spec.persistence.size to {has} or more"
    if quantity(asked) > quantity(has) and not classes.may_grow(named):
        yield f"StorageClass {named} does not let volumes grow: set spec.persistence.size to {has}"
    if wanted.get("storageClassName") and wanted["storageClassName"] != named:
        yield (
            f"its StorageClass is {named} for ever: set spec.persistence.storageClassName to that, or move the"
            " data to a claim of your own and name it under existingClaim"
        )
    mode = str(wanted.get("accessMode") or DEFAULT_ACCESS_MODE)
    if mode not in (spec.get("accessModes") or ()):
        has_modes = ", ".join(spec.get("accessModes") or ())
        yield f"its access mode is {has_modes} for ever: set spec.persistence.accessMode to that"


@dataclass(frozen=True, slots=True)
class _Classes:
    """The StorageClasses of the cluster."""

    observed: Mapping[str, Any]

    @property
    def all(self) -> list[Mapping[str, Any]]:
        return list(section(self.observed, "references").get("storage_classes") or ())

    def may_grow(self, name: str) -> bool:
        return any(one["name"] == name and one.get("allowVolumeExpansion") for one in self.all)

    def choice(self, wanted: Mapping[str, Any]) -> str:
        """The class that is asked for, else the cluster's default class; of several the newest, like the cluster."""
        if wanted.get("storageClassName"):
            return str(wanted["storageClassName"])
        defaults = [one for one in self.all if one.get("isDefault") == "true"]
        newest = sorted(defaults, key=lambda one: (str(one.get("created") or ""), str(one["name"])))
        return str(newest[-1]["name"]) if newest else ""

    def problem(self, wanted: Mapping[str, Any]) -> Condition | None:
        errors = section(self.observed, "errors").get("storage_classes") or ()
        for error in errors:
            text = f"StorageClasses cannot be read ({error['reason']}), so no claim is made yet; it is tried again"
            return false("StorageClassUnknown", text)
        names = [str(one["name"]) for one in self.all]
        known = ", ".join(sorted(names)[:MOST_LISTED]) or "none"
        asked = wanted.get("storageClassName")
        if asked and asked not in names:
            text = (
                f"StorageClass {asked} does not exist, there is: {known}. Create it, or change"
                " spec.persistence.storageClassName"
            )
            return false("StorageClassNotFound", text)
        if not self.choice(wanted):
            text = (
                f"the cluster has no default StorageClass, there is: {known}. Name one under"
                " spec.persistence.storageClassName, or set spec.persistence.enabled to false"
            )
            return false("NoDefaultStorageClass", text)
        return None
