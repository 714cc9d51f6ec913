"""A process that puts a large blob and reads it, and holds nothing else: its peak of memory is the product's.

python -m tests.integration.s3_flat ENDPOINT ACCESS SECRET BUCKET KEY MIB     answers the peak in bytes
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.connection import Connection

_MIB = 1 << 20
_BLOCK = bytes(range(256)) * (_MIB // 256)


def blocks(mib: int) -> Iterator[bytes]:
    """Each is another one, made on the way, as from a network."""
    for number in range(mib):
        yield number.to_bytes(8, "big") + _BLOCK[8:]


def flat(blobs: S3Blobs, key: str, mib: int) -> None:
    whole = hashlib.sha256()
    for block in blocks(mib):
        whole.update(block)
    blobs.put(key, blocks(mib), sha256=whole.hexdigest(), size=mib * _MIB)
    assert sum(len(part) for part in blobs.read(key)) == mib * _MIB
    blobs.delete(key)


def peak() -> int:
    """Bytes of memory at most, since this program began: `ru_maxrss` may be that of the one it was forked from."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    endpoint, access_key, secret_key, bucket, key, mib = sys.argv[1:]
    flat(S3Blobs(Connection(endpoint, access_key, secret_key), bucket), key, int(mib))
    print(peak())
