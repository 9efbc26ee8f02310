"""Ports whose numbers somebody else has changed are taken away before ours are applied, and no others."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.strayed_ports import taking_away

from tests.unit.content.routers import live

MANAGER = "semantic-router-operator"
OURS = {"manager": MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {}}}
THEIRS = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {}}}
API, GRPC = {"name": "api", "port": 8080, "protocol": "TCP"}, {"name": "grpc", "port": 50051}
MANIFEST = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "r"}, "spec": {"ports": [API, GRPC]}}


def written(item: dict[str, Any], *writers: dict[str, Any]) -> dict[str, Any]:
    """Return an object with who has written it."""
    return {**item, "metadata": {**item["metadata"], "managedFields": [OURS, *writers]}}


def service(*ports: dict[str, Any]) -> dict[str, Any]:
    return {**live("Service"), "spec": {"ports": list(ports)}}


def removed(there: dict[str, Any], manifest: dict[str, Any] = MANIFEST) -> list[str]:
    """Return the JSON pointers of what is taken away, in order."""
    return [one["path"] for one in taking_away(manifest, there, MANAGER) if one["op"] == "remove"]


def test_a_port_of_our_name_with_another_number_goes_before_ours_is_applied() -> None:
    moved = {**GRPC, "port": 50050, "protocol": "TCP"}
    assert taking_away(MANIFEST, written(service(API, moved), THEIRS), MANAGER) == [
        {"op": "test", "path": "/spec/ports/1/name", "value": "grpc"},
        {"op": "test", "path": "/spec/ports/1/port", "value": 50050},
        {"op": "remove", "path": "/spec/ports/1"},
    ]


def test_of_several_the_last_goes_first() -> None:
    other = {"name": "debug", "port": 50050}
    there = written(service({**API, "port": 1}, {**GRPC, "protocol": "UDP"}, other), THEIRS)
    assert removed(there) == ["/spec/ports/1", "/spec/ports/0"]


def test_a_service_is_never_left_without_a_port() -> None:
    there = written(service({**API, "port": 1, "protocol": "UDP"}, {**GRPC, "port": 2}), THEIRS)
    assert removed(there) == ["/spec/ports/1"]
    assert [one for one in taking_away(MANIFEST, there, MANAGER) if one["op"] in {"replace", "add"}] == [
        {"op": "replace", "path": "/spec/ports/0/port", "value": 8080},
        {"op": "add", "path": "/spec/ports/0/protocol", "value": "TCP"},
    ]


def test_what_others_have_added_stays() -> None:
    other = {"name": "debug", "port": 50050}
    assert removed(written(service(API, {**GRPC, "protocol": "TCP"}, other), THEIRS)) == []


def test_a_number_that_the_resource_changes_is_left_to_apply() -> None:
    in_status = {**THEIRS, "fieldsV1": {"f:status": {}}}
    assert removed(written(service({**API, "port": 80}, GRPC), in_status)) == []


def test_ports_of_containers_are_found_by_the_containers_name() -> None:
    def deployment(*containers: tuple[str, int]) -> dict[str, Any]:
        made = [
            {"name": name, "ports": [{"name": "api", "containerPort": port}]} for name, port in containers
        ]
        return {"spec": {"template": {"spec": {"containers": made}}}}

    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "r"}}
    there = {**live("Deployment"), **deployment(("theirs", 1), ("envoy", 8081), ("router", 9))}
    wanted = {**manifest, **deployment(("envoy", 8080), ("router", 9))}
    assert removed(written(there, THEIRS), wanted) == ["/spec/template/spec/containers/1/ports/0"]
