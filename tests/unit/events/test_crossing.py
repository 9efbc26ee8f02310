"""What one thread hands to another arrives in order, and wakes it once."""

import asyncio
from typing import Any

from playbook_engine.events.binding import Crossing


async def test_what_waits_is_called_in_order_by_one_wake(monkeypatch: Any) -> None:  # noqa: ANN401
    loop, seen, wakes = asyncio.get_running_loop(), list[int](), list[int]()
    stock = loop.call_soon_threadsafe

    def counted(*given: Any) -> Any:  # noqa: ANN401
        wakes.append(1)
        return stock(*given)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    across = Crossing(loop)
    for number in range(100):
        across.call(lambda number=number: seen.append(number))  # type: ignore[misc]
    assert seen == []
    await asyncio.sleep(0)
    assert (seen, len(wakes)) == (list(range(100)), 1)
    across.call(lambda: seen.append(100))
    await asyncio.sleep(0)
    assert (seen[-1], len(wakes)) == (100, 2)


async def test_another_thread_loses_nothing() -> None:
    loop, seen = asyncio.get_running_loop(), list[int]()
    across = Crossing(loop)

    def work() -> None:
        for number in range(20_000):
            across.call(lambda number=number: seen.append(number))  # type: ignore[misc]

    await asyncio.to_thread(work)
    await asyncio.sleep(0)
    assert seen == list(range(20_000))


async def test_one_that_fails_is_told_and_does_not_hold_up_the_others() -> None:
    loop, seen, told = asyncio.get_running_loop(), list[str](), list[str]()
    loop.set_exception_handler(lambda _, said: told.append(repr(said["exception"])))
    across = Crossing(loop)
    across.call(lambda: seen.append("a"))
    across.call(fail)
    across.call(lambda: seen.append("b"))
    await asyncio.sleep(0)
    assert (seen, told) == (["a", "b"], ["KeyError('no')"])


def fail() -> None:
    raise KeyError("no")
