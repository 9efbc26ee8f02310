"""``exec`` and its like go through the proxy over web sockets, and nothing else that wants to leave HTTP does."""

import base64
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from playbook_engine.cluster.client import RealCluster
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey
from playbook_engine.proxy.owning import Owner
from playbook_engine.proxy.server import Proxy
from playbook_engine.watches.records import Dependents

OWNER = Owner.of(
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "ns", "uid": "u"}}
)
EXEC = "/api/v1/namespaces/ns/pods/p/exec?command=cat&stdin=true"
CHANNELS = "v4.channel.k8s.io"


class Deaf:
    """Hears of nothing."""

    def seen(self, found: Object) -> None:
        raise AssertionError(found)

    def gone(self, key: ObjectKey, uid: str) -> None:
        raise AssertionError(key, uid)

    async def follow(self, gvk: GroupVersionKind) -> None:
        raise AssertionError(gvk)

    def ended(self, owner: ObjectKey) -> None:
        assert owner == OWNER.key


async def execute(request: web.Request) -> web.WebSocketResponse:
    """Do what a kubelet does for ``cat``: say on standard output what comes on standard input."""
    assert request.headers["Authorization"] == "Bearer of-the-engine"
    assert request.path_qs == EXEC
    socket = web.WebSocketResponse(protocols=[CHANNELS])
    await socket.prepare(request)
    async for message in socket:
        await socket.send_bytes(b"\x01" + message.data[1:])
        if message.data == b"\x00bye":
            break
    return socket


async def version(_: web.Request) -> web.Response:
    return web.json_response({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})


@pytest.fixture
async def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """A proxy in front of something that executes."""
    app = web.Application()
    app.add_routes([web.get("/version/", version), web.get("/api/v1/namespaces/ns/pods/p/exec", execute)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{runner.addresses[0][1]}"}}],
        "users": [{"name": "u", "user": {"token": "of-the-engine"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    cluster = RealCluster()
    proxy = Proxy(cluster, Deaf())
    async with proxy.serving():
        yield proxy
    await cluster.close()
    await runner.cleanup()


def led(kubeconfig: str) -> tuple[str, dict[str, str], ssl.SSLContext]:
    """Give server, headers and trust of a run."""
    config: dict[str, Any] = json.loads(kubeconfig)
    cluster = config["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    return cluster["server"], headers, ssl.create_default_context(cadata=authority)


async def test_a_command_hears_and_says_over_a_web_socket(proxy: Proxy) -> None:
    async with proxy.session(OWNER, Dependents()) as session, aiohttp.ClientSession() as client:
        server, headers, trust = led(session.kubeconfig)
        async with client.ws_connect(
            server + EXEC, headers=headers, ssl=trust, protocols=[CHANNELS]
        ) as socket:
            assert socket.protocol == CHANNELS
            for text in (b"hello", b"\xff" * 100_000, b"bye"):
                await socket.send_bytes(b"\x00" + text)
                assert await socket.receive_bytes() == b"\x01" + text
            assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_another_protocol_is_refused_in_words(proxy: Proxy) -> None:
    async with proxy.session(OWNER, Dependents()) as session, aiohttp.ClientSession() as client:
        server, headers, trust = led(session.kubeconfig)
        upgrade = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
        async with client.post(server + EXEC, headers=headers | upgrade, ssl=trust) as answer:
            assert answer.status == 400
            assert "use a client that speaks WebSocket" in (await answer.json())["message"]


async def test_nobody_connects_without_the_token_of_a_run(proxy: Proxy) -> None:
    async with proxy.session(OWNER, Dependents()) as session, aiohttp.ClientSession() as client:
        server, _, trust = led(session.kubeconfig)
        for headers in ({}, {"Authorization": "Bearer guessed"}, {"Authorization": "Basic cnVuOg=="}):
            async with client.get(server + "/version", headers=headers, ssl=trust) as answer:
                assert answer.status == 401
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await client.get(server + "/version")
