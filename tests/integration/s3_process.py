"""A process that is killed in the middle of an upload.

python -m tests.integration.s3_process ENDPOINT ACCESS SECRET BUCKET KEY     puts LARGE there
"""

import hashlib
import os
import signal
import sys
from collections.abc import Callable, Iterator

from tests.builders_blobs import MIB, some_bytes
from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.connection import Connection

PART = 5 * MIB
LARGE = some_bytes(21 * MIB + 5)
"""Five parts, the last one short."""
DIGEST = hashlib.sha256(LARGE).hexdigest()


def pieces(content: bytes = LARGE) -> list[bytes]:
    return [content[at : at + 300_000] for at in range(0, len(content), 300_000)]


def until(end: int, then: Callable[[], None]) -> Iterator[bytes]:
    """LARGE, with something happening before the byte `end`."""
    at = 0
    for piece in pieces():
        if at <= end < at + len(piece):
            then()
        at += len(piece)
        yield piece


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(blobs: S3Blobs, key: str) -> None:
    """Two buffers are used in turn: when the fourth part is filled, the second one was taken by the store."""
    blobs.put(key, until(4 * PART - 1, _die), sha256=DIGEST, size=len(LARGE), metadata={"kind": "original"})


if __name__ == "__main__":
    endpoint, access_key, secret_key, bucket, key = sys.argv[1:]
    killed(S3Blobs(Connection(endpoint, access_key, secret_key), bucket, part_size=PART, concurrency=1), key)
