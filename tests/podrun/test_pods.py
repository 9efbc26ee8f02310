"""Pods are really executed: what a kubelet or a container would refuse, fails."""

import base64
import copy
from typing import Any

import pytest

from tests.support.podrun import run_pod
from tests.support.pods.objects import Object, PodError
from tests.support.waiting import wait_for

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "n"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532},
        "containers": [
            {
                "name": "router",
                "image": "ghcr.io/vllm-project/semantic-router/extproc:latest",
                "args": ["--config=/app/config/config.yaml", "--port", "50051", "--enable-api=true"],
                "env": [
                    {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}}
                ],
                "ports": [{"name": "grpc", "containerPort": 50051}],
                "securityContext": {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                "startupProbe": {"tcpSocket": {"port": "grpc"}},
                "volumeMounts": [
                    {"name": "config", "mountPath": "/app/config"},
                    {"name": "models", "mountPath": "/app/models"},
                ],
            },
            {
                "name": "envoy",
                "image": "envoyproxy/envoy:v1.35.3",
                "args": ["-c", "/etc/envoy/envoy.yaml"],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 9901}},
                "livenessProbe": {"exec": {"command": ["sh", "-c", "test -s /etc/envoy/envoy.yaml"]}},
                "volumeMounts": [{"name": "envoy", "mountPath": "/etc/envoy"}],
            },
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": "config"}},
            {"name": "envoy", "configMap": {"name": "envoy"}},
            {"name": "models", "emptyDir": {}},
        ],
    },
}
CONFIG = "global: {stores: {response_cache: {redis: {connection: {password: '${PASSWORD}'}}}}}\n"
ENVOY = "admin: {address: {socket_address: {address: 0.0.0.0, port_value: 9901}}}\nstatic_resources: {}\n"


class Objects:
    """The objects of a namespace: configuration that the pod mounts, and a secret."""

    def __init__(self, config: str = CONFIG) -> None:
        self.data: dict[tuple[str, str], Object] = {
            ("ConfigMap", "config"): {"data": {"config.yaml": config}},
            ("ConfigMap", "envoy"): {"data": {"envoy.yaml": ENVOY}},
            ("Secret", "s"): {"data": {"password": base64.b64encode(b"pass").decode()}},
        }

    def __call__(self, kind: str, name: str) -> Object | None:
        return self.data.get((kind, name))


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the pod with the field at a path such as ``spec.containers.0.args`` replaced."""
    pod = copy.deepcopy(POD)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = pod
    for step in way:
        target = target[step]
    target[last] = value
    return pod


def failure(pod: Object, objects: Objects | None = None) -> str:
    with pytest.raises(PodError) as raised, run_pod(pod, objects or Objects()) as running:
        running.wait_ready(timeout=3)
    return str(raised.value)


def test_a_right_pod_becomes_ready_and_answers_where_it_should() -> None:
    with run_pod(POD, Objects()) as running:
        running.wait_ready()
        assert running.request(9901, "/ready").status == 200
        assert running.request(9190, "/metrics").body == b"standin_router_up 1\n"
        assert "Connection refused" in running.request(8080, "/health").error, "it listens on loopback only"


def test_a_deployment_is_executed_through_its_template() -> None:
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"template": {"spec": POD["spec"]}},
    }
    with run_pod(deployment, Objects()) as running:
        running.wait_ready()
        assert running.container("envoy").execute(["sh", "-c", "hostname"]).stdout == "d-0\n"


def test_programs_have_the_users_and_groups_of_the_pod_and_no_capabilities() -> None:
    with run_pod(POD, Objects()) as running:
        running.wait_ready()
        script = "id -u; id -g; id -G; grep CapBnd /proc/self/status; touch /x; touch /app/models/x"
        done = running.container("router").execute(["sh", "-c", script])
    assert done.stdout.split() == ["65532", "65532", "65532", "CapBnd:", "0000000000000000"]
    assert "Read-only file system" in done.stderr
    assert "/app/models" not in done.stderr


def test_containers_of_one_pod_share_the_network_and_not_the_files() -> None:
    with run_pod(POD, Objects()) as running:
        running.wait_ready()
        script = "cat /dev/null < /dev/tcp/127.0.0.1/50051; test ! -e /app/config"
        assert running.container("envoy").execute(["bash", "-c", script]).returncode == 0


def test_two_containers_that_want_one_port_collide() -> None:
    assert "Address already in use" in failure(changed("spec.containers.0.args", ["--metrics-port=9901"]))


def test_an_unknown_reasoning_family_keeps_the_router_from_starting() -> None:
    objects = Objects("providers: {models: [{name: m, reasoning_family: deepthought}]}")
    assert "reasoning family 'deepthought' is not defined" in failure(POD, objects)


def test_a_flag_that_the_router_does_not_have_is_refused() -> None:
    args = [*POD["spec"]["containers"][0]["args"], "--verbose"]
    assert "--verbose" in failure(changed("spec.containers.0.args", args))


def test_a_configuration_that_envoy_refuses_fails_the_pod() -> None:
    objects = Objects()
    objects.data["ConfigMap", "envoy"] = {"data": {"envoy.yaml": "static_resources: {listener: []}\n"}}
    assert "has unknown fields" in failure(POD, objects)


def test_a_missing_secret_is_the_error_of_a_kubelet() -> None:
    objects = Objects()
    del objects.data["Secret", "s"]
    message = failure(POD, objects)
    assert "CreateContainerConfigError" in message
    assert "Secret \"s\" with the key 'password' not found" in message


def test_a_missing_config_map_is_the_error_of_a_kubelet() -> None:
    objects = Objects()
    del objects.data["ConfigMap", "config"]
    assert 'ConfigMap "config" not found' in failure(POD, objects)


def test_a_root_image_with_run_as_non_root_is_refused() -> None:
    pod = changed("spec.securityContext", {"runAsNonRoot": True})
    assert "runAsNonRoot and image will run as root" in failure(pod)


def test_models_on_a_volume_that_the_user_cannot_write_are_refused() -> None:
    pod = changed("spec.volumes.2", {"name": "models", "persistentVolumeClaim": {"claimName": "models"}})
    del pod["spec"]["securityContext"]["fsGroup"]
    objects = Objects()
    objects.data["PersistentVolumeClaim", "models"] = {}
    assert "cannot write models below /app/models: Permission denied" in failure(pod, objects)
    pod["spec"]["securityContext"]["fsGroup"] = 65532
    with run_pod(pod, objects) as running:
        running.wait_ready()


def test_a_mount_of_a_volume_that_is_missing_is_refused() -> None:
    assert "mounts volume 'models', which the pod does not have" in failure(
        changed("spec.volumes", POD["spec"]["volumes"][:2])
    )


def test_a_probe_of_a_port_that_does_not_exist_fails() -> None:
    assert "has no port 'http'" in failure(
        changed("spec.containers.0.startupProbe", {"httpGet": {"path": "/health", "port": "http"}})
    )


def test_a_probe_of_an_address_that_only_the_pod_reaches_fails() -> None:
    pod = changed("spec.containers.0.startupProbe", {"httpGet": {"path": "/health", "port": 8080}})
    assert "ConnectionRefusedError" in failure(pod)


def test_an_init_container_runs_first_and_its_failure_is_the_pods() -> None:
    first = {
        "name": "first",
        "image": "envoyproxy/envoy:v1",
        "args": ["--mode", "validate", "-c", "/nothing"],
    }
    assert 'init container "first" exited with 1' in failure(changed("spec.initContainers", [first]))


def test_an_image_that_nothing_stands_for_is_named() -> None:
    assert "image 'busybox:1': nothing stands for it here" in failure(
        changed("spec.containers.1.image", "busybox:1")
    )


def test_a_changed_configuration_is_reloaded_and_a_bad_one_is_not() -> None:
    objects = Objects()
    with run_pod(POD, objects) as running:
        running.wait_ready()
        router = running.container("router")
        objects.data["ConfigMap", "config"] = {"data": {"config.yaml": "routing: {decisions: 3}"}}
        running.refresh_volumes()
        wait_for(lambda: "reload refused" in router.output, timeout=5, what="the refusal in the log")
        objects.data["ConfigMap", "config"] = {"data": {"config.yaml": "version: v0.3"}}
        running.refresh_volumes()
        wait_for(lambda: "configuration reloaded" in router.output, timeout=5, what="the reload in the log")
        running.wait_ready()


def test_a_file_mounted_by_sub_path_is_not_refreshed() -> None:
    mounts = [
        {"name": "config", "mountPath": "/app/config/config.yaml", "subPath": "config.yaml"},
        {"name": "models", "mountPath": "/app/models"},
    ]
    objects = Objects()
    with run_pod(changed("spec.containers.0.volumeMounts", mounts), objects) as running:
        running.wait_ready()
        objects.data["ConfigMap", "config"] = {"data": {"config.yaml": "version: v0.3"}}
        running.refresh_volumes()
        shown = running.container("router").execute(["cat", "/app/config/config.yaml"])
    assert shown.stdout == CONFIG


def test_nothing_is_left_when_the_pod_has_ended() -> None:
    with run_pod(POD, Objects()) as running:
        running.wait_ready()
    assert [container.exit_code for container in running.containers] == [0, 0]
    assert running.network.process.returncode == 0
    assert not running.layout.directory.exists()


def test_configuration_volumes_are_read_only_and_secrets_have_their_mode() -> None:
    pod = changed(
        "spec.volumes.0",
        {"name": "config", "projected": {"defaultMode": 0o400, "sources": [
            {"configMap": {"name": "config"}},
            {"secret": {"name": "s", "items": [{"key": "password", "path": "deep/word"}]}},
            {"downwardAPI": {"items": [{"path": "who", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        ]}},
    )  # fmt: skip
    with run_pod(pod, Objects()) as running:
        running.wait_ready()
        script = "cd /app/config; cat deep/word who; stat -Lc ' %a %g' deep/word; echo > who"
        done = running.container("router").execute(["sh", "-c", script])
    assert done.stdout == "passp 440 65532\n"
    assert "Read-only file system" in done.stderr
