"""A blob as a seekable binary file, read by ranges: decoders can jump in it, whatever store stands behind."""

import io
from typing import BinaryIO, cast

from voxpersona.ports import Blobs

_BUFFER = 1 << 20


class _BlobIO(io.RawIOBase):
    def __init__(self, blobs: Blobs, key: str) -> None:
        self._blobs = blobs
        self._key = key
        self._size = blobs.stat(key).size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed wants any writable buffer
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        filled = 0
        for part in self._blobs.read(self._key, self._at, end):
            buffer[filled : filled + len(part)] = part
            filled += len(part)
        self._at += filled
        return filled


def blob_source(blobs: Blobs, key: str) -> BinaryIO:
    """Open the blob for reading. NotFound BLOB_ABSENT."""
    return cast(BinaryIO, io.BufferedReader(_BlobIO(blobs, key), _BUFFER))


def proven_source(blobs: Blobs, key: str) -> BinaryIO:
    """As `blob_source`, once all of the blob was read: reading to the end is what compares the hash. Integrity
    BLOB_CORRUPT where it is not as it was kept."""
    for _ in blobs.read(key):
        pass
    return blob_source(blobs, key)
