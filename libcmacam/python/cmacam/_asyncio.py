# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waits for frames and other values in an event loop of asyncio."""

import asyncio
import math
import os


async def next_of(source, timeout):
    """The next value of a source within timeout seconds.

    A value is taken only in the moment in which the coroutine returns it. So a cancellation takes no value away.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    # If a value always waits, because the program is slower than the camera, other tasks have their turn all the same.
    await asyncio.sleep(0)
    while True:
        left = end - loop.time()
        value = source._take(timeout, left <= 0)
        if value is not None:
            return value
        await _readable(loop, source.fileno(), left)


async def iterate(source, timeout):
    """One step of 'async for' over a source, which ends when the source was stopped or closed."""
    if not source._running:
        raise StopAsyncIteration
    return await next_of(source, timeout)


async def _readable(loop, fd, seconds):
    """Wait until the file descriptor is readable, for at most this number of seconds.

    The loop gets a duplicate: several tasks may wait, and the source may be closed meanwhile.
    """
    waiter = loop.create_future()
    own = os.dup(fd)
    try:
        loop.add_reader(own, lambda: waiter.done() or waiter.set_result(None))
        try:
            await asyncio.wait([waiter], timeout=None if math.isinf(seconds) else seconds)
        finally:
            loop.remove_reader(own)
    finally:
        os.close(own)
