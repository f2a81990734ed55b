"""Who holds memory, and who waits for it."""

import asyncio

import pytest

from taskyard.bytebudget import BudgetExceededError, ByteBudget


def budget() -> ByteBudget:
    return ByteBudget(most=100, each=60)


async def test_what_is_held_is_given_back_once() -> None:
    held = budget()
    first = await held.lease("a", 60)
    with held.try_lease("b", 40):
        assert held.bytes == 100
    assert held.bytes == 60
    first.release()
    first.release()
    assert held.bytes == 0


async def test_no_holder_has_more_than_its_share_and_nobody_waits_behind_it() -> None:
    held = budget()
    mine = await held.lease("a", 60)
    waiting = asyncio.create_task(held.lease("a", 1))
    await asyncio.sleep(0)
    assert (await asyncio.create_task(_soon(held, "b", 40))) is not None
    assert not waiting.done()
    mine.release()
    (await waiting).release()


async def _soon(held: ByteBudget, holder: str, size: int) -> object:
    # Somebody waits, but not for this room.
    return await asyncio.wait_for(held.lease(holder, size), 1)


async def test_those_who_wait_for_room_get_it_in_their_order() -> None:
    held, got = budget(), []

    async def wait(holder: str, size: int) -> None:
        lease = await held.lease(holder, size)
        got.append(holder)
        await asyncio.sleep(0)
        lease.release()

    first = await held.lease("x", 60)
    waiting = [asyncio.create_task(wait(holder, size)) for holder, size in (("large", 60), ("small", 1), ("last", 60))]
    await asyncio.sleep(0.01)
    assert got == []
    first.release()
    await asyncio.gather(*waiting)
    assert got == ["large", "small", "last"]
    assert held.bytes == 0


async def test_who_has_waited_long_enough_gives_up_and_holds_nobody_up() -> None:
    held = budget()
    first = await held.lease("x", 60)
    with pytest.raises(BudgetExceededError):
        await held.lease("large", 60, patience=0.01)
    (await held.lease("small", 40)).release()
    with pytest.raises(BudgetExceededError):
        held.try_lease("large", 60)
    first.release()
    assert held.bytes == 0


async def test_more_than_a_share_is_never_had() -> None:
    with pytest.raises(BudgetExceededError):
        await budget().lease("a", 61)


async def test_who_leaves_while_waiting_holds_nothing() -> None:
    held = budget()
    first = await held.lease("x", 60)
    waiting = [asyncio.create_task(held.lease(holder, 60)) for holder in "ab"]
    await asyncio.sleep(0)
    waiting[0].cancel()
    first.release()
    # Its turn has come, and its caller is gone before it runs again.
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert held.bytes == 0
