"""Cancel, over memory adapters."""

from pathlib import Path

import pytest

from tests.rooms import Rooms, the_talk
from voxpersona.adapters.library.memory import MemoryJournal
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.errors import Code, NotFound, Rejected
from voxpersona.model import PieceText, Recording, Stage, State
from voxpersona.pipeline import layout
from voxpersona.pipeline.cancel import cancel


def _cancel(place: Rooms, recording: Recording) -> None:
    """As another process does it."""
    journal = MemoryJournal(place.library, place.engine.enqueue, "another")
    cancel(recording, library=place.library, journal=journal, engine=place.engine, archive=place.archive)


def test_a_run_that_waits_is_not_begun_and_stands_as_cancelled(tmp_path: Path) -> None:
    place = Rooms(tmp_path)
    recording = place.receive().recording
    _cancel(place, recording)
    place.engine.run()
    standing = place.journal.standing(recording.id)
    assert (standing.state, standing.failed_code) == (State.FAILED, Code.CANCELLED)
    assert place.library.recording(recording.id) == recording
    assert place.archive.stat(layout.run(recording.id, 1, State.FAILED))
    place.journal.restart(recording.id, Stage.TRANSCRIBE)
    place.engine.run()
    assert place.journal.standing(recording.id).state is State.READY


def test_a_run_under_way_ends_at_the_next_thing_it_tells(tmp_path: Path) -> None:
    place = Rooms(tmp_path)
    recording = place.receive().recording

    def heard(*_: object) -> PieceText:
        _cancel(place, recording)
        return the_talk()

    place.transcriber = ScriptedTranscriber(heard)
    place.engine.run()
    standing = place.journal.standing(recording.id)
    assert (standing.state, standing.stage, standing.failed_code) == (State.FAILED, Stage.TRANSCRIBE, Code.CANCELLED)
    with pytest.raises(NotFound):
        place.library.transcript(recording.id)


def test_what_is_over_cannot_be_cancelled_and_stays_as_it_is(tmp_path: Path) -> None:
    place = Rooms(tmp_path)
    recording = place.receive().recording
    place.engine.run()
    with pytest.raises(Rejected) as refused:
        _cancel(place, recording)
    assert refused.value.code is Code.IDLE_RECORDING
    assert place.journal.standing(recording.id).state is State.READY


def test_a_failed_re_run_leaves_the_old_result_current(tmp_path: Path) -> None:
    place = Rooms(tmp_path)
    recording = place.receive().recording
    place.engine.run()
    before = place.library.transcript(recording.id)
    place.journal.restart(recording.id, Stage.TRANSCRIBE)
    _cancel(place, recording)
    assert place.library.transcript(recording.id) == before


def test_a_run_that_waits_to_begin_later_on_the_way_is_cancelled_there(tmp_path: Path) -> None:
    place = Rooms(tmp_path)
    recording = place.receive().recording
    place.engine.run()
    place.journal.restart(recording.id, Stage.ATTRIBUTE)
    _cancel(place, recording)
    assert place.journal.standing(recording.id).stage is Stage.ATTRIBUTE


def test_a_paused_engine_begins_nothing(tmp_path: Path) -> None:
    place = Rooms(tmp_path)
    recording = place.receive().recording
    place.engine.pause()
    place.engine.run()
    assert place.journal.standing(recording.id).state is State.RECEIVED
    assert place.engine.is_paused()
    place.engine.resume()
    place.engine.run()
    assert place.journal.standing(recording.id).state is State.READY
