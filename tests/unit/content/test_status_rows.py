"""What ``watches.yaml`` makes of a Deployment and its pods: conditions, phase, and the last good revision."""

from typing import Any

import pytest

from playbook_engine.objects import Object
from playbook_engine.status.compose import News, compose
from playbook_engine.status.conditions import read_conditions
from playbook_engine.watches.reading import read_watches
from playbook_engine.watches.records import Watch
from tests.support.cluster import CHECKOUT
from tests.unit.content.routers import resource

COMPLETE = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
STALLED = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "r-2" has timed out progressing.',
}
SERVES = {"type": "Available", "status": "True"}


@pytest.fixture(scope="module")
def watch() -> Watch:
    (found,) = read_watches(CHECKOUT / "watches.yaml", {})
    return found


def deployment(
    *conditions: dict[str, str], wanted: int = 1, generation: int = 1, **counts: int
) -> dict[str, Any]:
    """Return a Deployment whose pods are all new and ready, but for what ``counts`` say."""
    every = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), wanted)
    template = {"metadata": {"annotations": {"vllm.ai/revision": "new"}}}
    return {
        "metadata": {"name": "r", "generation": generation},
        "spec": {"replicas": wanted, "template": template},
        "status": {"observedGeneration": 1, "conditions": [*conditions], **every, **counts},
    }


def pod(watch: Watch, **status: Any) -> object:  # noqa: ANN401 - as the kubelet writes it
    """Return what the status sees of a pod."""
    (glimpse,) = watch.glimpses
    assert glimpse.projection is not None
    return glimpse.projection.search({"metadata": {"name": "r-2-abc"}, "status": status})


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": "semantic-router", "ready": False, "state": state, **more}


def status(
    watch: Watch, found: dict[str, Any] | None, *pods: object, before: Object | None = None
) -> dict[str, Any]:
    """Return the status of a resource with this Deployment, whose runs have all been well."""
    news = News(references={"pods": list(pods)})
    owned: dict[str, list[Object]] = {"Deployment": [found] if found else []}
    return dict(compose(watch, {**resource(), "status": before or {}}, owned, news, "t").status)


def told(found: Object, kind: str) -> tuple[str, str, str]:
    condition = read_conditions({"status": found})[kind]
    return str(condition["status"]), str(condition["reason"]), str(condition["message"])


def test_nothing_is_there_before_the_first_deployment(watch: Watch) -> None:
    found = status(watch, None)
    assert (found["phase"], found["replicas"], "lastGood" in found) == ("Pending", 0, False)
    assert told(found, "Available")[:2] == ("False", "NotDeployed")


def test_all_is_well_when_every_pod_is_new_and_serves(watch: Watch) -> None:
    found = status(watch, deployment(COMPLETE, SERVES))
    assert (found["phase"], found["lastGood"]["revision"]) == ("Running", "new")
    assert [told(found, kind)[0] for kind in ("Available", "Progressing", "Degraded")] == [
        "True",
        "False",
        "False",
    ]


@pytest.mark.parametrize(
    "counts",
    [
        {"updatedReplicas": 0},
        {"replicas": 2},
        {"availableReplicas": 0},
        {"generation": 2},
    ],
)
def test_a_roll_out_is_told_from_its_first_moment_to_its_last(watch: Watch, counts: dict[str, int]) -> None:
    """``generation`` is ahead before the controller has seen the template; then all that is told is of the old one."""
    before = {"lastGood": {"revision": "old"}}
    found = status(watch, deployment(COMPLETE, SERVES, **counts), before=before)
    assert (found["phase"], told(found, "Progressing")[:2]) == ("Progressing", ("True", "RollingOut"))
    assert found["lastGood"]["revision"] == "old", "what is rolling out has not proved anything"


def test_a_stall_that_was_is_not_told_of_the_next_template(watch: Watch) -> None:
    found = status(watch, deployment(STALLED, SERVES, generation=2))
    assert told(found, "Progressing")[:2] == ("True", "RollingOut")


@pytest.mark.parametrize(
    ("of_pod", "words"),
    [
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2"}
                ]
            },
            "pod r-2-abc is not scheduled (Unschedulable): 0/2",
        ),
        (
            {
                "containerStatuses": [
                    container({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})
                ]
            },
            "pod r-2-abc container semantic-router: ImagePullBackOff, no such image",
        ),
        (
            {
                "containerStatuses": [
                    container(
                        {"waiting": {"reason": "CrashLoopBackOff"}},
                        lastState={"terminated": {"reason": "OOMKilled"}},
                    )
                ]
            },
            "pod r-2-abc container semantic-router: CrashLoopBackOff, OOMKilled",
        ),
        (
            {"containerStatuses": [container({"running": {"startedAt": "now"}})]},
            "pod r-2-abc container semantic-router: runs, but its probe does not succeed",
        ),
    ],
)
def test_a_stalled_roll_out_names_pod_container_and_reason(
    watch: Watch, of_pod: dict[str, Any], words: str
) -> None:
    found = status(watch, deployment(STALLED, SERVES, wanted=2, updatedReplicas=1), pod(watch, **of_pod))
    state, reason, message = told(found, "Progressing")
    assert (state, reason) == ("False", "RolloutStalled")
    assert words in message
    assert "1 of 2 pods" in message
    assert found["phase"] == "Degraded"
    assert told(found, "Degraded")[:2] == ("True", "RolloutStalled")
    assert told(found, "Available")[0] == "True", "old pods serve"


def test_trouble_is_told_long_before_the_deadline(watch: Watch) -> None:
    waiting = pod(watch, containerStatuses=[container({"waiting": {"reason": "ErrImagePull"}})])
    state, reason, message = told(
        status(watch, deployment(SERVES, replicas=1, updatedReplicas=0), waiting), "Progressing"
    )
    assert (state, reason) == ("True", "RollingOut")
    assert "ErrImagePull" in message


def test_pods_that_just_start_are_no_trouble(watch: Watch) -> None:
    starting = pod(watch, containerStatuses=[container({"waiting": {"reason": "ContainerCreating"}})])
    assert starting == {"name": "r-2-abc", "going": None, "troubles": []}


def test_pods_that_fail_without_a_roll_out_are_degraded_and_not_progressing(watch: Watch) -> None:
    crashing = pod(watch, containerStatuses=[container({"waiting": {"reason": "CrashLoopBackOff"}})])
    found = status(
        watch, deployment(COMPLETE, availableReplicas=0), crashing, before={"lastGood": {"revision": "new"}}
    )
    assert (found["phase"], told(found, "Progressing")[:2]) == ("Degraded", ("False", "PodsFailing"))
    assert told(found, "Degraded")[:2] == ("True", "PodsFailing")
    assert found["lastGood"]["revision"] == "new"


def test_pods_that_may_not_be_made_are_told_in_the_words_of_the_api_server(watch: Watch) -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}
    found = status(watch, deployment(refused, updatedReplicas=0))
    assert "exceeded quota: pods" in told(found, "Progressing")[2]


def test_a_router_that_is_scaled_to_zero_is_neither_available_nor_degraded(watch: Watch) -> None:
    found = status(watch, deployment(COMPLETE, SERVES, wanted=0))
    assert (found["phase"], told(found, "Available")[:2]) == ("Pending", ("False", "ScaledToZero"))
    assert told(found, "Degraded")[0] == "False"
    assert "lastGood" not in found, "no pod has proved anything"


def test_pods_are_looked_at_only_while_not_all_of_them_serve(watch: Watch) -> None:
    (glimpse,) = watch.glimpses
    assert not glimpse.when.search({"owned": {"Deployment": [deployment(COMPLETE, SERVES)]}})
    assert not glimpse.when.search({"owned": {"Deployment": []}})
    for counts in ({"availableReplicas": 0}, {"updatedReplicas": 0}, {"unavailableReplicas": 1}):
        assert glimpse.when.search({"owned": {"Deployment": [deployment(**counts)]}})
