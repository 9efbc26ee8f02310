"""How far a roll-out is: done only when every pod is new and available, late when Kubernetes says so."""

from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.rollout import LATE, rollout_of


def deployment(**status: Any) -> dict[str, Any]:  # noqa: ANN401 - of any form
    return {
        "metadata": {"generation": 2},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, **status},
    }


def test_all_pods_new_and_available_is_done() -> None:
    found = rollout_of(deployment(replicas=2, updatedReplicas=2, availableReplicas=2))
    assert (found.done, found.late) == (True, False)
    assert found.text == "2 of 2 pods available, 2 new"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (
            {"replicas": 3, "updatedReplicas": 2, "availableReplicas": 2},
            "2 of 2 pods available, 2 new, 1 old to go",
        ),
        ({"replicas": 2, "updatedReplicas": 2}, "0 of 2 pods available, 2 new"),
        ({}, "0 of 2 pods available, 0 new"),
        (
            {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
            "the Deployment has not been looked at yet",
        ),
    ],
)
def test_anything_else_is_not(status: dict[str, int], text: str) -> None:
    found = rollout_of(deployment(**status))
    assert (found.done, found.late, found.text) == (False, False, text)


def test_no_pods_are_wanted_and_none_are_there() -> None:
    stopped = deployment() | {"spec": {"replicas": 0}}
    assert rollout_of(stopped).done


def test_a_deployment_that_is_not_there_is_waited_for() -> None:
    assert rollout_of(None).text == "there is no Deployment yet"


def test_what_kubernetes_gave_up_is_late_in_its_own_words() -> None:
    said = {
        "type": "Progressing",
        "status": "False",
        "reason": LATE,
        "message": "it has timed out progressing.",
    }
    found = rollout_of(deployment(replicas=2, updatedReplicas=1, availableReplicas=1, conditions=[said]))
    assert found.late
    assert found.text == "1 of 2 pods available, 1 new, 1 old to go: it has timed out progressing."
