"""Revisions: everything that makes new pods, digested, and the configuration objects that each revision has for itself.

Pods mount the objects of their revision, so those of an older one never read what is meant for the next. Addresses and
weights of model servers are the exception: they change in the objects of every revision that still has pods.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils import workload
from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import Model
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import (
    FORMAT,
    fixed_files,
    live_files,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.live_config import (
    models_of,
    relaid,
    without_addresses,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import (
    Object,
    digest,
    from_yaml,
    plain,
    to_json,
    to_yaml,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_config import tools_db
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import (
    CONFIG,
    CONFIG_FILE,
    ENVOY_CONFIG,
    ENVOY_FILE,
    REVISION_ANNOTATION,
    UNREADABLE,
    config_name,
)

FORMAT_ANNOTATION = "vllm.ai/live-format"
LENGTH = 12

type Files = dict[str, str]
"""Texts by file name."""


def revision_of(situation: Situation) -> str:
    """Digest everything of which a change makes new pods; addresses and weights of backends are not part of it.

    A router may need an hour to load its models, so a moved backend must not restart it. The template is the very one
    that is applied, so that pods never change under the name of a revision, also not by an upgrade of the operator.
    """
    return digest([_rolling(situation), workload.template(situation, "")])[:LENGTH]


def _rolling(situation: Situation) -> list[Any]:
    envoy: dict[str, Any] = {}
    if situation.is_standalone:
        envoy = {"format": FORMAT, **_fixed(situation)}
    return [without_addresses(situation.document), tools_db(situation.resource), envoy]


def router_files(situation: Situation) -> Files:
    """Return what the router reads."""
    return {
        CONFIG_FILE: to_yaml(situation.document),
        "tools_db.json": to_json(tools_db(situation.resource)),
    }


def envoy_files(situation: Situation) -> Files:
    """Return what Envoy reads.

    As JSON, which is YAML that no reader can take for anything else: Envoy's knows y and n as booleans.
    """
    return _as_json({**_fixed(situation), **live_files(models_of(situation.document))})


def _fixed(situation: Situation) -> dict[str, Any]:
    return fixed_files(
        situation.resource, situation.ports, drain=situation.drain_path, tls=bool(situation.certificate)
    )


def needed(situation: Situation, revision: str) -> set[tuple[str, str]]:
    """Return kind and name of what must stay: the configuration of this revision, and what pods of any need."""
    current = {
        ("ConfigMap", config_name(situation.identity, part, revision)) for part in (CONFIG, ENVOY_CONFIG)
    }
    return current | situation.stored.in_use()


def earlier_configs(situation: Situation, revision: str, part: str) -> list[dict[str, Any]]:
    """Return the manifests of this part for every other revision that is needed, with today's addresses.

    An object that cannot be read, because somebody has changed it, is left alone.
    """
    stored = situation.stored
    own = config_name(situation.identity, part, revision)
    used = {name for kind, name in stored.in_use() if kind == "ConfigMap"}
    return [
        manifest
        for name in sorted(used & set(stored.maps) - {own})
        for manifest in _earlier(stored.maps, name, part, situation)
    ]


def _earlier(
    maps: Mapping[str, Object], name: str, part: str, situation: Situation
) -> Iterator[dict[str, Any]]:
    metadata, data = maps[name]["metadata"], maps[name].get("data") or {}
    revision = (metadata.get("labels") or {}).get(REVISION_ANNOTATION)
    if not revision or name != config_name(situation.identity, part, revision):
        return
    config = maps.get(config_name(situation.identity, CONFIG, revision))
    try:
        document = relaid(from_yaml((config or {})["data"][CONFIG_FILE]), situation.backends.models)
        files = _relaid_files(maps[name], part, document)
    except UNREADABLE:
        return
    annotations = {
        key: value for key, value in (metadata.get("annotations") or {}).items() if key == FORMAT_ANNOTATION
    }
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {REVISION_ANNOTATION: revision}, "annotations": annotations},
        "data": {**plain(data), **files},
    }


def _relaid_files(found: Object, part: str, document: Mapping[str, Any]) -> Files:
    if part == CONFIG:
        return {CONFIG_FILE: to_yaml(document)}
    models: tuple[Model, ...] = models_of(document)
    fits = (found["metadata"].get("annotations") or {}).get(FORMAT_ANNOTATION) == FORMAT
    return _as_json(live_files(models)) if fits and ENVOY_FILE in found["data"] else {}


def _as_json(documents: Mapping[str, Any]) -> Files:
    return {name: to_json(document) for name, document in documents.items()}
