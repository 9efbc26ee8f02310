"""Three answers to whether a kind is served, because a failure to look is no absence."""

import asyncio
from typing import Any

import pytest

from playbook_engine.cluster.discovery import ABSENT_SECONDS, BUSY_SECONDS, Discovery, Presence
from playbook_engine.cluster.errors import ClusterError, NotFoundError, UnavailableError
from playbook_engine.cluster.messages import Request
from playbook_engine.cluster.transport import Transport
from playbook_engine.fence import Fence
from playbook_engine.objects import GroupVersionKind

POT = GroupVersionKind(group="example.com", version="v1", kind="Pot")
SERVED = {"resources": [{"name": "pots", "kind": "Pot", "namespaced": True}]}


class Scripted(Transport):
    """Answers as told, and late enough for others to come meanwhile."""

    def __init__(self, *answers: object) -> None:
        super().__init__(Fence())
        self.answers = list(answers)

    async def send(self, request: Request) -> Any:  # noqa: ANN401 - whatever the API server says
        del request
        answer = self.answers.pop(0)
        await asyncio.sleep(0)
        if isinstance(answer, ClusterError):
            raise answer
        return answer


async def test_a_kind_that_cannot_be_looked_for_is_not_taken_for_one_that_is_absent() -> None:
    discovery = Discovery(Scripted(UnavailableError("no answer")))
    with pytest.raises(UnavailableError, match="is not known: no answer"):
        await discovery.resource(POT)


async def test_a_kind_of_a_group_that_is_not_served_is_absent() -> None:
    discovery = Discovery(Scripted(NotFoundError("404")))
    with pytest.raises(NotFoundError):
        await discovery.resource(POT)


async def test_a_kind_is_looked_for_again_when_nobody_knew_and_kept_when_it_is_there() -> None:
    now = [0.0]
    discovery = Discovery(Scripted(UnavailableError("no answer"), SERVED), clock=lambda: now[0])
    assert await discovery.presence(POT) is Presence.UNKNOWN
    now[0] = 6.0
    assert await discovery.presence(POT) is Presence.PRESENT
    now[0] = 1e9
    assert (await discovery.resource(POT)).path(namespace="ns") == "/apis/example.com/v1/namespaces/ns/pots"


class Clock:
    """Seconds that only pass when somebody sleeps, or a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def busy(seconds: float) -> UnavailableError:
    return UnavailableError("too many requests", retry_after=seconds)


async def test_an_api_server_that_is_busy_is_asked_again_when_it_says() -> None:
    clock = Clock()
    discovery = Discovery(Scripted(busy(1), busy(2), SERVED), clock=clock, sleep=clock.sleep)
    assert await discovery.presence(POT) is Presence.PRESENT
    assert clock.slept == [1, 2]


@pytest.mark.parametrize("answers", [(busy(60),), (busy(2), busy(2)), (UnavailableError("no answer"),)])
async def test_a_pass_waits_for_seconds_only_and_not_where_nobody_says_how_long(
    answers: tuple[ClusterError, ...],
) -> None:
    clock = Clock()
    transport = Scripted(*answers)
    discovery = Discovery(transport, clock=clock, sleep=clock.sleep)
    assert await discovery.presence(POT) is Presence.UNKNOWN
    assert not transport.answers
    assert clock.now <= BUSY_SECONDS


async def test_what_was_absent_a_moment_ago_is_not_unknown_because_one_request_fails() -> None:
    clock = Clock()
    lost = [UnavailableError("no answer") for _ in range(3)]
    discovery = Discovery(Scripted(NotFoundError("404"), *lost, SERVED), clock=clock, sleep=clock.sleep)
    assert await discovery.presence(POT) is Presence.ABSENT
    for later, presence in ((6, Presence.ABSENT), (50, Presence.ABSENT), (61, Presence.UNKNOWN)):
        clock.now = later
        assert await discovery.presence(POT) is presence
    clock.now += ABSENT_SECONDS + 1
    assert await discovery.presence(POT) is Presence.PRESENT


async def test_of_many_that_want_to_know_at_once_one_asks() -> None:
    now = [0.0]
    transport = Scripted(NotFoundError("404"), NotFoundError("404"))
    discovery = Discovery(transport, clock=lambda: now[0])
    for _ in range(2):
        answers = await asyncio.gather(*(discovery.presence(POT) for _ in range(50)))
        assert set(answers) == {Presence.ABSENT}
        now[0] += 2 * ABSENT_SECONDS
    assert not transport.answers, "it was asked twice"
