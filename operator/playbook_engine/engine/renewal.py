"""Notices that what runs are made of has changed: playbooks, roles, plugins, collections, CA files."""

import asyncio
from collections.abc import Callable

from playbook_engine.observability.logs import get_logger
from playbook_engine.runs.records import Executor
from playbook_engine.watches.content import Content

log = get_logger(__name__)


class Renewal:
    """Looks at the content again and again."""

    def __init__(self, content: Content, executor: Executor, *, on_content: Callable[[], None]) -> None:
        """Have runs use what is new; ``on_content`` is called when resources may come out differently."""
        self._content = content
        self._executor = executor
        self._on_content = on_content

    async def look_every(self, seconds: float) -> None:
        """Look again and again; what cannot be read counts as unchanged."""
        while True:
            await asyncio.sleep(seconds)
            try:
                change = self._content.look()
            except OSError as error:
                log.warning("the content cannot be read; the last that could is kept", error=str(error))
                continue
            if change:
                log.info("what runs are made of has changed", content=change.content)
                await self._executor.renew()
            if change.content:
                self._on_content()
