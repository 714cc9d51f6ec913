"""A process that puts one large blob through every wrapper, to be killed on its way.

    python -m tests.integration.store_process ENDPOINT ACCESS SECRET BUCKET KEY SCRATCH [KEY_FILE]

With a key file it is encrypted.
"""

import sys
from pathlib import Path

from tests.builders_wrappers import retrying
from tests.integration.bad_days import LARGE, PART, Blob
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.connection import Connection
from voxpersona.adapters.blobs.verifying import VerifyingBlobs
from voxpersona.ports import Blobs


def _opened(connection: Connection, bucket: str, scratch: Path, key_file: str | None) -> Blobs:
    """One part at a time, so that it is known which ones the store has."""
    keeper = S3Bucket(connection, bucket)
    bare = S3Blobs(
        connection,
        bucket,
        abilities=keeper.abilities,
        spool=scratch,
        part_size=PART,
        concurrency=1,
        verified_above=True,
    )
    stored = retrying(bare, verified_above=True)
    verifying = VerifyingBlobs(stored)
    if key_file is None:
        return verifying
    return EncryptingBlobs(stored, Keyring(Path(key_file)), plain=verifying, scratch=scratch)


if __name__ == "__main__":
    endpoint, access_key, secret_key, bucket, key, scratch, *key_file = sys.argv[1:]
    connection = Connection(endpoint, access_key, secret_key)
    blobs = _opened(connection, bucket, Path(scratch), key_file[0] if key_file else None)
    Blob(LARGE, key).put(blobs)
