"""Where the model servers of a SemanticRouter are: every entry of ``spec.vllmEndpoints`` turned into addresses.

Only what was observed is used, nothing is asked: the same observation gives the same addresses.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false, true

DEFAULT_PORTS = {"http": 80, "https": 443}
MOST_NAMED = 10
"""As many problems are told in the condition; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a model server listens; ``tls`` says whether it speaks https."""

    host: str
    port: int
    tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of one model. ``weight`` is relative to the other endpoints of the model."""

    name: str
    model: str
    address: Address
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that requests can be sent to; ``endpoints`` is empty when none of its backends was found."""

    name: str
    reasoning_family: str = ""
    loras: tuple[Mapping[str, Any], ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The models in the order of the specification, and the condition that tells what was not found."""

    models: tuple[Model, ...]
    condition: Condition


class NotFoundError(Exception):
    """A backend has no address; ``reason`` is one word for programs, the text is for people."""

    def __init__(self, reason: str, text: str) -> None:
        """Keep both."""
        super().__init__(text)
        self.reason = reason


def resolve_backends(resource: Object, observed: Mapping[str, Any], cluster_domain: str) -> Backends:
    """Find the address of every entry of ``vllmEndpoints``; what has none is named in the condition."""
    view = _View(resource, observed, cluster_domain)
    given = (resource.get("spec") or {}).get("vllmEndpoints") or []
    found: list[Endpoint] = []
    problems: list[tuple[str, str]] = []
    notes: list[str] = []
    for entry in given:
        try:
            addresses = _FINDERS[entry["backend"]["type"]](view, entry["backend"])
        except NotFoundError as error:
            problems.append((error.reason, f"endpoint {entry['name']}: {error}"))
            continue
        found += _endpoints(entry, addresses)
        if len(addresses) > 1:
            notes.append(f"endpoint {entry['name']} uses all {len(addresses)} Services with its labels")
    return Backends(models=tuple(_models(given, found)), condition=_condition(found, problems, notes))


def _endpoints(entry: Mapping[str, Any], addresses: Mapping[str, Address]) -> Iterator[Endpoint]:
    several = len(addresses) > 1
    for service, address in sorted(addresses.items()):
        yield Endpoint(
            name=f"{entry['name']}-{service}" if several else str(entry["name"]),
            model=str(entry["model"]),
            address=address,
            weight=int(entry.get("weight", 1)),
        )


def _models(given: Iterable[Mapping[str, Any]], found: Iterable[Endpoint]) -> Iterator[Model]:
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for entry in given:
        entries.setdefault(str(entry["model"]), []).append(entry)
    endpoints = list(found)
    for name, of_model in entries.items():
        loras = {str(lora["name"]): lora for entry in of_model for lora in entry.get("loras") or ()}
        families = [str(entry["reasoningFamily"]) for entry in of_model if entry.get("reasoningFamily")]
        yield Model(
            name=name,
            reasoning_family=families[0] if families else "",
            loras=tuple(loras.values()),
            endpoints=tuple(endpoint for endpoint in endpoints if endpoint.model == name),
        )


def _condition(found: list[Endpoint], problems: list[tuple[str, str]], notes: list[str]) -> Condition:
    if problems:
        told = [text for _, text in problems[:MOST_NAMED]]
        if len(problems) > MOST_NAMED:
            told.append(f"and {len(problems) - MOST_NAMED} more")
        return false(problems[0][0], "; ".join(told))
    if not found:
        return true("NoEndpoints", "spec.vllmEndpoints is empty: no model can answer yet")
    models = len({endpoint.model for endpoint in found})
    text = f"every endpoint has an address (endpoints: {len(found)}, models: {models})"
    return true("Resolved", "; ".join([text, *notes]))


@dataclass(frozen=True, slots=True)
class _View:
    """What was observed, asked by name."""

    resource: Object
    observed: Mapping[str, Any]
    cluster_domain: str

    @property
    def namespace(self) -> str:
        return str(self.resource["metadata"]["namespace"])

    def all_of(self, reference: str) -> list[Object]:
        found = (self.observed.get("references") or {}).get(reference) or []
        return sorted(found, key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"]))

    def find(self, reference: str, namespace: str, name: str) -> Object | None:
        for item in self.all_of(reference):
            if (item["metadata"]["namespace"], item["metadata"]["name"]) == (namespace, name):
                return item
        return None

    def demand(self, reference: str, kind: str, namespace: str, name: str) -> Object:
        """Return the object; raises NotFoundError that tells why it cannot be had."""
        found = self.find(reference, namespace, name)
        if found is None:
            raise self.missing(reference, kind, namespace, name)
        return found

    def missing(self, reference: str, kind: str, namespace: str, name: str) -> NotFoundError:
        what = f"{kind} {namespace}/{name}"
        for error in (self.observed.get("errors") or {}).get(reference) or ():
            if error.get("name") in (name, "", None) and error.get("namespace") in (namespace, "", None):
                return NotFoundError(error["reason"], _UNREADABLE[error["reason"]].format(what=what))
        return NotFoundError(f"{kind}NotFound", f"{what} does not exist; it is used as soon as it does")

    def host(self, service: Object) -> str:
        metadata = service["metadata"]
        return f"{metadata['name']}.{metadata['namespace']}.svc.{self.cluster_domain}"


_UNREADABLE = {
    "Forbidden": "the operator may not read {what}: grant it `get` there, or watch that namespace too",
    "Unavailable": "{what} could not be read just now; it is tried again",
    "Absent": "{what} cannot exist: the cluster does not serve its kind; install it first",
}


def _from_service(view: _View, backend: Mapping[str, Any]) -> dict[str, Address]:
    wanted = backend["service"]
    namespace = str(wanted.get("namespace") or view.namespace)
    service = view.demand("services", "Service", namespace, str(wanted["name"]))
    number = int(wanted["port"])
    if (service.get("spec") or {}).get("type") == "ExternalName":
        return {
            wanted["name"]: Address(
                host=view.host(service), port=number, tls=number == DEFAULT_PORTS["https"]
            )
        }
    for port in _ports(service):
        if port["port"] == number:
            return {wanted["name"]: Address(host=view.host(service), port=number, tls=_is_https(port))}
    raise NotFoundError(
        "PortNotFound",
        f"Service {namespace}/{wanted['name']} has no port {number}, it has {_listed(service)}: change"
        " backend.service.port",
    )


def _from_labels(view: _View, backend: Mapping[str, Any]) -> dict[str, Address]:
    wanted = backend["discoveryLabels"]
    found = [service for service in view.all_of("labelled_services") if _has_labels(service, wanted)]
    if not found:
        labels = ",".join(f"{key}={value}" for key, value in sorted(wanted.items()))
        raise NotFoundError(
            "ServiceNotFound",
            f"no Service in namespace {view.namespace} has the labels {labels}; one is used as soon as it is there",
        )
    return {service["metadata"]["name"]: _only_port(view, service) for service in found}


def _has_labels(service: Object, wanted: Mapping[str, str]) -> bool:
    """Whether a Service has all of the labels. Ansible's own mappings have no views that could be compared."""
    labels = service["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())


def _from_inference_service(view: _View, backend: Mapping[str, Any]) -> dict[str, Address]:
    """The predictor's Service knows its port best; without one, KServe's own status has a URL."""
    name = str(backend["inferenceServiceName"])
    inference = view.demand("inference_services", "InferenceService", view.namespace, name)
    service = view.find("predictor_services", view.namespace, f"{name}-predictor")
    if service is not None and (service.get("spec") or {}).get("type") != "ExternalName":
        return {name: _only_port(view, service)}
    address = _address_of(_url_of(inference))
    if address is None:
        raise NotFoundError(
            "InferenceServiceNotReady",
            f"InferenceService {view.namespace}/{name} has neither a Service {name}-predictor nor an address in"
            " its status yet; it is used as soon as it has",
        )
    return {name: address}


_FINDERS = {"service": _from_service, "llamastack": _from_labels, "kserve": _from_inference_service}


def _url_of(inference: Object) -> str:
    status = inference.get("status") or {}
    return str((status.get("address") or {}).get("url") or status.get("url") or "")


def _address_of(url: str) -> Address | None:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in DEFAULT_PORTS:
        return None
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return Address(host=parts.hostname, port=port, tls=parts.scheme == "https")


def _only_port(view: _View, service: Object) -> Address:
    """The port named http, or https, else the only one; raises NotFoundError when that decides nothing."""
    ports = _ports(service)
    named = [port for name in ("http", "https") for port in ports if port.get("name") == name]
    chosen = (named or ports)[:1] if named or len(ports) == 1 else []
    if not chosen:
        metadata = service["metadata"]
        raise NotFoundError(
            "PortNotFound",
            f"Service {metadata['namespace']}/{metadata['name']} has the ports {_listed(service)}: name one of"
            " them http, or use backend.type service, which says the port",
        )
    return Address(host=view.host(service), port=_reached_at(service, chosen[0]), tls=_is_https(chosen[0]))


def _reached_at(service: Object, port: Mapping[str, Any]) -> int:
    """A headless Service leads to the pods themselves, so to the port that they listen on."""
    target = port.get("targetPort")
    headless = (service.get("spec") or {}).get("clusterIP") == "None"
    return int(target) if headless and isinstance(target, int) else int(port["port"])


def _ports(service: Object) -> list[Mapping[str, Any]]:
    return list((service.get("spec") or {}).get("ports") or ())


def _is_https(port: Mapping[str, Any]) -> bool:
    return "https" in (port.get("name"), port.get("appProtocol")) or port["port"] == DEFAULT_PORTS["https"]


def _listed(service: Object) -> str:
    return ", ".join(
        f"{port['port']} ({port['name']})" if port.get("name") else str(port["port"])
        for port in _ports(service)
    )
