"""That what stands is what was sent: asked of the store after every write."""

from voxpersona.adapters.blobs.s3.metadata import Wanted
from voxpersona.adapters.blobs.s3.objects import Objects, Standing, Written
from voxpersona.adapters.blobs.verify import Tally, check_same
from voxpersona.errors import Code, Integrity, NotFound, Unavailable
from voxpersona.model import BlobFacts, Checksum


def prove(objects: Objects, wanted: Wanted, written: Written, checksum: Checksum) -> BlobFacts:
    """The facts of the blob that we just wrote, if it stands there whole.

    The store verified what it was sent, by the checksum that came with it; so it is enough that the object has our
    size and hash in its facts, the ETag that the write was answered with, and the checksum of our bytes where it tells
    one. Where any of that fails, or the store verifies nothing, the bytes are read back and hashed. Integrity
    BLOB_CORRUPT where they are not ours, and then they are removed, if they are what we wrote.
    Unavailable where nothing stands there.
    """
    try:
        found = objects.head_with_checksum(wanted.key) if written.checksum else objects.head(wanted.key)
        check_same(found.facts, wanted.sha256)
        if not _is_proven(found, written, checksum):
            hash_standing(objects, wanted.key).check(wanted.key, sha256=wanted.sha256, size=wanted.size)
    except Integrity as error:
        if error.code is Code.BLOB_CORRUPT:
            objects.remove_ours(wanted.key, written.etag)
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
    return (
        checksum is not Checksum.NONE
        and found.etag == written.etag
        and found.checksum in ("", written.checksum)
        and written.md5 in ("", written.etag)
    )
