"""A cluster in which everything is there that a resource refers to, as its runs would observe it.

What a resource refers to, and how much of it a run sees, is asked of ``watches.yaml``.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from playbook_engine.objects import ObjectKey
from playbook_engine.watches.interests import interest_of
from playbook_engine.watches.reading import read_watches
from playbook_engine.watches.records import Reference, Watch
from tools.generate.files import CHECKOUT

KEYS = ("tls.crt", "tls.key", "ca.crt")
"""Keys that are asked for without being named."""

OPENSHIFT = "security.openshift.io/v1/SecurityContextConstraints"
NAMESPACE, NAME, UID = "ml", "r", "0a1b2c3d"

type Object = dict[str, Any]


def resource_of(spec: Mapping[str, Any], name: str = NAME) -> Object:
    """Return a SemanticRouter with this specification, as the API server would have it."""
    metadata = {"namespace": NAMESPACE, "name": name, "uid": UID, "generation": 1}
    return {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": metadata,
        "spec": dict(spec),
    }


def surroundings(resource: Mapping[str, Any], *owned: Object, openshift: bool = False) -> Object:
    """Return ``observed``: everything that is referred to exists, and so does ``owned``."""
    references = {
        reference.name: [_projected(reference, one) for one in _found(reference, resource)]
        for reference in _watch().references
    }
    by_kind: dict[str, list[Object]] = {}
    for one in owned:
        by_kind.setdefault(one["kind"], []).append(one)
    return {
        "references": references,
        "errors": {},
        "owned": by_kind,
        "apis": _apis(openshift=openshift),
    }


def described(resource: Mapping[str, Any]) -> list[Object]:
    """Return the same cluster as documents of a file that describes one, for a run without a cluster."""
    found = [one for reference in _watch().references for one in _found(reference, resource)]
    return [{"apis": _apis(openshift=False)}, *found]


def _apis(*, openshift: bool) -> dict[str, str]:
    kinds = [*(kind.gvk for kind in _watch().owns), *(one.gvk for one in _watch().references), *_watch().apis]
    apis = {f"{gvk.api_version}/{gvk.kind}": "present" for gvk in kinds}
    return {**apis, OPENSHIFT: "present" if openshift else "absent"}


def _found(reference: Reference, resource: Mapping[str, Any]) -> list[Object]:
    interest = interest_of(_watch(), resource)
    found = [_object(key, resource) for key in interest.names.get(reference.name, ())]
    found += [_labelled(reference, labels) for labels in interest.labels.get(reference.name, ())]
    return [*found, *_every(reference, resource)]


@cache
def _watch() -> Watch:
    (watch,) = read_watches(CHECKOUT / "watches.yaml", {})
    return watch


def _projected(reference: Reference, found: Object) -> object:
    return reference.projection.search(found) if reference.projection else found


def _object(key: ObjectKey, resource: Mapping[str, Any]) -> Object:
    """An object with as much in it as some field may ask for: all ports, all keys of Secrets."""
    metadata = {
        "namespace": key.namespace,
        "name": key.name,
        "uid": f"uid-of-{key.name}",
        "resourceVersion": "1",
    }
    found: Object = {"apiVersion": key.gvk.api_version, "kind": key.gvk.kind, "metadata": metadata}
    match key.gvk.kind:
        case "Service":
            found["spec"] = {"type": "ClusterIP", "ports": list(_ports(key.name, resource))}
        case "Secret" | "ConfigMap":
            keys = dict.fromkeys([*_texts("key", resource["spec"]), *KEYS])
            found["data"] = {one: f"{one} of {key.name}" for one in keys}
        case "InferenceService":
            found["status"] = {"url": f"http://{key.name}.example.com"}
    return found


def _labelled(reference: Reference, labels: Mapping[str, str]) -> Object:
    metadata = {"namespace": NAMESPACE, "name": f"with-{'-'.join(labels.values())}", "labels": dict(labels)}
    spec = {"type": "ClusterIP", "ports": [{"name": "http", "port": 8321}]}
    return {
        "apiVersion": reference.gvk.api_version,
        "kind": reference.gvk.kind,
        "metadata": metadata,
        "spec": spec,
    }


def _every(reference: Reference, resource: Mapping[str, Any]) -> Iterator[Object]:
    if not reference.every:
        return
    for name in ["standard", *filter(None, _texts("storageClassName", resource["spec"]))]:
        is_default = {"storageclass.kubernetes.io/is-default-class": "true"} if name == "standard" else {}
        metadata = {"name": name, "annotations": is_default, "creationTimestamp": "2026-01-01T00:00:00Z"}
        typed = {"apiVersion": reference.gvk.api_version, "kind": reference.gvk.kind}
        yield {**typed, "metadata": metadata, "allowVolumeExpansion": True}


def _ports(name: str, resource: Mapping[str, Any]) -> Iterator[Object]:
    backends = [endpoint["backend"] for endpoint in resource["spec"].get("vllmEndpoints") or ()]
    asked = [one["service"]["port"] for one in backends if (one.get("service") or {}).get("name") == name]
    for index, port in enumerate(dict.fromkeys(asked or [8000])):
        yield {"name": "http" if index == 0 else f"http-{port}", "port": port}


def _texts(key: str, value: object) -> Iterator[str]:
    """Every text that stands at ``key``, at any depth."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == key and isinstance(item, str):
                yield item
            yield from _texts(key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(key, item)
