"""Whose turn it is: workspaces are served in turn, and within one whoever came first."""

import asyncio
from collections.abc import Callable

import pytest

from service.refusals import LimitReached, Refused
from service.turns import AT_ONCE, MOST, Turns

pytestmark = pytest.mark.anyio


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


async def test_who_has_one_request_is_served_before_who_has_many() -> None:
    turns, served = Turns(), list[str]()

    async def ask(workspace: str) -> None:
        async with turns.turn_of(workspace):
            served.append(workspace)

    asked = [asyncio.create_task(ask("globex")) for _ in range(100)]
    asked.append(asyncio.create_task(ask("acme")))
    await asyncio.gather(*asked)
    assert "acme" in served[: AT_ONCE + 1]
    assert len(served) == 101


async def test_as_many_as_may_are_under_way_and_the_others_wait_in_their_order() -> None:
    turns, served, goes_on = Turns(), list[int](), asyncio.Event()

    async def ask(number: int) -> None:
        async with turns.turn_of("acme"):
            served.append(number)
            await goes_on.wait()

    asked = [asyncio.create_task(ask(number)) for number in range(MOST)]
    await until(lambda: len(served) == AT_ONCE)
    with pytest.raises(Refused) as refused:
        await ask(-1)
    assert isinstance(refused.value.reason, LimitReached)
    assert refused.value.reason.retry_after == 1
    async with turns.turn_of("globex"):
        assert len(served) == AT_ONCE
    goes_on.set()
    await asyncio.gather(*asked)
    assert served == list(range(MOST))
    await asyncio.wait_for(ask(0), 10)


async def test_who_gives_up_keeps_nobody_from_their_turn() -> None:
    turns, begun, goes_on = Turns(), list[int](), asyncio.Event()

    async def ask(number: int) -> None:
        async with turns.turn_of("acme"):
            begun.append(number)
            await goes_on.wait()

    asked = [asyncio.create_task(ask(number)) for number in range(AT_ONCE + 10)]
    await until(lambda: len(begun) == AT_ONCE)
    for each in (asked[0], *asked[AT_ONCE:-1]):
        each.cancel()
    await until(lambda: begun[-1] == AT_ONCE + 9)
    goes_on.set()
    await asyncio.gather(*asked[1:AT_ONCE], asked[-1])
    await until(lambda: not turns._lines)


async def test_a_request_that_fails_gives_its_turn_back() -> None:
    turns = Turns()
    for _ in range(AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError):
            async with turns.turn_of("acme"):
                raise ZeroDivisionError
    await until(lambda: not turns._lines)
