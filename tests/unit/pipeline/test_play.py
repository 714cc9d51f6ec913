import os
from pathlib import Path

import pytest

from tests.rooms import Rooms
from voxpersona.adapters.media.memory import memory_recording
from voxpersona.errors import Code, Integrity, NotFound
from voxpersona.model import BlobFacts, Recording
from voxpersona.pipeline import layout
from voxpersona.pipeline.check import check
from voxpersona.pipeline.forget import forget
from voxpersona.pipeline.migrate import migrate
from voxpersona.pipeline.play import Playable, play
from voxpersona.ports import OnProgress


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return Rooms(tmp_path)


@pytest.fixture
def recording(rooms: Rooms) -> Recording:
    receipt = rooms.receive()
    rooms.engine.run(until=lambda: True)
    return receipt.recording


def played(rooms: Rooms, recording: Recording, on_progress: OnProgress = lambda _: None) -> Playable:
    return play(
        recording,
        library=rooms.library,
        media=rooms.media,
        audio=rooms.audio,
        archive=rooms.archive,
        scratch=rooms.scratch,
        on_progress=on_progress,
    )


def keys(rooms: Rooms) -> list[str]:
    return [one.key for one in rooms.archive.list("recordings/") if layout.kind(one.key) in ("sound", "peaks")]


def test_it_is_made_once_and_kept(rooms: Rooms, recording: Recording) -> None:
    told: list[float] = []
    first = played(rooms, recording, told.append)
    assert told[-1] == 1.0
    again: list[float] = []
    assert played(rooms, recording, again.append) == first
    assert again == []  # nothing was made
    assert len(keys(rooms)) == 2
    assert b"".join(rooms.archive.read(first.sound.key)) == memory_recording(10.0)
    assert first.sound.content_type == "audio/mp4"
    assert first.sound.metadata["kind"] == "sound"


def test_what_a_rule_removed_is_made_again(rooms: Rooms, recording: Recording) -> None:
    first = played(rooms, recording)
    for key in keys(rooms):
        rooms.archive.delete(key)
        assert played(rooms, recording).peaks == first.peaks
        assert len(keys(rooms)) == 2


def test_nothing_is_left_in_the_scratch(rooms: Rooms, recording: Recording) -> None:
    before = set(rooms.scratch.rglob("*"))
    played(rooms, recording)
    assert set(rooms.scratch.rglob("*")) == before


def test_what_killed_ones_left_goes_after_a_day(rooms: Rooms, recording: Recording) -> None:
    old, young = rooms.scratch / "a.m4a.part", rooms.scratch / "b.m4a.part"
    for left in (old, young):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))
    played(rooms, recording)
    assert (old.exists(), young.exists()) == (False, True)


def test_an_original_that_was_altered_is_not_played(rooms: Rooms, recording: Recording) -> None:
    rooms.audio.delete(recording.original.key)
    with pytest.raises(NotFound) as caught:
        played(rooms, recording)
    assert caught.value.code is Code.BLOB_ABSENT
    assert keys(rooms) == []


def test_what_another_release_made_stays(rooms: Rooms, recording: Recording) -> None:
    first = played(rooms, recording)
    rooms.archive.delete(first.sound.key)
    rooms.archive.put(first.sound.key, [b"made by another release"])
    (peaks,) = [key for key in keys(rooms) if layout.kind(key) == "peaks"]
    rooms.archive.delete(peaks)
    facts: BlobFacts = played(rooms, recording).sound
    assert facts.size == len(b"made by another release")


def test_check_knows_it_and_migrate_takes_it_along(rooms: Rooms, recording: Recording, tmp_path: Path) -> None:
    played(rooms, recording)
    problems = check(
        library=rooms.library,
        journal=rooms.journal,
        passages=rooms.passages,
        audio=rooms.audio,
        archive=rooms.archive,
        read=True,
        on_progress=lambda _: None,
    )
    assert list(problems) == []
    other = Rooms(tmp_path / "other")
    migrate(rooms.archive, other.archive, on_progress=lambda _: None)
    assert keys(other) == keys(rooms)


def test_forget_erases_it(rooms: Rooms, recording: Recording) -> None:
    played(rooms, recording)
    forget(
        recording,
        library=rooms.library,
        journal=rooms.journal,
        engine=rooms.engine,
        passages=rooms.passages,
        audio=rooms.audio,
        archive=rooms.archive,
    )
    assert keys(rooms) == []


def test_nothing_is_left_of_one_that_was_forgotten_meanwhile(rooms: Rooms, recording: Recording) -> None:
    def forget_now(share: float) -> None:
        rooms.library.forget(recording.id)

    with pytest.raises(NotFound) as caught:
        played(rooms, recording, forget_now)
    assert caught.value.code is Code.RECORDING_UNKNOWN
    assert keys(rooms) == []


def test_damaged_peaks_are_told(rooms: Rooms, recording: Recording) -> None:
    played(rooms, recording)
    (peaks,) = [key for key in keys(rooms) if layout.kind(key) == "peaks"]
    rooms.archive.delete(peaks)
    rooms.archive.put(peaks, [b"{}"])
    with pytest.raises(Integrity):
        played(rooms, recording)
