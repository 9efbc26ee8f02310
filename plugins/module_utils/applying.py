"""Writes the objects of a SemanticRouter without ever taking over a stranger's, not even one that comes meanwhile.

Server-side apply of an object that is absent makes it, and adopts one that somebody else has made a moment
before. So what is absent is applied with a version that no object can have, which the API server refuses when the
name is taken; what is ours is applied together with its uid and version, which it refuses when another object has
taken its place, or somebody has written it since it was looked at: what another operator writes is looked at before
it is overwritten. The rest is left alone.
"""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import Identity
from ansible_collections.vllm.semantic_router.plugins.module_utils.managed_fields import (
    disowning,
    entries_of,
    folding,
    is_applied_by,
    people,
    rival,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import foreign, is_ours
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import object_key
from ansible_collections.vllm.semantic_router.plugins.module_utils.strayed_ports import taking_away
from ansible_collections.vllm.semantic_router.plugins.module_utils.take_over import words_of

CLAIM = "PersistentVolumeClaim"
NO_VERSION = "1"
"""A ``resourceVersion`` that no object has: the first that is stored in a cluster is a later one."""

MOST_TRIES = 8
"""Controllers write the status of a new object at once, and each time the version that we have read is gone."""


class ChangedError(Exception):
    """The API server refused a write because the object is not as it was read."""


class ConflictError(Exception):
    """Names of ours are taken by objects of somebody else; the message names them."""


class RivalError(Exception):
    """Another operator has written an object of ours; the message names it."""


class Cluster(Protocol):
    """What is needed of an API server. Each write returns the object as it is then, and raises ChangedError."""

    def live(self, wanted: Object) -> Object | None:
        """Return the live object of this kind and name; None when there is none."""

    def apply(self, wanted: Object, manager: str) -> Object:
        """Apply it by server-side apply, with force; only to the uid and version that it names, if any."""

    def patch(self, live: Object, operations: Sequence[Mapping[str, Any]], manager: str) -> Object:
        """Change it by a JSON patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """Applies for one SemanticRouter.

    ``superseded`` are field managers whose fields become ours; what they write after that is only overwritten with
    ``takes_over``. ``shared`` are paths of fields that an autoscaler sets: when we stop applying one, a field manager
    of its own keeps the value that it has then. In a ``trial`` the API server stores nothing, so accounts of fields
    are not settled. What is not ``present``, by object key, is made without a look; without that all is looked at.
    """

    cluster: Cluster
    identity: Identity
    manager: str
    superseded: Collection[str] = ()
    shared: Sequence[Sequence[str]] = field(default=())
    takes_over: bool = False
    trial: bool = False
    present: Container[str] | None = None

    def apply(self, wanted: Sequence[Object]) -> Iterator[tuple[Object | None, Object]]:
        """Apply all, and yield each as it was and as it is; nothing is written when one name is known to be taken.

        Raises ConflictError, RivalError, and ChangedError when an object changes faster than it can be written.
        """
        pairs = [(one, self._look(one)) for one in wanted]
        conflicts = [text for _, live in pairs if live and (text := foreign(live, self.identity))]
        if conflicts:
            raise ConflictError("; ".join(conflicts))
        for _, live in pairs:
            self._refuse_rival(live)
        for one, live in pairs:
            yield self.write(one, live)

    def _look(self, wanted: Object) -> Object | None:
        """Return the live object; none where nobody has seen one, for the API server refuses to make it twice."""
        seen = self.present is None or object_key(wanted) in self.present
        return self.cluster.live(wanted) if seen else None

    def write(self, wanted: Object, live: Object | None) -> tuple[Object | None, Object]:
        """Write one object that was ``live`` when it was looked at; return it as it was just before, and as it is."""
        for _ in range(MOST_TRIES):
            try:
                return live, self._update(wanted, live) if live else self._make(wanted)
            except ChangedError:
                live = self.cluster.live(wanted)
                if live and (text := foreign(live, self.identity)):
                    raise ConflictError(text) from None
        message = (
            f"{wanted['kind']} {wanted['metadata']['name']} changes all the time: it could not be written"
        )
        raise ChangedError(message)

    def _make(self, wanted: Object) -> Object:
        return self.cluster.apply(
            _merged(wanted, {"metadata": {"resourceVersion": NO_VERSION}}), self.manager
        )

    def _update(self, wanted: Object, live: Object) -> Object:
        self._refuse_rival(live)
        live = self._settled(self._cleared(wanted, live))
        let_go = [path for path in self.shared if self._lets_go(path, wanted, live)]
        if self.trial:
            wanted = _merged(wanted, *(_at(path, live) for path in let_go))
        elif let_go:
            kept = _merged(_named(wanted, live), *(_at(path, live) for path in let_go))
            live = self.cluster.apply(kept, f"{self.manager}-kept")
        return self.cluster.apply(_merged(wanted, _named(wanted, live)), self.manager)

    def _refuse_rival(self, live: Object | None) -> None:
        """Raise RivalError when another operator has written an object after it had become ours."""
        if live is None or self.takes_over or live["kind"] == CLAIM:
            return
        found = rival(entries_of(live), self.manager)
        if found:
            metadata = live["metadata"]
            told = words_of(live["kind"], metadata["namespace"], metadata["name"], found)
            raise RivalError(f"{told}; it is left as it is, and the condition RouterReady says how to go on")

    def _cleared(self, wanted: Object, live: Object) -> Object:
        """Take away the ports that would stand beside ours: apply could not set them right."""
        if not self.identity.owns(live):
            return live
        return self._patched(live, taking_away(wanted, live, self.manager))

    def _settled(self, live: Object) -> Object:
        """Put on our account, and on no other, what we or those before us have written."""
        entries = entries_of(live)
        operations = [
            *disowning(entries, self.manager),
            *folding(entries, self.manager, self._predecessors(live)),
        ]
        return self._patched(live, operations)

    def _patched(self, live: Object, operations: Sequence[Mapping[str, Any]]) -> Object:
        if not operations or self.trial:
            return live
        same = {"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]}
        return self.cluster.patch(live, [same, *operations], self.manager)

    def _predecessors(self, live: Object) -> Collection[str]:
        """Return the field managers whose fields become ours: with an object that is given away, everybody's.

        None for claims: where a field of a volume goes, data may go.
        """
        if live["kind"] == CLAIM:
            return ()
        return self.superseded if is_ours(live, self.identity) else people(entries_of(live))

    def _lets_go(self, path: Sequence[str], wanted: Object, live: Object) -> bool:
        ours = is_applied_by(entries_of(live), self.manager, path)
        return ours and _value(path, live) is not None and _value(path, wanted) is None


def _value(path: Sequence[str], found: Object) -> Any:  # noqa: ANN401 - any field
    value: Any = found
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _at(path: Sequence[str], live: Object) -> dict[str, Any]:
    """Return an object with nothing but the live value at ``path``."""
    value = _value(path, live)
    for name in reversed(path):
        value = {name: value}
    return dict(value)


def _named(wanted: Object, live: Object) -> dict[str, Any]:
    """Return an object with nothing but what says which one it is, as it was read."""
    names = {key: wanted["metadata"][key] for key in ("name", "namespace")}
    identity = {**names, **{key: live["metadata"][key] for key in ("uid", "resourceVersion")}}
    return {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": identity}


def _merged(one: Object, *others: Object) -> dict[str, Any]:
    merged = dict(one)
    for other in others:
        for key, value in other.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = _merged(merged[key], value) if both else value
    return merged
