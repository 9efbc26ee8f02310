"""Requests: how they prove who sends them, and what becomes of answers that are none."""

import gc
import inspect
import json
import ssl
from asyncio import sslproto
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from playbook_engine.cluster.errors import (
    ForbiddenError,
    NoCredentialsError,
    NotFoundError,
    UnavailableError,
)
from playbook_engine.cluster.messages import Call, Request
from playbook_engine.cluster.transport import Transport
from playbook_engine.fence import Fence
from playbook_engine.proxy.certificates import make_certificate
from tests.support.kubeconfigs import encoded, kubeconfig

V1 = "client.authentication.k8s.io/v1"
READ = Request(method="GET", path="/api/v1/namespaces/kitchen/pots", query={"labelSelector": "a=b,c=d e"})

type Handler = Callable[[web.Request], Any]


class Server:
    """An API server that answers as told; ``asked`` are the requests that came."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.valid = "good"
        self.url = ""
        self.answer: Handler = lambda _: web.json_response({"kind": "PotList"})

    async def handle(self, request: web.Request) -> Any:  # noqa: ANN401 - an answer
        self.asked.append(request)
        if self.valid and request.headers.get("Authorization") != f"Bearer {self.valid}":
            return web.json_response({"message": "Unauthorized"}, status=401)
        found = self.answer(request)
        return await found if inspect.isawaitable(found) else found

    @property
    def tokens(self) -> list[str]:
        return [request.headers.get("Authorization", "") for request in self.asked]


@asynccontextmanager
async def listening(server: Server, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", server.handle)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with listening(Server()) as one:
        yield one


class Client(Transport):
    """A transport, and what it has counted."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, int | None]] = []
        super().__init__(Fence(), on_answer=lambda method, code: self.counted.append((method, code)))


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    one = Client()
    yield one
    await one.close()


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write the kubeconfig that is used."""

    def write(server: str, user: Mapping[str, Any], **cluster: object) -> Path:
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig({"server": server, **cluster}, user), encoding="utf-8")
        monkeypatch.setenv("KUBECONFIG", str(path))
        return path

    return write


async def test_a_request_goes_below_the_path_of_the_server(
    server: Server, client: Client, known: Callable[..., Path]
) -> None:
    known(f"{server.url}/k8s/clusters/one/", {"token": "good"})
    assert await client.send(READ) == {"kind": "PotList"}
    (asked,) = server.asked
    assert asked.path == "/k8s/clusters/one/api/v1/namespaces/kitchen/pots"
    assert asked.query["labelSelector"] == "a=b,c=d e"
    assert client.counted == [("GET", 200)]


async def test_a_token_that_was_renewed_in_its_file_is_read_again_when_the_old_one_is_refused(
    server: Server, client: Client, known: Callable[..., Path], tmp_path: Path
) -> None:
    known(server.url, {"tokenFile": "token"})
    (tmp_path / "token").write_text("good", encoding="utf-8")
    await client.send(READ)
    server.valid = "better"
    (tmp_path / "token").write_text("better", encoding="utf-8")
    await client.send(READ)
    assert server.tokens == ["Bearer good", "Bearer good", "Bearer better"]
    assert client.counted == [("GET", 200), ("GET", 200)], "a request that was repeated is one request"


async def test_credentials_that_are_refused_and_have_no_successor_are_told(
    server: Server, client: Client, known: Callable[..., Path]
) -> None:
    known(server.url, {"token": "bad"})
    with pytest.raises(ForbiddenError, match=r"Unauthorized \(HTTP 401\)"):
        await client.send(READ)
    assert server.tokens == ["Bearer bad"]


async def test_credentials_of_a_plugin_are_renewed_before_they_end(
    server: Server, client: Client, known: Callable[..., Path], tmp_path: Path
) -> None:
    program = tmp_path / "plugin"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/answer\n", encoding="utf-8")
    program.chmod(0o700)
    known(server.url, {"exec": {"apiVersion": V1, "command": str(program)}})

    def give(token: str, seconds: float) -> None:
        ends = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        status = {"token": token, "expirationTimestamp": ends}
        answer = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status})
        (tmp_path / "answer").write_text(answer, encoding="utf-8")

    give("good", 5)
    await client.send(READ)
    give("better", 3600)
    server.valid = "better"
    await client.send(READ)
    give("unneeded", 3600)
    await client.send(READ)
    assert server.tokens == ["Bearer good", "Bearer better", "Bearer better"]


async def test_credentials_that_cannot_be_read_again_are_gone_on_with(
    server: Server, client: Client, known: Callable[..., Path]
) -> None:
    path = known(server.url, {"token": "good"})
    await client.send(READ)
    path.unlink()
    server.valid = "better"
    with pytest.raises(ForbiddenError):
        await client.send(READ)
    server.valid = "good"
    await client.send(READ)


async def test_what_was_closed_is_opened_again_by_the_next_request(
    server: Server, client: Client, known: Callable[..., Path]
) -> None:
    known(server.url, {"token": "good"})
    await client.send(READ)
    await client.close()
    await client.send(READ)
    assert len(server.asked) == 2


async def test_no_credentials_are_told_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/absent")
    with pytest.raises(NoCredentialsError, match="/absent, which is not there"):
        await client.connect()


async def test_a_server_is_trusted_by_its_authority_alone(client: Client, known: Callable[..., Path]) -> None:
    certificate, other = make_certificate(), make_certificate()
    async with listening(Server(), tls=certificate.context) as server:
        authority = encoded(certificate.pem.decode())
        known(server.url, {"token": "good"}, **{"certificate-authority-data": authority})
        assert await client.send(READ) == {"kind": "PotList"}
        stranger = Client()
        known(server.url, {"token": "good"}, **{"certificate-authority-data": encoded(other.pem.decode())})
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            await stranger.send(READ)
        await stranger.close()


async def test_the_name_in_the_certificate_can_be_another_than_that_of_the_address(
    client: Client, known: Callable[..., Path]
) -> None:
    certificate = make_certificate()
    async with listening(Server(), tls=certificate.context) as server:
        authority = {"certificate-authority-data": encoded(certificate.pem.decode())}
        by_name = server.url.replace("127.0.0.1", "localhost")
        known(by_name, {"token": "good"}, **authority, **{"tls-server-name": "127.0.0.1"})
        assert await client.send(READ) == {"kind": "PotList"}
        stranger = Client()
        known(by_name, {"token": "good"}, **authority)
        with pytest.raises(UnavailableError, match="localhost"):
            await stranger.send(READ)
        await stranger.close()


async def test_certificates_that_are_none_are_told_without_a_request(
    client: Client, known: Callable[..., Path]
) -> None:
    known("https://127.0.0.1:1", {"client-certificate-data": encoded("c"), "client-key-data": encoded("k")})
    with pytest.raises(
        NoCredentialsError, match=r"the certificates for https://127\.0\.0\.1:1 cannot be used"
    ):
        await client.connect()


def half(_: web.Request) -> web.Response:
    return web.Response(body=b'{"items":', headers={"Content-Type": "application/json"})


async def breaking(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"items":')
    assert request.transport
    request.transport.close()
    return response


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (half, "does not answer in JSON"),
        (breaking, "the API server does not answer"),
        (lambda _: web.Response(status=502, text="<html>bad gateway</html>"), r"Bad Gateway \(HTTP 502\)"),
    ],
)
async def test_an_answer_that_is_none_is_one_that_can_be_tried_again(
    server: Server, client: Client, known: Callable[..., Path], answer: Handler, words: str
) -> None:
    known(server.url, {"token": "good"})
    server.answer = answer
    with pytest.raises(UnavailableError, match=words):
        await client.send(READ)


async def test_nobody_is_counted_as_nobody(client: Client, known: Callable[..., Path]) -> None:
    known("http://127.0.0.1:1", {"token": "good"})
    with pytest.raises(UnavailableError, match="the API server does not answer"):
        await client.send(READ)
    assert client.counted == [("GET", None)]


async def test_what_is_handed_on_arrives_as_it_was_sent(
    server: Server, client: Client, known: Callable[..., Path]
) -> None:
    known(server.url, {"token": "good"})
    server.answer = lambda request: web.json_response({"path": request.raw_path}, status=404)
    target = "/api/v1/namespaces/a%2Fb/pods?fieldSelector=a%3Db&x=%20"
    async with client.relay(Call(method="GET", target=target)) as answer:
        assert answer.status == 404
        assert json.loads(await answer.read()) == {"path": target}
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


async def test_what_is_not_there_is_told_in_the_words_of_the_server(
    server: Server, client: Client, known: Callable[..., Path]
) -> None:
    known(server.url, {"token": "good"})
    server.answer = lambda _: web.json_response({"message": 'pots "x" not found'}, status=404)
    with pytest.raises(NotFoundError, match=r'pots "x" not found \(HTTP 404\)'):
        await client.send(READ)


async def test_a_connection_sets_little_memory_aside_and_takes_long_answers(
    client: Client, known: Callable[..., Path]
) -> None:
    certificate = make_certificate()
    async with listening(Server(), tls=certificate.context) as server:
        known(
            server.url, {"token": "good"}, **{"certificate-authority-data": encoded(certificate.pem.decode())}
        )
        server.answer = lambda _: web.json_response({"long": "x" * 1_000_000})
        assert len((await client.send(READ))["long"]) == 1_000_000
        buffers = [one for one in gc.get_objects() if isinstance(one, sslproto.SSLProtocol)]
        assert buffers
        assert {one.max_size for one in buffers} == {32 * 1024}
