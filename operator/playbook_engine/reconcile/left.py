"""How runs have left the objects that they applied: nobody has to apply again what nobody has touched since. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from playbook_engine.objects import Object, digest, key_of, mapping, metadata_of, uid_of
from playbook_engine.reconcile.observation import Observation, left_alone, live_objects


@dataclass(frozen=True, slots=True)
class Left:
    """One object: a digest of how it was left, and the run's own of what it has applied."""

    state: str
    wanted: str


def untouched(observation: Observation, left: Mapping[str, Left]) -> dict[str, str]:
    """Give what was applied, as the run's digest by key, of each object of the resource's own that is as it was left.

    Another specification is seen by the generation, where there is one, so that the writes of a status do not count;
    everything else by the resource version. Fields of ours that somebody else has taken change the fingerprint.
    """
    live = live_objects(observation)
    states = {
        key: _state(uid_of(found), live[key][1], _edition(found))
        for objects in observation.owned.values()
        for found in objects
        for key in (str(key_of(found)),)
        if key in live and key in left
    }
    return {key: left[key].wanted for key, state in states.items() if left[key].state == state}


def left_objects(custom: Mapping[str, object], left: Mapping[str, Left]) -> dict[str, Left]:
    """Read from what a run handed back how it has left objects; what it has not looked at is as it was.

    An object without the digest of what was applied is not remembered, and will be applied again.
    """
    reported = {str(key): mapping(value) for key, value in mapping(custom.get("objects")).items()}
    kept = {key: left[key] for key in left_alone(custom) if key in left}
    return kept | {
        key: Left(
            _state(
                str(one.get("uid") or ""),
                str(one.get("fields") or ""),
                str(one.get("generation") or one.get("version") or ""),
            ),
            str(one["wanted"]),
        )
        for key, one in reported.items()
        if one.get("wanted")
    }


def _edition(found: Object) -> str:
    metadata = metadata_of(found)
    return str(metadata.get("generation") or metadata.get("resourceVersion") or "")


def _state(uid: str, fields: str, edition: str) -> str:
    return digest([uid, fields, edition])
