"""Requests go through the real Envoy, with the configuration that the operator has put into the cluster."""

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.routers import Router, endpoint, service
from tests.support.traffic import chats
from tests.support.traffic.authorities import Authority
from tests.support.traffic.clients import CHAT, Client, Connection, chat_body, exchange, refusal, told
from tests.support.traffic.models import LAST_CHUNK, ModelServer
from tests.support.traffic.site import (
    ADMIN_PORT,
    API_PORT,
    GRPC_PORT,
    METRICS_PORT,
    READY_PORT,
    ROUTER_API_PORT,
    Place,
    Site,
)
from tests.support.waiting import wait_for

MIB = 1024 * 1024
REQUESTS, MORE = 1000, 20
DEFAULT_ROUTE_SECONDS = 15
"""How long Envoy lets an answer take when nothing is said."""

LISTENING = "0A"
"""The state of a socket in the kernel's table."""

SHARES = {"busy-a": 70, "busy-b": 20, "busy-c": 10}
PLAIN, ENCRYPTED = ("llama", "coder", "patient", "half", *SHARES), ("safe", "false")
INTERNAL_HEADERS = (
    "x-vsr-looper-request",
    "x-vsr-looper-secret",
    "x-vsr-looper-decision",
    "x-vsr-looper-iteration",
    "x-authz-user-id",
    "x-authz-user-groups",
    "x-selected-model",
)
ENDPOINTS = [
    *chats.ENDPOINTS,
    *(endpoint("busy", name, name=name, weight=weight) for name, weight in SHARES.items()),
    *(endpoint(name, name) for name in ("patient", "safe", "false", "down", "lost")),
    *(endpoint("half", name, name=f"half-{name}") for name in ("half", "down")),
]
MODELS = {"half", "llama", "qwen/coder-2.5", "sql", "busy", "patient", "safe", "false", "down", "lost"}


@pytest.fixture(scope="module")
def servers(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelServer]:
    """Model servers with http and https; those of "down" and "lost" are missing, "false" has a wrong certificate."""
    authority = Authority.create(tmp_path_factory.mktemp("authority"))
    site.trust(authority.pair.certificate)
    found = {name: site.serve(name) for name in PLAIN}
    for name, certified in zip(ENCRYPTED, ("safe", "another"), strict=True):
        context = authority.issue(f"{certified}.{site.space.name}.svc.cluster.local").server_context()
        found[name] = site.serve(name, tls=context)
    site.space.create(service("down"))
    return found


@pytest.fixture(scope="module")
def place(site: Site, servers: dict[str, ModelServer]) -> Iterator[Place]:
    """The pod of a router with all these models."""
    assert servers
    router = Router.create(site.space, {"config": chats.CONFIG, "vllmEndpoints": ENDPOINTS})
    router.wait_condition("Available", "True")
    with site.run(router.deployment()) as running:
        yield running


@pytest.fixture(scope="module")
def client(place: Place) -> Client:
    """A client of the router."""
    return place.client()


@pytest.fixture(scope="module", autouse=True)
def patient(client: Client) -> Iterator[http.client.HTTPResponse]:
    """An answer that has begun before all tests of the module and ends with the last of them."""
    with client.stream("patient", events=1) as response:
        yield response


@pytest.fixture(scope="module", autouse=True)
def since(patient: http.client.HTTPResponse) -> float:
    """When that answer had begun."""
    assert patient.status == HTTPStatus.OK
    return time.monotonic()


@pytest.mark.parametrize(("asked", "said", "server", "model"), chats.CHATS)
def test_a_request_reaches_the_server_of_the_model_that_the_router_chose(
    client: Client, asked: str, said: str, server: str, model: str
) -> None:
    answer = client.chat(asked, said)
    seen = told(answer)
    assert (seen["served_by"], seen["model"], seen["path"]) == (server, model, CHAT)
    assert answer.headers["x-vsr-selected-model"] == model


def test_the_server_is_addressed_by_its_own_name(client: Client, site: Site) -> None:
    assert told(client.chat("llama"))["headers"]["host"] == f"llama.{site.space.name}.svc.cluster.local"


def test_requests_are_shared_by_weight(client: Client) -> None:
    connection = Connection(client.opener)
    answers = [told(exchange(connection, CHAT, body=chat_body("busy", "hello"))) for _ in range(REQUESTS)]
    connection.close()
    shares = Counter(answer["served_by"] for answer in answers)
    for name, weight in SHARES.items():
        assert abs(shares[name] / REQUESTS - weight / 100) <= 0.05, shares


def test_a_model_without_a_server_answers_503_and_says_why(client: Client) -> None:
    answer = client.chat("lost")
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert refusal(answer) == {
        "message": "no backend of model lost has an address",
        "type": "no_backend",
        "code": 503,
    }


def test_what_the_router_answers_itself_is_left_as_it_is(client: Client) -> None:
    answer = client.ask(CHAT, body="no json")
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert refusal(answer)["message"] == "the body is no JSON object"


def test_a_server_that_is_down_gives_a_clear_503(client: Client) -> None:
    answer = client.chat("down")
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert refusal(answer)["type"] == "backend_unavailable"


def test_requests_go_to_the_other_server_of_a_model_when_one_is_down(client: Client) -> None:
    assert {told(client.chat("half"))["served_by"] for _ in range(MORE)} == {"half"}


def test_an_https_server_whose_certificate_is_good_answers(client: Client) -> None:
    assert told(client.chat("safe"))["served_by"] == "safe"


def test_an_https_server_with_the_certificate_of_another_is_not_used(client: Client) -> None:
    answer = client.chat("false")
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert refusal(answer)["type"] == "backend_unavailable"


@pytest.mark.parametrize("path", ["/nothing", "/", "/metrics", "/v2/chat/completions"])
def test_a_path_that_does_not_exist_is_answered_with_404(client: Client, path: str) -> None:
    answer = client.ask(path)
    assert answer.status == HTTPStatus.NOT_FOUND
    assert refusal(answer)["type"] == "not_found"


@pytest.mark.parametrize("name", [*INTERNAL_HEADERS, *(name.title() for name in INTERNAL_HEADERS)])
def test_a_forged_internal_header_reaches_neither_the_router_nor_a_server(
    client: Client, place: Place, name: str
) -> None:
    path = f"{CHAT}?forged={name}"
    answer = client.ask(path, headers={name: "qwen/coder-2.5"}, body=chat_body("auto", "hello"))
    seen = told(answer)
    assert seen["served_by"] == "llama"
    assert seen["headers"].get(name.lower()) == ("llama" if name.lower() == "x-selected-model" else None)
    (shown,) = [line for line in place.log("semantic-router").splitlines() if f"{path} with headers" in line]
    assert name.lower() not in shown.rpartition("with headers")[2]


def test_a_forged_choice_has_no_effect_when_the_router_makes_none(client: Client) -> None:
    for headers in ({}, {"x-selected-model": "qwen/coder-2.5"}):
        assert told(client.chat("unheard-of", headers=headers))["served_by"] == "llama"


def test_events_arrive_one_by_one(client: Client, servers: dict[str, ModelServer]) -> None:
    events = 5
    with client.stream("llama", events=events) as response:
        assert response.headers["content-type"] == "text/event-stream"
        for expected in [*map(str, range(events)), LAST_CHUNK]:
            servers["llama"].steps.release()
            assert response.readline() == f"data: {expected}\n".encode()
            assert response.readline() == b"\n"
        assert response.read() == b""


def test_requests_and_answers_of_several_megabytes_go_through(client: Client) -> None:
    answer = client.chat("llama", "x" * 8 * MIB, metadata={"answer_bytes": 8 * MIB})
    seen = told(answer)
    assert seen["size"] > 8 * MIB
    assert len(seen["padding"]) == 8 * MIB


def test_a_request_that_is_too_large_for_the_router_is_refused_clearly(client: Client) -> None:
    answer = client.chat("llama", "x" * 51 * MIB)
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert refusal(answer)["type"] == "request_too_large"


def test_the_router_may_think_for_longer_than_envoy_waits_by_default(client: Client) -> None:
    assert told(client.chat("llama", metadata={"think_seconds": 1}))["served_by"] == "llama"


def test_the_routers_own_api_is_reached(client: Client) -> None:
    assert json.loads(client.ask("/health").body) == {"status": "healthy"}
    assert json.loads(client.ask("/ready").body) == {"status": "ready"}
    listed = json.loads(client.ask("/v1/models").body)["data"]
    assert [model["id"] for model in listed] == sorted(MODELS)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/api/v1/classify/intent"])
def test_the_router_itself_answers_for_all_of_its_own_api(client: Client, path: str) -> None:
    """Envoy's own words for what is not there are others."""
    assert json.loads(client.ask(path).body) == {"error": "not found"}


@pytest.mark.parametrize(
    "path",
    [
        "/config",
        "/config/hash",
        "//config/hash",
        "/api/v1/../../config/hash",
        "/api/v1/..%2f..%2fconfig/hash",
    ],
)
def test_the_routers_management_is_not_shown(client: Client, place: Place, path: str) -> None:
    inside = Client(lambda: place.sockets.connect(ROUTER_API_PORT, "127.0.0.1"))
    assert inside.ask("/config/hash").status == HTTPStatus.OK
    assert client.ask(path).status in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}


def test_only_the_promised_ports_are_open_to_others(place: Place) -> None:
    tables = place.pod.container("envoy").execute(["cat", "/proc/net/tcp", "/proc/net/tcp6"]).stdout
    rows = [line.split() for line in tables.splitlines()]
    listening = [row[1].split(":") for row in rows if row[3] == LISTENING]
    open_to_all = {int(port, 16) for address, port in listening if int(address, 16) == 0}
    assert open_to_all == {API_PORT, GRPC_PORT, METRICS_PORT, READY_PORT}
    for port in (ADMIN_PORT, ROUTER_API_PORT):
        with pytest.raises(ConnectionError):
            place.client(port).ask("/")
    assert place.admin.ask("/ready").status == HTTPStatus.OK


def test_statistics_are_there_in_the_form_of_prometheus(client: Client, place: Place) -> None:
    told(client.chat("llama"))
    statistics = place.client(READY_PORT).ask("/stats/prometheus")
    families = {family.name: family for family in text_string_to_metric_families(statistics.body.decode())}
    requests = families["envoy_cluster_upstream_rq"].samples
    by_model = {sample.labels["envoy_cluster_name"]: sample.value for sample in requests}
    assert max(value for name, value in by_model.items() if name.startswith("model_llama")) >= 1


def test_the_access_log_is_json_and_names_the_model(client: Client, place: Place) -> None:
    client.ask(f"{CHAT}?logged", body=chat_body("sql", "hello"))

    def entry() -> dict[str, Any]:
        lines = [line for line in place.log("envoy").splitlines() if "?logged" in line]
        assert lines
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    logged = wait_for(entry, timeout=30, what="the request is in the access log")
    assert (logged["code"], logged["method"], logged["model"]) == (200, "POST", "sql")


def test_a_generation_may_take_longer_than_envoy_allows_by_default(
    patient: http.client.HTTPResponse, servers: dict[str, ModelServer], since: float
) -> None:
    wait_for(
        lambda: time.monotonic() - since > DEFAULT_ROUTE_SECONDS + 1, timeout=60, what="16 s have passed"
    )
    servers["patient"].steps.release(2)
    assert patient.read() == b"data: 0\n\ndata: [DONE]\n\n"


def test_no_file_of_the_configuration_was_refused(place: Place) -> None:
    lines = place.admin.ask("/stats?filter=update_(rejected|failure)").body.decode().splitlines()
    assert lines
    assert {line.rpartition(" ")[2] for line in lines} == {"0"}, lines


def test_a_router_that_dies_gives_a_clear_503_until_it_is_back(client: Client, place: Place) -> None:
    with ThreadPoolExecutor(1) as pool:
        body = chat_body("llama", "hello", metadata={"think_seconds": 10})
        under_way = pool.submit(client.ask, f"{CHAT}?interrupted", body=body)
        wait_for(
            lambda: "?interrupted" in place.log("semantic-router"),
            timeout=10,
            what="the router has the request",
        )
        place.pod.container("semantic-router").kill()
        answers = [under_way.result(), client.chat("llama")]
    for answer in answers:
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert refusal(answer) == {
            "message": "the semantic router does not answer; try again in a moment",
            "type": "router_unavailable",
            "code": 503,
        }
    assert client.ask("/nothing").status == HTTPStatus.NOT_FOUND
    place.pod.restart("semantic-router")
    place.pod.wait_ready()
    wait_for(
        lambda: client.chat("llama").status == HTTPStatus.OK, timeout=30, what="requests are answered again"
    )
