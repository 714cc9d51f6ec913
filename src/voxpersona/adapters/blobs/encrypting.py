"""A store whose keeper learns nothing: encryption over the port.

Every blob has a data key of its own, which encrypts its bytes (streamed.py) and its facts (sealed.py) and is itself
wrapped by the current master key (keyring.py). The store sees ciphertext, its size, the blob's key, and `kind`, which
lifecycle rules go by. Everything is bound to the blob's key: a blob that was changed, cut off, put together anew or
exchanged for another is Integrity BLOB_CORRUPT, and no byte of it is passed on before it is known to be authentic.

Plain blobs that stood there before are read as they are; what is put is always encrypted. A store that takes the
seal off a blob makes it look plain: an archive with no plain blobs left is opened with `accept_plain=False`.

An old version of a blob in the place of the new one, kept by the store, is not found out: blobs are written once.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from voxpersona.adapters.blobs.aside import AsideTally
from voxpersona.adapters.blobs.content import is_again
from voxpersona.adapters.blobs.keyfile import MasterKey
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.blobs.keys import SEALED, check_key, check_metadata
from voxpersona.adapters.blobs.outgoing import Again, aside, counted, mark, tallied
from voxpersona.adapters.blobs.sealed import (
    Facts,
    Seal,
    damaged,
    labelled,
    open_facts,
    seal_facts,
    seal_of,
    stream,
)
from voxpersona.adapters.blobs.streamed import KEY, NotAuthentic, reach, sealed_size
from voxpersona.adapters.blobs.verify import PART, Tally, check_same, check_start, is_whole
from voxpersona.errors import Code, Configuration, Integrity, NotFound, Unavailable, VoxPersonaError
from voxpersona.model import BlobFacts, Listed
from voxpersona.ports import Blobs

_HEX = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class _Found:
    """A blob as those with the key see it. A plain one has neither seal nor data key."""

    facts: BlobFacts
    seal: Seal | None = None
    data_key: bytes = field(default=b"", repr=False)


class EncryptingBlobs:
    """The port `Blobs` over `inner`, which holds ciphertext. Same guarantees, and those told above.

    Errors of its own: Configuration MASTER_KEY_ABSENT where a blob was encrypted under a key that is not in the file.

    How a put chooses the data key. Content that can be iterated again is read once before anything leaves: its hash is
    verified, and what its ciphertext will be is found out. The data key is then made of the master key, the blob's key
    and that hash, so a second try of an interrupted put, also by another process, sends the same ciphertext, which a
    store of parts can go on with. That is safe because key and nonces are used for one message only: other bytes have
    another hash and so another key, and bytes that change between the two readings are noticed by their tags, part by
    part, before a part leaves. The store can see that the same bytes came again under the same key; it can not
    compare blobs of different keys, nor try out what a blob might be. Content that comes once has a random data key.
    """

    def __init__(
        self,
        inner: Blobs,
        keyring: Keyring,
        *,
        plain: Blobs,
        accept_plain: bool = True,
        scratch: Path | None = None,
    ) -> None:
        """`plain` is the same bucket as `inner`, for blobs that are not encrypted (with a check of their hashes, say).

        `scratch` is where content that comes once, and unannounced, is kept encrypted until it is known whole; the
        system's directory for temporary files where not given.
        """
        self._inner = inner
        self._keyring = keyring
        self._plain = plain
        self._accept_plain = accept_plain
        self._scratch = scratch

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
        """See the port. Where a blob stands already, plain or encrypted, plain bytes are compared."""
        check_key(key)
        kept = _checked(metadata)
        try:
            standing = self.stat(key)
        except NotFound:
            standing = None
        if standing is not None:
            tally = tallied(content)
            tally.check(key, sha256=sha256, size=size)
            return check_same(standing, tally.sha256)
        told = Facts(sha256 or "", size or 0, content_type, kept)
        if is_again(content):
            return self._put_again(key, content, told, sha256=sha256, size=size)
        if sha256 is not None and size is not None:
            return self._put_once(key, content, replace(told, sha256=sha256.lower()))
        return self._put_spooled(key, content, told, sha256=sha256, size=size)

    def stat(self, key: str) -> BlobFacts:
        """See the port. Size, hash and content type are those of the plain bytes."""
        return self._find(key).facts

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See the port. Only the segments that hold the range are fetched; a byte comes out authentic or not at all."""
        check_start(start)
        found = self._find(key)
        if found.seal is None:
            return self._plain.read(key, start, end)
        stop = found.facts.size if end is None else min(end, found.facts.size)
        if start >= stop and not is_whole(found.facts, start, end):
            return iter(())
        # No hash of a whole read is made: its bytes are authentic, so they are those whose hash was checked before they
        # were encrypted, and that hash is sealed with the same key.
        stored = self._stored(found, *reach(found.facts.size, start, stop))
        return self._opened(stored, found, start, stop)

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """See the port. `stored` is the size of the ciphertext."""
        return self._inner.list(prefix)

    def delete(self, key: str) -> None:
        """See the port. Through `plain`, which may keep something of its own beside a blob."""
        self._plain.delete(key)

    def link(self, key: str, seconds: int, name: str) -> str:
        """See the port. Configuration LINK_UNSUPPORTED for an encrypted blob: its address gives ciphertext."""
        if self._find(key).seal is not None:
            raise Configuration(Code.LINK_UNSUPPORTED, "an encrypted blob has no link", key=key)
        return self._plain.link(key, seconds, name)

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        """See the port. The data key and the master key that wraps it stay."""
        kept = _checked(metadata)
        found = self._find(key)
        if found.seal is None:
            return self._plain.relabel(key, kept)
        facts = found.facts
        told = Facts(facts.sha256, facts.size, facts.content_type, kept)
        seal = Seal(found.seal.master, found.seal.wrapped, seal_facts(found.data_key, key, told))
        return self._unsealed(key, self._inner.relabel(key, labelled(seal, kept)), is_ours=True).facts

    # Writing

    def _put_again(
        self, key: str, content: Iterable[bytes], told: Facts, *, sha256: str | None, size: int | None
    ) -> BlobFacts:
        if sha256 is None or not _HEX.fullmatch(sha256):
            first = tallied(content)
            first.check(key, sha256=sha256, size=size)
            sha256, size = first.sha256, first.size
        master = self._keyring.current
        data_key = master.data_key(key, sha256)
        cipher = stream(data_key, key)
        marks = []
        with AsideTally() as plain, AsideTally() as stored:
            for part in cipher.encrypt(counted(content, plain)):
                stored.add(part)
                marks.append(mark(part))
            plain.settle()
            stored.settle()
        plain.check(key, sha256=sha256, size=size)
        facts = replace(told, sha256=plain.sha256, size=plain.size)
        return self._send(key, Again(key, content, cipher, marks), facts, master, data_key, sha256=stored.sha256)

    def _put_once(self, key: str, content: Iterable[bytes], facts: Facts) -> BlobFacts:
        def checked() -> Iterator[bytes]:
            tally = Tally()
            yield from counted(content, tally)
            tally.check(key, sha256=facts.sha256, size=facts.size)  # so the last part of other bytes never leaves

        parts = checked()
        data_key = os.urandom(KEY)
        stored = stream(data_key, key).encrypt(parts)
        return self._send(key, stored, facts, self._keyring.current, data_key, rest=parts)

    def _put_spooled(
        self, key: str, content: Iterable[bytes], told: Facts, *, sha256: str | None, size: int | None
    ) -> BlobFacts:
        """The facts go with the first byte, so they must be known before: the ciphertext waits for them."""
        data_key = os.urandom(KEY)
        plain, stored = Tally(), Tally()
        parts = stream(data_key, key).encrypt(counted(content, plain))
        with aside(parts, stored, self._scratch) as spooled:
            plain.check(key, sha256=sha256, size=size)
            facts = replace(told, sha256=plain.sha256, size=plain.size)
            return self._send(key, spooled, facts, self._keyring.current, data_key, sha256=stored.sha256)

    def _send(
        self,
        key: str,
        stored: Iterable[bytes],
        facts: Facts,
        master: MasterKey,
        data_key: bytes,
        *,
        sha256: str | None = None,
        rest: Iterable[bytes] = (),
    ) -> BlobFacts:
        """Put the ciphertext. `rest` is what must be read to the end before other bytes can be told from the same."""
        seal = Seal(master.id, master.wrap(data_key), seal_facts(data_key, key, facts))
        labels = labelled(seal, facts.metadata)
        try:
            blob = self._inner.put(key, stored, sha256=sha256, size=sealed_size(facts.size), metadata=labels)
        except Integrity as error:
            if error.code is not Code.BLOB_CONFLICT:
                raise
            # Another writer was faster. Its data key, and so its ciphertext, is another; the bytes may be the same.
            for _ in rest:
                pass
            return check_same(self.stat(key), facts.sha256)
        return self._unsealed(key, blob, is_ours=True).facts

    # Reading

    def _find(self, key: str) -> _Found:
        return self._unsealed(key, self._inner.stat(key))

    def _unsealed(self, key: str, blob: BlobFacts, *, is_ours: bool = False) -> _Found:
        """`is_ours`: we have just sealed it, so a store that tells of no seal has lost it."""
        seal = seal_of(blob)
        if seal is None:
            if is_ours or not self._accept_plain:
                raise Integrity(Code.BLOB_CORRUPT, "the blob is not encrypted, and should be", key=key)
            return _Found(blob)
        try:
            data_key = self._keyring.key(seal.master).unwrap(seal.wrapped)
            told = open_facts(data_key, key, seal.facts, blob.metadata)
        except NotAuthentic as error:
            raise damaged(key) from error
        if blob.size != sealed_size(told.size):
            raise Integrity(Code.BLOB_CORRUPT, "the encrypted blob is not as long as recorded", key=key)
        facts = BlobFacts(
            key=key,
            size=told.size,
            sha256=told.sha256,
            content_type=told.content_type,
            metadata=told.metadata,
            written_at=blob.written_at,
        )
        return _Found(facts, seal, data_key)

    def _stored(self, found: _Found, begin: int, finish: int) -> Iterator[bytes]:
        key = found.facts.key
        if finish <= PART or (begin, finish) != (0, sealed_size(found.facts.size)):
            return self._inner.read(key, begin, finish)
        first = self._inner.read(key, 0, PART)

        def both() -> Iterator[bytes]:
            # Not in one read: of a whole blob the store below makes a hash, and here every segment is authenticated.
            yield from first
            yield from self._inner.read(key, PART, finish)

        return both()

    def _opened(self, stored: Iterable[bytes], found: _Found, start: int, stop: int) -> Iterator[bytes]:
        """What came wrong is read once more: it may be right where it lies, and was damaged on the way."""
        size, cipher, is_again = found.facts.size, stream(found.data_key, found.facts.key), False
        while True:
            try:
                for part in cipher.decrypt(stored, size, start, stop):
                    start += len(part)
                    yield part
            except NotAuthentic as error:
                if is_again:
                    raise self._why(found.facts.key, found.data_key) from error
            except Integrity:  # the store below may have seen it first
                if is_again:
                    raise
            else:
                return
            is_again = True
            stored = self._stored(found, *reach(size, start, stop))

    def _why(self, key: str, data_key: bytes) -> VoxPersonaError:
        """What is said of bytes that do not open: damage, unless the blob was exchanged since it was found."""
        try:
            is_same = self._find(key).data_key == data_key
        except NotFound:
            is_same = False
        if is_same:
            return damaged(key)
        reason = "a blob was exchanged while it was read"
        return Unavailable(Code.STORE_UNAVAILABLE, reason, reason=reason)


def _checked(metadata: Mapping[str, str] | None) -> dict[str, str]:
    kept = check_metadata(metadata)
    if SEALED in kept:
        raise Integrity(Code.INTERNAL, f"the metadata {SEALED!r} is the encryption's own")
    return kept
