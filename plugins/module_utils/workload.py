"""The pods: containers, volumes, rights. Which changes make new ones: ``revisions``."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import (
    DIRECTORY as ENVOY_DIRECTORY,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_ready import (
    LAST,
    READY_PORT_NAME,
    ready_port,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_tls import (
    DIRECTORY as CERTIFICATE_DIRECTORY,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    account_name,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain, without_nulls
from ansible_collections.vllm.semantic_router.plugins.module_utils.probes import probes
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_config import (
    LOOPBACK,
    management_environment,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import (
    CONFIG,
    ENVOY_CONFIG,
    REVISION_ANNOTATION,
    config_name,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.strategy import affinity, spread

ROUTER, ENVOY = "semantic-router", "envoy"
CERTIFICATE = "envoy-certificate"
"""The volume with the certificate that Envoy serves."""

REPOSITORY = "ghcr.io/vllm-project/semantic-router/extproc"
ENVOY_IMAGE = "docker.io/envoyproxy/envoy:v1.40.0"
APP = "/app"
USER = 65532
"""User and group of all processes, as in the distroless images; OpenShift gives each namespace its own."""

GRACE_SECONDS = 330
"""Somewhat more than a generation may be silent by default."""

SETTLE_SECONDS = 10
"""Within it a gateway has heard that a pod goes; Envoy waits as long before it looks whether requests are left."""

SECRETS_ANNOTATION = "vllm.ai/secret-versions"
_RESTRICTED = {"capabilities": {"drop": ["ALL"]}}


def _rights(given: dict[str, Any]) -> dict[str, Any]:
    """The user's rights over the defaults; Kubernetes refuses a ban of more rights for a process that has them all."""
    added = (given.get("capabilities") or {}).get("add") or ()
    unbounded = given.get("privileged") or "SYS_ADMIN" in added or "CAP_SYS_ADMIN" in added
    ban = {} if unbounded else {"allowPrivilegeEscalation": False}
    return {**_RESTRICTED, **ban, **given}


def template(situation: Situation, revision: str) -> dict[str, Any]:
    """Return the whole template of the pods, for pods of ``revision``: nothing is added to it elsewhere."""
    spec = spec_of(situation.resource)
    passed_on = ("imagePullSecrets", "nodeSelector", "tolerations")
    pod = {
        **{name: plain(spec.get(name)) for name in passed_on},
        "serviceAccountName": account_name(situation.resource),
        "automountServiceAccountToken": False,
        "affinity": affinity(situation),
        "topologySpreadConstraints": spread(situation),
        "terminationGracePeriodSeconds": grace_seconds(situation),
        "securityContext": pod_security_context(situation),
        "containers": containers(situation),
        "volumes": volumes(situation, revision),
    }
    metadata = {"labels": situation.identity.labels, "annotations": pod_annotations(situation, revision)}
    whole: dict[str, Any] = without_nulls({"metadata": metadata, "spec": pod})
    return whole


def pod_annotations(situation: Situation, revision: str) -> dict[str, str]:
    """Return the annotations of the pods: the user's, and those whose change makes new pods."""
    used = [f"{one['name']}/{one['uid']}/{one['resourceVersion']}" for one in situation.cache.secrets]
    return {
        **plain(section(spec_of(situation.resource), "podAnnotations")),
        "kubectl.kubernetes.io/default-container": ROUTER,
        REVISION_ANNOTATION: revision,
        **({SECRETS_ANNOTATION: ",".join(used)} if used else {}),
    }


def containers(situation: Situation) -> list[dict[str, Any]]:
    """Return the containers; Envoy is there in standalone mode only."""
    found = [_router(situation)]
    if situation.is_standalone:
        found.append(_envoy(situation))
    return found


def volumes(situation: Situation, revision: str) -> list[dict[str, Any]]:
    """Return the volumes; what must be writable is a volume, with or without persistence.

    Configuration is mounted as a directory, since a single file (``subPath``) would never follow its object.
    """
    identity = situation.identity
    claim = situation.volume.claim
    models = {"persistentVolumeClaim": {"claimName": claim}} if claim else {"emptyDir": {}}
    found = [
        {"name": "config", "configMap": {"name": config_name(identity, CONFIG, revision)}},
        {"name": "models", **models},
        {"name": "cache", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        *situation.cache.volumes,
    ]
    if situation.is_standalone:
        envoy = {"name": config_name(identity, ENVOY_CONFIG, revision)}
        found += [{"name": "envoy-config", "configMap": envoy}, {"name": "envoy-tmp", "emptyDir": {}}]
    if situation.certificate:
        secret = {"secretName": situation.certificate}
        found.append({"name": CERTIFICATE, "secret": secret})
    return found


def grace_seconds(situation: Situation) -> int | None:
    """Return how long a pod may take to end. Envoy ends with its last request, and a generation may be long."""
    given = spec_of(situation.resource).get("terminationGracePeriodSeconds")
    if given is not None:
        return int(given)
    return GRACE_SECONDS if situation.is_standalone else None


def pod_security_context(situation: Situation) -> dict[str, Any]:
    """Return the rights of the pod: those of the restricted Pod Security Standard, changed as the user says."""
    ids = {} if situation.on_openshift else {"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER}
    default = {"runAsNonRoot": True, **ids, "seccompProfile": {"type": "RuntimeDefault"}}
    return {**default, **plain(section(spec_of(situation.resource), "podSecurityContext"))}


def image(spec: Mapping[str, Any]) -> str:
    """Return the router's image: another registry in front of the name, a tag or a digest behind it."""
    given = section(spec, "image")
    repository, tag = str(given.get("repository") or REPOSITORY), str(given.get("tag") or "latest")
    if given.get("imageRegistry"):
        first, _, rest = repository.partition("/")
        is_host = bool(rest) and ("." in first or ":" in first or first == "localhost")
        repository = f"{given['imageRegistry']}/{rest if is_host else repository}"
    return f"{repository}@{tag}" if tag.startswith("sha256:") else f"{repository}:{tag}"


def _router(situation: Situation) -> dict[str, Any]:
    spec, ports = spec_of(situation.resource), situation.ports
    shown = [ports.grpc, ports.metrics, *(() if situation.is_standalone else (ports.api,))]
    return {
        "name": ROUTER,
        "image": image(spec),
        "imagePullPolicy": section(spec, "image").get("pullPolicy") or "IfNotPresent",
        "args": [*_arguments(situation), *plain(spec.get("args") or [])],
        "env": _environment(situation),
        "ports": [_port(port.name, port.target, port.protocol) for port in shown],
        "resources": plain(spec.get("resources")),
        "securityContext": _rights(plain(section(spec, "securityContext"))),
        **plain(probes(spec, ports.by_name)),
        "lifecycle": _drained_first(situation, situation.drain_path)
        if situation.is_standalone
        else _unknown_first(situation),
        "volumeMounts": [
            {"name": "config", "mountPath": f"{APP}/config", "readOnly": True},
            {"name": "models", "mountPath": f"{APP}/models"},
            {"name": "cache", "mountPath": f"{APP}/.cache"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
            *situation.cache.mounts,
        ],
    }


def _arguments(situation: Situation) -> list[str]:
    ports, alone = situation.ports, situation.is_standalone
    return [
        f"--config={APP}/config/config.yaml",
        f"--port={ports.grpc.target}",
        f"--metrics-port={ports.metrics.target}",
        "--enable-api=true",
        f"--api-port={ports.router_api if alone else ports.api.target}",
        f"--api-bind={LOOPBACK if alone else ports.everywhere}",
    ]


def _environment(situation: Situation) -> list[dict[str, Any]]:
    """The user's entries go before ours of the same name, but never before a credential or a switch of ours."""
    defaults = [
        {"name": "HOME", "value": APP},
        {"name": "HF_HOME", "value": f"{APP}/.cache/huggingface"},
    ]
    ours = [*situation.cache.environment, *management_environment(situation.resource)]
    entries = [*defaults, *plain(spec_of(situation.resource).get("env") or []), *plain(ours)]
    return list({entry["name"]: entry for entry in entries}.values())


def _envoy(situation: Situation) -> dict[str, Any]:
    given, ports = section(spec_of(situation.resource), "envoy"), situation.ports
    ready = ready_port(ports)
    probe = {"httpGet": {"path": "/ready", "port": ready}, "periodSeconds": 5, "failureThreshold": 3}
    default = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}
    mounts = [
        {"name": "envoy-config", "mountPath": ENVOY_DIRECTORY, "readOnly": True},
        {"name": "envoy-tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
    ]
    if situation.certificate:
        mounts.append({"name": CERTIFICATE, "mountPath": CERTIFICATE_DIRECTORY, "readOnly": True})
    return {
        "name": ENVOY,
        "image": str(given.get("image") or ENVOY_IMAGE),
        "args": [
            *("-c", f"{ENVOY_DIRECTORY}/envoy.yaml", "--disable-hot-restart"),
            *("--drain-time-s", str(grace_seconds(situation))),  # until then it takes new connections
        ],
        "ports": [
            _port("api", ports.api.target, ports.api.protocol),
            _port(READY_PORT_NAME, ready, "TCP"),
        ],
        "resources": plain(given.get("resources") or default),
        "securityContext": _rights({"readOnlyRootFilesystem": True}),
        "readinessProbe": probe,
        "livenessProbe": {"tcpSocket": {"port": ready}, "periodSeconds": 10, "timeoutSeconds": 5},
        "lifecycle": _drained_first(situation, situation.drain_path + LAST),
        "volumeMounts": mounts,
    }


def _unknown_first(situation: Situation) -> dict[str, Any] | None:
    """Let a gateway hear that the pod goes before its router ends; there is no Envoy here that could wait for it."""
    grace = grace_seconds(situation)
    seconds = SETTLE_SECONDS if grace is None else min(SETTLE_SECONDS, grace // 2)
    return {"preStop": {"sleep": {"seconds": seconds}}} if seconds and situation.may_sleep else None


def _drained_first(situation: Situation, path: str) -> dict[str, Any]:
    """Let a container end when Envoy has answered its last request: until then the router is asked too."""
    return {"preStop": {"httpGet": {"path": path, "port": ready_port(situation.ports)}}}


def _port(name: str, number: int, protocol: str) -> dict[str, Any]:
    return {"name": name, "containerPort": number, "protocol": protocol}
