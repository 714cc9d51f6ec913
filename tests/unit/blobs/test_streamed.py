"""The streaming format against Tink itself, both ways, and against everything that can be done to a ciphertext."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_blobs import MIB, in_parts, some_bytes
from tests.builders_encrypted import BOUNDARIES, FIRST, NEXT
from tests.tink_oracle import decrypted, encrypted
from voxpersona.adapters.blobs.streamed import (
    HEADER,
    SEGMENT,
    NotAuthentic,
    Streamed,
    header,
    reach,
    sealed_size,
    segments,
    tags,
)

KEY = bytes(range(32))
BOUND = "recordings/1/Интервью.mp3".encode()
OURS = Streamed(KEY, BOUND, header(b"s" * 32, b"nonce-p"))


def sealed(content: bytes) -> bytes:
    return b"".join(OURS.encrypt(in_parts(content)))


def opened(stored: bytes, size: int, start: int = 0, stop: int | None = None, stream: Streamed = OURS) -> bytes:
    stop = size if stop is None else stop
    begin, finish = reach(size, start, stop)
    return b"".join(stream.decrypt(in_parts(stored[begin:finish], 70_001), size, start, stop))


@pytest.mark.parametrize("size", BOUNDARIES)
def test_tink_reads_what_we_write(size: int) -> None:
    content = some_bytes(size)
    assert decrypted(KEY, BOUND, sealed(content)) == content


@pytest.mark.parametrize("size", BOUNDARIES)
def test_we_read_what_tink_writes(size: int) -> None:
    content = some_bytes(size)
    stored = encrypted(KEY, BOUND, content)
    assert len(stored) == sealed_size(size)
    theirs = Streamed(KEY, BOUND, stored[:HEADER])
    assert opened(stored, size, stream=theirs) == content
    middle = size // 2
    assert opened(stored, size, middle, min(size, middle + 1000), stream=theirs) == content[middle : middle + 1000]


@pytest.mark.parametrize("size", BOUNDARIES)
def test_the_size_of_a_ciphertext_is_known_before(size: int) -> None:
    parts = [*OURS.encrypt([some_bytes(size)])]
    assert sum(map(len, parts)) == sealed_size(size)
    assert [len(part) for part in parts[:-1]] == [MIB] * (len(parts) - 1)
    assert 0 < len(parts[-1]) <= MIB
    assert sum(len(tags(part)) for part in parts) == 16 * segments(size)


@settings(max_examples=150, deadline=None)
@given(size=st.integers(0, 3 * SEGMENT + 9) | st.sampled_from(BOUNDARIES), place=st.data())
def test_any_range_of_any_size_is_the_slice(size: int, place: st.DataObject) -> None:
    content = some_bytes(size)
    near = [edge for edge in (0, FIRST, FIRST + NEXT, size) if edge <= size]
    place_of = st.integers(0, size) | st.sampled_from(near)
    start, stop = sorted((place.draw(place_of), place.draw(place_of)))
    assert opened(sealed(content), size, start, stop) == content[start:stop]


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 2 * SEGMENT), max_size=12))
def test_how_the_content_comes_makes_no_difference(cuts: list[int]) -> None:
    content = some_bytes(2 * SEGMENT)
    places = [0, *sorted(cuts), len(content)]
    parts = [content[a:b] for a, b in pairwise(places)]
    assert b"".join(OURS.encrypt(parts)) == sealed(content)


SIZE = 3 * NEXT + 100
STORED = sealed(some_bytes(SIZE))


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(STORED) - 1) | st.sampled_from([0, 1, 33, 39, 40, len(STORED) - 1]), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found_before_a_byte_of_its_segment_comes_out(at: int, bit: int) -> None:
    flipped = bytearray(STORED)
    flipped[at] ^= 1 << bit
    parts = OURS.decrypt([bytes(flipped)], SIZE, 0, SIZE)
    with pytest.raises(NotAuthentic):  # all four segments are opened at once: none is served
        next(parts)


SEGMENTS = [STORED[at : at + SEGMENT] for at in range(0, len(STORED), SEGMENT)]
REARRANGED: dict[str, Callable[[], Iterator[bytes]]] = {
    "two exchanged": lambda: iter([SEGMENTS[0], SEGMENTS[2], SEGMENTS[1], SEGMENTS[3]]),
    "one twice": lambda: iter([SEGMENTS[0], SEGMENTS[1], SEGMENTS[1], SEGMENTS[3]]),
    "one left out": lambda: iter([SEGMENTS[0], SEGMENTS[2], SEGMENTS[3]]),
    "the last left out": lambda: iter(SEGMENTS[:-1]),
    "one too many": lambda: iter([*SEGMENTS, SEGMENTS[1]]),
    "a byte too many": lambda: iter([STORED, b"x"]),
    "a byte too few": lambda: iter([STORED[:-1]]),
    "nothing": lambda: iter([]),
}


@pytest.mark.parametrize("parts", REARRANGED.values(), ids=REARRANGED.keys())
def test_segments_put_together_otherwise_are_found(parts: Callable[[], Iterator[bytes]]) -> None:
    with pytest.raises(NotAuthentic):
        b"".join(OURS.decrypt(parts(), SIZE, 0, SIZE))


@pytest.mark.parametrize("kept", range(1, len(SEGMENTS)))
def test_a_message_cut_off_between_segments_is_not_taken_for_a_shorter_one(kept: int) -> None:
    size = FIRST + (kept - 1) * NEXT
    assert sealed_size(size) == kept * SEGMENT
    with pytest.raises(NotAuthentic):
        b"".join(OURS.decrypt(iter(SEGMENTS[:kept]), size, 0, size))


@pytest.mark.parametrize(
    "stream",
    [
        Streamed(bytes(32), BOUND, STORED[:HEADER]),
        Streamed(KEY, BOUND + b"x", STORED[:HEADER]),
        Streamed(KEY, BOUND, header(b"t" * 32, b"nonce-p")),
    ],
    ids=["another key", "another blob", "another header"],
)
def test_what_belongs_to_something_else_does_not_open(stream: Streamed) -> None:
    for start, stop in ((0, SIZE), (NEXT + 5, NEXT + 6)):
        with pytest.raises(NotAuthentic):
            opened(STORED, SIZE, start, stop, stream=stream)


@pytest.mark.parametrize("bad", [b"", STORED[:39], STORED[:41], b"\x18" + STORED[1:40]])
def test_what_is_no_header_is_refused(bad: bytes) -> None:
    with pytest.raises(NotAuthentic):
        Streamed(KEY, BOUND, bad)
