"""Each revision has configuration of its own, which stays while its pods do; addresses follow in all of them."""

import json
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils import revisions, workload
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import FORMAT
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import from_yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import (
    CONFIG,
    ENVOY_CONFIG,
    REVISION_ANNOTATION,
    config_name,
)

from tests.unit.content.routers import live, observed, resource, situation
from tools.fields.runs import run

OLD = {"config": {"tools": {"top_k": 3}}}
NEW = {"config": {"tools": {"top_k": 9}}}


def backend(port: int = 8000, model: str = "llama") -> dict[str, Any]:
    service = {"type": "service", "service": {"name": "vllm", "port": port}}
    return {"name": f"{model}-e", "model": model, "backend": service}


def seen(*ports: int) -> dict[str, Any]:
    """Return an observation with a Service of these ports, none without ports."""
    found = observed()
    service = {
        "metadata": {"namespace": "ml", "name": "vllm"},
        "spec": {"ports": [{"port": one} for one in ports]},
    }
    found["references"]["services"] = [service] if ports else []
    return found


def with_pods(found: dict[str, Any], before: dict[str, Any], *, has_pods: bool = True) -> str:
    """Add to an observation what a roll-out of ``before`` has left there; return its revision."""
    past = situation(json.loads(json.dumps(found)), **before)
    revision = revisions.revision_of(past)
    names = [config_name(past.identity, part, revision) for part in (CONFIG, ENVOY_CONFIG)]
    files = (revisions.router_files(past), revisions.envoy_files(past))
    for name, data in zip(names, files, strict=True):
        labels = {REVISION_ANNOTATION: revision}
        annotations = {revisions.FORMAT_ANNOTATION: FORMAT}
        stored = live("ConfigMap", name, labels=labels, annotations=annotations)
        found["owned"].setdefault("ConfigMap", []).append({**stored, "data": data})
    made = workload.template(past, revision)
    annotations = made["metadata"]["annotations"]
    template = {"metadata": {"annotations": annotations}, "spec": {"volumes": made["spec"]["volumes"]}}
    found["owned"]["Deployment"] = [{**live("Deployment"), "spec": {"template": template}}]
    number = str(len(found["references"].setdefault("replica_sets", [])) + 1)
    one = {"deployment": "Deployment-1", "number": number, "has_pods": has_pods, "template": template}
    found["references"]["replica_sets"].append(one)
    return revision


def earlier(found: dict[str, Any], **spec: Any) -> dict[str, Any]:  # noqa: ANN401
    plan = [*plans.router_plan(resource(**spec), found)["earlier"]]
    plan += plans.gateway_plan(resource(**spec), found)["earlier"]
    return {manifest["metadata"]["name"]: manifest for manifest in plan}


def test_a_backend_that_moves_makes_no_new_pods() -> None:
    before = situation(seen(8000, 9000), vllmEndpoints=[backend(8000)])
    after = situation(seen(8000, 9000), vllmEndpoints=[{**backend(9000), "weight": 7}])
    assert before.document != after.document
    assert revisions.revision_of(before) == revisions.revision_of(after)


@pytest.mark.parametrize(
    "change",
    [
        NEW,
        {"toolsDb": [{"name": "t", "description": "d"}]},
        {"vllmEndpoints": [backend()]},
        {"service": {"api": {"targetPort": 8088}}},
        {"image": {"tag": "v2"}},
        {"env": [{"name": "A", "value": "b"}]},
        {"podAnnotations": {"a": "b"}},
        {"serviceAccount": {"name": "mine"}},
    ],
)
def test_what_pods_have_from_their_start_makes_new_ones(change: dict[str, Any]) -> None:
    assert revisions.revision_of(situation(**change)) != revisions.revision_of(situation())


def test_what_is_applied_is_the_template_that_the_revision_is_the_digest_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, given = situation(), resource()
    revision = revisions.revision_of(found)
    (deployment,) = (one for one in run(given, observed()).applied if one["kind"] == "Deployment")
    made = workload.template(found, revision)
    assert deployment["spec"]["template"] == made
    for path in [("automountServiceAccountToken",), ("serviceAccountName",), ("securityContext",)]:
        changed = json.loads(json.dumps(made))
        changed["spec"][path[0]] = "as a later operator has it"
        monkeypatch.setattr(workload, "template", lambda _found, _revision, changed=changed: changed)
        assert revisions.revision_of(found) != revision, path


def test_what_is_not_there_makes_no_new_pods_whether_it_is_null_or_left_out() -> None:
    nothing = dict.fromkeys(
        ("nodeSelector", "tolerations", "imagePullSecrets", "terminationGracePeriodSeconds")
    )
    assert revisions.revision_of(situation(**nothing)) == revisions.revision_of(situation())


def test_pods_mount_the_configuration_of_their_revision_as_a_directory() -> None:
    volumes = {one["name"]: one for one in workload.volumes(situation(), "abc")}
    assert volumes["config"]["configMap"] == {"name": "r-config-abc"}
    assert volumes["envoy-config"]["configMap"] == {"name": "r-envoy-config-abc"}
    assert not any(
        "subPath" in mount for one in workload.containers(situation()) for mount in one["volumeMounts"]
    )


def test_the_configuration_of_an_older_revision_stays_while_it_has_pods() -> None:
    found = seen(8000)
    old = with_pods(found, {**OLD, "vllmEndpoints": [backend()]})
    spec = {**NEW, "vllmEndpoints": [backend()]}
    stored = {one["metadata"]["name"]: one["data"] for one in found["owned"]["ConfigMap"]}
    kept = earlier(found, **spec)
    assert set(kept) == {f"r-config-{old}", f"r-envoy-config-{old}"}
    assert {name: manifest["data"] for name, manifest in kept.items()} == stored, "not a byte has changed"
    assert plans.router_plan(resource(**spec), found)["unwanted"] == []


def test_it_goes_when_the_last_of_its_pods_has_gone() -> None:
    found = seen(8000)
    old = with_pods(found, OLD, has_pods=False)
    assert earlier(found, **NEW), "new pods may still be made of the Deployment as it is"
    found["owned"]["Deployment"][0]["spec"]["template"] = {}
    assert earlier(found, **NEW) == {}
    unwanted = plans.router_plan(resource(**NEW), found)["unwanted"]
    assert {one["metadata"]["name"] for one in unwanted} == {f"r-config-{old}", f"r-envoy-config-{old}"}


def test_it_stays_without_pods_when_it_is_the_last_good_one() -> None:
    found = seen(8000)
    old = with_pods(found, OLD, has_pods=False)
    given = {**resource(**NEW), "status": {"lastGood": {"revision": old}}}
    kept = plans.router_plan(given, found)
    assert [one["metadata"]["name"] for one in kept["earlier"]] == [f"r-config-{old}"]
    assert kept["unwanted"] == []


def test_what_else_older_pods_need_to_start_again_stays_too() -> None:
    found = seen(8000)
    with_pods(found, OLD)
    found["references"]["replica_sets"][0]["template"]["spec"]["serviceAccountName"] = "before"
    found["owned"]["ServiceAccount"] = [live("ServiceAccount", "before"), live("ServiceAccount", "older")]
    unwanted = plans.router_plan(resource(**NEW), found)["unwanted"]
    assert [one["metadata"]["name"] for one in unwanted] == ["older"]


def test_pods_of_another_deployment_keep_nothing() -> None:
    found = seen(8000)
    with_pods(found, OLD)
    found["owned"]["Deployment"][0]["spec"]["template"] = {}
    found["references"]["replica_sets"][0]["deployment"] = "another"
    assert earlier(found, **NEW) == {}


def test_a_backend_that_moves_reaches_the_pods_of_every_revision() -> None:
    found = seen(8000, 9000)
    old = with_pods(found, {**OLD, "vllmEndpoints": [backend(8000)]})
    kept = earlier(found, **NEW, vllmEndpoints=[backend(9000)])
    document = from_yaml(kept[f"r-config-{old}"]["data"]["config.yaml"])
    assert document["providers"]["models"][0]["backend_refs"][0]["endpoint"].endswith(":9000")
    assert document["global"]["integrations"]["tools"]["top_k"] == 3
    envoy = kept[f"r-envoy-config-{old}"]["data"]
    assert '"port_value": 9000' in envoy["clusters.yaml"]
    assert envoy["listeners.yaml"] == found["owned"]["ConfigMap"][1]["data"]["listeners.yaml"]


def test_older_pods_keep_their_listener_when_the_mode_or_a_port_changes() -> None:
    for change in (
        {"gateway": {"existingRef": {"name": "g", "namespace": "ml"}}},
        {"service": {"api": {"targetPort": 80}}},
    ):
        found = seen(8000)
        old = with_pods(found, {**OLD, "vllmEndpoints": [backend()]})
        before = found["owned"]["ConfigMap"][1]["data"]
        assert earlier(found, **change, vllmEndpoints=[backend()])[f"r-envoy-config-{old}"]["data"] == before


def test_live_files_that_an_older_envoy_does_not_fit_are_left_alone() -> None:
    found = seen(8000, 9000)
    old = with_pods(found, {**OLD, "vllmEndpoints": [backend(8000)]})
    stored = found["owned"]["ConfigMap"][1]
    stored["metadata"]["annotations"][revisions.FORMAT_ANNOTATION] = "0"
    kept = earlier(found, **NEW, vllmEndpoints=[backend(9000)])[f"r-envoy-config-{old}"]
    assert kept["data"] == stored["data"]
    assert kept["metadata"]["annotations"] == {revisions.FORMAT_ANNOTATION: "0"}


def test_an_older_configuration_that_somebody_broke_is_left_alone() -> None:
    for broken in ("[", "providers: 1", "providers: {models: [{}]}"):
        found = seen(8000)
        with_pods(found, OLD)
        found["owned"]["ConfigMap"][0]["data"]["config.yaml"] = broken
        assert earlier(found, **NEW) == {}
        assert plans.router_plan(resource(**NEW), found)["unwanted"] == []


def test_the_addresses_found_last_stay_when_no_backend_is_left() -> None:
    spec = {**OLD, "vllmEndpoints": [backend()]}
    found = seen(8000)
    with_pods(found, spec)
    before = plans.router_plan(resource(**spec), found)["files"]
    found["references"]["services"] = []
    plan = plans.router_plan(resource(**spec), found)
    assert plan["files"] == before
    assert plan["wanted"]
    condition = plans.backends_plan(resource(**spec), found)["conditions"]["BackendsReady"]
    assert (condition["status"], condition["reason"]) == ("False", "ServiceNotFound")
    assert "stay in use" in condition["message"]


def test_models_without_any_backend_do_not_take_the_place_of_some_that_answer() -> None:
    found = seen(8000)
    with_pods(found, {"vllmEndpoints": [backend()]})
    found["references"]["services"] = []
    plan = plans.router_plan(resource(vllmEndpoints=[backend(model="qwen")]), found)
    assert plan["wanted"] == []
    assert "waiting for a backend" in plan["conditions"]["RouterReady"]["message"]


def test_a_new_router_starts_without_backends() -> None:
    plan = plans.router_plan(resource(vllmEndpoints=[backend()]), seen())
    assert "Deployment" in plan["wanted"]
