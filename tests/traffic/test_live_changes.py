"""Backends come, go and change their weight while requests run: no request fails, and no pod is restarted."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.routers import Router, endpoint
from tests.support.traffic.clients import Load, told
from tests.support.traffic.site import Place, Site
from tests.support.waiting import wait_for

LABELS = {"app": "llama-stack"}
LATEST = 100
"""So many answers show who serves."""

ADDED, TOLERANCE = ("one", "two"), 0.05


def stack(name: str = "stack") -> dict[str, Any]:
    """Return an entry whose Services are found by their labels."""
    return {"name": name, "model": "llama", "backend": {"type": "llamastack", "discoveryLabels": LABELS}}


def servers(*weights: int) -> list[dict[str, Any]]:
    """Return entries with these weights, one for each of the servers."""
    named = zip(ADDED, weights, strict=False)
    return [endpoint("llama", name, name=name, weight=weight) for name, weight in named]


@pytest.fixture(scope="module")
def router(site: Site) -> Router:
    """A router of one model; its servers are known by name, then by their labels."""
    for name in ADDED:
        site.serve(name)
    site.serve("first", labels=LABELS)
    router = Router.create(site.space, {"vllmEndpoints": servers(1)})
    router.wait_available()
    return router


@pytest.fixture(scope="module")
def place(site: Site, router: Router) -> Iterator[Place]:
    """The pod of the router, which lives through all tests of this module."""
    with site.run(router.deployment()) as running:
        yield running


@pytest.fixture
def load(place: Place) -> Iterator[Load]:
    """Requests without a pause for the length of a test; none of them may fail."""
    with Load(place.opener()).running() as running:
        yield running
    assert running.failures() == []


@pytest.fixture(autouse=True)
def same_pods(router: Router, place: Place) -> Iterator[None]:
    """No test may change the pods: a router may need an hour to load its models."""
    before = router.deployment()["spec"]["template"]
    yield
    assert router.deployment()["spec"]["template"] == before
    place.pod.check_running()


def shares(load: Load, place: Place) -> dict[str, float]:
    """Return who serves which share of the latest requests, after the files were brought up to date."""
    place.pod.refresh_volumes()
    seen = len(load.answers)
    wait_for(lambda: len(load.answers) >= seen + LATEST, timeout=30, what="more answers", poll=0.02)
    served = Counter(json.loads(answer.body).get("served_by") for answer in load.answers[-LATEST:])
    return {name: count / LATEST for name, count in served.items()}


def wait_shares(load: Load, place: Place, **wanted: float) -> None:
    """Wait until requests are shared so."""

    def shared() -> bool:
        found = shares(load, place)
        assert found.keys() == wanted.keys(), found
        assert all(abs(found[name] - share) <= TOLERANCE for name, share in wanted.items()), found
        return True

    wait_for(shared, timeout=60, what=f"requests are shared as {wanted}")


def test_servers_are_added_weighted_and_removed(router: Router, load: Load, place: Place) -> None:
    wait_shares(load, place, one=1)
    router.edit({"vllmEndpoints": servers(1, 1)})
    wait_shares(load, place, one=0.5, two=0.5)
    router.edit({"vllmEndpoints": servers(9, 1)})
    wait_shares(load, place, one=0.9, two=0.1)
    router.edit({"vllmEndpoints": servers(0, 1)})
    wait_shares(load, place, two=1)


def test_services_are_found_and_lost_by_their_labels(
    router: Router, site: Site, load: Load, place: Place
) -> None:
    router.edit({"vllmEndpoints": [stack()]})
    wait_shares(load, place, first=1)
    site.serve("second", labels=LABELS)
    wait_shares(load, place, first=0.5, second=0.5)
    site.withdraw("first")
    wait_shares(load, place, second=1)


def test_an_answer_that_has_begun_ends_although_its_server_is_taken_away(
    router: Router, site: Site, place: Place
) -> None:
    slow = site.serve("slow")
    router.edit({"vllmEndpoints": [endpoint("llama", "slow", name="slow")]})
    wait_served(place, "slow")
    with place.client().stream("llama", events=1) as response:
        slow.steps.release()
        assert response.readline() == b"data: 0\n"
        router.edit({"vllmEndpoints": servers(1)})
        wait_served(place, "one")
        slow.steps.release()
        assert response.read() == b"\ndata: [DONE]\n\n"


def wait_served(place: Place, name: str) -> None:
    """Wait until requests reach that server."""

    def served() -> bool:
        place.pod.refresh_volumes()
        assert told(place.client().chat("llama"))["served_by"] == name
        return True

    wait_for(served, timeout=60, what=f"{name} serves")
