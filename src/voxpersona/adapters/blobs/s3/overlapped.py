"""Verifying a large download costs no time: it is hashed in a thread of its own while the next bytes come."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from voxpersona.adapters.blobs.verify import Tally, verified
from voxpersona.model import BlobFacts

_WORTH_A_THREAD = 8 << 20
"""Bytes: what is smaller is hashed sooner than a thread is started."""

_BEHIND = 4
"""Parts that may wait to be hashed."""


def verified_aside(parts: Iterable[bytes], facts: BlobFacts) -> Iterator[bytes]:
    """As `verify.verified`."""
    if facts.size < _WORTH_A_THREAD:
        yield from verified(parts, facts)
        return
    tally = Tally()
    hashing: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1, "hash") as thread:
        for part in parts:
            hashing.append(thread.submit(tally.add, part))
            if len(hashing) > _BEHIND:
                hashing.popleft().result()
            yield part
    tally.check(facts.key, sha256=facts.sha256, size=facts.size)
