"""What a container's environment is, resolved as a kubelet does it: pure, the objects come from a reader."""

import base64
import re
from collections.abc import Callable, Mapping

from tests.support.pods.objects import Object, PodError, Reader, required

POD_ADDRESS, NODE_ADDRESS, NODE = "10.244.1.10", "10.0.0.1", "node"
FALLBACKS = {
    "spec.nodeName": NODE,
    "spec.serviceAccountName": "default",
    "status.hostIP": NODE_ADDRESS,
    "status.podIP": POD_ADDRESS,
    "metadata.uid": "00000000-0000-0000-0000-000000000000",
}
"""What a pod that kwok or nobody has started does not say about itself."""

_KEYED = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")
_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[^)]*)\))")


def field_value(pod: Object, path: str) -> str:
    """Return the value of a downward API field; raises PodError for a field that has none."""
    keyed = _KEYED.match(path)
    if keyed:
        return str((pod["metadata"].get(keyed[1]) or {}).get(keyed[2], ""))
    value: object = FALLBACKS[path] if path.startswith("status.") else _walk(pod, path) or FALLBACKS.get(path)
    if value is None:
        message = f"fieldRef {path!r}: the pod has no such field"
        raise PodError(message)
    return str(value)


def _walk(pod: Object, path: str) -> object:
    value: object = pod
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """Expand ``$(NAME)`` as Kubernetes does: an unknown name stays as it is, ``$$`` is a literal ``$``."""

    def replacement(match: re.Match[str]) -> str:
        return "$" if match["name"] is None else environment.get(match["name"], match[0])

    return _REFERENCE.sub(replacement, text)


def resolve(container: Object, pod: Object, reader: Reader) -> dict[str, str]:
    """Return the environment that the pod gives; raises PodError where a kubelet would wait."""
    environment: dict[str, str] = {}
    for source in container.get("envFrom", []):
        environment |= _all_of(source, reader)
    for entry in container.get("env", []):
        value = _value(entry, environment, container=container, pod=pod, reader=reader)
        if value is not None:
            environment[entry["name"]] = value
    return environment


def _all_of(source: Object, reader: Reader) -> dict[str, str]:
    kind, reference = ("Secret", "secretRef") if "secretRef" in source else ("ConfigMap", "configMapRef")
    named = source[reference]
    if named.get("optional") and reader(kind, named["name"]) is None:
        return {}
    data = _strings(kind, required(reader, kind, named["name"]))
    return {source.get("prefix", "") + key: value for key, value in data.items()}


def _strings(kind: str, found: Object) -> dict[str, str]:
    data = found.get("data") or {}
    return {k: base64.b64decode(v).decode() if kind == "Secret" else str(v) for k, v in data.items()}


def _value(
    entry: Object, environment: Mapping[str, str], *, container: Object, pod: Object, reader: Reader
) -> str | None:
    if "valueFrom" not in entry:
        return expanded(entry.get("value", ""), environment)
    ((source, details),) = entry["valueFrom"].items()
    simple: Mapping[str, Callable[[], str | None]] = {
        "fieldRef": lambda: field_value(pod, details["fieldPath"]),
        "secretKeyRef": lambda: _key("Secret", details, container, reader),
        "configMapKeyRef": lambda: _key("ConfigMap", details, container, reader),
    }
    if source not in simple:
        message = f'env "{entry["name"]}" of container "{container["name"]}": {source} is not supported here'
        raise PodError(message)
    return simple[source]()


def _key(kind: str, details: Object, container: Object, reader: Reader) -> str | None:
    found = reader(kind, details["name"])
    data = _strings(kind, found) if found is not None else {}
    if details["key"] not in data and not details.get("optional"):
        message = (
            f'container "{container["name"]}" would stay in CreateContainerConfigError: '
            f'{kind} "{details["name"]}" with the key {details["key"]!r} not found'
        )
        raise PodError(message)
    return data.get(details["key"])
