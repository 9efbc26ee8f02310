"""How kopf gets its credentials: those of everything else, and others when they are refused."""

from pathlib import Path

import kopf
import pytest

from playbook_engine.events.binding import make_login
from tests.support.kubeconfigs import kubeconfig


def known(path: Path, token: str) -> None:
    user = {"token": token}
    path.write_text(kubeconfig({"server": "https://api:6443/base/"}, user), encoding="utf-8")


async def test_other_credentials_are_another_session_and_the_same_ones_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    known(path, "first")
    log_in = make_login()
    first = await log_in(settings=None)
    assert first.server == "https://api:6443/base"
    assert first.default_namespace == "kitchen"
    assert first.aiohttp_session.headers["Authorization"] == "Bearer first"
    assert await log_in() is first, "kopf gives up instead of asking for ever with what is refused"
    known(path, "second")
    second = await log_in()
    assert second.aiohttp_session.headers["Authorization"] == "Bearer second"
    for one in (first, second):
        await one.aiohttp_session.close()


async def test_what_is_wrong_is_tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/absent")
    with pytest.raises(kopf.TemporaryError, match="/absent, which is not there") as caught:
        await make_login()()
    assert caught.value.delay == 5.0
