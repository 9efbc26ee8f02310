"""What the engine asks of the API server, as one small interface; ``testing.cluster`` ships a fake of it."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from playbook_engine.cluster.discovery import Discovery, Presence, Resource
from playbook_engine.cluster.errors import ForbiddenError, NotFoundError, error_in
from playbook_engine.cluster.messages import Call, Relayed, Request, Socket
from playbook_engine.cluster.transport import OnAnswer, Transport, refused
from playbook_engine.fence import Fence
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey, key_of

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
_PAGE = "500"
_WATCH_SECONDS = 290
"""So long one watch goes on."""
_PAUSE_SECONDS = 30
_OK = 200
EVENT = GroupVersionKind(group="", version="v1", kind="Event")


class Cluster(Protocol):
    """Reads and writes of plain objects. Every method raises ClusterError."""

    async def connect(self) -> None:
        """Look for credentials; raises NoCredentialsError when there are none."""
        ...

    async def presence(self, gvk: GroupVersionKind, *, fresh: bool = False) -> Presence:
        """Say whether a kind is served, looked up anew when ``fresh``; raises nothing."""
        ...

    async def is_namespaced(self, gvk: GroupVersionKind) -> bool:
        """Say whether objects of a kind are in namespaces; raises NotFoundError when it is not served."""
        ...

    async def get(self, key: ObjectKey) -> Object:
        """Read one object."""
        ...

    async def get_metadata(self, key: ObjectKey) -> Object:
        """Read the metadata of one object, and nothing of its content."""
        ...

    async def may_list(self, gvk: GroupVersionKind) -> bool:
        """Say whether the objects of a kind may be read in all namespaces."""
        ...

    async def list(
        self, gvk: GroupVersionKind, namespace: str = "", *, labels: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        """Read the objects of a kind, in one namespace or in all; each with ``apiVersion`` and ``kind``.

        ``labels`` cuts them down to those that have all of these.
        """
        ...

    async def patch(
        self, key: ObjectKey, operations: Sequence[Mapping[str, object]], *, subresource: str = ""
    ) -> Object:
        """Change an object, or a subresource of it, by a JSON patch (RFC 6902)."""
        ...

    async def apply_status(self, key: ObjectKey, document: Object, *, field_manager: str) -> Object:
        """Server-side apply ``document`` to the status subresource, taking over fields of others."""
        ...

    async def create(self, body: Object) -> Object:
        """Create an object; raises ConflictError when one of that name is there."""
        ...

    async def replace(self, body: Object) -> Object:
        """Replace an object; raises ConflictError unless it has the resourceVersion of ``body``."""
        ...

    async def create_event(self, event: Object) -> None:
        """Create an Event; raises ConflictError when one of that name is there."""
        ...

    async def update_event(self, namespace: str, name: str, change: Object) -> None:
        """Merge into an Event."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class RealCluster:
    """The API server of the kubeconfig, or of the pod's service account."""

    def __init__(self, fence: Fence | None = None, *, on_answer: OnAnswer | None = None) -> None:
        """Connect at the first request; with a ``fence``, write nothing when it is closed."""
        self._transport = Transport(fence or Fence(), on_answer=on_answer)
        self._discovery = Discovery(self._transport)

    async def connect(self) -> None:
        """Look for credentials."""
        await self._transport.connect()

    async def presence(self, gvk: GroupVersionKind, *, fresh: bool = False) -> Presence:
        """Say whether a kind is served."""
        if fresh:
            self._discovery.forget(gvk)
        return await self._discovery.presence(gvk)

    async def is_namespaced(self, gvk: GroupVersionKind) -> bool:
        """Say whether objects of a kind are in namespaces."""
        return (await self._discovery.resource(gvk)).namespaced

    async def get(self, key: ObjectKey) -> Object:
        """Read one object."""
        found: Object = await self._send(key, "GET")
        return found

    async def get_metadata(self, key: ObjectKey) -> Object:
        """Let the API server cut the object down."""
        found = await self._send(key, "GET", accept=_METADATA)
        return {"apiVersion": key.gvk.api_version, "kind": key.gvk.kind, "metadata": found["metadata"]}

    async def may_list(self, gvk: GroupVersionKind) -> bool:
        """Try it with a single object."""
        path = (await self._discovery.resource(gvk)).path()
        try:
            await self._transport.send(Request(method="GET", path=path, query={"limit": "1"}))
        except ForbiddenError:
            return False
        return True

    async def list(
        self, gvk: GroupVersionKind, namespace: str = "", *, labels: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        """Read page by page."""
        resource = await self._discovery.resource(gvk)
        found: list[Object] = []
        selector = ",".join(f"{name}={value}" for name, value in sorted((labels or {}).items()))
        first = {"limit": _PAGE, **({"labelSelector": selector} if selector else {})}
        query = first
        while True:
            request = Request(method="GET", path=resource.path(namespace=namespace), query=query)
            try:
                answer = await self._transport.send(request)
            except NotFoundError:
                self._discovery.forget(gvk)
                raise
            typed = {"apiVersion": gvk.api_version, "kind": gvk.kind}
            found += [{**typed, **item} for item in answer.get("items") or ()]
            rest = answer.get("metadata", {}).get("continue")
            if not rest:
                return found
            query = {**first, "continue": rest}

    async def table(self, gvk: GroupVersionKind, namespace: str = "") -> Object:
        """Read the objects of a kind as the table that ``kubectl get`` shows, with each whole object in its row."""
        path = (await self._discovery.resource(gvk)).path(namespace=namespace)
        query = {"includeObject": "Object"}
        table: Object = await self._transport.send(
            Request(method="GET", path=path, query=query, accept=_TABLE)
        )
        return table

    async def patch(
        self, key: ObjectKey, operations: Sequence[Mapping[str, object]], *, subresource: str = ""
    ) -> Object:
        """Change an object by a JSON patch; a failed ``test`` is an InvalidError."""
        resource = await self._discovery.resource(key.gvk)
        path = resource.path(namespace=key.namespace, name=key.name, subresource=subresource)
        request = Request(method="PATCH", path=path, body=list(operations), media=JSON_PATCH)
        changed: Object = await self._transport.send(request)
        return changed

    async def apply_status(self, key: ObjectKey, document: Object, *, field_manager: str) -> Object:
        """Server-side apply to the status subresource."""
        resource = await self._discovery.resource(key.gvk)
        path = resource.path(namespace=key.namespace, name=key.name, subresource="status")
        query = {"fieldManager": field_manager, "force": "true"}
        applied: Object = await self._transport.send(
            Request(method="PATCH", path=path, query=query, body=document, media=APPLY_PATCH)
        )
        return applied

    async def create(self, body: Object) -> Object:
        """Create an object."""
        key = key_of(body)
        resource = await self._discovery.resource(key.gvk)
        path = resource.path(namespace=key.namespace)
        created: Object = await self._transport.send(Request(method="POST", path=path, body=body))
        return created

    async def replace(self, body: Object) -> Object:
        """Replace an object."""
        replaced: Object = await self._send(key_of(body), "PUT", body=body)
        return replaced

    async def watch(
        self, gvk: GroupVersionKind, namespace: str = "", *, since: str = ""
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Give the events of a kind, ``{"type", "object"}``, from a resourceVersion on, or from the present state.

        Without ``since`` every object that is there comes first, as added. Ends after some minutes; bookmarks come in
        between. Raises ClusterError, ConflictError when ``since`` is too old.
        """
        path = (await self._discovery.resource(gvk)).path(namespace=namespace)
        query = f"?watch=true&allowWatchBookmarks=true&timeoutSeconds={_WATCH_SECONDS}"
        call = Call(method="GET", target=f"{path}{query}&resourceVersion={since}" if since else path + query)
        async with self._transport.relay(call, silence=_WATCH_SECONDS + _PAUSE_SECONDS) as answer:
            if answer.status != _OK:
                raise await refused(answer, what=f"watch {gvk}")
            rest = b""
            async for chunk in answer.chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise error_in(event["object"], what=f"watch {gvk}")
                    yield event

    def relay(self, call: Call, *, silence: float | None = None) -> AbstractAsyncContextManager[Relayed]:
        """Hand a request of somebody else on, as ``Transport.relay``."""
        return self._transport.relay(call, silence=silence)

    def socket(self, target: str, subprotocols: Sequence[str]) -> AbstractAsyncContextManager[Socket]:
        """Open a web socket, as ``Transport.socket``."""
        return self._transport.socket(target, subprotocols)

    async def named(self, prefix: str, plural: str) -> Resource | None:
        """Give what is served under a prefix by that plural, as ``Discovery.named``."""
        return await self._discovery.named(prefix, plural)

    async def create_event(self, event: Object) -> None:
        """Create an Event."""
        path = f"/api/v1/namespaces/{_namespace(event)}/events"
        await self._transport.send(Request(method="POST", path=path, body=event))

    async def update_event(self, namespace: str, name: str, change: Object) -> None:
        """Merge into an Event."""
        key = ObjectKey(gvk=EVENT, namespace=namespace, name=name)
        await self._send(key, "PATCH", body=change, media=MERGE_PATCH)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def _send(
        self,
        key: ObjectKey,
        method: str,
        *,
        body: object = None,
        media: str = "application/json",
        accept: str = "application/json",
    ) -> Any:  # noqa: ANN401 - whatever the API server says
        resource = await self._discovery.resource(key.gvk)
        path = resource.path(namespace=key.namespace, name=key.name)
        request = Request(method=method, path=path, body=body, media=media, accept=accept)
        return await self._transport.send(request)


def _namespace(event: Object) -> str:
    metadata = event["metadata"]
    return str(metadata["namespace"]) if isinstance(metadata, Mapping) else ""
