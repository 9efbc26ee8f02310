"""Requests go through the real Envoy of a Gateway, which the real Envoy Gateway has told what the operator made."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus

import pytest
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import (
    INTERNAL_HEADERS as FORGED,
)

from tests.conftest import temporary_space
from tests.support.api import Api, Space
from tests.support.gateways.guide import guide_policy
from tests.support.gateways.stage import SHARED, Stage, client_of, pods_of
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router, endpoint
from tests.support.traffic import chats
from tests.support.traffic.clients import CHAT, Client, Load, chat_body, told
from tests.support.traffic.models import LAST_CHUNK, ModelServer
from tests.support.traffic.site import Place, Site
from tests.support.waiting import stays, wait_for

pytestmark = pytest.mark.gateway

PLAIN_HOST, ASKING_HOST = "plain.example.com", "router.example.com"
LATE_SECONDS = 3.0
LATEST = 30
"""So many answers show who serves."""

ENDPOINTS = [
    *chats.ENDPOINTS,
    endpoint("spare", "spare", name="spare"),
]


@pytest.fixture(scope="module")
def site(api: Api, operator: OperatorUnderTest) -> Iterator[Site]:
    """The namespace of the routers and their models."""
    del operator  # it must run, and run until the namespace is gone
    with temporary_space(api, operated=True) as space:
        yield Site(space)


@pytest.fixture(scope="module")
def servers(stage: Stage, site: Site) -> dict[str, ModelServer]:
    """The model servers."""
    return {name: stage.serve(site, name) for name in ("llama", "coder", "spare", "added")}


@pytest.fixture(scope="module")
def envoy(stage: Stage, owners: Space) -> Iterator[Place]:
    """The Envoy of the shared Gateway."""
    with stage.envoy(owners) as place:
        yield place


@pytest.fixture(scope="module")
def routers(site: Site, owners: Space, servers: dict[str, ModelServer]) -> dict[str, Router]:
    """A router whose plain API is behind the Gateway, and one that the Gateway asks about each request."""
    del servers  # they must be there first
    gateway = {"existingRef": {"name": SHARED, "namespace": owners.name}}
    common = {"config": chats.CONFIG, "vllmEndpoints": ENDPOINTS}
    plain = {"gateway": {**gateway, "hostnames": [PLAIN_HOST]}}
    asking = {"gateway": {**gateway, "hostnames": [ASKING_HOST], "extProc": {"enabled": True}}}
    made = {
        "plain": Router.create(site.space, {**common, **plain}, name="plain"),
        "asking": Router.create(site.space, {**common, **asking}, name="asking"),
    }
    for router in made.values():
        router.wait_condition("GatewayReady", "True")
    return made


@pytest.fixture(scope="module")
def plain(stage: Stage, site: Site, routers: dict[str, Router]) -> Iterator[Place]:
    """The pod of the router with the plain API."""
    with stage.behind(site, routers["plain"]) as place:
        yield place


@pytest.fixture(scope="module")
def asking(stage: Stage, site: Site, routers: dict[str, Router]) -> Iterator[Place]:
    """The pod of the router that is asked."""
    with stage.behind(site, routers["asking"]) as place:
        yield place


@pytest.fixture(scope="module")
def client(envoy: Place, plain: Place, asking: Place) -> Client:
    """A client of the Gateway, when its Envoy knows both routers."""
    del plain, asking  # they must run
    client = client_of(envoy)

    def answers() -> bool:
        with suppress(ConnectionError):  # Envoy does not listen before it has heard where to
            assert client.ask("/health", headers={"host": PLAIN_HOST}).status == HTTPStatus.OK
            return bool(told(client.chat("llama"))["served_by"] == "llama")
        return False

    wait_for(answers, timeout=60, what="the Gateway brings requests to both routers")
    return client


def test_the_router_s_own_api_is_reached(client: Client) -> None:
    for host in (PLAIN_HOST, ASKING_HOST):
        assert json.loads(client.ask("/health", headers={"host": host}).body) == {"status": "healthy"}
        listed = json.loads(client.ask("/v1/models", headers={"host": host}).body)["data"]
        assert {model["id"] for model in listed} == {"llama", "qwen/coder-2.5", "sql", "spare"}


def test_classification_reaches_the_router_without_forged_headers(client: Client, plain: Place) -> None:
    path = "/api/v1/classify/intent?forged"
    client.ask(path, headers={"host": PLAIN_HOST, **dict.fromkeys(FORGED, "llama")})
    shown = wait_for(lambda: seen(plain, path), timeout=10, what="the router has the request")
    assert not set(FORGED) & shown


@pytest.mark.parametrize("path", ["/config/hash", "/info/models", "/nothing"])
def test_nothing_else_of_the_router_is_shown(client: Client, path: str) -> None:
    for host in (PLAIN_HOST, ASKING_HOST):
        assert client.ask(path, headers={"host": host}).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(("asked", "said", "server", "model"), chats.CHATS)
def test_a_request_reaches_the_model_that_the_router_chose(
    client: Client, asked: str, said: str, server: str, model: str
) -> None:
    answer = client.chat(asked, said)
    reached = told(answer)
    assert (reached["served_by"], reached["model"], reached["path"]) == (server, model, CHAT)
    assert answer.headers["x-vsr-selected-model"] == model


def test_events_arrive_one_by_one(client: Client, servers: dict[str, ModelServer]) -> None:
    with client.stream("llama", events=3) as response:
        for expected in ["0", "1", "2", LAST_CHUNK]:
            servers["llama"].steps.release()
            assert response.readline() == f"data: {expected}\n".encode()
            assert response.readline() == b"\n"
        assert response.read() == b""


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_header_reaches_no_server(client: Client, name: str) -> None:
    reached = told(client.chat("auto", headers={name: "qwen/coder-2.5"}))
    assert reached["served_by"] == "llama"
    assert name not in reached["headers"]


def test_only_the_owner_of_the_gateway_keeps_forged_headers_from_the_router(
    client: Client, asking: Place, stage: Stage, owners: Space
) -> None:
    """What docs/guides/gateway.md says: without the policy the router sees them, and one of them can choose."""
    forged = dict.fromkeys(FORGED, "spare")
    assert set(FORGED) <= shown_to_router(client, asking, forged)
    assert told(client.chat("unheard-of", headers=forged))["served_by"] == "spare"
    with headers_removed(stage, owners):
        wait_for(
            lambda: not set(FORGED) & shown_to_router(client, asking, forged),
            timeout=60,
            what="forged headers are taken away",
        )
        assert told(client.chat("unheard-of", headers=forged))["served_by"] == "llama"
        assert told(client.chat("auto", "write Python", headers=forged))["served_by"] == "coder"


@contextmanager
def headers_removed(stage: Stage, owners: Space) -> Iterator[None]:
    """Let the Gateway take headers away before anything else, as the guide says."""
    policy = guide_policy()
    policy["metadata"]["namespace"] = owners.name
    stage.control_plane.apply(policy)
    yield
    stage.control_plane.kubectl(
        "-n", owners.name, "delete", "clienttrafficpolicy", policy["metadata"]["name"]
    )


def shown_to_router(client: Client, router: Place, headers: dict[str, str]) -> set[str]:
    """Send a chat with these headers and return the names of those that the router saw."""
    path = f"{CHAT}?{len(router.log('semantic-router'))}"
    assert client.ask(path, headers=headers, body=chat_body("auto", "hello")).status == HTTPStatus.OK
    return wait_for(lambda: seen(router, path), timeout=10, what="the router has the request")


def seen(router: Place, path: str) -> set[str]:
    """Return the names of the headers with which a request for a path has come to the router."""
    found = [line for line in router.log("semantic-router").splitlines() if f"{path} with headers" in line]
    return set(json.loads(found[-1])["msg"].rpartition("with headers ")[2].split()) if found else set()


def test_a_server_is_added_and_removed_while_requests_run(client: Client, routers: dict[str, Router]) -> None:
    def share(*names: str) -> None:
        endpoints = [endpoint("llama", name, name=name) for name in names]
        routers["asking"].edit({"vllmEndpoints": [*endpoints, *ENDPOINTS[1:]]})
        wait_for(lambda: latest(load) == set(names), timeout=60, what=f"{names} serve")

    with Load(client.opener).running() as load:
        share("llama", "added")
        share("added")
        share("llama")
    assert load.failures() == []


def latest(load: Load) -> set[str]:
    """Return who gave the latest answers, after some further ones."""
    seen = len(load.answers)
    wait_for(lambda: len(load.answers) >= seen + LATEST, timeout=30, what="more answers", poll=0.02)
    return {json.loads(answer.body)["served_by"] for answer in load.answers[-LATEST:]}


def test_no_request_fails_when_one_of_two_routers_ends(
    client: Client, stage: Stage, site: Site, routers: dict[str, Router], asking: Place
) -> None:
    """Its pod sleeps until the gateway, which hears late of it, knows; the router ended while it was still asked."""
    router = routers["asking"]
    first = names_of(site, router)
    router.edit({"replicas": 2})
    wait_for(lambda: len(names_of(site, router)) > len(first), timeout=60, what="there is a second pod")
    with (
        stage.behind(site, router, but=first) as second,
        ThreadPoolExecutor(1) as pool,
        Load(client.opener).running() as load,
    ):
        wait_asked(asking)
        wait_asked(second)
        with stage.controller.pod.container("envoy-gateway").paused():
            router.edit({"replicas": 1})
            wait_for(lambda: names_of(site, router) == first, timeout=60, what="the second pod goes")
            ending = pool.submit(second.pod.terminate)
            assert stays(load.failures, seconds=LATE_SECONDS) == []
        endings = ending.result()
        latest(load)
    assert load.failures() == []
    assert all(one.in_time and not one.hook_problem for one in endings), endings


def wait_asked(router: Place) -> None:
    """Wait until a pod is asked by the gateway."""
    seen = len(router.log("semantic-router"))
    wait_for(lambda: len(router.log("semantic-router")) > seen, timeout=60, what="it is asked")


def names_of(site: Site, router: Router) -> set[str]:
    """Return the names of the pods that are to stay."""
    return {pod["metadata"]["name"] for pod in pods_of(site, router)}


def test_without_the_router_s_answer_nothing_goes_on_until_it_is_back(
    client: Client, asking: Place, servers: dict[str, ModelServer]
) -> None:
    before = len(servers["llama"].asked)
    asking.pod.container("semantic-router").kill()
    assert client.chat("llama").status in {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
    assert len(servers["llama"].asked) == before
    asking.pod.restart("semantic-router")
    asking.pod.wait_ready()
    wait_for(
        lambda: client.chat("llama").status == HTTPStatus.OK, timeout=60, what="requests are answered again"
    )
