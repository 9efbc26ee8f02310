"""From the last release to this version and back, and from the version before this one; docs/operations/upgrades.md.

The definition comes first, then the operator.

Where the clone has no history, the objects that the previous release made, kept in a file, stand for its operator.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.cluster import running as running_cluster
from tests.support.operators import OperatorUnderTest, conditions
from tests.support.pod_watch import PodHistory, watching_pods
from tests.support.releases import Release, revisions, take_out
from tests.support.waiting import stays, wait_for
from tools.demo.credentials import NAMESPACE
from tools.demo.processes import PROGRAM

pytestmark = [pytest.mark.cluster, pytest.mark.upgrade, pytest.mark.timeout(1800)]

NO_HISTORY = "no history"
SAMPLES = {"simple": "test-router", "redis_cache": "router-redis", "gateway": "router-gateway"}
"""Samples that are upgraded, each in a namespace of its own, and the names of their resources."""

KINDS = (
    "deployments,replicasets,pods,services,configmaps,persistentvolumeclaims,serviceaccounts,poddisruptionbudgets,"
    "httproutes"
)
REPLACED = ("ReplicaSet", "Pod", "ConfigMap")
"""Kinds of which a new revision has objects of its own."""

CHANGES = re.compile(r"^- .*\b(?:pods|routers)\b.*\broll\b.*\bonce\b", re.MULTILINE | re.IGNORECASE)
CURRENT = Release(CHECKOUT, PROGRAM)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a router was at a moment: uids of its objects by kind and name, and what its pods are made by."""

    uids: Mapping[str, str]
    template: Any

    def uids_of(self, *kinds: str) -> set[str]:
        """Return the uids of the objects of these kinds."""
        return {uid for name, uid in self.uids.items() if name.split("/")[0] in kinds}


@dataclass(slots=True)
class Stage:
    """A control plane with routers, and the operator that works there now."""

    cluster: DevCluster
    directory: Path
    operator: OperatorUnderTest | None = None
    histories: dict[str, PodHistory] = field(default_factory=dict)

    def install(self, release: Release) -> None:
        """Do what ``make deploy`` of the release does: its definition first, then its manifests."""
        flags = ("--server-side", "--force-conflicts", "--field-manager=semantic-router-operator-install")
        definition = release.directory / "crds" / "vllm.ai_semanticrouters.yaml"
        self.cluster.kubectl("apply", *flags, "-f", str(definition))
        self.cluster.wait_established("semanticrouters.vllm.ai")
        self.cluster.kubectl("apply", *flags, "-k", str(release.directory / "deploy" / "base"))

    def hand_over(self, release: Release) -> OperatorUnderTest:
        """Start the operator of a release; the one before ends when it stands by, as in a rolling update."""
        manager = self.cluster.get("deployment", "semantic-router-operator", "-n", NAMESPACE)
        _, *arguments = manager["spec"]["template"]["spec"]["containers"][0]["args"]
        directory = self.directory / f"operator-{len(list(self.directory.iterdir()))}"
        directory.mkdir()
        former, self.operator = self.operator, OperatorUnderTest(
            cluster=self.cluster,
            directory=directory,
            watches=release.directory / "watches.yaml",
            program=release.program,
            arguments=[*arguments, f"--leader-election-namespace={NAMESPACE}"],
        )  # fmt: skip
        self.operator.start()
        if former:
            former.stop()
        return self.operator

    def create(self, release: Release) -> None:
        """Apply the samples of a release with what they refer to."""
        for sample in SAMPLES:
            self.cluster.kubectl("create", "namespace", space(sample))
            for name in (f"prerequisites/{sample}.yaml", f"vllm.ai_v1alpha1_semanticrouter_{sample}.yaml"):
                path = release.directory / "samples" / name
                self.cluster.kubectl(
                    "apply", "-n", space(sample), "-f", str(path), check="prereq" not in name
                )

    def wait_done(self, runs: int) -> None:
        """Wait until the operator has made so many runs, every router is as wanted, and nothing goes on any more."""
        operator = self.operator
        assert operator is not None

        def done() -> float:
            made = counted(operator, "playbook_engine_runs_total")
            assert made >= runs, f"{made} runs"
            assert counted(operator, "playbook_engine_runs_in_progress") == 0
            for sample, name in SAMPLES.items():
                found = self.cluster.get("semanticrouter", name, "-n", space(sample))
                told = {kind: one["status"] for kind, one in conditions(found).items()}
                assert told["Reconciled"] == told["Available"] == "True", told
                assert told.get("Progressing") != "True", told
                assert conditions(found)["Available"]["observedGeneration"] == found["metadata"]["generation"]
            return made

        made = wait_for(done, timeout=240, what="all routers are as wanted", poll=1)
        assert stays(done, seconds=4, poll=1) == made, "runs go on"

    def look(self) -> dict[str, Seen]:
        """Return what each router is now."""
        found = {}
        for sample, name in SAMPLES.items():
            label = f"app.kubernetes.io/instance={name}"
            items = self.cluster.get(KINDS, "-n", space(sample), "-l", label)["items"]
            there = [one for one in items if "deletionTimestamp" not in one["metadata"]]
            uids = {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in there}
            (template,) = [one["spec"]["template"] for one in there if one["kind"] == "Deployment"]
            found[sample] = Seen(uids, template)
        return found


def counted(operator: OperatorUnderTest, name: str) -> float:
    """Return a metric; an operator that is too busy to answer at once is asked again."""
    try:
        return operator.metric(name)
    except TimeoutError as error:
        raise AssertionError(name) from error


def space(sample: str) -> str:
    return f"upgrade-{sample.replace('_', '-')}"


@contextmanager
def watching(stage: Stage) -> Iterator[dict[str, PodHistory]]:
    """Watch the pods of all routers during the block."""
    with ExitStack() as stack:
        yield {
            sample: stack.enter_context(
                watching_pods(stage.cluster, space(sample), stage.directory / f"{sample}.pods", name)
            )
            for sample, name in SAMPLES.items()
        }


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with running_cluster() as cluster:
        stage = Stage(cluster, tmp_path)
        yield stage
        if stage.operator:
            stage.operator.stop()


@pytest.mark.parametrize("revision", revisions() or [NO_HISTORY])
def test_an_upgrade_replaces_pods_once_where_they_change_and_never_else(
    revision: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    if revision == NO_HISTORY:
        return kept_objects_go_on()
    release = take_out(revision, tmp_path_factory.mktemp("release"))
    stage: Stage = request.getfixturevalue("stage")
    stage.install(release)
    stage.hand_over(release)
    stage.create(release)
    stage.wait_done(len(SAMPLES))
    before = stage.look()

    # The definition is newer than the operator for a while, which goes on to work.
    stage.install(CURRENT)
    scale(stage, 2)
    stage.wait_done(len(SAMPLES) + 1)
    assert uids(stage.look(), "ReplicaSet") == uids(before, "ReplicaSet")

    before = stage.look()
    with watching(stage) as histories:
        stage.hand_over(CURRENT)
        stage.wait_done(len(SAMPLES))
    after = stage.look()
    rolled = {sample for sample in SAMPLES if after[sample].template != before[sample].template}
    for sample in SAMPLES:
        compare(before[sample], after[sample], rolls=sample in rolled)
        assert histories[sample].fewest_ready >= 1, f"{sample} was without a ready pod"
    unreleased = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    assert not rolled or CHANGES.search(unreleased), (
        f"the changelog does not say that pods roll once: {rolled}"
    )

    # And back, with the newer definition.
    stage.hand_over(release)
    stage.wait_done(len(SAMPLES))
    back = stage.look()
    for sample in SAMPLES:
        compare(after[sample], back[sample], rolls=back[sample].template != after[sample].template)
        assert back[sample].template == before[sample].template, "the older operator makes what it made"
    return None


def kept_objects_go_on() -> None:
    """Have this operator take on the kept objects of the previous release (molecule/upgrade)."""
    subprocess.run(
        [sys.executable, "-m", "tools.scenarios"],
        cwd=CHECKOUT, env={**os.environ, "SCENARIO": "upgrade"}, check=True,
    )  # fmt: skip


def scale(stage: Stage, replicas: int) -> None:
    sample, name = next(iter(SAMPLES.items()))
    stage.cluster.kubectl("scale", "semanticrouter", name, "-n", space(sample), f"--replicas={replicas}")


def uids(seen: Mapping[str, Seen], *kinds: str) -> set[str]:
    return {uid for one in seen.values() for uid in one.uids_of(*kinds)}


def compare(before: Seen, after: Seen, *, rolls: bool) -> None:
    """Nothing that was there is made anew but pods and what is their revision's own; and these only if they roll."""
    kept = {name: uid for name, uid in before.uids.items() if name.split("/")[0] not in REPLACED}
    assert kept.items() <= after.uids.items()
    new = after.uids_of("ReplicaSet") - before.uids_of("ReplicaSet")
    assert len(new) == (1 if rolls else 0)
    if not rolls:
        assert after.uids_of("Pod") == before.uids_of("Pod")
        assert after.uids_of("ConfigMap") == before.uids_of("ConfigMap")
