"""Blobs in a plain directory: the store of everybody who has no object store.

    root/recordings/ID/original/name.mp3    the bytes, under the key itself
    root/.voxpersona/facts/ab/abcd....json  the facts of each blob (sidecar.py)
    root/.voxpersona/aside/abcd...          bytes whose key cannot be a path here: over-long, or `a` beside `a/b`
    root/.voxpersona/incoming/              temporary files; what a killed writer leaves is swept
    root/.voxpersona/locks/ab               one writer at a time per key (keys share 256 locks), held by the kernel

The order that makes a kill harmless at any line: bytes flushed aside; facts flushed in place; the bytes given their
name by a hard link, which never clobbers (this is the moment the blob begins to be); its folder flushed. Removal goes
the other way. Writers of one key are kept apart by `flock`, so the facts are always the winner's. Readers take no lock.

Needs a local POSIX file system with hard links, and one machine. No symbolic link below the root is ever followed.
"""

import heapq
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from voxpersona.adapters.blobs.filesystem import folder, locked, make_root, store_errors
from voxpersona.adapters.blobs.keys import check_key, check_metadata, digest, is_own
from voxpersona.adapters.blobs.sidecar import FactsLost, Sidecars
from voxpersona.adapters.blobs.spool import Spool, lying, spool, sweep
from voxpersona.adapters.blobs.tree import TRIES, Tree
from voxpersona.adapters.blobs.verify import PART, Tally, check_same, check_start, is_whole, verified
from voxpersona.errors import Code, Configuration, Integrity, NotFound, Unavailable
from voxpersona.model import BlobFacts, Listed, Unfinished

_OURS = ".voxpersona"
_ASIDE, _FACTS, _INCOMING, _LOCKS = ((_OURS, name) for name in ("aside", "facts", "incoming", "locks"))


class DirectoryBlobs:
    """The port `Blobs` on a directory, which is made (0700, files 0600) where it is missing."""

    def __init__(self, root: Path) -> None:
        """Unavailable where the directory cannot be made."""
        self._root = root.absolute()
        self._tree = Tree(self._root, _OURS, _ASIDE)
        self._sidecars = Sidecars(self._root, _FACTS, _INCOMING)
        self.prepare()

    def prepare(self) -> None:
        """Make what is missing of the directory. Errors as of the constructor, which does it too."""
        with store_errors():
            make_root(self._root)
            for segments in (_ASIDE, _INCOMING, _LOCKS):
                with folder(self._root, segments, make=True):
                    pass
            self._sidecars.prepare()

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
        """See the port. Errors of `content` itself pass through unchanged."""
        check_key(key)
        kept = check_metadata(metadata)
        tally = Tally()
        standing = self._whole(key)
        if standing is not None:  # then nothing need be written: a full disk does not matter
            for part in content:
                tally.add(part)
            tally.check(key, sha256=sha256, size=size)
            return self._settled(standing, tally.sha256)
        with ExitStack() as stack:
            with store_errors():
                temporary = stack.enter_context(spool(self._root, _INCOMING))
            for part in content:
                tally.add(part)
                temporary.write(part)
            tally.check(key, sha256=sha256, size=size)
            facts = BlobFacts(
                key=key,
                size=tally.size,
                sha256=tally.sha256,
                content_type=content_type,
                metadata=kept,
                written_at=datetime.now(UTC),
            )
            with store_errors():
                return self._commit(temporary, facts)

    def stat(self, key: str) -> BlobFacts:
        """See the port. Integrity BLOB_CORRUPT where the bytes are not as many as recorded, or the facts are lost."""
        with store_errors(), self._opened(key) as (descriptor, facts):
            if os.fstat(descriptor).st_size != facts.size:
                raise Integrity(Code.BLOB_CORRUPT, "the blob is not as long as recorded", key=key)
            return facts

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See the port. A negative `start` is a ValueError. A range shorter than recorded is BLOB_CORRUPT too."""
        check_start(start)
        parts = self._parts(key, start, end)
        next(parts)  # opens the blob, so that its absence is told now
        return parts

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """See the port. A blob whose facts are lost is listed as it stands now; stat and read tell the damage."""
        with store_errors():
            self._tree.check_there()
            for key in heapq.merge(self._tree.keys(prefix), self._keys_aside(prefix)):
                for facts in () if is_own(key) else self._listed(key):
                    yield Listed(key=facts.key, stored=facts.size, written_at=facts.written_at)

    def delete(self, key: str) -> None:
        """See the port. Folders left empty go too."""
        check_key(key)
        with store_errors(), self._locked(key):
            self._tree.remove(key)
            self._sidecars.remove(key)
            self._tree.prune(key)

    def link(self, key: str, seconds: int, name: str) -> str:  # noqa: ARG002  # the port's signature
        """Configuration LINK_UNSUPPORTED, always: a directory has no address."""
        raise Configuration(Code.LINK_UNSUPPORTED, "a blob directory has no links", key=key)

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        """See the port."""
        check_key(key)
        kept = check_metadata(metadata)
        with store_errors(), self._locked(key):
            facts = self.stat(key).model_copy(update={"metadata": kept})
            self._sidecars.write(facts)
            return facts

    def unfinished(self) -> Sequence[Unfinished]:
        """What `sweep` would find, however young, oldest first; what is being written now is among it.

        `upload` is the name of a temporary file (its key is not known) and empty for facts without a blob.
        """
        with store_errors():
            found = [
                Unfinished(
                    key="/".join((*_INCOMING, name)),
                    upload=name,
                    stored=stands.st_size,
                    begun_at=datetime.fromtimestamp(stands.st_mtime, UTC),
                )
                for name, stands in lying(self._root, _INCOMING)
            ]
            for key in self._sidecars.keys(math.inf):
                if not self._tree.has(key):
                    with suppress(FactsLost):
                        begun_at = self._sidecars.read(key).written_at
                        found.append(Unfinished(key=key, upload="", stored=0, begun_at=begun_at))
        return sorted(found, key=lambda left: (left.begun_at, left.key))

    def sweep(self, older_than_seconds: float) -> int:
        """Remove what killed writers left behind that long ago: temporary files and facts without a blob. How many.

        Safe at any time: what a living process is writing stays.
        """
        before = time.time() - older_than_seconds
        with store_errors():
            removed = sweep(self._root, _INCOMING, before)
            for key in self._sidecars.keys(before):
                with self._locked(key):
                    if not self._tree.has(key):
                        self._sidecars.remove(key)
                        removed += 1
        return removed

    # Writing

    def _commit(self, temporary: Spool, facts: BlobFacts) -> BlobFacts:
        written = temporary.finish()
        if written.st_size != facts.size:
            raise Integrity(Code.BLOB_CORRUPT, "the disk kept another number of bytes than were sent", key=facts.key)
        with self._locked(facts.key):
            try:
                standing = self.stat(facts.key)
            except NotFound:
                self._place(temporary, written, facts)
                return facts
            except FactsLost:
                check_same(self._adopted(facts.key), facts.sha256)
                self._sidecars.write(facts)
                standing = facts
            return self._settled(standing, facts.sha256)

    def _place(self, temporary: Spool, written: os.stat_result, facts: BlobFacts) -> None:
        try:
            self._sidecars.write(facts)
            self._tree.give_name(temporary, facts.key)
        except BaseException:
            with suppress(OSError, Integrity):
                self._tree.withdraw(facts.key, written)
                if not self._tree.has(facts.key):
                    self._sidecars.remove(facts.key)
            with suppress(OSError):
                self._tree.prune(facts.key)
            raise

    def _settled(self, standing: BlobFacts, sha256: str) -> BlobFacts:
        check_same(standing, sha256)
        with store_errors():
            self._tree.settle(standing.key)
        return standing

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        with folder(self._root, _LOCKS) as parent, locked(digest(key)[:2], parent):
            yield

    # Reading

    def _whole(self, key: str) -> BlobFacts | None:
        """The facts of the blob that stands; None where none does, or its facts are lost: then a put mends it."""
        try:
            return self.stat(key)
        except (NotFound, FactsLost):
            return None

    @contextmanager
    def _opened(self, key: str) -> Iterator[tuple[int, BlobFacts]]:
        """The open bytes and their own facts. There is no lock: where the blob was exchanged meanwhile, once more."""
        for _ in range(TRIES):
            descriptor = self._tree.open(key)
            try:
                facts = self._facts_of(key, descriptor)
                if facts is not None:
                    yield descriptor, facts
                    return
            finally:
                os.close(descriptor)
        raise Unavailable(Code.STORE_UNAVAILABLE, "the blob is being exchanged all the time", key=key)

    def _facts_of(self, key: str, descriptor: int) -> BlobFacts | None:
        """The facts of the open bytes; None where these bytes do not stand under the key any more."""
        found = os.fstat(descriptor)
        try:
            facts = self._sidecars.read(key)
        except FactsLost:
            if self._tree.stands(key, found):
                raise
            return None
        return facts if self._tree.stands(key, found) else None

    def _parts(self, key: str, start: int, end: int | None) -> Iterator[bytes]:
        with store_errors(), self._opened(key) as (descriptor, facts):
            yield b""  # taken by `read`
            if is_whole(facts, start, end):
                yield from verified(_ranged(descriptor, 0, None), facts)
                return
            end = facts.size if end is None else min(end, facts.size)
            at = start
            for part in _ranged(descriptor, start, end):
                yield part
                at += len(part)
            if at < end:
                raise Integrity(Code.BLOB_CORRUPT, "the blob is shorter than recorded", key=key)

    def _keys_aside(self, prefix: str) -> Iterator[str]:
        """Blobs aside are few: all their facts are read and put in order at once."""
        keys = []
        for name in self._tree.digests_aside():
            with suppress(FactsLost):  # then its key is not known to anybody
                keys.append(self._sidecars.named(name).key)
        yield from sorted(key for key in keys if key.startswith(prefix))

    def _listed(self, key: str) -> Iterator[BlobFacts]:
        """The facts of the blob; nothing where it is gone, or is a hidden file of some other program."""
        with suppress(NotFound):
            try:
                with self._opened(key) as (_, facts):
                    pass
            except FactsLost:
                if key.rpartition("/")[2].startswith("."):
                    return
                facts = self._adopted(key)
            yield facts

    def _adopted(self, key: str) -> BlobFacts:
        """The facts of bytes whose sidecar is lost, as far as they can be told from the bytes."""
        descriptor = self._tree.open(key)
        try:
            tally = Tally()
            for part in _ranged(descriptor, 0, None):
                tally.add(part)
            written_at = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
        finally:
            os.close(descriptor)
        return BlobFacts(key=key, size=tally.size, sha256=tally.sha256, written_at=written_at)


def _ranged(descriptor: int, start: int, end: int | None) -> Iterator[bytes]:
    """The bytes `[start, end)` of an open file, or up to its end, in parts of at most 1 MiB."""
    at = start
    while part := os.pread(descriptor, PART if end is None else max(0, min(PART, end - at)), at):
        yield part
        at += len(part)
