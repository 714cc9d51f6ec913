"""Sums of segments: any part of a blob can be checked by them, and damaged ones are never believed."""

import hashlib
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders_blobs import some_bytes
from voxpersona.adapters.blobs.sums import LONGEST_SEGMENT, NoSums, Summing, Sums, kept, segments, unpacked
from voxpersona.model import BlobFacts

PARTS = st.lists(st.binary(max_size=40), max_size=12)


def facts_of(content: bytes) -> BlobFacts:
    sha256 = hashlib.sha256(content).hexdigest()
    return BlobFacts(key="a", size=len(content), sha256=sha256, written_at=datetime.now(UTC))


def sums_of(content: bytes, segment: int) -> Sums:
    summing = Summing(segment)
    summing.add(content)
    return summing.sums()


@given(parts=PARTS, segment=st.integers(1, 50))
@example(parts=[b"1", b"2345", b"6789", b"", b"abc"], segment=4)
def test_every_segment_has_its_hash_however_the_parts_came(parts: list[bytes], segment: int) -> None:
    content = b"".join(parts)
    summing = Summing(segment)
    for part in parts:
        summing.add(part)
    cut = [content[at : at + segment] for at in range(0, len(content), segment)]
    assert list(segments(parts, segment)) == cut
    sums = summing.sums()
    assert sums == sums_of(content, segment)
    assert all(sums.holds(number, one) for number, one in enumerate(cut))
    assert all(sums.holds(number, after) == (one == after) for number, (one, after) in enumerate(pairwise(cut)))
    assert not any(sums.holds(number, one[:-1]) for number, one in enumerate(cut))
    assert not sums.holds(len(cut), b"")


@given(content=st.binary(min_size=1, max_size=200), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_passes(content: bytes, at: int, bit: int) -> None:
    at %= len(content)
    flipped = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
    assert sums_of(content, 256).holds(0, content)
    assert not sums_of(content, 256).holds(0, flipped)


def test_what_was_kept_is_had_again() -> None:
    content = some_bytes(1000)
    sums = sums_of(content, 300)
    assert unpacked(kept(sums, facts_of(content).sha256), facts_of(content)) == sums


def test_two_gigabytes_take_32_kib() -> None:
    sums = Sums(1 << 20, 2 << 30, b"\0" * 16 * 2048)
    assert len(kept(sums, "0" * 64)) < (32 << 10) + 256


def test_no_flipped_bit_and_no_missing_byte_is_believed() -> None:
    content = some_bytes(1000)
    good = kept(sums_of(content, 300), facts_of(content).sha256)
    damaged = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in range(len(good))]
    for bad in (*damaged, *(good[:at] for at in range(len(good))), good + b"\0", b"\0" + good):
        with pytest.raises(NoSums):
            unpacked(bad, facts_of(content))


def resealed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    "other",
    [
        kept(sums_of(some_bytes(1000, 2), 300), facts_of(some_bytes(1000, 2)).sha256),
        kept(sums_of(some_bytes(999), 300), facts_of(some_bytes(1000)).sha256),
        kept(Sums(300, 1000, b"\0" * 16 * 3), facts_of(some_bytes(1000)).sha256),
        kept(Sums(LONGEST_SEGMENT, 1000, b"\0" * 32), facts_of(some_bytes(1000)).sha256),
        resealed(b"voxpersona sums 1\n" + b"not json\n"),
        resealed(b"voxpersona sums 1\n" + b'{"segment":0,"sha256":"","size":1000}\n'),
        resealed(b"voxpersona sums 1\n" + b'{"segment":99999999,"sha256":"","size":1000}\n'),
        resealed(b"voxpersona sums 2\n"),
        b"",
    ],
)
def test_sums_of_something_else_are_none(other: bytes) -> None:
    with pytest.raises(NoSums):
        unpacked(other, facts_of(some_bytes(1000)))
