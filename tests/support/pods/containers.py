"""From a container of a pod spec to what a sandbox runs: decided here, without starting anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.pods import names
from tests.support.pods.environment import POD_ADDRESS, expanded, resolve
from tests.support.pods.images import Image
from tests.support.pods.objects import Object, PodError, Reader
from tests.support.pods.specs import Bind, ContainerSpec, Identity

READ_ONLY_VOLUMES = {"configMap", "secret", "downwardAPI", "projected"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Directories of this machine that belong to the pod: its volumes, and room for each container.

    ``additions`` are files that the images have besides what stands for them here.
    """

    volumes: Path
    containers: Path
    additions: tuple[Bind, ...] = ()


def as_pod(obj: Object) -> Object:
    """Return ``obj`` when it is a Pod, else the pod that its template would make."""
    if obj["kind"] == "Pod":
        return obj
    template = obj["spec"]["template"]
    name = f"{obj['metadata']['name']}-0"
    metadata = {
        **template.get("metadata", {}),
        "name": name,
        "namespace": obj["metadata"].get("namespace", "default"),
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def container_spec(
    container: Object, pod: Object, *, image: Image, reader: Reader, place: Place
) -> ContainerSpec:
    """Return all that a sandbox needs; raises PodError where a kubelet would not start the container."""
    home = place.containers / container["name"]
    environment = {
        **image.environment,
        "HOSTNAME": pod["metadata"]["name"],
        **resolve(container, pod, reader),
    }
    security = {**pod["spec"].get("securityContext", {}), **container.get("securityContext", {})}
    capabilities = security.get("capabilities") or {}
    return ContainerSpec(
        root=str(home / "root"),
        argv=tuple(expanded(word, environment) for word in image.command(container)),
        environment=environment,
        working_directory=container.get("workingDir") or image.working_directory,
        binds=(*image.binds, *place.additions, *_settings(home, pod), *_mounts(container, pod, place)),
        identity=identity(container, security),
        read_only_root=bool(security.get("readOnlyRootFilesystem")),
        drop_capabilities="ALL" in (capabilities.get("drop") or []),
        pid_file=str(home / "pid"),
    )


def identity(container: Object, security: Mapping[str, object]) -> Identity:
    """Return the user and groups; raises PodError for a root that ``runAsNonRoot`` forbids."""
    uid = _number(security.get("runAsUser"))
    if uid == 0 and security.get("runAsNonRoot"):
        message = f'container "{container["name"]}" has runAsNonRoot and image will run as root'
        raise PodError(message)
    groups = security.get("supplementalGroups")
    extra = [_number(group) for group in groups] if isinstance(groups, list) else []
    if security.get("fsGroup") is not None:
        extra.append(_number(security["fsGroup"]))
    return Identity(uid=uid, gid=_number(security.get("runAsGroup")), groups=tuple(extra))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _settings(home: Path, pod: Object) -> list[Bind]:
    """Return what a kubelet puts into every container's ``/etc``."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "root").mkdir(exist_ok=True)
    files = {
        "hosts": f"127.0.0.1 localhost\n{POD_ADDRESS} {pod['metadata']['name']}\n",
        "resolv.conf": names.settings(pod["metadata"].get("namespace", "default")),
    }
    for name, text in files.items():
        (home / name).write_text(text, encoding="utf-8")
    return [Bind(source=str(home / name), target=f"/etc/{name}") for name in files]


def _mounts(container: Object, pod: Object, place: Place) -> list[Bind]:
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
    binds = [_mount(mount, volumes, container, place) for mount in container.get("volumeMounts", [])]
    return sorted(binds, key=lambda bind: bind.target.count("/"))  # what is mounted deeper comes later


def _mount(mount: Object, volumes: Mapping[str, Object], container: Object, place: Place) -> Bind:
    if mount["name"] not in volumes:
        message = (
            f'container "{container["name"]}" mounts volume {mount["name"]!r}, which the pod does not have'
        )
        raise PodError(message)
    source = place.volumes / mount["name"]
    fixed = bool(READ_ONLY_VOLUMES & set(volumes[mount["name"]]))
    if mount.get("subPath"):
        source = (source / mount["subPath"]).resolve()
        if not source.exists() and not fixed:
            source.mkdir(parents=True)
    if not source.exists():
        message = f'container "{container["name"]}": {mount["name"]!r} has no subPath {mount["subPath"]!r}'
        raise PodError(message)
    return Bind(source=str(source), target=mount["mountPath"], read_only=fixed or bool(mount.get("readOnly")))
