"""Ports whose numbers somebody else has changed are taken away before ours are applied, and no others."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.filter.plans import ports_to_remove

from tests.unit.content.routers import live, observed, resource

OURS = {"manager": "semantic-router-operator", "operation": "Apply", "fields": ["metadata", "spec"]}
THEIRS = {"manager": "kubectl-edit", "operation": "Update", "fields": ["spec"]}
API, GRPC = {"name": "api", "port": 8080, "protocol": "TCP"}, {"name": "grpc", "port": 50051}
MANIFEST = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "r"}, "spec": {"ports": [API, GRPC]}}


def seen(item: dict[str, Any], *writers: dict[str, Any]) -> dict[str, Any]:
    """Return an observation of one object and who has written it."""
    return {**observed(item), "writers": {f"{item['apiVersion']}/{item['kind']}/ml/r": [OURS, *writers]}}


def service(*ports: dict[str, Any]) -> dict[str, Any]:
    return {**live("Service"), "spec": {"ports": list(ports)}}


def removed(world: dict[str, Any], manifest: dict[str, Any] = MANIFEST) -> list[str]:
    """Return the JSON pointers of what is taken away, in order."""
    found = ports_to_remove([manifest], resource(), world)
    return [one["path"] for patch in found for one in patch["patch"] if one["op"] == "remove"]


def test_a_port_of_our_name_with_another_number_goes_before_ours_is_applied() -> None:
    moved = {**GRPC, "port": 50050, "protocol": "TCP"}
    (patch,) = ports_to_remove([MANIFEST], resource(), seen(service(API, moved), THEIRS))
    assert (patch["api_version"], patch["kind"], patch["name"], patch["namespace"]) == (
        "v1", "Service", "r", "ml",
    )  # fmt: skip
    assert patch["patch"] == [
        {"op": "test", "path": "/metadata/uid", "value": "Service-1"},
        {"op": "test", "path": "/spec/ports/1/name", "value": "grpc"},
        {"op": "test", "path": "/spec/ports/1/port", "value": 50050},
        {"op": "remove", "path": "/spec/ports/1"},
    ]


def test_of_several_the_last_goes_first() -> None:
    world = seen(service({**API, "port": 1}, {**GRPC, "protocol": "UDP"}), THEIRS)
    assert removed(world) == ["/spec/ports/1", "/spec/ports/0"]


def test_what_others_have_added_stays() -> None:
    other = {"name": "debug", "port": 50050}
    assert removed(seen(service(API, {**GRPC, "protocol": "TCP"}, other), THEIRS)) == []


def test_a_number_that_the_resource_changes_is_left_to_apply() -> None:
    in_status = {**THEIRS, "fields": ["status"]}
    assert removed(seen(service({**API, "port": 80}, GRPC), in_status)) == []


def test_a_service_of_somebody_else_is_not_touched() -> None:
    strange = {**live("Service", owner="u2"), "spec": {"ports": [{**API, "port": 1}]}}
    assert removed(seen(strange, THEIRS)) == []


def test_ports_of_containers_are_found_by_the_containers_name() -> None:
    def deployment(*containers: tuple[str, int]) -> dict[str, Any]:
        made = [
            {"name": name, "ports": [{"name": "api", "containerPort": port}]} for name, port in containers
        ]
        return {"spec": {"template": {"spec": {"containers": made}}}}

    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "r"}}
    there = {**live("Deployment"), **deployment(("theirs", 1), ("envoy", 8081), ("router", 9))}
    wanted = {**manifest, **deployment(("envoy", 8080), ("router", 9))}
    assert removed(seen(there, THEIRS), wanted) == ["/spec/template/spec/containers/1/ports/0"]
