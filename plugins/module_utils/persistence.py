"""The volume that keeps downloaded models: which claim the pods mount, and what becomes of the one that is ours.

A claim holds data. What cannot be changed without losing it is left alone and told, and no edit of the resource
deletes it. Once it is there it is applied whether pods mount it or not, so that ``retentionPolicy`` always counts.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import Identity, identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    is_autoscaled,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import (
    OWNER_ANNOTATION,
    find,
    is_ours,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.quantities import quantity
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import (
    Condition,
    false,
    true,
    warning,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.storage_classes import StorageClasses

CLAIM = "PersistentVolumeClaim"
CLAIM_SUFFIX = "models"
DEFAULT_SIZE = "10Gi"
DEFAULT_ACCESS_MODE = "ReadWriteOnce"
RETAIN = "Retain"

type Wanted = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePlan:
    """``claim`` is the name that the pods mount, empty for none; ``own`` that of the claim that is or would be ours.

    ``make`` says whether ours is to be applied, with the fields below it; ``kept`` that it is there already. As long
    as ``ready`` is false, no pod that needs the claim could start.
    """

    claim: str
    own: str
    make: bool
    kept: bool
    size: str
    access_modes: tuple[str, ...]
    storage_class: str | None
    condition: Condition
    ready: bool = True

    @property
    def access_mode(self) -> str:
        """The first access mode."""
        return self.access_modes[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What decides: the specification, the claim of ours if it is there, and the classes."""

    wanted: Wanted
    identity: Identity
    live: Object | None
    classes: StorageClasses
    pods: int

    @property
    def asked_class(self) -> str:
        return str(self.wanted.get("storageClassName") or "")

    def place(self, name: str) -> str:
        return f"{CLAIM} {self.identity.namespace}/{name}"


def resolve_volume(resource: Object, observed: Mapping[str, Any]) -> VolumePlan:
    """Plan the volume of ``spec.persistence``."""
    world = _world(resource, observed)
    plan = _base(world)
    if not world.wanted.get("enabled", True):
        text = f"no volume is wanted: every new pod downloads its models again{_stays(world, plan)}"
        return replace(plan, condition=true("Disabled", text))
    if world.wanted.get("existingClaim"):
        return _existing(world, plan, observed)
    return _new(world, plan) if world.live is None else _there(world, plan, world.live)


def claims_to_release(resource: Object, observed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return JSON patches that take the owner reference from claims of the resource that shall outlive it.

    Server-side apply takes it away only when nobody else has ever written it; whoever set it, the claim would be
    deleted with the resource.
    """
    identity = identity_of(resource)
    name = identity.name_of(CLAIM_SUFFIX)
    live = find(observed, CLAIM, identity, name)
    retained = section(spec_of(resource), "persistence").get("retentionPolicy") == RETAIN
    if live is None or not retained or not identity.uid or not identity.owns(live):
        return []  # without a uid nothing was ever owned by reference
    return [{"name": name, "namespace": identity.namespace, "patch": list(_releasing(live, identity))}]


def _releasing(live: Object, identity: Identity) -> Iterator[dict[str, Any]]:
    metadata = live["metadata"]
    uids = [reference.get("uid") for reference in metadata["ownerReferences"]]
    place = f"/metadata/ownerReferences/{uids.index(identity.uid)}"
    yield {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]}
    yield {"op": "test", "path": f"{place}/uid", "value": identity.uid}
    yield {"op": "remove", "path": place}
    if metadata.get("annotations"):
        path = f"/metadata/annotations/{OWNER_ANNOTATION.replace('/', '~1')}"
        yield {"op": "add", "path": path, "value": identity.uid}
    else:
        yield {"op": "add", "path": "/metadata/annotations", "value": {OWNER_ANNOTATION: identity.uid}}


def _world(resource: Object, observed: Mapping[str, Any]) -> _World:
    identity, spec = identity_of(resource), spec_of(resource)
    live = find(observed, CLAIM, identity, identity.name_of(CLAIM_SUFFIX))
    scaled = section(spec, "autoscaling").get("maxReplicas") or 10 if is_autoscaled(resource) else None
    return _World(
        wanted=section(spec, "persistence"),
        identity=identity,
        live=live if live is not None and is_ours(live, identity) else None,
        classes=StorageClasses(observed),
        pods=int(scaled or spec.get("replicas") or 1),
    )


def _base(world: _World) -> VolumePlan:
    """Mount nothing, and keep the claim of ours as it is; without one, say what a new one would be."""
    spec = world.live["spec"] if world.live else {}
    modes = spec.get("accessModes") or [world.wanted.get("accessMode") or DEFAULT_ACCESS_MODE]
    return VolumePlan(
        claim="",
        own=world.identity.name_of(CLAIM_SUFFIX),
        make=world.live is not None and not world.live["metadata"].get("deletionTimestamp"),
        kept=world.live is not None,
        size=str(_size(world.live) if world.live else world.wanted.get("size") or DEFAULT_SIZE),
        access_modes=tuple(str(mode) for mode in modes),
        storage_class=spec.get("storageClassName"),
        condition=true("Disabled", ""),
    )


def _size(live: Object) -> str:
    return str(live["spec"]["resources"]["requests"]["storage"])


def _stays(world: _World, plan: VolumePlan) -> str:
    """Say of a claim that no pod mounts any more that it is still there."""
    return f"; {world.place(plan.own)} keeps its data until you delete it" if plan.kept else ""


def _existing(world: _World, plan: VolumePlan, observed: Mapping[str, Any]) -> VolumePlan:
    name = str(world.wanted["existingClaim"])
    plan, place = replace(plan, claim=name), world.place(name)
    found = [
        one for one in section(observed, "references").get("claims") or () if one["metadata"]["name"] == name
    ]
    if not found:
        text = f"{place} does not exist: create it, or remove spec.persistence.existingClaim to get one made"
        return replace(plan, condition=false("ClaimNotFound", text), ready=False)
    if found[0]["metadata"].get("deletionTimestamp"):
        text = f"{place} is being deleted: name another one under spec.persistence.existingClaim, or remove that field"
        return replace(plan, condition=false("ClaimTerminating", text), ready=False)
    text = f"{place} is used as it is{_stays(world, plan) if name != plan.own else ''}"
    told = _sharing(world, place, section(found[0], "spec").get("accessModes") or ())
    return replace(plan, condition=told or true("ClaimFound", text))


def _new(world: _World, plan: VolumePlan) -> VolumePlan:
    problem = world.classes.problem(world.asked_class)
    plan = replace(plan, claim=plan.own)
    if problem:
        return replace(plan, condition=problem, ready=False)
    chosen, place = world.classes.choice(world.asked_class), world.place(plan.own)
    told = _sharing(world, place, plan.access_modes)
    text = f"{place} is made with StorageClass {chosen}"
    return replace(plan, storage_class=chosen, make=True, condition=told or true("ClaimMade", text))


def _there(world: _World, plan: VolumePlan, live: Object) -> VolumePlan:
    """Ours is there. Growing is all that can be done to it; it goes on serving whatever else is asked for."""
    plan, place = replace(plan, claim=plan.own), world.place(plan.own)
    if not plan.make:
        text = f"{place} is being deleted, which waits until no pod uses it; a new one is made then"
        return replace(plan, condition=false("ClaimTerminating", text))
    asked, has = str(world.wanted.get("size") or DEFAULT_SIZE), plan.size
    grows = quantity(asked) > quantity(has)
    bound = section(live, "status").get("phase") == "Bound"
    problems = [*_size_problems(world, plan, asked), *_immutable(world, live)]
    if grows and bound and not any(_size_problems(world, plan, asked)):
        plan = replace(plan, size=asked)
    if problems:
        text = f"{place} stays as it is: {'; '.join(problems)}"
        return replace(plan, condition=false("ImmutableField", text))
    text = f"{place} is there"
    if grows:
        text += f" and grows from {has} to {asked}" + ("" if bound else " as soon as it is bound to a volume")
    if live["metadata"].get("annotations", {}).get(OWNER_ANNOTATION) not in (None, world.identity.uid):
        text += (
            f"; an earlier {world.identity.kind} {world.identity.name} left it, and its data are used again"
        )
    told = _sharing(world, place, live["spec"].get("accessModes") or ())
    return replace(plan, condition=told or true("ClaimMade", text))


def _size_problems(world: _World, plan: VolumePlan, asked: str) -> Iterator[str]:
    has = plan.size
    if quantity(asked) < quantity(has):
        yield f"a volume cannot shrink from {has} to {asked}: set spec.persistence.size to {has} or more"
    if quantity(asked) > quantity(has):
        problem = world.classes.growth_problem(plan.storage_class or "")
        if problem:
            yield f"it cannot grow from {has} to {asked}, because {problem}: set spec.persistence.size to {has}"


def _immutable(world: _World, live: Object) -> Iterator[str]:
    named, modes = str(live["spec"].get("storageClassName") or ""), live["spec"].get("accessModes") or ()
    if world.asked_class and world.asked_class != named:
        yield (
            f"its StorageClass is {named} for ever: set spec.persistence.storageClassName to that, or move the"
            " data to a claim of your own and name it under spec.persistence.existingClaim"
        )
    if (world.wanted.get("accessMode") or DEFAULT_ACCESS_MODE) not in modes:
        yield f"its access mode is {', '.join(modes)} for ever: set spec.persistence.accessMode to that"


def _sharing(world: _World, place: str, modes: Collection[str]) -> Condition | None:
    """Tell what the access modes of the mounted claim mean for the pods; None when they mean nothing bad."""
    if not modes or "ReadWriteMany" in modes:
        return None
    many = f"up to {world.pods} pods share {place}"
    remedy = "a claim with ReadWriteMany lets them run anywhere"
    if "ReadWriteOnce" in modes:
        text = f"{many}, which can be on one node only (ReadWriteOnce), so all of them run on that node: {remedy}"
        return warning("OneNode", text) if world.pods > 1 else None
    if "ReadWriteOncePod" in modes:
        text = f"{many}, which one pod only can use (ReadWriteOncePod): set spec.replicas to 1; {remedy}"
        return false("OnePod", text) if world.pods > 1 else None
    text = (
        f"{place} cannot be written (ReadOnlyMany), so no model can be downloaded: all of them must be there"
    )
    return warning("ReadOnly", text)
