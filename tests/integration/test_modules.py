"""Modules of ``kubernetes.core`` give warm what they give cold, and ask for less."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.records import Executor, RunOutcome, RunRequest, RunStatus
from playbook_engine.runs.warm import WarmExecutor
from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.cluster import DevCluster

ADMIN = "devcluster:admin"
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Look for what is not there yet
      kubernetes.core.k8s_info: {kind: ConfigMap, name: "{{ name }}", namespace: "{{ namespace }}"}
      register: before

    - name: Apply it
      kubernetes.core.k8s:
        apply: true
        definition: "{{ definition }}"
      register: made

    - name: Apply the same
      kubernetes.core.k8s:
        apply: true
        definition: "{{ definition }}"
      register: same

    - name: Change it
      kubernetes.core.k8s:
        apply: true
        definition: "{{ definition | combine({'data': {'a': '2'}}) }}"
      register: changed

    - name: Look at it
      kubernetes.core.k8s_info: {kind: ConfigMap, name: "{{ name }}", namespace: "{{ namespace }}"}
      register: between

    - name: Delete it
      kubernetes.core.k8s: {state: absent, kind: ConfigMap, name: "{{ name }}", namespace: "{{ namespace }}"}
      register: deleted

    - name: Delete it again
      kubernetes.core.k8s: {state: absent, kind: ConfigMap, name: "{{ name }}", namespace: "{{ namespace }}"}
      register: gone

    - name: Make something where nothing can be
      kubernetes.core.k8s:
        definition: "{{ definition | combine({'metadata': {'namespace': 'nowhere-' ~ namespace}}, recursive=true) }}"
      register: refused
      ignore_errors: true

    - ansible.builtin.set_stats:
        data:
          before: "{{ before.resources }}"
          changed: "{{ [made, same, changed, deleted, gone] | map(attribute='changed') }}"
          data: "{{ [made.result.data, same.result.data, changed.result.data, between.resources[0].data] }}"
          refused: "{{ [refused.msg, refused.status | default(0)] }}"
  vars:
    name: thing
    definition:
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: "{{ name }}", namespace: "{{ namespace }}"}
      data: {a: "1"}
"""


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    """The playbook."""
    path = tmp_path / "modules.yml"
    path.write_text(PLAYBOOK)
    return path


@pytest.fixture
async def warm() -> AsyncIterator[WarmExecutor]:
    """A warm executor."""
    executor = WarmExecutor()
    yield executor
    await executor.close()


async def run(executor: Executor, playbook: Path, space: Space, cluster: DevCluster) -> RunOutcome:
    """Make one run; return what it gave."""
    environment = {"K8S_AUTH_KUBECONFIG": str(cluster.kubeconfig)}
    given: dict[str, Any] = {"namespace": space.name}
    request = RunRequest(ident="1", subject="x", playbook=playbook, variables=given, environment=environment)
    outcome = await executor.run(request)
    assert outcome.status is RunStatus.SUCCESSFUL, outcome
    return outcome


async def test_modules_give_the_same_warm_and_cold(
    warm: WarmExecutor, playbook: Path, space: Space, control_plane: DevCluster
) -> None:
    cold = ColdExecutor()
    try:
        as_usual = await run(cold, playbook, space, control_plane)
    finally:
        await cold.close()
    outcomes = [await run(warm, playbook, space, control_plane) for _ in range(2)]
    assert all(one.warm for one in outcomes)
    assert as_usual.custom["changed"] == [True, False, True, True, False]
    for one in outcomes:
        assert (one.custom, one.counts) == (as_usual.custom, as_usual.counts)


async def test_an_object_is_read_once_to_be_applied(
    warm: WarmExecutor, playbook: Path, space: Space, control_plane: DevCluster, audit: AuditLog
) -> None:
    await run(
        warm, playbook, space, control_plane
    )  # what the cluster has is asked for once in a server's life
    mark = audit.now()
    await run(warm, playbook, space, control_plane)
    made, same, changed = ["get", "create"], ["get"], ["get", "patch"]
    deleted, gone, refused = ["get", "delete"], ["get"], ["get", "create"]
    assert audit.requests(ADMIN, mark) == ["get", *made, *same, *changed, "get", *deleted, *gone, *refused]
