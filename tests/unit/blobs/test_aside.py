"""Bytes hashed beside their coming are the same bytes, and other ones are told."""

import hashlib
from datetime import UTC, datetime

import pytest

from tests.builders_blobs import in_parts, some_bytes
from voxpersona.adapters.blobs.aside import Aside, verified_aside
from voxpersona.errors import Code, Integrity
from voxpersona.model import BlobFacts

CONTENT = some_bytes(100_000)


def facts(size: int = len(CONTENT)) -> BlobFacts:
    return BlobFacts(key="a", size=size, sha256=hashlib.sha256(CONTENT).hexdigest(), written_at=datetime.now(UTC))


def test_the_hash_is_of_all_parts_in_order() -> None:
    with Aside() as whole:
        for part in in_parts(CONTENT, 1000):
            whole.add(part)
        assert whole.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_whole_bytes_pass_as_they_are() -> None:
    assert b"".join(verified_aside(in_parts(CONTENT, 999), facts())) == CONTENT


@pytest.mark.parametrize(
    ("content", "size"), [(CONTENT[:-1], 100_000), (CONTENT + b"x", 100_000), (b"x" + CONTENT[1:], 100_000), (b"", 0)]
)
def test_other_bytes_are_told_after_the_last_part(content: bytes, size: int) -> None:
    with pytest.raises(Integrity) as caught:
        list(verified_aside(in_parts(content, 1000), facts(size)))
    assert caught.value.code is Code.BLOB_CORRUPT


def test_what_is_given_up_leaves_no_thread_waiting() -> None:
    parts = verified_aside(in_parts(CONTENT, 1000), facts())
    next(parts)
    parts.close()  # type: ignore[attr-defined]  # a generator
    with pytest.raises(StopIteration):
        next(parts)
