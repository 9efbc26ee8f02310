"""What the playbooks that work without the operator decide."""

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.vllm.semantic_router.plugins.filter.provisioning import (
    completed,
    made_for,
    problems,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import (
    ADOPTION_ANNOTATION,
    identity_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import claimed, foreign

from tests.unit.content.routers import live, observed, resource
from tests.unit.crd.schemas import definition


def written(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    """Return a SemanticRouter that is only a file."""
    found = resource(**spec)
    return {**found, "metadata": {"name": "r", "namespace": "ml"}}


def marked(kind: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - metadata
    return live(kind, owner="", annotations={ADOPTION_ANNOTATION: "r"}, **more)


def test_what_is_made_without_a_uid_carries_a_mark_and_no_owner() -> None:
    (made,) = claimed([{"kind": "Service", "metadata": {"name": "r"}}], written())
    assert made["metadata"]["annotations"] == {ADOPTION_ANNOTATION: "r"}
    assert "ownerReferences" not in made["metadata"]


def test_the_operator_takes_over_what_was_made_without_it() -> None:
    identity = identity_of(resource())
    assert foreign(marked("Service"), identity) == ""
    assert not identity.owns(marked("Service"))


def test_only_what_was_made_for_the_resource_is_torn_down() -> None:
    seen = observed(
        marked("Service"), live("Deployment", owner="other"), live("ConfigMap", owner=""), marked("Secret")
    )
    assert [one["kind"] for one in made_for(seen, written())] == ["Service", "Secret"]


def test_pods_go_before_the_claim_that_they_use() -> None:
    seen = observed(marked("Service"), marked("PersistentVolumeClaim"), marked("Deployment"))
    kinds = [one["kind"] for one in made_for(seen, written())]
    assert kinds == ["Deployment", "Service", "PersistentVolumeClaim"]


def test_a_claim_that_shall_be_kept_stays_at_a_teardown() -> None:
    seen = observed(marked("PersistentVolumeClaim"))
    assert made_for(seen, written(persistence={"retentionPolicy": "Retain"})) == []
    assert len(made_for(seen, written(persistence={"retentionPolicy": "Delete"}))) == 1


def test_a_loss_that_the_router_lives_with_stops_only_who_wants_everything() -> None:
    backend = {"type": "service", "service": {"name": "gone", "port": 80}}
    router = written(vllmEndpoints=[{"name": "e", "model": "m", "backend": backend}])
    assert problems(router, observed(), "cluster.local") == []
    (problem,) = problems(router, observed(), "cluster.local", every=True)
    assert problem.startswith("BackendsReady: endpoint e: ")


def test_a_secret_that_the_run_itself_will_make_is_not_waited_for() -> None:
    connection = {"host": "redis", "password": "in-plain-text"}
    cache = {"semantic_cache": {"backend_type": "redis", "redis": {"connection": connection}}}
    assert problems(written(config=cache), observed(), "cluster.local") == []


def test_a_description_that_says_too_little_is_told_what_is_missing() -> None:
    backend = {"type": "service", "service": {"name": "gone", "port": 80}}
    router = written(vllmEndpoints=[{"name": "e", "model": "m", "backend": backend}])
    seen = {**observed(), "apis": {"example.com/v1/Pot": "unknown", "example.com/v1/Lid": "absent"}}
    said = problems(router, seen, "cluster.local", every=True)[-1]
    assert "says nothing about example.com/v1/Pot: add objects" in said


def test_a_configuration_that_the_router_refuses_stops_everybody() -> None:
    decision = {"name": "d", "rules": {"operator": "AND", "conditions": []}, "modelRefs": [{"model": "x"}]}
    found = problems(written(config={"decisions": [decision]}), observed(), "cluster.local")
    assert any(text.startswith("ConfigValid: spec.config.decisions[0]") for text in found)


def test_a_wrong_resource_fails_with_all_that_is_wrong() -> None:
    with pytest.raises(AnsibleFilterError, match=r"spec.replicas: .* spec.persistence.sizes: "):
        completed(written(replicas="two", persistence={"sizes": 1}), definition())
