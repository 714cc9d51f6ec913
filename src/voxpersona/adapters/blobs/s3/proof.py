"""That what stands is what was sent: asked of the store after every write."""

from voxpersona.adapters.blobs.s3.metadata import Wanted
from voxpersona.adapters.blobs.s3.objects import Objects, Standing, Written
from voxpersona.adapters.blobs.verify import Tally, check_same
from voxpersona.errors import Code, Integrity, NotFound, Unavailable
from voxpersona.model import BlobFacts, Checksum


def prove(objects: Objects, wanted: Wanted, written: Written, checksum: Checksum) -> BlobFacts:
    """The facts of the blob that we just wrote, if it stands there whole.

    The store verified what it was sent, by the checksum that came with it, and afterwards the object must have our
    size and hash in its facts, the ETag that the write was answered with, and that or its checksum must be made of our
    bytes. Where any of that fails, or the store verifies nothing, the bytes are read back and hashed. Integrity
    BLOB_CORRUPT where they are not ours, and then they are removed, if they are what we wrote.
    Unavailable where nothing stands there.
    """
    etag = written.etag
    try:
        is_told_by_etag = bool(written.md5) and written.md5 == etag
        found = (objects.head if is_told_by_etag or not written.checksum else objects.head_with_checksum)(wanted.key)
        check_same(found.facts, wanted.sha256)
        if not _is_proven(found, written, checksum):
            etag = found.etag
            hash_standing(objects, wanted.key).check(wanted.key, sha256=wanted.sha256, size=wanted.size)
    except Integrity as error:
        if error.code is Code.BLOB_CORRUPT:
            objects.remove_ours(wanted.key, etag)
        raise
    except NotFound as error:
        reason = "what was written does not stand there"
        raise Unavailable(Code.STORE_UNAVAILABLE, reason, reason=reason) from error
    return found.facts


def hash_standing(objects: Objects, key: str) -> Tally:
    """Size and hash of the bytes that stand there, read for it."""
    tally = Tally()
    for part in objects.parts(objects.get(key)):
        tally.add(part)
    return tally


def _is_proven(found: Standing, written: Written, checksum: Checksum) -> bool:
    """A store's ETags need not be MD5, and not every store tells checksums. Of parts each was verified by itself: where
    neither is known of the whole, that will do."""
    if checksum is Checksum.NONE or found.etag != written.etag:
        return False
    if written.md5 and written.md5 == written.etag:
        return True
    return found.checksum == written.checksum if found.checksum else not written.md5
