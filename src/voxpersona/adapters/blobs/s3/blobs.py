"""Blobs in a bucket of any store that speaks S3.

A small blob goes up by one request, a large one in parts (multipart.py); either way nothing is visible before it is
whole, and what became visible is proven (proof.py). What a store really does is asked of its probe at the first write,
so that reading costs none. Where it has no create-only writes, writers of one key are kept apart inside this process
and the key is looked at just before; two processes with other bytes for one key could both believe then that they won.
Nobody here makes such keys: they hold ids.

What stood there when an answer was lost, or when somebody was faster, is compared by hash: the same bytes are success.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from zlib import crc32

from voxpersona.adapters.blobs.keys import check_key, check_metadata, is_own
from voxpersona.adapters.blobs.s3 import multipart
from voxpersona.adapters.blobs.s3.connection import Connection
from voxpersona.adapters.blobs.s3.edge import Refused
from voxpersona.adapters.blobs.s3.intake import Intake
from voxpersona.adapters.blobs.s3.metadata import Wanted, whole_second
from voxpersona.adapters.blobs.s3.names import asked_prefix, disposition, key_of
from voxpersona.adapters.blobs.s3.objects import Objects, OutOfRange, Taken, Written, standing
from voxpersona.adapters.blobs.s3.proof import hash_standing, prove
from voxpersona.adapters.blobs.s3.relabelling import relabel
from voxpersona.adapters.blobs.sidecar import FactsLost
from voxpersona.adapters.blobs.verify import Tally, check_same, check_start, is_whole, verified
from voxpersona.errors import Code, Integrity, NotFound, Unavailable
from voxpersona.model import Abilities, BlobFacts, Listed

PART_SIZE = 16 << 20
"""Bytes of a part of a large blob; what is not longer goes up by one request."""

_WORTH_ASKING = 1 << 20
"""Bytes: a blob longer than that is not sent before it was asked whether it stands there already."""

_FIRST = 4 << 20
"""Bytes of the first request of a read; what is longer follows on one more connection."""

_LONGEST_LINK = 7 * 24 * 3600
"""Seconds; S3 allows no more."""

_WRITERS = [threading.Lock() for _ in range(64)]
"""One writer at a time per key, inside this process, for stores without create-only writes; keys share them."""


class S3Blobs:
    """The port `Blobs`. Making one opens no connection; safe for threads."""

    def __init__(
        self,
        connection: Connection,
        bucket: str,
        *,
        abilities: Callable[[], Abilities] | None = None,
        spool: Path | None = None,
        part_size: int = PART_SIZE,
        concurrency: int = 4,
        tagged: Sequence[str] = ("kind",),
        verified_above: bool = False,
    ) -> None:
        """`abilities` is asked once, at the first write; None probes the store then. `spool` is a directory for content
        that comes only once and without its hash, made where it is missing; None for the system's temporary one.
        `part_size` in bytes, 5 MiB at least; `concurrency` parts of one blob are sent at once. Metadata of the names
        `tagged` become tags too. `verified_above`: whoever reads through this checks every byte himself, so that a long
        blob need not be hashed here too."""
        if part_size < 5 << 20 or concurrency < 1:
            raise ValueError("parts are of 5 MiB at least, and one at a time at least")
        self._objects = Objects(connection, bucket)
        self._place = f"{connection.endpoint}/{bucket}/"
        self._ask = abilities or self._objects.probe
        self._asking = threading.Lock()
        self._abilities: Abilities | None = None
        self._spool = spool
        self._part_size = part_size
        self._concurrency = concurrency
        self._tagged = tuple(tagged)
        self._verified_above = verified_above

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
        """See the port. Errors of `content` itself pass through unchanged.

        Large content whose `sha256` and `size` are not both given is read twice where it can be iterated again, and
        spooled where it cannot: they must be known when the first byte is sent.
        """
        check_key(key)
        kept = check_metadata(metadata)
        with Intake(key, content, sha256=sha256, size=size, spool=self._spool) as intake:
            small = intake.gather(self._part_size)
            if small is not None:
                return self._put_small(Wanted(key, intake.size, intake.sha256, content_type, kept), small)
            if self._is_taken(key):
                intake.drain()
                return self._settled(Wanted(key, intake.size, intake.sha256, content_type, kept))
            announced_sha256, announced_size = intake.announced()
            wanted = Wanted(key, announced_size, announced_sha256, content_type, kept)
            return self._put_large(wanted, intake)

    def stat(self, key: str) -> BlobFacts:
        """See the port. Integrity BLOB_CORRUPT where the object is not as long as recorded, or bears no record."""
        check_key(key)
        return self._objects.head(key).facts

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See the port. A negative `start` is a ValueError. A range shorter than it should be is BLOB_CORRUPT too."""
        check_start(start)
        check_key(key)
        if end is not None and end <= start:
            self._objects.head(key)
            return iter(())
        first = start + _FIRST
        try:
            found = self._objects.get(key, start, first if end is None else min(end, first))
        except OutOfRange:
            self._objects.head(key)  # nothing stands there: it may have been cut to nothing
            return iter(())
        stands = standing(key, found)
        until = stands.facts.size if end is None else min(end, stands.facts.size)
        parts = self._objects.parts(found)
        if until > first:
            parts = chain(parts, self._objects.stream(stands, first, until))
        if is_whole(stands.facts, start, end) and not (self._verified_above and until > first):
            return verified(parts, stands.facts)
        return _counted(parts, key, until - start)

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """See the port. The listing is of the moment it is begun, and held in memory: SeaweedFS lists by folders, which
        is another order. What is no blob of ours by its name is left out: marks of folders, odd names of others."""
        asked = asked_prefix(prefix)
        found = []
        for name, stored, written_at in () if asked is None else self._objects.listed(asked):
            key = key_of(name)
            if key is not None and key.startswith(prefix) and not is_own(key):
                found.append((key, stored, written_at))
        for key, stored, written_at in sorted(found):
            yield Listed(key=key, stored=stored, written_at=whole_second(written_at))

    def delete(self, key: str) -> None:
        """See the port."""
        check_key(key)
        self._objects.remove(key)

    def link(self, key: str, seconds: int, name: str) -> str:
        """See the port. `seconds` are 1 to 604,800 (a week), else a ValueError."""
        if not 1 <= seconds <= _LONGEST_LINK:
            raise ValueError("a link holds for a second at least and a week at most")
        facts = self.stat(key)
        with self._objects.errors("make a link", key):
            return self._objects.client.generate_presigned_url(
                "get_object",
                Params={
                    **self._objects.address(key),
                    "ResponseContentDisposition": disposition(name),
                    "ResponseContentType": facts.content_type,
                },
                ExpiresIn=seconds,
            )

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        """See the port. The store copies the object onto itself, which takes it a while where it is large."""
        check_key(key)
        kept = check_metadata(metadata)
        facts = self._objects.head(key).facts
        wanted = Wanted(key, facts.size, facts.sha256, facts.content_type, kept)
        before = Wanted(key, facts.size, facts.sha256, facts.content_type, facts.metadata)
        return relabel(self._objects, wanted, self._tags(wanted), were=self._tags(before))

    # Writing

    def _put_small(self, wanted: Wanted, body: bytes) -> BlobFacts:
        if len(body) > _WORTH_ASKING and self._is_taken(wanted.key):
            return self._settled(wanted)
        checksum, tags = self._can().checksum, self._tags(wanted)
        return self._written(
            wanted, lambda create: self._objects.put(wanted, body, create=create, checksum=checksum, tags=tags)
        )

    def _put_large(self, wanted: Wanted, intake: Intake) -> BlobFacts:
        upload = multipart.begin(self._objects, wanted, self._can().checksum, self._tags(wanted), self._part_size)
        tally = Tally()
        try:
            parts = upload.send(intake.again(), tally, self._concurrency)
        except multipart.Vanished as error:
            return self._ended_by_another(wanted, intake, tally, error)
        try:
            tally.check(wanted.key, sha256=wanted.sha256, size=wanted.size)
            facts = self._written(wanted, lambda create: upload.complete(parts, create=create))
        except Integrity:
            upload.end()
            raise
        upload.end()
        return facts

    def _ended_by_another(self, wanted: Wanted, intake: Intake, tally: Tally, error: multipart.Vanished) -> BlobFacts:
        """Our upload is gone. Whoever completed it had the same bytes; whoever gave it up had not."""
        for part in intake.rest():
            tally.add(part)
        tally.check(wanted.key, sha256=wanted.sha256, size=wanted.size)
        return self._found_after(_forgotten(error), wanted)

    def _written(self, wanted: Wanted, write: Callable[[bool], Written]) -> BlobFacts:
        """Make the blob stand by `write(create_only)`; the facts of what stands then, ours or the same of another."""
        for _ in range(2 if self._can().create_only else 0):
            with suppress(NotFound):
                return self._attempt(wanted, write, create=True)
        # To SeaweedFS a folder is taken too, even one that was left empty. So look, then write.
        with _WRITERS[crc32((self._place + wanted.key).encode()) % len(_WRITERS)]:
            if self._is_taken(wanted.key):
                return self._settled(wanted)
            return self._attempt(wanted, write, create=False)

    def _attempt(self, wanted: Wanted, write: Callable[[bool], Written], *, create: bool) -> BlobFacts:
        """NotFound where the key is taken and yet nothing stands there."""
        try:
            written = write(create)
        except Taken:
            return self._settled(wanted)
        except multipart.Vanished as error:
            return self._found_after(_forgotten(error), wanted)
        except Unavailable as error:
            return self._found_after(error, wanted)
        return prove(self._objects, wanted, written, self._can().checksum)

    def _found_after(self, error: Unavailable, wanted: Wanted) -> BlobFacts:
        """The work may have been done though no answer came: what stands there decides. Else the error stands."""
        if isinstance(error, Refused):
            raise error
        try:
            facts = self._objects.head(wanted.key).facts
        except (Unavailable, NotFound):
            raise error from error.__cause__
        return check_same(facts, wanted.sha256)

    def _settled(self, wanted: Wanted) -> BlobFacts:
        """The facts of what stands there, if it holds these bytes. Facts that were lost are given back to them."""
        try:
            return check_same(self._objects.head(wanted.key).facts, wanted.sha256)
        except FactsLost:
            there = hash_standing(self._objects, wanted.key)
            if there.sha256 != wanted.sha256:
                raise Integrity(Code.BLOB_CONFLICT, "other bytes stand under this key", key=wanted.key) from None
            return relabel(self._objects, wanted, self._tags(wanted), were={})

    def _is_taken(self, key: str) -> bool:
        try:
            self._objects.head(key)
        except NotFound:
            return False
        except FactsLost:
            return True
        return True

    def _can(self) -> Abilities:
        with self._asking:
            if self._abilities is None:
                self._abilities = self._ask()
            return self._abilities

    def _tags(self, wanted: Wanted) -> dict[str, str]:
        return wanted.tags(self._tagged) if self._can().tags else {}


def _forgotten(error: multipart.Vanished) -> Unavailable:
    reason = "it forgot an unfinished upload"
    unavailable = Unavailable(Code.STORE_UNAVAILABLE, f"write a blob: {reason}", reason=reason)
    unavailable.__cause__ = error
    return unavailable


def _counted(parts: Iterator[bytes], key: str, length: int) -> Iterator[bytes]:
    seen = 0
    for part in parts:
        seen += len(part)
        yield part
    if seen != length:
        raise Integrity(Code.BLOB_CORRUPT, f"a range gave {seen} bytes, not {length}", key=key)
