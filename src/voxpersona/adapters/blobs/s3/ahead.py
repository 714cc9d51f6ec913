"""Fetching a long stretch of an object by several requests at once, given out in order.

One connection keeps one core of the store busy and leaves ours idle while we wait, or the store idle while we hash.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

WINDOW = 4 << 20
"""Bytes of one request; what is shorter is fetched by one."""

STREAMS = 3
"""Requests under way at once: as many windows are held in memory, and the one that is given out."""


def ahead(fetch: Callable[[int, int], memoryview], start: int, end: int) -> Iterator[memoryview]:
    """The bytes `[start, end)` in windows, `fetch(start, end)` of each called in a thread, STREAMS of them ahead.

    What `fetch` raises comes out at its place. Given up, it waits for no request.
    """
    windows = pairwise([*range(start, end, WINDOW), end])
    threads = ThreadPoolExecutor(STREAMS, thread_name_prefix="fetching")
    try:
        under_way: deque[Future[memoryview]] = deque()
        for low, high in windows:
            under_way.append(threads.submit(fetch, low, high))
            if len(under_way) > STREAMS:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
