"""Three answers to whether a kind is served, because a failure to look is no absence."""

from typing import Any

import pytest

from playbook_engine.cluster.discovery import Discovery, Presence
from playbook_engine.cluster.errors import ClusterError, NotFoundError, UnavailableError
from playbook_engine.cluster.messages import Request
from playbook_engine.cluster.transport import Transport
from playbook_engine.fence import Fence
from playbook_engine.objects import GroupVersionKind

POT = GroupVersionKind(group="example.com", version="v1", kind="Pot")
SERVED = {"resources": [{"name": "pots", "kind": "Pot", "namespaced": True}]}


class Scripted(Transport):
    """Answers as told."""

    def __init__(self, *answers: object) -> None:
        super().__init__(Fence())
        self._answers = list(answers)

    async def send(self, request: Request) -> Any:  # noqa: ANN401 - whatever the API server says
        del request
        answer = self._answers.pop(0)
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
