"""The session to the API server, with credentials that are renewed before they end or when they are refused."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from yarl import URL

from playbook_engine.cluster.credentials import log_in
from playbook_engine.cluster.errors import NoCredentialsError
from playbook_engine.cluster.login import Login
from playbook_engine.cluster.sessions import Session, open_session
from playbook_engine.observability.logs import get_logger

_REREAD_SECONDS = 60.0
"""How old a token from a file may be: whoever renews it leaves minutes between a new one and the end of the old one."""

_EARLY_SECONDS = 10.0
"""So long before their end credentials are not used any more."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connection:
    """A session with the login that it is used with, and when that was read, in seconds of ``time.monotonic``."""

    session: Session
    login: Login
    read: float

    def is_stale(self) -> bool:
        """Whether the credentials have to be read again before they are used."""
        if self.login.expires and self.login.expires.timestamp() - time.time() < _EARLY_SECONDS:
            return True
        return self.login.is_renewed and time.monotonic() - self.read > _REREAD_SECONDS

    def url(self, target: str) -> URL:
        """Give the address of a path with its query, both encoded."""
        return URL(self.login.server + target, encoded=True)

    def headers(self, more: Mapping[str, str]) -> dict[str, str]:
        """Add who we are."""
        return {**more, "Authorization": self.login.authorization} if self.login.authorization else {**more}


class Connections:
    """The present connection; one at a time is made."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._known: Connection | None = None
        self._logging_in = asyncio.Lock()

    async def current(self, *, refused: Connection | None = None) -> Connection:
        """Give the connection, with credentials read again when they are stale or were ``refused``.

        Raises NoCredentialsError when there are none yet; else those before are gone on with.
        """
        async with self._logging_in:
            known = self._known
            if known and known is not refused and not known.is_stale():
                return known
            try:
                self._known = await _connection(await asyncio.to_thread(log_in, os.environ), known)
            except NoCredentialsError as error:
                if known is None:
                    raise
                log.warning("the credentials cannot be read again", reason=str(error))
                return known
            return self._known

    async def close(self) -> None:
        """Close what is open; what is still asked for is not answered. The next request logs in again."""
        known, self._known = self._known, None
        if known:
            await known.session.close()


async def _connection(login: Login, known: Connection | None) -> Connection:
    """Keep the session of a known connection when the way to the server is the same."""
    if known and _way(login) == _way(known.login):
        return Connection(known.session, login, time.monotonic())
    session = open_session(_way(login))
    if known:
        await known.session.close()
    return Connection(session, login, time.monotonic())


def _way(login: Login) -> Login:
    """Give what a session depends on: the token is told with each request."""
    return replace(login, authorization="", expires=None, is_renewed=False)
