"""An API server that has too much to do says when to come again, and requests do."""

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils import connected_cluster
from ansible_collections.vllm.semantic_router.plugins.module_utils.connected_cluster import (
    MOST_PATIENCE_SECONDS,
    patiently,
)
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import TooManyRequestsError


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        """Begin."""
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Server:
    """Is busy for some requests."""

    def __init__(self, *said: str | None) -> None:
        """Say so with these values of Retry-After; None for none."""
        self.said = list(said)

    def ask(self) -> str:
        if self.said:
            after = self.said.pop(0)
            error = ApiException(status=429, reason="Too Many Requests")
            error.headers = {} if after is None else {"Retry-After": after}
            raise TooManyRequestsError(error)  # type: ignore[no-untyped-call]
        return "done"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the module."""
    clock = Clock()
    monkeypatch.setattr(connected_cluster, "time", clock)
    return clock


def test_a_request_comes_again_as_late_as_the_server_says(clock: Clock) -> None:
    assert patiently(Server("3", None, "0", "Wed, 21 Oct 2026 07:28:00 GMT").ask) == "done"
    assert clock.now == 3 + 1 + 1 + 1


def test_patience_has_an_end_before_a_wait_that_would_be_too_long(clock: Clock) -> None:
    server = Server("20", "20", "20", "20", "20")
    with pytest.raises(TooManyRequestsError):
        patiently(server.ask)
    assert clock.now == MOST_PATIENCE_SECONDS
    with pytest.raises(TooManyRequestsError):
        patiently(Server("3600").ask)
    assert clock.now == MOST_PATIENCE_SECONDS


def test_other_refusals_are_told_at_once(clock: Clock) -> None:
    def refused() -> str:
        raise ApiException(status=403)

    with pytest.raises(ApiException):
        patiently(refused)
    assert clock.now == 0
