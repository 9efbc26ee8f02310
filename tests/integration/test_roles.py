"""Every role alone through twelve steps: make, again, modify, again, remove, again; each in check mode first.

What check mode says is what the run then does, a run that says it changed something did, and one that says it did not
left everything as it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from playbook_engine.runs.records import RunStatus
from tests.support.api import Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.playing import PLAYBOOKS, Player, playing
from tests.support.routers import CHILD_KINDS, SWITCHED, endpoint, redis_cache, service

KINDS = (*CHILD_KINDS, *SWITCHED, "Secret")
OURS = "app.kubernetes.io/instance=router"
ALONE = CHECKOUT / "molecule" / "shared" / "role.yml"
TEARDOWN = PLAYBOOKS / "teardown.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a role is given, what is edited then, and which kinds it makes of it."""

    spec: Mapping[str, Any]
    edit: Mapping[str, Any]
    makes: set[str] = field(default_factory=set)


ENDPOINTS = {"vllmEndpoints": [endpoint()]}
CASES = {
    "backends": Case(spec=ENDPOINTS, edit={"vllmEndpoints": [endpoint(weight=2)]}),
    "cache": Case(
        spec={"config": redis_cache(host="redis", password="one")},  # noqa: S106 - an example
        edit={"config": redis_cache(host="redis", password="two")},  # noqa: S106 - an example
        makes={"Secret"},
    ),
    "gateway": Case(spec=ENDPOINTS, edit={"vllmEndpoints": [endpoint(weight=2)]}, makes={"ConfigMap"}),
    "openshift": Case(
        spec={"openshift": {"routes": {"enabled": True, "hostname": "a.example.com"}}},
        edit={"openshift": {"routes": {"enabled": True, "tls": {"termination": "edge"}}}},
        makes={"Route"},
    ),
    "persistence": Case(
        spec={"persistence": {"size": "1Gi"}},
        edit={"persistence": {"size": "1Gi", "annotations": {"example.com/a": "b"}}},
        makes={"PersistentVolumeClaim"},
    ),
    "router": Case(
        spec={"persistence": {"enabled": False}},
        edit={"persistence": {"enabled": False}, "replicas": 2},
        makes={"Deployment", "Service", "ServiceAccount", "ConfigMap"},
    ),
}


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """Runs the roles."""
    with playing() as player:
        yield player


@dataclass(frozen=True, slots=True)
class Stage:
    """A namespace, and one role that is run in it."""

    space: Space
    cluster: DevCluster
    player: Player
    role: str
    manifest: Path

    def ask(self, spec: Mapping[str, Any]) -> None:
        """Write the resource that the role is given."""
        metadata = {"name": "router", "namespace": self.space.name}
        resource = {"apiVersion": "vllm.ai/v1alpha1", "kind": "SemanticRouter", "metadata": metadata}
        self.manifest.write_text(yaml.safe_dump({**resource, "spec": spec}), encoding="utf-8")

    def objects(self) -> dict[str, Any]:
        """Return what is there of the resource, without what controllers write."""
        found = {
            (kind, one["metadata"]["name"]): one for kind in KINDS for one in self.space.list(kind, OURS)
        }
        return {f"{kind}/{name}": _settled(one) for (kind, name), one in found.items()}

    def run(self, playbook: Path, *, check: bool) -> int:
        """Run the playbook; return how many tasks changed something. It must succeed."""
        given = {
            "role": self.role,
            "root": str(CHECKOUT),
            "space": self.space.name,
            "manifest": str(self.manifest),
            "files": str(self.manifest),
        }
        outcome = self.player.play(playbook, given, kubeconfig=self.cluster.kubeconfig, check=check)
        assert outcome.status is RunStatus.SUCCESSFUL, outcome
        return outcome.counts.changed

    def step(self, playbook: Path, *, changes: bool) -> None:
        """Try a step in check mode, which touches nothing, and then make it, with the same tasks changed."""
        before = self.objects()
        tried = self.run(playbook, check=True)
        assert self.objects() == before, "check mode has changed something"
        done = self.run(playbook, check=False)
        assert tried == done, "check mode has told something else"
        assert (done > 0) is changes
        assert (self.objects() != before) is changes, "what is told to have changed is not what has"


def _settled(found: Mapping[str, Any]) -> dict[str, Any]:
    metadata = found["metadata"]
    kept = {key: metadata.get(key) for key in ("uid", "labels")}
    annotations = metadata.get("annotations", {})
    ours = {key: value for key, value in annotations.items() if "kubernetes.io/" not in key}
    content = {key: value for key, value in found.items() if key not in {"metadata", "status"}}
    spec = {key: value for key, value in content.get("spec", {}).items() if key != "volumeName"}
    return {**content, "spec": spec, "metadata": {**kept, "annotations": ours}}


@pytest.mark.parametrize("role", CASES)
def test_a_role_through_twelve_steps(
    role: str, space: Space, control_plane: DevCluster, player: Player, tmp_path: Path
) -> None:
    case = CASES[role]
    space.create(service())
    stage = Stage(space, control_plane, player, role, tmp_path / "router.yaml")
    changes = bool(case.makes)
    stage.ask(case.spec)
    stage.step(ALONE, changes=changes)
    assert {name.partition("/")[0] for name in stage.objects()} == case.makes
    stage.step(ALONE, changes=False)
    stage.ask(case.edit)
    stage.step(ALONE, changes=changes)
    stage.step(ALONE, changes=False)
    stage.step(TEARDOWN, changes=changes)
    assert stage.objects() == {}
    stage.step(TEARDOWN, changes=False)


def test_there_is_a_case_for_every_role() -> None:
    assert set(CASES) == {path.name for path in (CHECKOUT / "roles").iterdir()}
