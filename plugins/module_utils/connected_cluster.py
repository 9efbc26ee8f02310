"""The API server of a cluster, for modules: by the client of ``kubernetes.core``, which knows how to log in.

``written_cluster`` is the same for a cluster that a file describes, as far as looking goes.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.kubernetes.core.plugins.module_utils.ansiblemodule import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import K8SClient, get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
from ansible_collections.vllm.semantic_router.plugins.module_utils.applying import ChangedError
from ansible_collections.vllm.semantic_router.plugins.module_utils.observing import Kind, UnreadableError
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import (
    ConflictError,
    DynamicApiError,
    NotFoundError,
    ResourceNotFoundError,
    TooManyRequestsError,
    UnprocessibleEntityError,
)
from urllib3.exceptions import HTTPError

FAILURES = (ApiException, CoreException, DynamicApiError, HTTPError, ResourceNotFoundError)
"""What a request raises, but for what the methods below say."""

MOST_PATIENCE_SECONDS = 60.0
"""So long a request is repeated to an API server that has too much to do; after that the task fails."""

_REFUSALS = (401, 403)


def module_of(arguments: Mapping[str, Any]) -> AnsibleK8SModule:
    """Return the module that was called, with ``arguments`` and those that say how to reach a cluster."""
    return AnsibleK8SModule(
        module_class=AnsibleModule,
        argument_spec={**AUTH_ARG_SPEC, **arguments},
        supports_check_mode=True,
        check_pyyaml=False,
    )


def words_of(error: Exception) -> str:
    """Return the API server's own words, which name object and field."""
    body = getattr(error, "body", None) or b"{}"
    try:
        said = json.loads(body).get("message")
    except (ValueError, AttributeError):
        said = None
    return str(said or error)


class ConnectedCluster:
    """What ``observing.Sight`` and ``applying.Cluster`` want; other refusals than those raise one of ``FAILURES``."""

    def __init__(self, client: K8SClient) -> None:
        """Nothing is asked yet."""
        self.client = client

    @classmethod
    def of(cls, module: AnsibleK8SModule) -> "ConnectedCluster":
        """Return the cluster that the arguments of a module name; in check mode nothing is stored in it."""
        return cls(get_api_client(module))

    def presence(self, kind: Kind) -> str:
        """Say whether the kind is served."""
        try:
            self._looked_up(kind)
        except UnreadableError as error:
            return "absent" if str(error) == "Absent" else "unknown"
        return "present"

    def read(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Read one object."""
        resource = self._looked_up(kind)
        within = {"namespace": namespace} if resource.namespaced else {}
        try:
            return _decoded(patiently(partial(resource.get, name=name, serialize=False, **within)))
        except NotFoundError:
            return None
        except FAILURES as error:
            raise _unreadable(error) from error

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        """List all objects, of a namespace if one is given."""
        resource = self._looked_up(kind)
        within = {"namespace": namespace} if resource.namespaced and namespace else {}
        try:
            listed = _decoded(patiently(partial(resource.get, serialize=False, **within)))
        except FAILURES as error:
            raise _unreadable(error) from error
        typed = {"apiVersion": kind.api_version, "kind": kind.name}
        found = [{**typed, **one} for one in listed.get("items") or ()]
        return sorted(
            found, key=lambda one: (one["metadata"].get("namespace") or "", one["metadata"]["name"])
        )

    def live(self, wanted: Object) -> Object | None:
        """Return the live object of the kind and name of ``wanted``; None when there is none."""
        try:
            return self._ask(self.client.get, wanted, **_place(wanted))
        except NotFoundError:
            return None

    def apply(self, wanted: Object, manager: str) -> Object:
        """Apply it. The client's own ``apply`` would read the object once more for its other way to apply."""
        style = {"content_type": "application/apply-patch+yaml", "force_conflicts": True}
        given = {**style, "field_manager": manager, **_place(wanted)}
        try:
            return self._ask(self.client.patch, wanted, body=dict(wanted), **given)
        except UnprocessibleEntityError as error:  # another uid than that of the object is refused so, too
            uid = wanted["metadata"].get("uid")
            live = self.live(wanted) if uid else None
            if not uid or (live and live["metadata"]["uid"] == uid):
                raise
            raise ChangedError(_said(wanted, error)) from error

    def patch(self, live: Object, operations: Sequence[Mapping[str, Any]], manager: str) -> Object:
        """Change it."""
        given = {"content_type": "application/json-patch+json", "field_manager": manager, **_place(live)}
        try:
            return self._ask(self.client.patch, live, body=list(operations), **given)
        except UnprocessibleEntityError as error:  # a test of the patch has failed
            raise ChangedError(_said(live, error)) from error

    def _ask(
        self,
        method: Callable[..., Any],
        named: Object,
        body: object = None,
        **given: Any,  # noqa: ANN401 - of the client
    ) -> Object:
        resource = self._resource(Kind(named["apiVersion"], named["kind"]))
        arguments = [resource] if body is None else [resource, body]
        try:
            return _decoded(patiently(partial(method, *arguments, serialize=False, **given)))
        except ConflictError as error:
            raise ChangedError(_said(named, error)) from error

    def _looked_up(self, kind: Kind) -> Any:  # noqa: ANN401 - of the client
        try:
            return self._resource(kind)
        except ResourceNotFoundError as error:
            raise UnreadableError("Absent") from error
        except FAILURES as error:
            raise _unreadable(error) from error

    def _resource(self, kind: Kind) -> Any:  # noqa: ANN401 - of the client
        return self.client.client.resources.get(api_version=kind.api_version, kind=kind.name)


def patiently[T](ask: Callable[[], T]) -> T:
    """Ask again when the API server has too much to do, as late as it says; raises what it says in the end."""
    until = time.monotonic() + MOST_PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except TooManyRequestsError as error:
            seconds = _seconds_to_wait(error)
            if time.monotonic() + seconds > until:
                raise
            time.sleep(seconds)


def _seconds_to_wait(error: TooManyRequestsError) -> float:
    """Read Retry-After, which Kubernetes gives as a number of seconds; without one wait for one."""
    said = str((error.headers or {}).get("Retry-After", ""))
    return max(1.0, float(said)) if said.isdecimal() else 1.0


def _decoded(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - of the client
    found: dict[str, Any] = json.loads(answer.data)
    return found


def _unreadable(error: Exception) -> UnreadableError:
    refused = getattr(error, "status", None) in _REFUSALS
    return UnreadableError("Forbidden" if refused else "Unavailable")


def _place(named: Object) -> dict[str, str]:
    return {key: named["metadata"][key] for key in ("name", "namespace")}


def _said(named: Object, error: Exception) -> str:
    metadata = named["metadata"]
    return f"{named['kind']} {metadata['namespace']}/{metadata['name']}: {words_of(error)}"
