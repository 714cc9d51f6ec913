"""Acknowledged means safe, and what cannot be taken leaves nothing behind."""

import hashlib
from pathlib import Path

import pytest

from tests.hostile import Fault, FaultyBlobs
from tests.rooms import Rooms
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.media.memory import memory_recording
from voxpersona.errors import Code, Rejected
from voxpersona.model import Manifest, Source, State
from voxpersona.pipeline import documents, layout


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return Rooms(tmp_path)


def test_an_acknowledged_recording_stands_in_the_store_with_its_manifest(rooms: Rooms) -> None:
    content = memory_recording(12.5)
    recording = rooms.receive(content).recording
    assert b"".join(rooms.audio.read(recording.original.key)) == content
    assert recording.original.sha256 == hashlib.sha256(content).hexdigest()
    assert recording.original.name == "Интервью.ogg"
    assert documents.read(rooms.audio, layout.manifest(recording.id), Manifest).recording == recording
    assert rooms.library.recording(recording.id) == recording
    assert rooms.journal.standing(recording.id).state is State.RECEIVED
    assert list(rooms.scratch.iterdir()) == []


def test_the_same_delivery_again_is_the_same_recording(rooms: Rooms) -> None:
    first, again = rooms.receive(), rooms.receive()
    assert (first.is_duplicate, again.is_duplicate) == (False, True)
    assert again.recording == first.recording


def test_the_same_bytes_under_another_name_are_no_second_recording(rooms: Rooms) -> None:
    first = rooms.receive()
    other = rooms.receive(source="path:{sha256}:/visit/b.ogg", name="b.ogg")
    assert other.is_duplicate
    assert other.recording == first.recording
    assert [recording.id for recording in rooms.library.recordings()] == [first.recording.id]


def test_a_lost_original_is_put_back_when_the_same_bytes_come_again(rooms: Rooms) -> None:
    recording = rooms.receive().recording
    for blob in list(rooms.audio.list()):
        rooms.audio.delete(blob.key)
    assert rooms.receive(source="path:{sha256}:/backup/a.ogg").is_duplicate
    assert b"".join(rooms.audio.read(recording.original.key)) == memory_recording(10.0)
    assert documents.read(rooms.audio, layout.manifest(recording.id), Manifest).recording == recording


def test_every_further_way_a_recording_came_stands_beside_it(rooms: Rooms) -> None:
    recording = rooms.receive().recording
    for _ in range(2):
        rooms.receive(source="telegram:7:8:9", name="b.ogg")
        rooms.receive()
    key = layout.source(recording.id, "telegram:7:8:9")
    assert [blob.key for blob in rooms.audio.list() if "/sources/" in blob.key] == [key]
    assert [documents.read(rooms.audio, key, Source)] == [
        source for source in rooms.library.sources() if source.key != recording.source
    ]


@pytest.mark.parametrize("after", [False, True])
def test_a_further_way_that_could_not_be_written_down_waits_in_the_spool(after: bool, tmp_path: Path) -> None:
    store = MemoryBlobs()
    rooms = Rooms(tmp_path, audio=FaultyBlobs(store, [Fault("put", call=3, after=after)]))
    recording = rooms.receive().recording
    again = rooms.receive(source="telegram:7:8:9")
    assert (again.recording, again.is_duplicate, again.is_spooled) == (recording, True, False)
    (entry,) = rooms.spool.entries()
    assert (entry.recording.id, entry.recording.source) == (recording.id, "telegram:7:8:9")
    assert rooms.receive(source="telegram:7:8:9").is_duplicate
    assert rooms.spool.entries() == []
    assert layout.source(recording.id, "telegram:7:8:9") in [blob.key for blob in store.list()]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"text", Code.NOT_AUDIO), (memory_recording(9.0, damage="declares 20 s, holds 9 s"), Code.TRUNCATED)],
)
def test_what_cannot_be_taken_leaves_nothing_behind(content: bytes, code: Code, rooms: Rooms) -> None:
    with pytest.raises(Rejected) as refused:
        rooms.receive(content)
    assert refused.value.code is code
    assert list(rooms.audio.list()) == []
    assert rooms.library.recordings() == []
    assert list(rooms.scratch.iterdir()) == []


def test_a_damaged_recording_is_kept_when_asked_and_says_so(rooms: Rooms) -> None:
    content = memory_recording(9.0, damage="declares 20 s, holds 9 s")
    kept = rooms.receive(content, accept_damaged=True).recording
    assert kept.original.media.damage == "declares 20 s, holds 9 s"


def test_what_was_forgotten_is_recognised_and_taken_in_again_only_when_asked(rooms: Rooms) -> None:
    first = rooms.receive().recording
    rooms.library.forget(first.id)
    rooms.library.erase(first.id)
    with pytest.raises(Rejected) as refused:
        rooms.receive()
    assert refused.value.code is Code.FORGOTTEN
    anew = rooms.receive(again=True)
    assert not anew.is_duplicate
    assert anew.recording.id != first.id
