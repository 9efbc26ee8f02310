"""The end of asyncio's tasks."""

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any


async def cancelled(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks and wait until they have ended; how they ended is nobody's business any more."""
    tasks = tuple(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def finished[T](work: Coroutine[Any, Any, T]) -> T:
    """Do work to its end and give its result; a cancellation that comes meanwhile is not heard."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()
