"""Certificates of the cache's connection: keys of Secrets and ConfigMaps, mounted as files into the router."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_fields import (
    CERTIFICATE_REFERENCES,
    CERTIFICATES,
    within,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.referred import Referred

VOLUME = "cache-certificates"
DIRECTORY = "/app/certificates/cache"
_FILES = {"ca_file": "ca.crt", "cert_file": "client.crt", "key_file": "client.key"}

TRUSTED_DIRECTORIES = "SSL_CERT_DIR"
"""Go, in which the router is written, trusts the authorities in these directories beside the system's file."""
_SYSTEM = "/etc/ssl/certs"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A file for ``field``, such as ``ca_file``, of a key in a Secret or ConfigMap."""

    field: str
    source: Referred

    @property
    def path(self) -> str:
        """Where the router finds it."""
        return f"{DIRECTORY}/{_FILES[self.field]}"


def certificates_of(
    resource: Object, given: Mapping[str, Any], block: str, path: str
) -> tuple[Certificate, ...]:
    """Return the files of ``block`` in the cache ``given``, which stands at ``path``."""
    place = CERTIFICATES[block]
    holder, namespace = within(given, place), str(resource["metadata"]["namespace"])
    found: dict[str, Certificate] = {}
    for name, (kind, field, key) in CERTIFICATE_REFERENCES.items():
        reference = holder.get(name)
        if reference:
            source = Referred(
                kind=kind,
                namespace=namespace,
                name=str(reference["name"]),
                key=str(reference.get("key") or key),
                field=".".join((path, *place, name)),
            )
            found.setdefault(field, Certificate(field, source))
    return tuple(found.values())


def paths(certificates: tuple[Certificate, ...]) -> dict[str, str]:
    """Return the paths by the names of the fields that hold them in the router's file."""
    return {one.field: one.path for one in certificates}


def volumes(certificates: tuple[Certificate, ...]) -> tuple[dict[str, Any], ...]:
    """Return the volume with all files, if there are any; one source for each object."""
    sources: dict[tuple[str, str], list[dict[str, str]]] = {}
    for one in certificates:
        item = {"key": one.source.key, "path": _FILES[one.field]}
        sources.setdefault((one.source.kind, one.source.name), []).append(item)
    projected = [
        {"secret" if kind == "Secret" else "configMap": {"name": name, "items": items}}
        for (kind, name), items in sources.items()
    ]
    return ({"name": VOLUME, "projected": {"sources": projected}},) if projected else ()


def mounts(certificates: tuple[Certificate, ...]) -> tuple[dict[str, Any], ...]:
    """Return where the router's container has that volume."""
    return ({"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True},) if certificates else ()


def trust(resource: Object, block: str, certificates: tuple[Certificate, ...]) -> tuple[dict[str, str], ...]:
    """Return the environment that makes the router trust the authority of a Qdrant, whose block has no file for it.

    Directories that the user gives the container stay, and so do the system's.
    """
    if block != "qdrant" or not certificates:
        return ()
    given = {one["name"]: one.get("value") for one in spec_of(resource).get("env") or ()}
    directories = f"{DIRECTORY}:{given.get(TRUSTED_DIRECTORIES) or _SYSTEM}"
    return ({"name": TRUSTED_DIRECTORIES, "value": directories},)
