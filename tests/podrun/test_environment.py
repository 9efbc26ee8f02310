"""The environment of a container is what a kubelet would make of it."""

import base64

import pytest

from tests.support.pods.environment import POD_ADDRESS, expanded, field_value, resolve
from tests.support.pods.objects import Object, PodError

POD = {
    "metadata": {"name": "p", "namespace": "n", "labels": {"app.kubernetes.io/name": "x"}},
    "spec": {"serviceAccountName": "me"},
}
OBJECTS: dict[tuple[str, str], Object] = {
    ("Secret", "s"): {"data": {"k": base64.b64encode(b"secret").decode()}},
    ("ConfigMap", "c"): {"data": {"k": "plain", "m": "more"}},
}


def reader(kind: str, name: str) -> Object | None:
    return OBJECTS.get((kind, name))


def environment(*entries: Object, sources: tuple[Object, ...] = ()) -> dict[str, str]:
    return resolve({"name": "c", "env": list(entries), "envFrom": list(sources)}, POD, reader)


def test_values_come_from_all_sources() -> None:
    assert environment(
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)2"},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        sources=({"configMapRef": {"name": "c"}, "prefix": "P_"}, {"secretRef": {"name": "s"}}),
    ) == {
        "A": "1",
        "B": "12",
        "S": "secret",
        "C": "plain",
        "N": "n",
        "P_k": "plain",
        "P_m": "more",
        "k": "secret",
    }


def test_an_optional_reference_to_nothing_sets_nothing() -> None:
    entry = {"name": "S", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": True}}}
    assert environment(entry, sources=({"secretRef": {"name": "none", "optional": True}},)) == {}


@pytest.mark.parametrize(("name", "key"), [("none", "k"), ("s", "none")])
def test_a_required_reference_to_nothing_is_an_error(name: str, key: str) -> None:
    with pytest.raises(PodError, match="CreateContainerConfigError"):
        environment({"name": "S", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}})


def test_a_source_that_cannot_be_resolved_here_is_named() -> None:
    with pytest.raises(PodError, match="resourceFieldRef is not supported"):
        environment({"name": "M", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.labels['app.kubernetes.io/name']", "x"),
        ("metadata.annotations['none']", ""),
        ("status.podIP", POD_ADDRESS),
        ("spec.serviceAccountName", "me"),
        ("spec.nodeName", "node"),
    ],
)
def test_fields_of_the_pod_are_found(path: str, value: str) -> None:
    assert field_value(POD, path) == value


def test_a_field_that_a_pod_does_not_have_is_an_error() -> None:
    with pytest.raises(PodError, match=r"spec\.nodeNam"):
        field_value(POD, "spec.nodeNam")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$(A)", "1"),
        ("$(B)", "$(B)"),
        ("$$(A)", "$(A)"),
        ("$A ${A}", "$A ${A}"),
        ("a$", "a$"),
        ("$$$(A)", "$1"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, value: str) -> None:
    assert expanded(text, {"A": "1"}) == value
