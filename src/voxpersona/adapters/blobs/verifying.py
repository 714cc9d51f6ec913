"""A store that serves no byte it has not checked: the port `Blobs` over another store.

The port promises a check after the last part of a whole read, and none of ranges. Here a blob of one segment or less
is read whole and checked by its hash before any of it goes out. Of a longer one a sum of each segment is kept, in a
blob of our own beside it:

    .voxpersona/sums/<sha256 of the blob's key>     the sums (sums.py), bound to the blob's hash and size

They are written after the blob. Where they are missing (a kill in between; a blob older than this wrapper), damaged or
of other bytes, the whole blob is read and checked once before anything of it is served, and its sums are held in
memory; putting the same bytes again writes them. Either way each segment is checked whenever it is read, and all of
them together are the bytes whose hash was found right when the sums were made: it is not made again.

`link` gives an address of the store's own: what is downloaded there does not pass here.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from voxpersona.adapters.blobs.content import tapped
from voxpersona.adapters.blobs.keys import OWN, digest
from voxpersona.adapters.blobs.sums import NoSums, Summing, Sums, kept, segments, unpacked
from voxpersona.adapters.blobs.verify import PART, Tally, check_start
from voxpersona.errors import Code, Integrity, NotFound, Unavailable, VoxPersonaError
from voxpersona.model import BlobFacts, Listed
from voxpersona.ports import Blobs

_HELD = 64
"""How many blobs' sums are held in memory: 32 KiB for each 2 GiB of blob."""

_LOCKS = 16

_READS = 2
"""Of bytes that came wrong: they may be right where they lie, and were damaged on the way."""

_log = logging.getLogger("voxpersona.store")


class VerifyingBlobs:
    """See the module. Safe for threads."""

    def __init__(self, inner: Blobs, *, segment: int = 1 << 20) -> None:
        """`segment` in bytes: how much is read and held at once to be checked. Sums of other segments are read too."""
        self._inner = inner
        self._segment = segment
        self._held: OrderedDict[tuple[str, str], Sums] = OrderedDict()
        self._lock = threading.Lock()
        # A player opens several ranges at once: one of them checks the whole blob, the others wait for it.
        self._checking = [threading.Lock() for _ in range(_LOCKS)]

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
        """See the port. The blob stands when it returns, its sums where they could be written."""
        whole: list[Sums] = []

        def summed(content: Iterable[bytes]) -> Iterator[bytes]:
            if whole:  # a second pass is of the same bytes
                yield from content
                return
            summing = Summing(self._segment)
            for part in content:
                summing.add(part)
                yield part
            whole.append(summing.sums())

        facts = self._inner.put(
            key, tapped(content, summed), sha256=sha256, size=size, content_type=content_type, metadata=metadata
        )
        if facts.size > self._segment and whole and whole[0].size == facts.size:
            self._keep(facts, whole[0])
        return facts

    def stat(self, key: str) -> BlobFacts:
        """See the port."""
        return self._inner.stat(key)

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See the port. Damage is told before a byte of the damaged segment is yielded."""
        check_start(start)
        facts = self._inner.stat(key)
        end = facts.size if end is None else min(end, facts.size)
        if facts.size <= self._segment:
            return _parts(self._small(facts), start, end)
        return self._checked(facts, start, end)

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """See the port."""
        return self._inner.list(prefix)

    def delete(self, key: str) -> None:
        """See the port. The blob goes first: sums alone do no harm, and the next delete takes them."""
        self._inner.delete(key)
        self._inner.delete(_sums_key(key))

    def link(self, key: str, seconds: int, name: str) -> str:
        """See the port. What is downloaded there is not checked here."""
        return self._inner.link(key, seconds, name)

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        """See the port."""
        return self._inner.relabel(key, metadata)

    # Reading

    def _small(self, facts: BlobFacts) -> bytes:
        for _ in range(_READS):
            try:
                return self._whole(facts)
            except Integrity as error:  # ours, or of the store below
                if error.code is not Code.BLOB_CORRUPT:
                    raise
        raise self._wrong(facts)

    def _whole(self, facts: BlobFacts) -> bytes:
        tally = Tally()
        whole = bytearray()
        for part in self._inner.read(facts.key):
            tally.add(part)
            whole += part
            if tally.size > facts.size:
                break
        tally.check(facts.key, sha256=facts.sha256, size=facts.size)
        return bytes(whole)

    def _checked(self, facts: BlobFacts, start: int, end: int) -> Iterator[bytes]:
        """The bytes `[start, end)` of a blob of several segments; `end` is within it."""
        if start >= end:
            return
        sums = self._sums(facts)
        first = start // sums.segment
        origin = first * sums.segment
        until = min(facts.size, -(-end // sums.segment) * sums.segment)
        stored = self._inner.read(facts.key, origin, None if until == facts.size else until)
        at = origin
        for number, content in enumerate(segments(stored, sums.segment), first):
            if not sums.holds(number, content):
                content = self._again(facts, sums, number)
            yield from _parts(content, max(0, start - at), end - at)
            at += len(content)
        if at != until:
            raise self._wrong(facts)

    def _again(self, facts: BlobFacts, sums: Sums, number: int) -> bytes:
        """A segment that came wrong, read once more: it may be right where it lies, and was damaged on the way."""
        start = number * sums.segment
        stored = self._inner.read(facts.key, start, min(facts.size, start + sums.segment))
        content = next(segments(stored, sums.segment), b"")
        if not sums.holds(number, content):
            raise self._wrong(facts)
        _log.warning("a part of %s came damaged, and whole when it was read again", facts.key)
        return content

    def _wrong(self, facts: BlobFacts) -> VoxPersonaError:
        """What it means that the store gave other bytes than recorded; NotFound where the blob is gone by now."""
        now = self._inner.stat(facts.key)
        if (now.sha256, now.size) != (facts.sha256, facts.size):
            return Unavailable(
                Code.STORE_UNAVAILABLE,
                "the blob was exchanged while it was read",
                reason="a blob was exchanged while it was read",
            )
        return Integrity(Code.BLOB_CORRUPT, "the blob does not hold the bytes that were put", key=facts.key)

    # Sums

    def _sums(self, facts: BlobFacts) -> Sums:
        """The sums by which this blob is checked: those held, those kept, or those of a check of the whole."""
        sums = self._recalled(facts)
        if sums is None:
            with self._checking[int(digest(facts.key)[:8], 16) % _LOCKS]:
                sums = self._recalled(facts) or self._fetched(facts) or self._made(facts)
                with self._lock:
                    self._held[facts.key, facts.sha256] = sums
                    while len(self._held) > _HELD:
                        self._held.popitem(last=False)
        return sums

    def _recalled(self, facts: BlobFacts) -> Sums | None:
        with self._lock:
            sums = self._held.get((facts.key, facts.sha256))
            if sums is not None:
                self._held.move_to_end((facts.key, facts.sha256))
            return sums

    def _fetched(self, facts: BlobFacts) -> Sums | None:
        """The sums that are kept; None where the whole blob must be checked instead."""
        try:
            return self._kept(facts)
        except NotFound:
            _log.info("%s is not there: the whole blob is checked before it is served", _sums_key(facts.key))
        except (Integrity, NoSums):
            _log.warning("%s is damaged or of other bytes: the whole blob is checked", _sums_key(facts.key))
        return None

    def _kept(self, facts: BlobFacts) -> Sums:
        return unpacked(b"".join(self._inner.read(_sums_key(facts.key))), facts)

    def _made(self, facts: BlobFacts) -> Sums:
        """The sums of the blob after it was read and checked as a whole."""
        tally = Tally()
        summing = Summing(self._segment)
        for part in self._inner.read(facts.key):
            tally.add(part)
            summing.add(part)
        if (tally.size, tally.sha256) != (facts.size, facts.sha256):
            raise self._wrong(facts)
        return summing.sums()

    def _keep(self, facts: BlobFacts, sums: Sums) -> None:
        """See that the sums stand. The blob stands already: where they cannot be written, it does too."""
        key = _sums_key(facts.key)
        try:
            if self._is_to_write(facts, sums):
                self._inner.put(key, [kept(sums, facts.sha256)])
        except VoxPersonaError as error:
            _log.warning("%s was not written (%s): reads check the whole blob first", key, error.code)

    def _is_to_write(self, facts: BlobFacts, sums: Sums) -> bool:
        """Whether no such sums stand. Others are removed: damaged, of other segments, or of bytes that stood before."""
        try:
            if self._kept(facts) == sums:
                return False
        except NotFound:
            return True
        except (Integrity, NoSums):
            pass  # then as if they were others
        self._inner.delete(_sums_key(facts.key))
        return True


def _sums_key(key: str) -> str:
    return f"{OWN}sums/{digest(key)}"


def _parts(content: bytes, start: int, end: int) -> Iterator[bytes]:
    """The bytes `[start, end)` of these, in parts as the port says."""
    end = min(end, len(content))
    for at in range(start, end, PART):
        yield content[at : min(end, at + PART)]
