"""Bytes hashed beside what else is done have the same hash."""

import hashlib

import pytest

from tests.builders_blobs import in_parts, some_bytes
from voxpersona.adapters.blobs.aside import AsideTally
from voxpersona.errors import Code, Integrity

LONG = some_bytes(1 << 20) * 10


@pytest.mark.parametrize("content", [b"", b"x", LONG[:100_000], LONG], ids=["empty", "tiny", "short", "long"])
def test_size_and_hash_are_of_all_parts_in_order(content: bytes) -> None:
    with AsideTally() as tally:
        for part in in_parts(content, 70_001):
            tally.add(part)
        tally.settle()
    assert (tally.size, tally.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_other_bytes_than_announced_are_told() -> None:
    with AsideTally() as tally:
        for part in in_parts(LONG, 70_001):
            tally.add(part)
        tally.settle()
    with pytest.raises(Integrity) as caught:
        tally.check("a", sha256=hashlib.sha256(LONG[:-1] + b"x").hexdigest(), size=len(LONG))
    assert caught.value.code is Code.BLOB_CORRUPT


def test_what_is_given_up_early_ends_its_thread() -> None:
    with AsideTally() as tally:
        for part in in_parts(LONG, 70_001):
            tally.add(part)
    with pytest.raises(RuntimeError):
        tally.add(b"x")
