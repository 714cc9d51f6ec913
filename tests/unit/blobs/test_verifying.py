"""No byte is served that was not checked, wherever the store is damaged, and whatever became of the sums."""

import itertools
import logging
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders_blobs import content_of, keys_of, some_bytes
from tests.hostile import DamagedOnceBlobs, Fault, FaultyBlobs, PassingBlobs
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.keys import digest
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.blobs.verifying import VerifyingBlobs
from voxpersona.errors import Code, Configuration, Integrity, NotFound, Unavailable
from voxpersona.ports import Blobs

SEGMENT = 100
SIZE = 950
CONTENT = some_bytes(SIZE)
SUMS = f".voxpersona/sums/{digest('a')}"
SUMS_FILE = f".voxpersona/aside/{digest(SUMS)}"
"""Where a directory has them."""


class Asked(PassingBlobs):
    """Remembers what was read of which key, and counts what came."""

    def __init__(self, inner: Blobs) -> None:
        super().__init__(inner)
        self.reads: list[tuple[str, int, int | None]] = []

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self.reads.append((key, start, end))
        return super().read(key, start, end)


class Rotting(PassingBlobs):
    """Flips one bit of one byte of blob `a`, whoever reads it, and checks nothing."""

    at: int = -1

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        whole = bytearray(b"".join(super().read(key)))
        if key == "a" and self.at >= 0:
            whole[self.at] ^= 1
        wanted = bytes(whole[start:end])
        return (wanted[at : at + 33] for at in range(0, len(wanted), 33))


def served(parts: Iterator[bytes]) -> tuple[bytes, Integrity | None]:
    """What was yielded, and the error after it."""
    gathered = b""
    try:
        for part in parts:
            gathered += part
    except Integrity as error:
        return gathered, error
    return gathered, None


RANGES = [(start, end) for start in (0, 1, 99, 100, 450, 900, 949) for end in (1, 100, 101, 500, 949, 950, 2000, None)]


class Reciting(PassingBlobs):
    """Yields these parts whatever is asked of blob `a`."""

    def __init__(self, inner: Blobs, parts: Iterator[bytes]) -> None:
        super().__init__(inner)
        self._parts = parts

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return self._parts if key == "a" else super().read(key, start, end)


@pytest.mark.parametrize("content", [CONTENT, CONTENT[:50]], ids=["long", "short"])
def test_bytes_damaged_on_the_way_are_read_once_more(content: bytes) -> None:
    store = DamagedOnceBlobs(MemoryBlobs(), "a")
    blobs = VerifyingBlobs(store, segment=SEGMENT)
    blobs.put("a", [content])
    for start in (0, 100) if len(content) > SEGMENT else (0,):
        store.start = start
        assert b"".join(blobs.read("a", start)) == content[start:]
        assert store.start == -1


@pytest.mark.parametrize("with_sums", [True, False])
@pytest.mark.parametrize("at", [0, 99, 100, 455, 899, 900, 949])
def test_a_flipped_byte_is_never_served(at: int, with_sums: bool) -> None:
    store = Rotting(MemoryBlobs())
    blobs = VerifyingBlobs(store, segment=SEGMENT)
    blobs.put("a", [CONTENT])
    if not with_sums:
        store.delete(SUMS)
    store.at = at
    for start, end in RANGES:
        wanted = CONTENT[start:end]
        gathered, error = served(blobs.read("a", start, end))
        assert gathered == wanted[: len(gathered)]
        segment = range(at // SEGMENT * SEGMENT, at // SEGMENT * SEGMENT + SEGMENT)
        touches = start < segment.stop and (end is None or end > segment.start) and wanted != b""
        if touches or not (with_sums or wanted == b""):
            assert error is not None
            assert (error.code, error.facts) == (Code.BLOB_CORRUPT, {"key": "a"})
            assert start + len(gathered) <= segment.start or gathered == b""
        else:
            assert (error, gathered) == (None, wanted)


@pytest.mark.parametrize("size", [1, 77, SEGMENT])
def test_damage_of_a_small_blob_is_told_at_the_call_whatever_the_range(size: int) -> None:
    store = Rotting(MemoryBlobs())
    blobs = VerifyingBlobs(store, segment=SEGMENT)
    blobs.put("a", [CONTENT[:size]])
    store.at = size - 1
    for start, end in ((0, None), (0, 1), (0, 0), (size, None)):
        with pytest.raises(Integrity) as caught:
            blobs.read("a", start, end)
        assert (caught.value.code, caught.value.facts) == (Code.BLOB_CORRUPT, {"key": "a"})


@pytest.mark.parametrize("damage", [lambda whole: whole[:-1], lambda whole: whole + b"x", lambda whole: b""])
@pytest.mark.parametrize("size", [SEGMENT - 10, SIZE, SIZE + 50])
def test_a_blob_of_another_length_on_the_disk_is_never_served(
    tmp_path: Path, size: int, damage: Callable[[bytes], bytes]
) -> None:
    blobs = VerifyingBlobs(DirectoryBlobs(tmp_path), segment=SEGMENT)
    blobs.put("a", [some_bytes(size)])
    (tmp_path / "a").write_bytes(damage(some_bytes(size)))
    for start, end in ((0, None), (5, 10), (size - 1, None)):
        with pytest.raises(Integrity):
            list(blobs.read("a", start, end))


@pytest.mark.parametrize("segments", [0, 2, 5])
def test_a_read_that_ends_between_two_segments_is_short(segments: int) -> None:
    inner = MemoryBlobs()
    VerifyingBlobs(inner, segment=SEGMENT).put("a", [CONTENT])
    blobs = VerifyingBlobs(Reciting(inner, iter([CONTENT[: segments * SEGMENT]])), segment=SEGMENT)
    gathered, error = served(blobs.read("a", 0, 600))
    assert gathered == CONTENT[: segments * SEGMENT]
    assert error is not None


@pytest.mark.parametrize("size", [50, SIZE])
def test_a_store_that_never_ends_does_not_fill_the_memory(size: int) -> None:
    inner = MemoryBlobs()
    VerifyingBlobs(inner, segment=SEGMENT).put("a", [CONTENT[:size]])
    endless = VerifyingBlobs(Reciting(inner, itertools.repeat(b"0123456789")), segment=SEGMENT)
    with pytest.raises(Integrity):
        list(endless.read("a"))


@pytest.mark.parametrize("file", ["a", SUMS_FILE])
def test_any_byte_flipped_on_the_disk_is_found_or_does_no_harm(tmp_path: Path, file: str) -> None:
    VerifyingBlobs(DirectoryBlobs(tmp_path), segment=SEGMENT).put("a", [CONTENT])
    path = tmp_path / file
    good = path.read_bytes()
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + bytes([good[at] ^ 64]) + good[at + 1 :])
        blobs = VerifyingBlobs(DirectoryBlobs(tmp_path), segment=SEGMENT)
        outcomes = [served(blobs.read("a", start, end)) for start, end in ((0, None), (at % SIZE, at % SIZE + 1))]
        assert [error is not None for _, error in outcomes] == [file == "a"] * 2
        assert file == "a" or [gathered for gathered, _ in outcomes] == [CONTENT, CONTENT[at % SIZE : at % SIZE + 1]]


@given(
    content=st.binary(max_size=300),
    segment=st.integers(1, 120),
    start=st.integers(0, 310),
    end=st.one_of(st.none(), st.integers(0, 310)),
    cut=st.integers(1, 90),
    with_sums=st.booleans(),
)
def test_any_range_of_any_blob_is_what_was_put(
    content: bytes, segment: int, start: int, end: int | None, cut: int, with_sums: bool
) -> None:
    inner = MemoryBlobs()
    blobs = VerifyingBlobs(inner, segment=segment)
    blobs.put("a", (content[at : at + cut] for at in range(0, len(content), cut)))
    if not with_sums:
        inner.delete(SUMS)
    wanted = content[start:] if end is None else content[start : max(start, end)]
    assert b"".join(blobs.read("a", start, end)) == wanted


def test_a_range_reads_its_segments_and_no_more_and_the_sums_once() -> None:
    store = Asked(MemoryBlobs())
    VerifyingBlobs(store, segment=SEGMENT).put("a", [CONTENT])
    store.reads.clear()
    blobs = VerifyingBlobs(store, segment=SEGMENT)
    for start, end in ((150, 151), (200, 300), (899, 930), (0, None), (400, 400)):
        list(blobs.read("a", start, end))
    assert store.reads == [(SUMS, 0, None), *[("a", *of) for of in ((100, 200), (200, 300), (800, None), (0, None))]]


def test_only_so_many_sums_are_held_the_latest_used() -> None:
    store = Asked(MemoryBlobs())
    blobs = VerifyingBlobs(store, segment=1)
    for number in range(65):
        blobs.put(f"{number}", [b"xyz"])
    store.reads.clear()
    for number in (*range(64), 0, 64, 0, 1):
        list(blobs.read(f"{number}", 1, 2))
    fetched = [key for key, _, _ in store.reads if key.startswith(".voxpersona/")]
    assert fetched == [f".voxpersona/sums/{digest(f'{number}')}" for number in (*range(65), 1)]


def test_a_small_blob_has_no_sums() -> None:
    store = Asked(MemoryBlobs())
    VerifyingBlobs(store, segment=SEGMENT).put("a", [CONTENT[:SEGMENT]])
    with pytest.raises(NotFound):
        store.stat(SUMS)


def test_sums_of_other_segments_are_read_too() -> None:
    store = Asked(MemoryBlobs())
    VerifyingBlobs(store, segment=300).put("a", [CONTENT])
    blobs = VerifyingBlobs(store, segment=SEGMENT)
    assert b"".join(blobs.read("a", 250, 310)) == CONTENT[250:310]
    assert store.reads[-1] == ("a", 0, 600)
    blobs.put("a", [CONTENT])  # and replaced where the bytes come again
    b"".join(VerifyingBlobs(store, segment=SEGMENT).read("a", 250, 310))
    assert store.reads[-1] == ("a", 200, 400)


class TestSumsLost:
    def lose(self, store: PassingBlobs) -> None:
        store.delete(SUMS)

    def damage(self, store: PassingBlobs) -> None:
        good = content_of(store, SUMS)
        store.delete(SUMS)
        store.put(SUMS, [good[:-40] + b"x" + good[-39:]])

    def exchange(self, store: PassingBlobs) -> None:
        other = MemoryBlobs()
        VerifyingBlobs(other, segment=SEGMENT).put("a", [some_bytes(SIZE, 2)])
        store.delete(SUMS)
        store.put(SUMS, other.read(SUMS))

    @pytest.mark.parametrize("spoil", [lose, damage, exchange])
    def test_without_sums_the_whole_blob_is_checked_once_and_each_segment_ever_after(
        self, spoil: Callable[["TestSumsLost", PassingBlobs], None]
    ) -> None:
        rotting = Rotting(MemoryBlobs())
        store = Asked(rotting)
        blobs = VerifyingBlobs(store, segment=SEGMENT)
        VerifyingBlobs(store, segment=SEGMENT).put("a", [CONTENT])
        spoil(self, store)
        store.reads.clear()
        for start in (150, 250):
            assert b"".join(blobs.read("a", start, start + 10)) == CONTENT[start : start + 10]
        assert store.reads == [(SUMS, 0, None), ("a", 0, None), ("a", 100, 200), ("a", 200, 300)]
        rotting.at = 260
        assert served(blobs.read("a", 250, 255))[1] is not None

    @pytest.mark.parametrize("spoil", [lose, damage, exchange])
    def test_the_same_bytes_again_write_the_sums_again(
        self, spoil: Callable[["TestSumsLost", PassingBlobs], None]
    ) -> None:
        store = Asked(MemoryBlobs())
        blobs = VerifyingBlobs(store, segment=SEGMENT)
        first = blobs.put("a", [CONTENT])
        good = content_of(store, SUMS)
        spoil(self, store)
        assert blobs.put("a", iter([CONTENT])) == first
        assert content_of(store, SUMS) == good

    def test_sums_damaged_on_the_disk_are_mended_by_the_same_bytes_again(self, tmp_path: Path) -> None:
        blobs = VerifyingBlobs(DirectoryBlobs(tmp_path), segment=SEGMENT)
        blobs.put("a", [CONTENT])
        good = (tmp_path / SUMS_FILE).read_bytes()
        (tmp_path / SUMS_FILE).write_bytes(b"x" + good[1:])
        blobs.put("a", [CONTENT])
        assert (tmp_path / SUMS_FILE).read_bytes() == good

    def test_it_is_logged_without_anybodys_name(self, caplog: pytest.LogCaptureFixture) -> None:
        store = Asked(MemoryBlobs())
        VerifyingBlobs(store, segment=SEGMENT).put("a", [CONTENT])
        for spoil in (self.damage, self.lose):
            spoil(store)
            with caplog.at_level(logging.INFO, "voxpersona"):
                content_of(VerifyingBlobs(store, segment=SEGMENT), "a")
        assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
            (logging.WARNING, f"{SUMS} is damaged or of other bytes: the whole blob is checked"),
            (logging.INFO, f"{SUMS} is not there: the whole blob is checked before it is served"),
        ]

    def test_a_store_that_fails_is_not_taken_for_one_without_sums(self) -> None:
        store = FaultyBlobs(MemoryBlobs(), [Fault("read", 2)])
        VerifyingBlobs(store, segment=SEGMENT).put("a", [CONTENT])
        with pytest.raises(Unavailable):
            content_of(VerifyingBlobs(store, segment=SEGMENT), "a")

    def test_many_who_ask_at_once_check_the_whole_blob_once(self) -> None:
        inner = MemoryBlobs()
        VerifyingBlobs(inner, segment=SEGMENT).put("a", [CONTENT])
        inner.delete(SUMS)
        store = Asked(inner)
        blobs = VerifyingBlobs(store, segment=SEGMENT)
        together = threading.Barrier(5)

        def ask(start: int) -> None:
            together.wait()
            list(blobs.read("a", start, start + 1))

        askers = [threading.Thread(target=ask, args=(start * SEGMENT,)) for start in range(5)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert store.reads.count(("a", 0, None)) == store.reads.count((SUMS, 0, None)) == 1

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("put", 2),
            Fault("put", 2, after=True),
            Fault("put", 2, Configuration(Code.STORE_PERMISSION, "planned")),
            Fault("read"),
        ],
    )
    def test_a_blob_stands_also_where_its_sums_could_not_be_written(self, fault: Fault) -> None:
        store = FaultyBlobs(MemoryBlobs(), [fault])
        blobs = VerifyingBlobs(store, segment=SEGMENT)
        assert blobs.put("a", [CONTENT]) == store.stat("a")
        assert content_of(blobs, "a") == CONTENT


class TestDelete:
    def test_the_sums_go_with_the_blob(self) -> None:
        inner = MemoryBlobs()
        blobs = VerifyingBlobs(inner, segment=SEGMENT)
        blobs.put("a", [CONTENT])
        blobs.delete("a")
        for key in ("a", SUMS):
            with pytest.raises(NotFound):
                inner.stat(key)

    def test_an_interrupted_delete_leaves_sums_that_harm_nobody_and_go_with_the_next(self) -> None:
        inner = MemoryBlobs()
        blobs = VerifyingBlobs(FaultyBlobs(inner, [Fault("delete", 2)]), segment=SEGMENT)
        blobs.put("a", [CONTENT])
        with pytest.raises(Unavailable):
            blobs.delete("a")
        assert keys_of(blobs) == []
        assert inner.stat(SUMS)
        blobs.delete("a")
        with pytest.raises(NotFound):
            inner.stat(SUMS)

    @pytest.mark.parametrize("size", [SIZE, SIZE + 7, SEGMENT])
    def test_other_bytes_under_the_key_of_an_interrupted_delete_get_their_own_sums(self, size: int) -> None:
        store = Asked(MemoryBlobs())
        blobs = VerifyingBlobs(store, segment=SEGMENT)
        blobs.put("a", [CONTENT])
        store.delete("a")  # and killed before the sums were
        other = some_bytes(size, 2)
        blobs.put("a", [other])
        fresh = VerifyingBlobs(store, segment=SEGMENT)
        assert (content_of(blobs, "a"), content_of(fresh, "a")) == (other, other)
        store.reads.clear()
        assert b"".join(fresh.read("a", 50, 150)) == other[50:150]
        assert [key for key, _, _ in store.reads] == ["a"]


@pytest.mark.parametrize("size", [SEGMENT - 1, SIZE])
def test_a_blob_exchanged_while_it_is_read_is_neither_mixed_nor_called_damaged(size: int) -> None:
    class Exchanging(PassingBlobs):
        def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
            if key == "a":
                self._inner.delete("a")
                self._inner.put("a", [some_bytes(size, 2)])
            return super().read(key, start, end)

    blobs = VerifyingBlobs(Exchanging(MemoryBlobs()), segment=SEGMENT)
    blobs.put("a", [some_bytes(size)])
    with pytest.raises(Unavailable) as caught:
        list(blobs.read("a"))
    assert caught.value.code is Code.STORE_UNAVAILABLE


def test_memory_stays_flat_whatever_the_size(tmp_path: Path) -> None:
    blobs = VerifyingBlobs(DirectoryBlobs(tmp_path))
    part = some_bytes(1 << 20)
    tracemalloc.start()
    try:
        blobs.put("a", (part for _ in range(48)))
        size = sum(len(read) for read in blobs.read("a", 1, None))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == (48 << 20) - 1
    assert peak < 10 << 20
