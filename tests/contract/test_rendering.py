"""What is rendered for a random resource without a cluster is what the operator would apply, coming later."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.vllm.semantic_router.plugins.filter.provisioning import NEUTRAL
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import ADOPTION_ANNOTATION
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import OWNER_ANNOTATION
from hypothesis import Phase, given, settings

from playbook_engine.runs.records import RunStatus
from tests.support.examples import few
from tests.support.playing import PLAYBOOKS, Player, playing
from tests.support.resources import specs
from tools.fields.runs import Run, run
from tools.fields.surroundings import NAME, NAMESPACE, described, resource_of, surroundings
from tools.fields.values import with_defaults
from tools.fields.walk import spec_schema

type Objects = dict[str, Any]


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """Runs the playbooks."""
    with playing() as player:
        yield player


def rendered(player: Player, directory: Path, spec: Mapping[str, Any]) -> tuple[Objects, str]:
    """Render a resource; return the manifests by kind and name, and what was said when it was refused."""
    resource = resource_of(spec)
    written = {**resource, "metadata": {"name": NAME, "namespace": NAMESPACE}}
    (directory / "router.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    known = described(resource_of(with_defaults(spec, spec_schema())))
    (directory / "cluster.yaml").write_text(yaml.safe_dump_all(known), encoding="utf-8")
    outcome = player.play(
        PLAYBOOKS / "render.yml",
        {
            "files": str(directory / "router.yaml"),
            "observed_file": str(directory / "cluster.yaml"),
            "output": str(directory / "out"),
        },
    )
    refusal = " ".join(failure.message for failure in outcome.failures)
    assert (outcome.status is RunStatus.SUCCESSFUL) is not bool(refusal), outcome
    files = sorted((directory / "out" / NAMESPACE / NAME).glob("*.yaml"))
    found = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    return {_name(one): one for one in found} if not refusal else {}, refusal


def as_written(done: Run) -> Objects:
    """Return the manifests of a run as they are without an owner: with the mark by which the operator takes them."""
    found = {}
    for one in done.applied:
        metadata = {
            key: value for key, value in one["metadata"].items() if key not in {"ownerReferences", "uid"}
        }
        own = {
            key: value for key, value in metadata.get("annotations", {}).items() if key != OWNER_ANNOTATION
        }
        metadata["annotations"] = {**own, ADOPTION_ANNOTATION: NAME}
        found[_name(one)] = {**one, "metadata": metadata}
    return found


def as_stored(found: Objects) -> list[Any]:
    """Return manifests as a cluster has them in which somebody has applied them."""
    return [
        {**one, "metadata": {**one["metadata"], "uid": f"uid-of-{name}", "resourceVersion": "1"}}
        for name, one in found.items()
    ]


def _name(found: Mapping[str, Any]) -> str:
    return f"{found['kind']}/{found['metadata']['name']}"


@pytest.fixture(scope="module")
def compared() -> Iterator[list[str]]:
    """The examples that were not refused; some must not be."""
    names: list[str] = []
    yield names
    assert names, "every random resource was refused, so nothing was compared"


@settings(
    few(6), phases=[Phase.explicit, Phase.generate]
)  # to shrink takes minutes, since each example is a run
@given(spec=specs())
def test_a_random_resource_is_rendered_as_it_would_be_applied(
    player: Player, tmp_path_factory: pytest.TempPathFactory, compared: list[str], spec: dict[str, Any]
) -> None:
    found, refusal = rendered(player, tmp_path_factory.mktemp("rendering"), spec)
    resource = resource_of(with_defaults(spec, spec_schema()))
    done = run(resource, surroundings(resource, *as_stored(found)))
    troubles = [
        kind for kind, one in done.conditions.items() if one["status"] != "True" and kind not in NEUTRAL
    ]
    if refusal:
        assert [kind for kind in troubles if f"{kind}: " in refusal] == troubles != []
        return
    assert found == as_written(done)
    compared.extend(found)
