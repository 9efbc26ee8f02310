"""What a pass knows of the world around a resource, and the digests that say whether it is settled. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from playbook_engine.objects import (
    Object,
    digest,
    generation_of,
    key_of,
    mapping,
    metadata_of,
    owner_uids,
    uid_of,
)
from playbook_engine.watches.records import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was gathered for one resource.

    ``references`` and ``errors`` are by the name of the reference; ``owned`` by kind, with objects that only have a
    declared name; ``prints`` are fingerprints, ``writers`` who has written, ``versions`` resource versions of owned
    objects that are not watched, ``states`` what runs depend on of the state of owned objects; all by object key.
    ``problems`` are expressions that failed.
    """

    resource: Object
    references: Mapping[str, list[object]] = field(default_factory=dict)
    counted: Mapping[str, list[object]] = field(default_factory=dict)
    """Of the references those for whose sake a run is made."""

    errors: Mapping[str, list[Mapping[str, str]]] = field(default_factory=dict)
    owned: Mapping[str, list[Object]] = field(default_factory=dict)
    apis: Mapping[str, str] = field(default_factory=dict)
    prints: Mapping[str, str] = field(default_factory=dict)
    writers: Mapping[str, list[dict[str, object]]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, object] = field(default_factory=dict)
    dependents: Mapping[str, list[str]] = field(default_factory=dict)
    """``[uid, print]`` of objects that runs have made of kinds that the entry does not name, by object key."""

    problems: tuple[str, ...] = ()
    glimpses: Mapping[str, list[object]] = field(default_factory=dict)
    """What only the status tells of; runs do not see it."""

    untouched: Mapping[str, str] = field(default_factory=dict)
    """What runs have applied of objects that are as the last run left them, as its digest by object key."""

    look_again_seconds: float = float("inf")
    """When something that is not watched has to be read again."""

    def as_variable(self) -> dict[str, object]:
        """Give the run variable ``observed``."""
        return {
            "references": self.references,
            "errors": self.errors,
            "owned": self.owned,
            "writers": self.writers,
            "apis": self.apis,
            "untouched": self.untouched,
        }


def input_digest(watch: Watch, observation: Observation, *, operation: str, content: str) -> str:
    """Digest everything that a run depends on but the state of the objects that it makes.

    Objects that have a declared name and belong to somebody else count too, with their annotations, since roles
    leave them alone until somebody says otherwise, and those that are being deleted, since roles can only make
    them again when they are gone. The specification counts by its generation: it may hold a password, which a
    digest that everybody can read would let one guess.
    """
    generation = generation_of(observation.resource)
    annotations = mapping(metadata_of(observation.resource).get("annotations"))
    return digest(
        {
            "operation": operation,
            "content": content,
            "playbook": str(watch.playbook),
            "field_manager": watch.field_manager,
            "vars": watch.vars,
            "uid": uid_of(observation.resource),
            "spec": _wanted(watch, observation.resource) if generation is None else generation,
            "annotations": annotations
            if watch.watch_annotations
            else {name: annotations.get(name) for name in watch.trigger_annotations},
            "references": observation.counted,
            "errors": observation.errors,
            "apis": observation.apis,
            "foreign": _foreign(observation),
            "going": _going(observation),
            "versions": observation.versions,
            "states": observation.states,
        }
    )


def _wanted(watch: Watch, resource: Object) -> object:
    """Give what counts of a resource that has no generation, as those of the core kinds have none.

    All of its content counts where the digest stays in the engine.
    """
    if not watch.is_compatible:
        return resource.get("spec")
    unimportant = ("metadata", "status")
    return {name: value for name, value in resource.items() if name not in unimportant}


def _is_own(observation: Observation, found: Object) -> bool:
    """Whether the resource owns an object, or its runs have applied it and nobody owns it.

    What a resource of the same name has left behind is somebody else's: it was applied, and has another owner.
    """
    owners = owner_uids(found)
    return uid_of(observation.resource) in owners or (
        not owners and bool(observation.prints.get(str(key_of(found))))
    )


def _foreign(observation: Observation) -> list[list[object]]:
    return [
        [str(key_of(found)), uid_of(found), metadata_of(found).get("annotations") or {}]
        for objects in observation.owned.values()
        for found in objects
        if not _is_own(observation, found)
    ]


def _going(observation: Observation) -> list[list[str]]:
    return [
        [str(key_of(found)), uid_of(found)]
        for objects in observation.owned.values()
        for found in objects
        if metadata_of(found).get("deletionTimestamp")
    ]


def live_objects(observation: Observation) -> dict[str, list[str]]:
    """Give ``[uid, fingerprint]`` of every object of the resource's own, by key.

    Objects that are being deleted do not count: they are as good as gone. Dependents have a print of their content.
    """
    return dict(observation.dependents) | {
        key: [uid_of(found), observation.prints.get(key, "")]
        for objects in observation.owned.values()
        for found in objects
        if not metadata_of(found).get("deletionTimestamp")
        for key in (str(key_of(found)),)
        if _is_own(observation, found)
    }


def own_objects(observation: Observation) -> dict[str, list[Object]]:
    """Give the objects that the status speaks of, by kind: those of the resource's own that are not going."""
    live = live_objects(observation)
    return {
        kind: [found for found in objects if str(key_of(found)) in live]
        for kind, objects in observation.owned.items()
    }


def reported_objects(custom: Mapping[str, object]) -> dict[str, list[str]]:
    """Read ``[uid, fingerprint]`` by key from what a run handed back under ``objects``."""
    alone = left_alone(custom)
    return {
        str(key): [str(mapping(value).get("uid") or ""), str(mapping(value).get("fields") or "")]
        for key, value in mapping(custom.get("objects")).items()
        if key not in alone
    }


def left_alone(custom: Mapping[str, object]) -> frozenset[str]:
    """Read from the same the keys of objects that the run has not looked at, since nobody had touched them."""
    reported = mapping(custom.get("objects"))
    return frozenset(str(key) for key, value in reported.items() if mapping(value).get("untouched"))
