"""Upkeep finishes what was interrupted, and no good blob or row is ever the worse for it."""

import datetime as dt
import io
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.damage import DamageableBlobs, Place, a_place
from tests.hostile import DownBlobs
from voxpersona.adapters.media.memory import memory_recording
from voxpersona.errors import Code, Rejected, Unavailable
from voxpersona.model import Details, Recording, RecordingId, Stage, State, WorkOrder
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.check import Kind
from voxpersona.pipeline.forget import forget, forget_spooled
from voxpersona.pipeline.receive import Delivery, receive
from voxpersona.pipeline.runs import note_failure
from voxpersona.pipeline.upkeep import Upkeep, Upkept


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return a_place(tmp_path)


def the_upkeep(place: Place, settled: dt.timedelta = dt.timedelta(0)) -> Upkeep:
    return Upkeep(
        library=place.library,
        journal=place.journal,
        engine=place.engine,
        passages=place.passages,
        embedder=lambda: place.embedder,
        media=place.media,
        audio=place.audio,
        archive=place.archive,
        buckets=(),
        spool=place.spool,
        given_up=set(),
        settled=settled,
    )


def received(place: Place, seconds: float = 10.0) -> Recording:
    return place.receive(memory_recording(seconds), source=f"path:{{sha256}}:/visits/{seconds}.ogg").recording


def worked(place: Place, seconds: float = 10.0) -> Recording:
    recording = received(place, seconds)
    place.engine.run()
    return recording


def first_run_of(recording: Recording) -> WorkOrder:
    return WorkOrder(recording=recording.id, run=1)


def forget_it(place: Place, recording: Recording) -> None:
    forget(
        recording,
        library=place.library,
        journal=place.journal,
        engine=place.engine,
        passages=place.passages,
        audio=place.audio,
        archive=place.archive,
        spool=place.spool,
    )


def test_of_a_whole_archive_nothing_is_done(place: Place) -> None:
    worked(place)
    received(place, 11.0)
    before = place.content
    assert the_upkeep(place).once() == Upkept()
    assert place.content == before


class TestWhatOneSideOnlyTells:
    """A worker was killed between the journal's word and the note of it in the store, or the other way round."""

    def test_a_failure_that_was_not_written_down_is(self, place: Place) -> None:
        recording = received(place)
        place.journal.claim(first_run_of(recording))
        place.journal.fail(first_run_of(recording), Stage.TRANSCRIBE, "internal", "the engine gave it up")
        assert [problem.kind for problem in place.check()] == [Kind.RUN_MISSING]
        assert the_upkeep(place).once() == Upkept(noted=1)
        assert place.check() == []
        assert place.journal.standing(recording.id).state is State.FAILED
        assert the_upkeep(place).once() == Upkept()

    def test_a_run_that_wrote_down_its_good_end_and_was_given_up_then_ended_well(self, place: Place) -> None:
        recording = worked(place)
        place.journal.fail(first_run_of(recording), Stage.INDEX, "internal", "the engine gave it up")
        assert [problem.kind for problem in place.check()] == [Kind.RUN_DIFFERS]
        assert the_upkeep(place).once() == Upkept(noted=1)
        assert place.check() == []
        assert place.journal.standing(recording.id).state is State.READY

    def test_so_does_the_note_of_its_failure(self, place: Place) -> None:
        recording = worked(place)
        order = first_run_of(recording)
        place.journal.fail(order, Stage.INDEX, "internal", "the engine gave it up")
        note_failure(order, library=place.library, journal=place.journal, archive=place.archive)
        assert place.check() == []
        assert place.journal.standing(recording.id).state is State.READY

    def test_how_else_a_recording_came_is_written_beside_it(self, place: Place) -> None:
        recording = worked(place)
        place.library.add(recording.model_copy(update={"source": "telegram:7:8:9"}))
        assert [problem.kind for problem in place.check()] == [Kind.SOURCE_MISSING]
        assert the_upkeep(place).once() == Upkept(noted=1)
        assert place.check() == []

    def test_a_note_that_cannot_be_read_hinders_nothing_else(self, place: Place) -> None:
        damaged, other = worked(place), worked(place, 11.0)
        for recording in (damaged, other):
            place.journal.fail(first_run_of(recording), Stage.INDEX, "internal", "the engine gave it up")
        place.lose(layout.run(damaged.id, 1, State.READY))
        documents.write(place.archive, layout.run(damaged.id, 1, State.READY), b"no run")
        assert the_upkeep(place).once().noted == 1
        assert place.journal.standing(other.id).state is State.READY


class TestWhatNobodyKnows:
    def test_a_recording_without_a_row_gets_one_and_its_work(self, place: Place) -> None:
        recording = received(place)
        again = place.without_memory()
        assert the_upkeep(again).once() == Upkept(taken_in=1)
        assert again.library.recordings() == [recording]
        assert [order.recording for order in again.journal.open_orders()] == [recording.id]

    def test_an_original_alone_is_taken_in_too(self, place: Place) -> None:
        recording = received(place)
        place.lose(layout.manifest(recording.id))
        again = place.without_memory()
        assert the_upkeep(again).once() == Upkept(taken_in=1)
        assert [one.original.sha256 for one in again.library.recordings()] == [recording.original.sha256]

    def test_is_left_alone_while_it_is_young(self, place: Place) -> None:
        """Another process may be receiving it just now."""
        received(place)
        again = place.without_memory()
        assert the_upkeep(again, settled=dt.timedelta(minutes=15)).once() == Upkept()
        assert again.library.recordings() == []

    def test_is_no_row_without_its_object(self, place: Place) -> None:
        recording = received(place)
        place.lose(recording.original.key)
        again = place.without_memory()
        assert the_upkeep(again).once() == Upkept()
        assert again.library.recordings() == []

    @pytest.mark.parametrize("seconds", [10.0, 11.5])
    def test_is_no_row_where_other_bytes_stand_than_the_manifest_tells(self, place: Place, seconds: float) -> None:
        recording = received(place)
        place.lose(recording.original.key)
        documents.write(place.audio, recording.original.key, memory_recording(seconds, salt="other"), "audio/ogg")
        again = place.without_memory()
        assert the_upkeep(again).once() == Upkept()
        assert again.library.recordings() == []

    def test_the_same_bytes_under_another_id_make_no_second_recording_and_are_not_read_again(
        self, place: Place
    ) -> None:
        recording = received(place)
        again = place.without_memory()
        again.receive(memory_recording(10.0), source="telegram:7:8:9")
        upkeep = the_upkeep(again)
        assert upkeep.once() == Upkept()
        assert upkeep.given_up == {recording.id}
        assert len(again.library.recordings()) == 1
        assert recording.original.key in again.content


def test_writes_that_broke_off_long_ago_and_leftovers_in_the_spool_are_swept(place: Place) -> None:
    bucket = ABucket()
    (place.scratch / "a.part").write_bytes(b"x")
    os.utime(place.scratch / "a.part", (0, 0))
    (place.scratch / "b.part").write_bytes(b"x")
    upkeep = replace(the_upkeep(place), buckets=(bucket,))
    assert upkeep.once() == Upkept(swept=4)
    assert bucket.asked == [7 * 24 * 3600.0]
    assert [path.name for path in place.scratch.glob("*.part")] == ["b.part"]


def test_it_stops_between_recordings_when_it_is_told_to(place: Place) -> None:
    received(place)
    again = place.without_memory()
    assert the_upkeep(again).once(lambda: True) == Upkept()
    assert the_upkeep(again).once() == Upkept(taken_in=1)


class TestForgotten:
    def test_what_was_interrupted_is_finished(self, place: Place) -> None:
        recording = worked(place)
        place.library.forget(recording.id)
        assert the_upkeep(place).once() == Upkept(forgotten=1)
        assert not any(recording.id in key for key in place.content)
        assert place.library.half_forgotten() == []

    def test_what_the_bucket_says_was_forgotten_does_not_come_back(self, place: Place) -> None:
        recording = received(place)
        content = place.content[layout.manifest(recording.id)]
        forget_it(place, recording)
        place.audio.put(layout.manifest(recording.id), [content])
        again = place.without_memory()
        the_upkeep(again).once()
        assert not any(recording.id in key for key in again.content)
        assert again.library.recordings() == again.library.half_forgotten() == []
        with pytest.raises(Rejected):
            received(again)


class TestIndex:
    def test_what_cannot_be_found_can_be_afterwards(self, place: Place) -> None:
        recording = worked(place)
        passages = dict(place.passages.counts())
        place.passages.delete(recording.id)
        assert the_upkeep(place).once() == Upkept(indexed=1)
        assert place.passages.counts() == passages

    def test_what_is_under_way_is_left_to_its_run(self, place: Place) -> None:
        recording = worked(place)
        place.passages.delete(recording.id)
        place.journal.restart(recording.id, Stage.INDEX)
        assert the_upkeep(place).once() == Upkept()


class TestSpool:
    def _spooled(self, place: Place, seconds: float = 10.0) -> Recording:
        down = DownBlobs(place.audio, 10**9)
        delivery = Delivery(
            content=io.BytesIO(memory_recording(seconds)),
            name="a.ogg",
            source=f"path:{{sha256}}:/visits/{seconds}.ogg",
            details=Details(),
        )
        receipt = receive(
            delivery, spool=place.spool, audio=lambda: down, library=lambda: place.library, media=place.media
        )
        assert receipt.is_spooled
        return receipt.recording

    def test_what_waits_is_forgotten_with_the_same_bytes_in_the_archive(self, place: Place) -> None:
        self._spooled(place)
        (entry,) = place.spool.entries()
        kept, _ = place.library.add(entry.recording)
        forget_it(place, kept)
        assert place.spool.entries() == []

    def test_what_waits_is_forgotten_for_good_and_the_bucket_hears_of_it_later(self, place: Place) -> None:
        recording = self._spooled(place)
        (entry,) = place.spool.entries()

        def gone() -> DamageableBlobs:
            raise Unavailable(Code.STORE_UNREACHABLE, "nobody answers")

        assert forget_spooled(entry.name, spool=place.spool, library=place.library, archive=gone)
        assert not forget_spooled(entry.name, spool=place.spool, library=place.library, archive=gone)
        assert place.spool.entries() == []
        with pytest.raises(Rejected):
            received(place)
        the_upkeep(place).once()
        assert layout.forgotten(recording.source) in place.content

    def test_what_was_refused_may_be_delivered_again(self, place: Place) -> None:
        self._spooled(place)
        (entry,) = place.spool.entries()
        place.spool.set_aside(entry, Rejected(Code.BAD_DETAIL, "no", reason="no"))
        assert forget_spooled(entry.name, spool=place.spool, library=place.library, archive=lambda: place.archive)
        assert [received(place)] == place.library.recordings()


class ABucket:
    """Has three unfinished writes that are old."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def abandon(self, older_than_seconds: float) -> int:
        self.asked.append(older_than_seconds)
        return 3

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


# Any archive


class _Archive:
    """An archive of random content, damage and leftovers, and what of it is good."""

    def __init__(self, place: Place, draw: st.DrawFn) -> None:
        self.place = place
        self.wanted_gone: set[RecordingId] = set()
        recordings = [
            (worked if draw(st.booleans()) else received)(place, 10.0 + number)
            for number in range(draw(st.integers(0, 4)))
        ]
        for recording in recordings:
            fate = draw(st.sampled_from(["whole", "whole", "hidden", "forgotten", "rowless", "unindexed"]))
            if fate == "hidden":
                place.library.forget(recording.id)
                self.wanted_gone.add(recording.id)
            elif fate == "forgotten":
                forget_it(place, recording)
                self.wanted_gone.add(recording.id)
            elif fate == "rowless":
                del place.library.kept[recording.id]
            elif fate == "unindexed":
                place.passages.delete(recording.id)
        keys = [key for store in place.stores for key in store.keys()]  # noqa: SIM118  # no mapping
        for key in draw(st.lists(st.sampled_from(keys), max_size=3, unique=True)) if keys else []:
            draw(st.sampled_from([place.lose, place.flip]))(key)
        for number in range(draw(st.integers(0, 2))):
            place.audio.put(f"recordings/{draw(st.sampled_from(['strange', 'zzzzzzzzzzzz']))}/{number}", [b"left over"])
        for name in draw(st.lists(st.sampled_from(["a.part", "waiting/b.sound"]), unique=True)):
            path = place.scratch / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x")

    def good(self) -> dict[str, bytes]:
        """Every blob that no person wanted gone, damaged ones too: who knows what they are good for."""
        return {
            key: content
            for key, content in self.place.content.items()
            if not any(f"recordings/{gone}/" in key for gone in self.wanted_gone)
        }


def _told(place: Place) -> dict[str, object]:
    recordings = place.library.recordings()
    return {
        "recordings": recordings,
        "hidden": place.library.half_forgotten(),
        "sources": place.library.sources(),
        "made": [place.library.made(recording.id) for recording in recordings],
        "ended": [place.journal.ended(recording.id) for recording in recordings],
        "orders": place.journal.open_orders(),
        "passages": dict(place.passages.counts()),
        "content": place.content,
    }


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_good_blob_or_row_is_the_worse_and_a_second_time_changes_nothing(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        place = a_place(Path(scratch))
        archive = data.draw(st.composite(lambda draw: _Archive(place, draw))())
        good, rows = archive.good(), place.library.recordings()
        made = {recording.id: place.library.made(recording.id) for recording in rows}
        the_upkeep(place).once()
        after = place.content
        assert {key: after.get(key) for key in good} == good
        assert [one for one in place.library.recordings() if one in rows] == rows
        assert all(place.library.made(identity) >= results for identity, results in made.items())
        for one in place.library.recordings():
            assert one in rows or place.audio.stat(one.original.key).sha256 == one.original.sha256
        assert place.library.half_forgotten() == []
        assert not any(f"recordings/{gone}/" in key for gone in archive.wanted_gone for key in after)
        told = _told(place)
        the_upkeep(place).once()
        assert _told(place) == told


def test_a_stage_that_never_ends_is_warned_of(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    recording = received(place)
    order = first_run_of(recording)
    place.journal.claim(order)
    place.journal.begin(order, Stage.TRANSCRIBE)
    the_upkeep(place).once()
    assert caplog.messages == []
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    replace(the_upkeep(place), now=lambda: later).once()
    (said,) = caplog.messages
    assert recording.id in said
    assert "transcribe goes on for longer" in said
    place.engine.run()
    caplog.clear()
    replace(the_upkeep(place), now=lambda: later).once()
    assert caplog.messages == []
