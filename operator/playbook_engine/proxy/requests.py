"""What is done to the requests of a run before they are sent, and learnt from their answers."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import parse_qs

from playbook_engine.cluster.discovery import Resource
from playbook_engine.cluster.errors import ClusterError
from playbook_engine.cluster.messages import Call, Relayed, Socket
from playbook_engine.cluster.transport import refused
from playbook_engine.objects import (
    GroupVersionKind,
    Object,
    ObjectKey,
    gvk_of,
    mapping,
    metadata_of,
    uid_of,
)
from playbook_engine.observability.logs import get_logger
from playbook_engine.proxy.bodies import NotReadableError, read_body
from playbook_engine.proxy.owning import references
from playbook_engine.proxy.sessions import Session
from playbook_engine.proxy.targets import Target

READING = frozenset({"GET", "HEAD", "OPTIONS"})
MERGE = "application/merge-patch+json"
APPLY = frozenset({"application/apply-patch+yaml", "application/apply-patch+cbor"})
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_REAL = frozenset({"get", "delete"})
_OK, _NOT_FOUND = range(200, 300), 404

log = get_logger(__name__)


class Upstream(Protocol):
    """The API server, as the engine reaches it."""

    def relay(self, call: Call, *, silence: float | None = None) -> AbstractAsyncContextManager[Relayed]:
        """Hand a request on."""
        ...

    def socket(self, target: str, subprotocols: Sequence[str]) -> AbstractAsyncContextManager[Socket]:
        """Open a web socket."""
        ...

    async def named(self, prefix: str, plural: str) -> Resource | None:
        """Give what is served by that plural."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a request is about: a resource that the API server serves, and whether it is only a trial."""

    target: Target
    gvk: GroupVersionKind
    namespaced: bool
    rehearsal: bool

    @property
    def key(self) -> ObjectKey:
        """Give the key of the object that the path names."""
        return ObjectKey(gvk=self.gvk, namespace=self.target.namespace, name=self.target.name)


class Requests:
    """Owns what runs create, and hears of what is theirs."""

    def __init__(self, upstream: Upstream, *, namespaces: tuple[str, ...] = ()) -> None:
        """Leave alone what is outside ``namespaces``, when some are given."""
        self._upstream = upstream
        self._namespaces = frozenset(namespaces)

    async def subject(self, session: Session, target: Target | None, query: str) -> Subject | None:
        """Give what a request is about when it is about an object that can have an owner; raises ClusterError."""
        if target is None or target.subresource or self._is_outside(target.namespace):
            return None
        resource = await self._upstream.named(target.prefix, target.plural)
        if resource is None or not resource.verbs >= _REAL:
            return None
        gvk = GroupVersionKind(group=target.group, version=target.version, kind=resource.kind)
        if gvk in session.policy.ignored:
            return None
        rehearsal = "dryRun" in parse_qs(query)
        return Subject(target=target, gvk=gvk, namespaced=resource.namespaced, rehearsal=rehearsal)

    async def owned(self, session: Session, subject: Subject, call: Call) -> Call:
        """Give a write with what makes its object the owner's, where that has to be added; raises ClusterError."""
        media = _media(call.headers)
        try:
            body = read_body(call.body, media)
        except NotReadableError as error:
            log.warning("an object of a run gets no owner", path=call.target, reason=str(error))
            return call
        changed = await self._changed(session, subject, call.method, media, body)
        return call if changed is None else replace(call, body=json.dumps(changed).encode())

    def learn(self, session: Session, subject: Subject, method: str, answer: bytes) -> None:
        """Take note of what the answer to a request that succeeded says about the owner's objects."""
        if subject.rehearsal or not session.watches(subject.gvk, namespaced=subject.namespaced):
            return
        found = mapping(_decoded(answer))
        if method == "DELETE" and not metadata_of(found).get("deletionTimestamp"):
            if subject.target.name:  # it is gone, and the answer tells of it, or is what it was
                uid = mapping(found.get("details")).get("uid") or uid_of(found)
                session.deleted(subject.key, str(uid))
        elif gvk_of(found) == subject.gvk and uid_of(found) and session.owner.owns(found):
            session.saw(found)

    async def _changed(
        self, session: Session, subject: Subject, method: str, media: str, body: object
    ) -> Object | None:
        owner, namespace = session.owner, subject.target.namespace
        if not isinstance(body, dict) or method == "DELETE" or owner.owns(body):
            return None
        if method == "POST":
            return None if references(metadata_of(body)) else owner.adopt(body, namespace)
        if method == "PUT" or media in APPLY:
            live = await self._live(subject)
            wanted = owner.owns(live) if live else not references(metadata_of(body))
            return owner.adopt(body, namespace) if wanted else None
        if media == MERGE and "ownerReferences" in metadata_of(body):
            live = await self._live(subject)
            return owner.adopt(body, namespace) if live and owner.owns(live) else None
        return None

    async def _live(self, subject: Subject) -> Object | None:
        """Read the metadata of an object as it is, None when there is none."""
        target = subject.target
        within = f"/namespaces/{target.namespace}" if target.namespace else ""
        path = f"{target.prefix}{within}/{target.plural}/{target.name}"
        call = Call(method="GET", target=path, headers={"Accept": _METADATA})
        async with self._upstream.relay(call) as answer:
            if answer.status == _NOT_FOUND:
                return None
            if answer.status not in _OK:
                error: ClusterError = await refused(answer, what=f"GET {path}")
                raise error
            found = _decoded(await answer.read())
        return found if isinstance(found, dict) else None

    def _is_outside(self, namespace: str) -> bool:
        return bool(self._namespaces and namespace and namespace not in self._namespaces)


def _media(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - whatever the API server says
    try:
        return json.loads(body)
    except ValueError:
        return None
