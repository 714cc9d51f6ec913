"""A store that is asked again where it failed: the port `Blobs` over another store.

Asked again is after STORE_UNAVAILABLE and STORE_UNREACHABLE only: a server that restarts, sheds load or lost a
connection is well again in seconds. A full disk (NO_SPACE) is not emptied by asking, so that its owner hears of it at
once; the other Unavailable codes are not a store's. An error that says it is not `retryable`, and everything that is
no Unavailable, is an answer: an answer is not asked again.

Between tries: exponential backoff with full jitter, or what the server asked for (the fact `retry_after`, seconds).
A try may repeat work whose answer was lost; every method of the port bears that.
"""

import logging
import random as chance
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from voxpersona.adapters.blobs.content import Watch, is_again, tapped
from voxpersona.adapters.blobs.verify import Tally, check_start, is_whole
from voxpersona.errors import Code, Unavailable
from voxpersona.model import BlobFacts, Listed
from voxpersona.ports import Blobs

T = TypeVar("T")

FIRST = 0.5
"""Seconds: the longest pause before the second try. It doubles with each further one."""

LONGEST = 20.0
"""Seconds: no pause is longer, unless the server asks for it."""

WORTH_IT = frozenset({Code.STORE_UNAVAILABLE, Code.STORE_UNREACHABLE})

_log = logging.getLogger("voxpersona.store")


class Budget:
    """How many tries a store may be asked for again, by all callers together; safe for threads.

    Each retry takes one, each success gives `share` of one back, up to `retries`. While most calls succeed nobody
    notices it; when a server is sick it is asked at most `1 + share` times as often as when it is well.
    """

    def __init__(self, retries: float = 50.0, *, share: float = 0.2) -> None:
        self._most = retries
        self._left = retries
        self._share = share
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one retry; False where none is left."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def give_back(self) -> None:
        """A call succeeded."""
        with self._lock:
            self._left = min(self._most, self._left + self._share)


class RetryingBlobs:
    """See the module. Safe for threads; each call counts its own tries."""

    def __init__(
        self,
        inner: Blobs,
        *,
        deadline: float,
        attempts: int,
        budget: Budget,
        verified_above: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = chance.random,
    ) -> None:
        """At most `attempts` tries, and none begun `deadline` seconds after the call or after a byte last moved.

        Reads and listings that came on count their tries anew from there, puts do not. `budget` is one for all calls
        of a store, through whichever wrapper. `clock` in seconds, never going back; `random` in [0, 1).
        `verified_above` saves hashing what a wrapper above checks byte for byte (VerifyingBlobs, EncryptingBlobs): the
        promise of a verified whole read is then theirs.
        """
        self._inner = inner
        self._verifies = not verified_above
        self._rules = _Rules(deadline, attempts, budget, sleep, clock, random)

    def put(
        self,
        key: str,
        content: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> BlobFacts:
        """See the port. Tried again where `content` can be iterated again or was not begun; its own errors pass."""
        tries = _Tries(self._rules, "put")
        watch = Watch()
        reached: Counter[int] = Counter()
        passes = count()

        def moving(content: Iterable[bytes]) -> Iterator[bytes]:
            this, at = next(passes), 0
            for part in watch(content):
                at += len(part)
                if at > reached[this]:  # what an earlier try came to already is no progress
                    reached[this] = at
                    tries.moved()
                yield part

        while True:
            passes = count()
            try:
                facts = self._inner.put(
                    key,
                    tapped(content, moving),
                    sha256=sha256,
                    size=size,
                    content_type=content_type,
                    metadata=metadata,
                )
            except Unavailable as error:
                if watch.broke or not tries.another(error, able=is_again(content) or not watch.begun):
                    raise
            else:
                tries.succeeded()
                return facts

    def stat(self, key: str) -> BlobFacts:
        """See the port."""
        return self._tried("stat", lambda: self._inner.stat(key))

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See the port. A read that broke goes on at the byte where it broke.

        A whole blob is verified here too, over all its pieces: where it was exchanged for another meanwhile, that is
        BLOB_CORRUPT after the last part. A range that broke may be of two blobs then: nothing recorded tells.
        """
        check_start(start)
        reading = self._reading(key, start, end)
        next(reading)  # opens the blob, so that its absence is told now
        return reading

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """See the port. A listing that broke is begun again and goes on after the last key it yielded."""
        tries = _Tries(self._rules, "list")
        last: str | None = None
        while True:
            try:
                for listed in self._inner.list(prefix):
                    if last is None or listed.key > last:
                        last = listed.key
                        yield listed
                        tries.came_on()
            except Unavailable as error:
                if not tries.another(error):
                    raise
            else:
                tries.succeeded()
                return

    def delete(self, key: str) -> None:
        """See the port."""
        self._tried("delete", lambda: self._inner.delete(key))

    def link(self, key: str, seconds: int, name: str) -> str:
        """See the port."""
        return self._tried("link", lambda: self._inner.link(key, seconds, name))

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        """See the port."""
        return self._tried("relabel", lambda: self._inner.relabel(key, metadata))

    def _tried(self, doing: str, call: Callable[[], T]) -> T:
        tries = _Tries(self._rules, doing)
        while True:
            try:
                answer = call()
            except Unavailable as error:
                if not tries.another(error):
                    raise
            else:
                tries.succeeded()
                return answer

    def _reading(self, key: str, start: int, end: int | None) -> Iterator[bytes]:
        tries = _Tries(self._rules, "read")
        tally = Tally() if start == 0 and self._verifies else None
        at = start
        facts: BlobFacts | None = None
        told = False
        while True:
            try:
                if tally is not None and at > 0 and facts is None:
                    facts = self._inner.stat(key)  # the rest is a range to the store below: it verifies nothing
                parts = self._inner.read(key, at, end)
                if not told:
                    told = True
                    yield b""  # taken by `read`
                for part in parts:
                    if part:
                        at += len(part)
                        if tally is not None:
                            tally.add(part)
                        yield part
                        tries.came_on()
            except Unavailable as error:
                if not tries.another(error):
                    raise
            else:
                break
        if tally is not None and facts is not None and is_whole(facts, start, end):
            tally.check(key, sha256=facts.sha256, size=facts.size)
        tries.succeeded()


@dataclass(frozen=True)
class _Rules:
    deadline: float
    attempts: int
    budget: Budget
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    random: Callable[[], float]


class _Tries:
    """The tries of one call: how many, since when, and whether there is another."""

    def __init__(self, rules: _Rules, doing: str) -> None:
        self._rules = rules
        self._doing = doing
        self._begun = self._moved = rules.clock()
        self._all = 1
        self._here = 1
        """Tries at this place: since the read or the listing came on."""

    def moved(self) -> None:
        """A byte moved: the deadline counts from now."""
        self._moved = self._rules.clock()

    def came_on(self) -> None:
        """Something was had that need not be had again: tries and pauses begin anew."""
        self.moved()
        self._here = 1

    def succeeded(self) -> None:
        self._rules.budget.give_back()

    def another(self, error: Unavailable, *, able: bool = True) -> bool:
        """Wait for the next try; False where there is none, and then the error says how it was tried."""
        if not error.retryable or error.code not in WORTH_IT:
            return False
        pause = self._pause(error)
        if not able or pause is None or self._here >= self._rules.attempts:
            return self._give_up(error)
        if not self._rules.budget.take():
            return self._give_up(error, "; too many calls fail to ask again")
        _log.info("%s failed: %s; try %d in %.1f s", self._doing, error.code, self._all + 1, pause)
        self._rules.sleep(pause)
        self._all += 1
        self._here += 1
        return True

    def _give_up(self, error: Unavailable, why: str = "") -> bool:
        seconds = round(self._rules.clock() - self._begun, 1)
        error.detail += f" (tried {self._all} times in {seconds} s{why})"
        error.args = (error.detail,)
        error.facts.update(tries=self._all, seconds=seconds)
        return False

    def _pause(self, error: Unavailable) -> float | None:
        """Seconds to wait now; None where the deadline forbids."""
        left = self._moved + self._rules.deadline - self._rules.clock()
        asked = error.facts.get("retry_after", 0.0)
        at_least = asked if isinstance(asked, int | float) else 0.0
        if left <= 0 or at_least > left:
            return None
        longest = min(LONGEST, FIRST * (1 << min(self._here - 1, 30)))
        return min(left, max(at_least, longest * self._rules.random()))
