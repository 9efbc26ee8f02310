"""What ``playbooks/render.yml`` writes for a resource from a description of a cluster, and what the operator makes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.quantities import quantity

from playbook_engine.runs.records import RunOutcome, RunStatus
from tests.support.api import ApiError, Space
from tests.support.cluster import CHECKOUT
from tests.support.fragments import differences
from tests.support.playing import PLAYBOOKS, Player
from tests.support.routers import ALL_KINDS, DERIVED, Router

QUANTITIES = ("requests", "limits")
MADE_KINDS = tuple(kind for kind in ALL_KINDS if kind not in {"ReplicaSet", "Pod"})


def documents(file: Path) -> list[Any]:
    """Return the documents of a YAML file."""
    return [document for document in yaml.safe_load_all(file.read_text(encoding="utf-8")) if document]


def render(
    player: Player, directory: Path, space: Space, resource: Mapping[str, Any], companions: Iterable[Any]
) -> RunOutcome:
    """Render a resource into ``directory``; ``companions`` are the objects of the cluster that it refers to."""
    described = documents(CHECKOUT / "samples" / "observed" / "kubernetes.yaml")
    described[0]["apis"] = {name: presence(space, name) for name in described[0]["apis"]}
    (directory / "cluster.yaml").write_text(yaml.safe_dump_all([*described, *companions]), encoding="utf-8")
    metadata = {"name": resource["metadata"]["name"], "namespace": space.name}
    written = {name: resource[name] for name in ("apiVersion", "kind", "spec")} | {"metadata": metadata}
    (directory / "router.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    files = {"files": str(directory / "router.yaml"), "observed_file": str(directory / "cluster.yaml")}
    return player.play(PLAYBOOKS / "render.yml", {**files, "output": str(directory / "out")})


def presence(space: Space, kind: str) -> str:
    """Tell whether the control plane serves ``<group>/<version>/<Kind>``."""
    group, version, name = kind.split("/")
    try:
        served = space.api.request("GET", f"apis/{group}/{version}")["resources"]
    except ApiError:
        return "absent"
    return "present" if name in {one["kind"] for one in served} else "absent"


def check_rendered(
    player: Player, directory: Path, router: Router, resource: Mapping[str, Any], companions: Iterable[Any]
) -> None:
    """What is rendered without a cluster is what the operator has made."""
    outcome = render(player, directory, router.space, resource, companions)
    assert outcome.status is RunStatus.SUCCESSFUL, outcome
    manifests = [one for path in (directory / "out").rglob("*.yaml") for one in documents(path)]
    found = {f"{kind}/{name}": item for (kind, name), item in router.children(*MADE_KINDS).items()}
    made = _settled(found)
    wanted = _settled({f"{one['kind']}/{one['metadata']['name']}": one for one in manifests})
    assert set(wanted) == set(made)
    for key, manifest in wanted.items():
        manifest["metadata"].pop("annotations", None)  # the one that gives it away is among them
        del manifest["apiVersion"], manifest["kind"]  # items of a list do not have them
        found_different = differences(manifest, made[key])
        assert found_different == [], f"{key}: {found_different}"


def _settled(found: Mapping[str, Any]) -> Any:  # noqa: ANN401 - decoded JSON
    """Return objects with one word for what is made from uids, and numbers for quantities."""
    return _with_numbers(json.loads(DERIVED.sub("<derived>", json.dumps(found))))


def _with_numbers(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    """The API server writes quantities in a form of its own (``"2"`` for ``2``), and keeps no empty list."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if one != []}
        return {key: _numbers(one) if key in QUANTITIES else _with_numbers(one) for key, one in kept.items()}
    return [_with_numbers(one) for one in value] if isinstance(value, list) else value


def _numbers(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    return {key: quantity(one) for key, one in value.items()} if isinstance(value, dict) else value
