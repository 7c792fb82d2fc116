"""News for pages: in their order, from any thread, and never two before others had their turn."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from explorer.turns import Due, Turns, changer, turns_here


def run(coroutine):
    """Run it in a thread, for the browser's tests leave their loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result(10)


def test_others_come_in_between():
    async def main():
        told, loop = [], asyncio.get_running_loop()
        turns = turns_here()
        assert turns is turns_here()

        def other():
            told.append("other")
            if told.count("other") < 10:
                loop.call_soon(other)

        thread = threading.Thread(
            target=lambda: [turns.add(lambda k=k: told.append(k)) for k in range(5)]
        )
        thread.start()
        thread.join()
        loop.call_soon(other)
        await asyncio.sleep(0.05)
        return told

    told = run(main())
    news = [k for k, each in enumerate(told) if each != "other"]
    assert [told[k] for k in news] == list(range(5))
    assert all(later - earlier > 1 for earlier, later in pairwise(news[1:]))


def test_what_fails_does_not_end_the_others():
    async def main():
        told, loop = [], asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: told.append("failed"))
        turns = turns_here()
        turns.add(lambda: 1 / 0)
        turns.add(lambda: told.append("fine"))
        await asyncio.sleep(0.05)
        return told

    assert run(main()) == ["failed", "fine"]


def test_a_loop_that_is_closed_takes_nothing():
    loop = asyncio.new_event_loop()
    turns = Turns(loop)
    loop.close()
    turns.add(lambda: None)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(turns_here).result() is None


def test_what_is_due_is_done_once_for_all_who_ask():
    turns, done = [], []
    due = Due(turns.append, lambda: done.append(len(turns)))
    due.ask()
    due.ask("an event")
    assert len(turns) == 1
    turns[0]()
    assert done == [1]
    due.ask()
    assert len(turns) == 2


def test_where_no_page_is_served_changes_come_at_once():
    done = []
    changer()(lambda: done.append("now"))
    assert done == ["now"]
