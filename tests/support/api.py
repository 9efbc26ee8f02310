"""A small client of the API server for tests: quick enough to be asked ten times a second.

Objects are plain JSON. Where the words of kubectl matter, tests use kubectl (``DevCluster.kubectl``) instead.
"""

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from tests.support.waiting import wait_for

KINDS = {
    "Beacon": ("apis/dropin.example.com/v1alpha1", "beacons"),
    "ConfigMap": ("api/v1", "configmaps"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "Echo": ("apis/dropin.example.com/v1alpha1", "echoes"),
    "EndpointSlice": ("apis/discovery.k8s.io/v1", "endpointslices"),
    "EnvoyExtensionPolicy": ("apis/gateway.envoyproxy.io/v1alpha1", "envoyextensionpolicies"),
    "Event": ("api/v1", "events"),
    "Gadget": ("apis/dropin.example.com/v1alpha1", "gadgets"),
    "Gateway": ("apis/gateway.networking.k8s.io/v1", "gateways"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "HTTPRoute": ("apis/gateway.networking.k8s.io/v1", "httproutes"),
    "InferenceService": ("apis/serving.kserve.io/v1beta1", "inferenceservices"),
    "Ingress": ("apis/networking.k8s.io/v1", "ingresses"),
    "Namespace": ("api/v1", "namespaces"),
    "Pot": ("apis/example.com/v1alpha1", "pots"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "Pod": ("api/v1", "pods"),
    "ReplicaSet": ("apis/apps/v1", "replicasets"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
    "Route": ("apis/route.openshift.io/v1", "routes"),
    "Secret": ("api/v1", "secrets"),
    "SemanticRouter": ("apis/vllm.ai/v1alpha1", "semanticrouters"),
    "Service": ("api/v1", "services"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "Site": ("apis/dropin.example.com/v1alpha1", "sites"),
    "StorageClass": ("apis/storage.k8s.io/v1", "storageclasses"),
    "Toy": ("apis/example.com/v1", "toys"),
    "Zone": ("apis/dropin.example.com/v1alpha1", "zones"),
}
CLUSTER_SCOPED = {"Namespace", "StorageClass"}
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
NOT_FOUND = 404


class ApiError(Exception):
    """The API server refused; ``code`` is the HTTP status, ``message`` its own words."""

    def __init__(self, code: int, message: str) -> None:
        """Keep both."""
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Api:
    """The API server of a kubeconfig with a client certificate."""

    host: str
    context: ssl.SSLContext
    authority: str = ""
    """The certificate of who signed the API server's, as PEM."""

    @classmethod
    def connect(cls, kubeconfig: Path) -> "Api":
        """Read the first cluster and user of the file; nothing is requested yet."""
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile("wb", suffix=".pem") as pair:
            pair.write(base64.b64decode(user["client-certificate-data"]))
            pair.write(base64.b64decode(user["client-key-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
        return cls(host=urlsplit(cluster["server"]).netloc, context=context, authority=authority)

    def request(
        self, method: str, path: str, *, body: object = None, kind: str = "application/json", **query: str
    ) -> Any:  # noqa: ANN401 - whatever the API server says, as decoded JSON
        """Send one request and return the decoded answer; raises ApiError.

        Where the API server asks to wait, as it does for a kind that has just been installed, it is asked again.
        """

        def told() -> tuple[int, Any]:
            code, answer = self._send(method, path, body=body, kind=kind, **query)
            assert code != http.client.TOO_MANY_REQUESTS, answer
            return code, answer

        code, answer = wait_for(told, timeout=10, what=f"an answer to {method} {path}")
        if code >= http.client.BAD_REQUEST:
            raise ApiError(code, answer.get("message", ""))
        return answer

    def lines(self, path: str, **query: str) -> list[bytes]:
        """Return the lines of an answer that ends by itself, such as a watch with a timeout."""
        connection = http.client.HTTPSConnection(self.host, context=self.context, timeout=30)
        try:
            connection.request("GET", f"/{path}?{urlencode(query)}")
            return connection.getresponse().read().splitlines()
        finally:
            connection.close()

    def _send(self, method: str, path: str, *, body: object, kind: str, **query: str) -> tuple[int, Any]:
        connection = http.client.HTTPSConnection(self.host, context=self.context, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            target = f"/{path}?{urlencode(query)}" if query else f"/{path}"
            connection.request(method, target, body=text, headers={"Content-Type": kind})
            response = connection.getresponse()
            return response.status, _decoded(response.read())
        finally:
            connection.close()


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - whatever the API server says
    """Decode an answer; of a kind that is not served it is plain text."""
    try:
        return json.loads(body or b"{}")
    except ValueError:
        return {"message": body.decode(errors="replace").strip()}


@dataclass(frozen=True, slots=True)
class Space:
    """One namespace of a control plane."""

    api: Api
    name: str

    def path(self, kind: str, name: str = "", subresource: str = "") -> str:
        """Return the path of an object, or of all of a kind."""
        prefix, plural = KINDS[kind]
        scope = "" if kind in CLUSTER_SCOPED else f"namespaces/{self.name}/"
        return "/".join(part for part in (f"{prefix}/{scope}{plural}", name, subresource) if part)

    def get(self, kind: str, name: str) -> Any:  # noqa: ANN401
        """Return the object, or None; also the reader that ``run_pod`` wants."""
        try:
            return self.api.request("GET", self.path(kind, name))
        except ApiError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    def version(self, kind: str) -> str:
        """Return the version of the whole kind now, from which ``history`` can start."""
        return str(self.api.request("GET", self.path(kind))["metadata"]["resourceVersion"])

    def history(self, kind: str, since: str) -> list[Any]:
        """Return every state that objects of the kind have had since a version, the last one included."""
        query = {"watch": "true", "resourceVersion": since, "timeoutSeconds": "1"}
        lines = self.api.lines(self.path(kind), **query)
        return [event["object"] for event in map(json.loads, lines)]

    def list(self, kind: str, selector: str = "") -> list[Any]:
        """Return the objects of a kind; none when the kind is not served."""
        query = {"labelSelector": selector} if selector else {}
        try:
            items: list[Any] = self.api.request("GET", self.path(kind), **query)["items"]
        except ApiError as error:
            if error.code == NOT_FOUND:
                return []
            raise
        return [{"kind": kind, **item} for item in items]

    def create(self, body: Mapping[str, Any], manager: str = "tester") -> Any:  # noqa: ANN401
        """Create an object."""
        prefix = KINDS[body["kind"]][0].removeprefix("apis/").removeprefix("api/")
        whole = {"apiVersion": prefix, **body}
        return self.api.request("POST", self.path(body["kind"]), body=whole, fieldManager=manager)

    def apply(self, body: Mapping[str, Any], manager: str = "tester", *, force: bool = False) -> Any:  # noqa: ANN401
        """Apply an object by server-side apply as another manager than the operator."""
        prefix = KINDS[body["kind"]][0].removeprefix("apis/").removeprefix("api/")
        path = self.path(body["kind"], body["metadata"]["name"])
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        return self.api.request("PATCH", path, body={"apiVersion": prefix, **body}, kind=APPLY, **query)

    def patch(
        self, kind: str, name: str, patch: object, *, manager: str = "tester", subresource: str = ""
    ) -> Any:  # noqa: ANN401
        """Patch an object: a mapping is a merge patch, a list a JSON patch."""
        style = JSON_PATCH if isinstance(patch, list) else MERGE
        path = self.path(kind, name, subresource)
        return self.api.request("PATCH", path, body=patch, kind=style, fieldManager=manager)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object; one that is gone already is deleted."""
        try:
            self.api.request("DELETE", self.path(kind, name))
        except ApiError as error:
            if error.code != NOT_FOUND:
                raise


def may(api: Api, user: str, verb: str, resource: str, **where: str) -> bool:
    """Ask the API server whether a user may do something; ``resource`` is ``<plural>[/<sub>][.<group>]``."""
    plural, _, group = resource.partition(".")
    name, _, subresource = plural.partition("/")
    attributes = {"verb": verb, "resource": name, "group": group, "subresource": subresource, **where}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": ["system:serviceaccounts"], "resourceAttributes": attributes},
    }
    path = "apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(api.request("POST", path, body=review)["status"]["allowed"])
