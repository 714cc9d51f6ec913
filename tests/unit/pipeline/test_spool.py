"""Intake goes on while the store is down: what was acknowledged waits in the spool and comes into the archive once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import DownBlobs, Fault, FaultyBlobs, PassingBlobs
from tests.rooms import Rooms
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.media.memory import memory_recording
from voxpersona.errors import Code, Configuration, Integrity, Rejected, Unavailable
from voxpersona.model import Manifest, Source
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.deliver import Delivered, deliver
from voxpersona.pipeline.spool import Entry, Spool
from voxpersona.ports import Blobs, Library

_FOR_EVER = 10**9


class Killed(BaseException):
    """The process is gone: nobody catches this."""


class KilledBlobs(PassingBlobs):
    """Its process is killed at the nth call, before or after the work is done."""

    def __init__(self, inner: Blobs, call: int) -> None:
        super().__init__(inner)
        self._left = call

    def _called(self, method: str) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed


class KilledLibrary:
    """The same for a library; `after`: what was asked for was done."""

    def __init__(self, inner: Library, call: int, *, after: bool) -> None:
        self._inner, self._left, self._after = inner, call, after

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._inner, name)

        def killed(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            done = verb(*arguments, **named)
            if self._left == 0:
                raise Killed
            return done

        return killed


class House:
    """Rooms whose store goes down and comes back."""

    def __init__(self, scratch: Path) -> None:
        self.store = MemoryBlobs()
        self.down = DownBlobs(self.store, 0)
        self.rooms = Rooms(scratch, audio=self.down)
        self.scratch = scratch

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.down.left = _FOR_EVER
        try:
            yield
        finally:
            self.down.left = 0

    def deliver(self, **changes: Any) -> Delivered:
        rooms = self.rooms
        return deliver(rooms.spool, **{"audio": lambda: rooms.audio, "library": lambda: rooms.library, **changes})

    def has_it_once(self, content: bytes, receipt_id: str) -> None:
        """In the archive, byte for byte, with its manifest and its work, and nothing is left in the spool."""
        (recording,) = self.rooms.library.recordings()
        assert recording.id == receipt_id
        assert b"".join(self.store.read(recording.original.key)) == content
        assert documents.read(self.store, layout.manifest(recording.id), Manifest).recording == recording
        assert [order.recording for order in self.rooms.journal.open_orders()] == [recording.id]
        assert self.rooms.spool.entries() == []
        assert [path.name for path in (self.scratch / "waiting").iterdir() if path.name[0] != "."] == []


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


class TestKeeping:
    def test_what_comes_while_the_store_is_down_is_acknowledged_and_stands_in_the_spool(self, house: House) -> None:
        content = memory_recording(12.5)
        with house.outage():
            receipt = house.rooms.receive(content)
        assert (receipt.is_duplicate, receipt.is_spooled) == (False, True)
        assert receipt.because is not None
        assert receipt.because.code is Code.STORE_UNREACHABLE
        assert house.rooms.library.recordings() == []
        (entry,) = house.rooms.spool.entries()
        assert entry.recording == receipt.recording
        assert b"".join(house.rooms.spool.content(entry)) == content
        assert {path.stat().st_mode & 0o777 for path in (house.scratch / "waiting").iterdir()} == {0o600}
        assert list(house.scratch.glob("*.part")) == []

    @pytest.mark.parametrize("call", [1, 2])
    @pytest.mark.parametrize("after", [False, True])
    def test_a_store_that_fails_on_the_way_ends_in_the_spool_too(self, call: int, after: bool, tmp_path: Path) -> None:
        house = House(tmp_path)
        house.rooms.audio = FaultyBlobs(house.store, [Fault("put", call=call, after=after)])
        receipt = house.rooms.receive()
        assert receipt.is_spooled
        assert house.rooms.library.recordings() == []
        assert house.deliver() == Delivered(delivered=1)
        house.has_it_once(memory_recording(10.0), receipt.recording.id)

    def test_a_database_that_does_not_answer_ends_in_the_spool_too(self, house: House) -> None:
        gone = Unavailable(Code.LIBRARY_UNAVAILABLE, "database: gone", reason="gone")
        with house.rooms.without_library(gone):
            receipt = house.rooms.receive()
            assert house.rooms.receive().is_duplicate
        assert receipt.is_spooled
        assert list(house.store.list()) == []
        assert house.deliver() == Delivered(delivered=1)
        house.has_it_once(memory_recording(10.0), receipt.recording.id)

    def test_a_set_up_that_is_wrong_refuses_all_the_same(self, house: House) -> None:
        wrong = Configuration(Code.STORE_KEYS, "unknown key", reason="InvalidAccessKeyId")
        house.rooms.audio = FaultyBlobs(house.store, [Fault("put", error=wrong)])
        with pytest.raises(Configuration):
            house.rooms.receive()
        assert house.rooms.spool.entries() == []

    @pytest.mark.parametrize(
        ("content", "code"),
        [(b"text", Code.NOT_AUDIO), (memory_recording(9.0, damage="declares 20 s, holds 9 s"), Code.TRUNCATED)],
    )
    def test_what_cannot_be_taken_is_refused_at_the_door(self, content: bytes, code: Code, house: House) -> None:
        with house.outage(), pytest.raises(Rejected) as refused:
            house.rooms.receive(content)
        assert refused.value.code is code
        assert house.rooms.spool.entries() == []

    def test_what_was_forgotten_is_refused_at_the_door(self, house: House) -> None:
        recording = house.rooms.receive().recording
        house.rooms.library.forget(recording.id)
        house.rooms.library.erase(recording.id)
        with house.outage(), pytest.raises(Rejected) as refused:
            house.rooms.receive()
        assert refused.value.code is Code.FORGOTTEN


class TestAgain:
    def test_the_same_delivery_and_the_same_bytes_are_recognised_and_stored_once(self, house: House) -> None:
        with house.outage():
            first = house.rooms.receive()
            same = house.rooms.receive()
            other = house.rooms.receive(source="telegram:7:8:9", name="b.ogg")
            same_key = house.rooms.receive(memory_recording(11.0), source="telegram:7:8:9")
        for receipt in (same, other, same_key):
            assert (receipt.recording, receipt.is_duplicate, receipt.is_spooled) == (first.recording, True, True)
        assert len(house.rooms.spool.entries()) == 1
        assert house.deliver() == Delivered(delivered=1)
        house.has_it_once(memory_recording(10.0), first.recording.id)
        assert layout.source(first.recording.id, "telegram:7:8:9") in [blob.key for blob in house.store.list()]
        assert house.rooms.receive(source="telegram:7:8:9").recording == first.recording

    def test_what_is_in_the_archive_is_recognised_while_the_store_is_down_and_takes_no_room(self, house: House) -> None:
        first = house.rooms.receive()
        with house.outage():
            again = house.rooms.receive()
        assert (again.recording, again.is_duplicate, again.is_spooled) == (first.recording, True, False)
        assert house.rooms.spool.entries() == []

    def test_many_at_once_make_one_entry(self, house: House) -> None:
        receipts = []
        with house.outage():
            threads = [
                threading.Thread(target=lambda: receipts.append(house.rooms.receive(memory_recording(10.0))))
                for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(receipt.is_duplicate for receipt in receipts) == [False] + [True] * 7
        assert len(house.rooms.spool.entries()) == 1

    def test_the_next_receive_brings_in_what_waits_before_its_own(self, house: House) -> None:
        with house.outage():
            first = house.rooms.receive()
        again = house.rooms.receive()
        assert (again.recording, again.is_duplicate, again.is_spooled) == (first.recording, True, False)
        house.has_it_once(memory_recording(10.0), first.recording.id)

    def test_a_store_that_was_down_a_moment_ago_is_not_asked_for_each_of_many(self, house: House) -> None:
        spool = house.rooms.spool
        spool.rest(Unavailable(Code.STORE_UNREACHABLE, "nobody answers"))
        assert deliver(spool, audio=_never, library=lambda: house.rooms.library).because is spool.resting


def _never() -> Blobs:
    raise AssertionError("the store was asked")


class TestRoom:
    def test_more_than_may_wait_is_refused_and_nothing_of_it_is_kept(self, house: House) -> None:
        content = memory_recording(10.0)
        house.rooms.spool_limit = len(content)
        with house.outage():
            house.rooms.receive(content)
            with pytest.raises(Unavailable) as refused:
                house.rooms.receive(memory_recording(11.0), source="telegram:7:8:9")
        assert refused.value.code is Code.NO_SPACE
        assert len(house.rooms.spool.entries()) == 1
        assert len(list((house.scratch / "waiting").glob("[!.]*"))) == 2
        assert list(house.scratch.glob("*.part")) == []

    def test_a_disk_that_would_be_filled_refuses(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path, limit=1 << 30, spare=1 << 62)
        house = House(tmp_path)
        with house.outage():
            recording = house.rooms.receive().recording
        (entry,) = house.rooms.spool.entries()
        other = recording.model_copy(update={"source": "other"})
        spool.drop(entry.name)
        with spool.incoming(_stream(memory_recording(10.0))) as content, pytest.raises(Unavailable) as refused:
            spool.keep(other, content)
        assert refused.value.code is Code.NO_SPACE
        assert spool.entries() == []


def _stream(content: bytes) -> Any:
    import io

    return io.BytesIO(content)


class TestDelivering:
    def test_the_oldest_comes_first(self, house: House) -> None:
        with house.outage():
            ids = [
                house.rooms.receive(memory_recording(seconds), source=f"n:{seconds}").recording.id
                for seconds in (10.0, 11.0, 12.0)
            ]
        assert house.deliver() == Delivered(delivered=3)
        assert [order.recording for order in house.rooms.journal.open_orders()] == ids

    def test_a_store_that_is_still_down_ends_it_and_everything_stays(self, house: House) -> None:
        with house.outage():
            house.rooms.receive()
            told = house.deliver()
        assert (told.delivered, told.refused) == (0, 0)
        assert told.because is not None
        assert len(house.rooms.spool.entries()) == 1

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("call", range(1, 9))
    def test_killed_at_any_call_of_the_library_it_is_repeated_and_the_recording_is_there_once(
        self, call: int, after: bool, house: House
    ) -> None:
        self._killed_and_repeated(house, library=lambda: KilledLibrary(house.rooms.library, call, after=after))

    @pytest.mark.parametrize("call", range(1, 9))
    def test_killed_at_any_call_of_the_store_it_is_repeated_and_the_recording_is_there_once(
        self, call: int, house: House
    ) -> None:
        killed = KilledBlobs(house.store, call)
        self._killed_and_repeated(house, audio=lambda: killed)

    def _killed_and_repeated(self, house: House, **rooms: Callable[[], Any]) -> None:
        with house.outage():
            receipt = house.rooms.receive()
            house.rooms.receive(source="telegram:7:8:9")
        opened = {name: room() for name, room in rooms.items()}
        try:
            house.deliver(**{name: lambda one=one: one for name, one in opened.items()})
        except Killed:
            assert len(house.rooms.spool.entries()) == 1
            house.deliver()
        house.has_it_once(memory_recording(10.0), receipt.recording.id)
        assert layout.source(receipt.recording.id, "telegram:7:8:9") in [blob.key for blob in house.store.list()]

    def test_two_at_once_bring_each_entry_in_once(self, house: House) -> None:
        with house.outage():
            for seconds in range(10, 20):
                house.rooms.receive(memory_recording(seconds), source=f"n:{seconds}")
        threads = [threading.Thread(target=house.deliver) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(house.rooms.library.recordings()) == len(house.rooms.journal.open_orders()) == 10
        assert house.rooms.spool.entries() == []

    def test_a_way_it_came_while_it_was_brought_in_is_not_lost(self, house: House) -> None:
        with house.outage():
            recording = house.rooms.receive().recording
        (entry,) = house.rooms.spool.entries()
        assert house.rooms.spool.came_again(entry, "telegram:7:8:9") is not None
        assert not house.rooms.spool.remove(entry)
        house.deliver()
        assert "telegram:7:8:9" in {source.key for source in house.rooms.library.sources(recording.id)}
        assert house.rooms.spool.came_again(entry, "x") is None


class TestSetAside:
    def test_what_was_forgotten_meanwhile_stays_with_its_reason(self, house: House) -> None:
        with house.outage():
            recording = house.rooms.receive().recording
        now = datetime.now(UTC)
        house.rooms.library.remember(
            [Source(key=recording.source, recording=recording.id, seen_at=now, forgotten_at=now)]
        )
        assert house.deliver() == Delivered(refused=1)
        (entry,) = house.rooms.spool.entries()
        assert entry.refused is not None
        assert (entry.refused.code, entry.refused.facts) == (Code.FORGOTTEN, {"day": now.date().isoformat()})
        assert house.deliver() == Delivered()
        assert house.deliver(refused=True) == Delivered(refused=1)
        assert list(house.store.list()) == []

    def test_the_same_delivery_with_other_bytes_stays_and_the_archive_is_not_touched(self, house: House) -> None:
        kept = house.rooms.receive(source="telegram:7:8:9").recording
        gone = Unavailable(Code.LIBRARY_UNAVAILABLE, "database: gone", reason="gone")
        with house.rooms.without_library(gone):
            other = house.rooms.receive(memory_recording(11.0), source="telegram:7:8:9")
        assert other.is_spooled
        before = [blob.key for blob in house.store.list()]
        assert house.deliver() == Delivered(refused=1)
        (entry,) = house.rooms.spool.entries()
        assert entry.refused is not None
        assert entry.refused.code == Code.BLOB_CONFLICT
        assert house.rooms.library.recordings() == [kept]
        assert [blob.key for blob in house.store.list()] == before

    def test_a_damaged_database_is_no_fault_of_an_entry(self, house: House) -> None:
        with house.outage():
            house.rooms.receive()
        torn = Integrity(Code.INTERNAL, "database: malformed", reason="malformed")
        with house.rooms.without_library(torn), pytest.raises(Integrity):
            house.deliver(library=house.rooms.open_library)
        (entry,) = house.rooms.spool.entries()
        assert entry.refused is None

    @pytest.mark.parametrize("damage", [b"", b"other bytes"])
    def test_bytes_that_rotted_stay_and_hinder_nobody(self, damage: bytes, house: House) -> None:
        with house.outage():
            house.rooms.receive(source="a")
            whole = house.rooms.receive(memory_recording(11.0), source="b").recording
        first, _ = house.rooms.spool.entries()
        house.rooms.spool.content(first).path.write_bytes(damage)
        assert house.deliver() == Delivered(delivered=1, refused=1)
        (left,) = house.rooms.spool.entries()
        assert left.refused is not None
        assert left.refused.code == Code.BLOB_CORRUPT
        assert house.rooms.library.recordings() == [whole]
        with pytest.raises(Integrity):
            house.rooms.spool.verify(left)

    def test_a_document_that_rotted_is_told_and_mended_by_the_same_delivery(self, house: House) -> None:
        with house.outage():
            receipt = house.rooms.receive()
            (document,) = (house.scratch / "waiting").glob("*.json")
            document.write_bytes(b"{")
            assert (house.rooms.spool.entries(), house.rooms.spool.unreadable()) == ([], [document.stem])
            house.rooms.receive()
        assert house.rooms.spool.unreadable() == []
        house.deliver()
        house.has_it_once(memory_recording(10.0), receipt.recording.id)


def test_leftovers_of_killed_receivers_are_swept_only_when_old_and_entries_never(house: House) -> None:
    with house.outage():
        house.rooms.receive()
    spool = house.rooms.spool
    left = [house.scratch / "a.part", house.scratch / "waiting" / "b.sound", house.scratch / "waiting" / "c.new"]
    for path in left:
        path.write_bytes(b"x")
    assert spool.sweep(3600) == 0
    assert spool.sweep(-1) == 3
    assert [path.exists() for path in left] == [False] * 3
    (entry,) = spool.entries()
    spool.verify(entry)


def test_a_document_is_what_it_was(house: House) -> None:
    with house.outage():
        receipt = house.rooms.receive()
    (document,) = (house.scratch / "waiting").glob("*.json")
    assert Entry.model_validate_json(document.read_bytes()) == Entry(recording=receipt.recording)
