"""A candidate takes, keeps, loses and releases the Lease; the API server is the shipped fake, the clock the test's."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from playbook_engine.cluster.errors import UnavailableError
from playbook_engine.fence import Fence, Tenure
from playbook_engine.leadership.election import Election
from playbook_engine.leadership.leases import LEASE, Timing
from playbook_engine.objects import ObjectKey, mapping
from playbook_engine.testing.cluster import FakeCluster

PLACE = ObjectKey(gvk=LEASE, namespace="system", name="engine")
TIMING = Timing(duration=15.0, renew_deadline=10.0, retry=2.0)
DOWN = UnavailableError("the API server does not answer")


class EnoughError(Exception):
    """The test has seen enough."""


@dataclass
class Stage:
    cluster: FakeCluster = field(default_factory=FakeCluster)
    now: float = 1000.0
    armed: list[float] = field(default_factory=list)
    at: dict[float, Callable[[], None]] = field(default_factory=dict)
    """What happens at a time."""

    def candidate(self, identity: str) -> tuple[Election, Fence]:
        fence = Fence(clock=lambda: self.now, arm=self.armed.append)
        election = Election(
            self.cluster, PLACE, identity=identity, timing=TIMING, fence=fence,
            chance=lambda: 0.0, clock=lambda: self.now, sleep=self.sleep,
        )  # fmt: skip
        return election, fence

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in sorted(self.at):
            if moment <= self.now:
                self.at.pop(moment)()

    def stop(self) -> None:
        raise EnoughError

    @property
    def holder(self) -> object:
        found = self.cluster.look(PLACE)
        return mapping(found["spec"])["holderIdentity"] if found else None


async def test_the_first_candidate_gets_the_lease_and_may_write() -> None:
    stage = Stage()
    one, fence = stage.candidate("one")
    assert fence.left < 0, "a candidate may not write"
    await one.acquire()
    assert (stage.holder, fence.left) == ("one", 10.0)
    assert stage.armed[-1] == 1012.5, "it is killed between its last write and the end of the lease"


async def test_a_leader_renews_as_long_as_it_is_asked_to() -> None:
    stage = Stage()
    one, fence = stage.candidate("one")
    await one.acquire()
    stage.at[1100.0] = stage.stop
    with pytest.raises(EnoughError):
        await one.hold()
    assert fence.left >= 8.0


async def test_the_second_candidate_waits_for_the_whole_duration_of_a_leader_that_is_gone() -> None:
    stage = Stage()
    one, _ = stage.candidate("one")
    two, _ = stage.candidate("two")
    await one.acquire()
    await two.acquire()
    assert stage.now == 1015.0
    assert stage.holder == "two"


async def test_the_second_candidate_follows_a_release_within_one_retry() -> None:
    stage = Stage()
    one, fence = stage.candidate("one")
    two, _ = stage.candidate("two")
    await one.acquire()
    await one.release()
    assert (stage.holder, fence.left) == ("", float("-inf"))
    assert stage.armed[-1] == float("inf"), "a process that has let go is not killed"
    await two.acquire()
    assert stage.now <= 1002.0


async def test_a_leader_that_cannot_renew_stops_at_the_deadline() -> None:
    stage = Stage()
    one, fence = stage.candidate("one")
    await one.acquire()
    stage.cluster.fail("replace", *[DOWN] * 50)
    await one.hold()
    assert stage.now == 1010.0
    assert fence.left <= 0
    assert stage.armed[-1] == 1012.5, "what still goes on has its time, and is killed then"


async def test_a_short_failure_of_the_api_server_costs_nothing() -> None:
    stage = Stage()
    one, _ = stage.candidate("one")
    await one.acquire()
    stage.cluster.fail("replace", *[DOWN] * 3)
    stage.at[1100.0] = stage.stop
    with pytest.raises(EnoughError):
        await one.hold()
    assert stage.holder == "one"


async def test_a_leader_that_was_frozen_past_its_deadline_does_not_go_on() -> None:
    stage = Stage()
    one, fence = stage.candidate("one")
    await one.acquire()

    def freeze() -> None:
        stage.now += 60.0

    stage.at[1002.0] = freeze
    await one.hold()
    assert fence.left <= 0


async def test_a_leader_whose_lease_another_client_gave_away_stops_at_once() -> None:
    stage = Stage()
    one, fence = stage.candidate("one")
    await one.acquire()

    def rob() -> None:
        found = dict(stage.cluster.look(PLACE) or {})
        stage.cluster.put({**found, "spec": {**mapping(found["spec"]), "holderIdentity": "thief"}})

    stage.at[1004.0] = rob
    await one.hold()
    assert stage.now <= 1006.0
    assert fence.left == float("-inf")


async def test_a_renewal_whose_answer_was_lost_is_found_to_be_ours() -> None:
    stage = Stage()
    one, _ = stage.candidate("one")
    await one.acquire()

    def renewed_without_answer() -> None:
        stage.cluster.put({**(stage.cluster.look(PLACE) or {}), "extra": "a version more"})
        stage.cluster.fail("replace", DOWN)

    stage.at[1002.0] = renewed_without_answer
    stage.at[1100.0] = stage.stop
    with pytest.raises(EnoughError):
        await one.hold()
    assert stage.holder == "one"


def test_what_follows_a_fence_is_told_of_each_tenure_and_of_its_end() -> None:
    fence = Fence(clock=lambda: 0.0)
    told: list[Tenure] = []
    with fence.followed(told.append):
        fence.move(Tenure(10.0, 12.0))
        fence.close()
    fence.move(Tenure(20.0, 22.0))
    assert [one.until for one in told] == [float("inf"), 10.0, float("-inf")]
    assert told[-1].killed == 12.0
