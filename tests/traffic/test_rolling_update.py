"""Pods are replaced while requests run: no request fails, no answer is cut, and the old pod ends by itself."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http import HTTPStatus

from tests.support.routers import Router, endpoint
from tests.support.traffic.clients import Client, Load, Service
from tests.support.traffic.site import READY_PORT, Place, Site
from tests.support.waiting import wait_for

MORE = 50
"""So many answers say that the requests go on."""


def wait_drains(place: Place) -> None:
    """Wait until the pod says that it shall get no more requests."""

    def drains() -> bool:
        assert place.client(READY_PORT).ask("/ready").status == HTTPStatus.SERVICE_UNAVAILABLE
        return True

    wait_for(drains, timeout=30, what="the pod drains")


def wait_answers(load: Load, count: int = MORE) -> None:
    """Wait until so many further requests have been answered."""
    seen = len(load.answers)
    wait_for(lambda: len(load.answers) >= seen + count, timeout=60, what="requests go on", poll=0.02)


def test_no_request_fails_and_no_answer_is_cut_while_pods_are_replaced(site: Site) -> None:
    site.serve("llama")
    slow = site.serve("slow")
    entries = [endpoint("llama", "llama"), endpoint("slow", "slow", name="slow")]
    router = Router.create(site.space, {"vllmEndpoints": entries})
    router.wait_available()
    service = Service()
    load, client = Load(service.connect), Client(service.connect)
    with ExitStack() as pods:
        old = pods.enter_context(site.run(router.wait_rolled()))
        service.openers["old"] = old.opener()
        with load.running(), client.stream("slow", events=2) as generation, ThreadPoolExecutor(1) as pool:
            slow.steps.release()
            assert generation.readline() == b"data: 0\n"
            router.edit({"podAnnotations": {"example.com/colour": "blue"}})
            router.wait_available()
            new = pods.enter_context(site.run(router.wait_rolled()))
            service.openers["new"] = new.opener()
            wait_answers(load)
            ending = pool.submit(old.pod.terminate)
            wait_drains(old)
            wait_answers(load)  # clients hear a little later that the pod shall get no more
            del service.openers["old"]
            wait_answers(load)
            slow.steps.release(2)
            assert generation.read() == b"\ndata: 1\n\ndata: [DONE]\n\n"
            endings = ending.result()
            wait_answers(load)
    assert load.failures() == []
    assert all(one.in_time and not one.hook_problem for one in endings), endings
