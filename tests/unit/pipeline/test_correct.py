"""A correction over the whole way: versions, who was first, and that nothing a person did is ever silently gone."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.rooms import Rooms, a_spoken_segment, the_talk
from voxpersona.adapters.diarizer.memory import ScriptedDiarizer
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.errors import Code, Integrity, NotFound, Rejected, Unavailable
from voxpersona.model import Attribution, Change, Correction, Details, PieceText, Recording, Scenario, Stage, State
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.ask import ask
from voxpersona.pipeline.check import check
from voxpersona.pipeline.correct import correct, corrections_of, first_stage
from voxpersona.pipeline.edits import give, mend, read_back
from voxpersona.pipeline.export import Export, export
from voxpersona.pipeline.rebuild import rebuild
from voxpersona.pipeline.repair import repair

Find = Callable[[Attribution], Sequence[Change]]


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return Rooms(tmp_path)


def kept(rooms: Rooms) -> Recording:
    recording = rooms.receive(details=Details(scenario=Scenario.INTERVIEW)).recording
    rooms.engine.run()
    return recording


def corrected(rooms: Rooms, recording: Recording, find: Find, *, by: str = "Anna", run: bool = True) -> Correction:
    _, correction = correct(recording, find, by=by, library=rooms.library, journal=rooms.journal, archive=rooms.archive)
    if run:
        rooms.engine.run()
    return correction


def to_gold(attribution: Attribution) -> Sequence[Change]:
    return mend(attribution, "cold", "gold")


def to_shower(attribution: Attribution) -> Sequence[Change]:
    return mend(attribution, "room", "shower")


def said(rooms: Rooms, recording: Recording) -> str:
    return " ".join(segment.text for segment in rooms.library.attribution(recording.id).segments)


def problems(rooms: Rooms) -> list[str]:
    found = check(
        library=rooms.library,
        journal=rooms.journal,
        passages=rooms.passages,
        audio=rooms.audio,
        archive=rooms.archive,
        read=True,
        on_progress=lambda _: None,
    )
    return [one.kind for one in found]


def refused(rooms: Rooms, recording: Recording, find: Find, code: Code) -> None:
    keys, standing = [one.key for one in rooms.archive.list()], rooms.journal.standing(recording.id)
    with pytest.raises(Rejected) as caught:
        corrected(rooms, recording, find, run=False)
    assert caught.value.code is code
    assert [one.key for one in rooms.archive.list()] == keys
    assert rooms.journal.standing(recording.id) == standing


def test_a_correction_becomes_a_version_and_flows_on_to_everything(rooms: Rooms) -> None:
    recording = kept(rooms)
    correction = corrected(rooms, recording, to_gold)
    attribution = rooms.library.attribution(recording.id)
    assert (attribution.number, attribution.transcript, correction.number) == (2, 1, 2)
    assert attribution.corrections == (correction,)
    (change,) = correction.changes
    assert (correction.by, change.was, change.now) == ("Anna", "cold", "gold")
    assert "was gold and" in said(rooms, recording)
    (report,) = rooms.library.reports(recording.id)
    quotes = [quote for finding in report.findings for quote in finding.quotes]
    assert {quote.corrections for quote in quotes if "gold" in quote.text} == {(2,)}
    assert all("cold" not in quote.text for quote in quotes)
    answer = ask("Was the breakfast gold?", rooms.passages, rooms.embedder, rooms.library.attribution)
    assert [citation.corrections for citation in answer.citations if "gold" in citation.text] == [(2,)]
    assert problems(rooms) == []


def test_what_the_engine_heard_stays_in_database_and_bucket(rooms: Rooms) -> None:
    recording = kept(rooms)
    transcript, first = rooms.library.transcript(recording.id), rooms.library.attribution(recording.id)
    before = {key: b"".join(rooms.archive.read(key)) for key in (one.key for one in rooms.archive.list())}
    corrected(rooms, recording, to_gold)
    assert rooms.library.transcript(recording.id) == transcript
    assert rooms.library.attribution(recording.id, 1) == first
    assert {key: b"".join(rooms.archive.read(key)) for key in before} == before
    assert documents.read(rooms.archive, layout.roles(recording.id, 2), Attribution) == rooms.library.attribution(
        recording.id
    )


def test_nothing_is_heard_or_told_apart_again_for_it(rooms: Rooms) -> None:
    recording = kept(rooms)
    rooms.transcriber = ScriptedTranscriber(lambda *_: pytest.fail("heard again"))
    rooms.diarizer = ScriptedDiarizer([])
    corrected(rooms, recording, to_gold)
    assert rooms.journal.standing(recording.id).state is State.READY
    assert {segment.speaker for segment in rooms.library.attribution(recording.id).segments} == {
        "SPEAKER_00",
        "SPEAKER_01",
    }


def test_every_form_of_export_tells_that_a_person_corrected(rooms: Rooms) -> None:
    recording = kept(rooms)
    corrected(rooms, recording, to_gold)
    attribution, reports = rooms.library.attribution(recording.id), rooms.library.reports(recording.id)
    markdown = export(recording, attribution, reports, "md").decode()
    answer = "The breakfast was gold and the room was clean."
    assert f"{answer} *(corrected by a person)*" in markdown
    assert f"“{answer}”\u00a0— client, 00:03–00:07 *(corrected by a person)*" in markdown
    assert "breakfast? *(corrected" not in markdown
    document = Export.model_validate_json(export(recording, attribution, reports, "json"))
    assert document.transcript.corrections == attribution.corrections
    assert [word.text for one in document.transcript.segments for word in one.words if word.correction == 2] == ["gold"]


def test_corrections_follow_each_other_through_an_edited_export(rooms: Rooms) -> None:
    recording = kept(rooms)
    corrected(rooms, recording, to_gold)
    exported = export(recording, rooms.library.attribution(recording.id), (), "txt").decode()
    edited = exported.replace("interviewer: Thank", "client: Many thank").encode()
    corrected(rooms, recording, lambda now: read_back(recording, now, edited), by="Boris")
    attribution = rooms.library.attribution(recording.id)
    assert [(one.number, one.by) for one in attribution.corrections] == [(2, "Anna"), (3, "Boris")]
    assert [segment.corrections for segment in attribution.segments] == [(), (2,), (3,)]
    assert attribution.segments[2].speaker == "SPEAKER_01"
    assert attribution.segments[2].text == "Many thank you for your time."
    refused(rooms, recording, lambda now: read_back(recording, now, edited), Code.CORRECTION_STALE)


class TestWhoWasFirst:
    def test_of_two_at_once_the_second_is_told_and_overwrites_nothing(self, rooms: Rooms) -> None:
        recording = kept(rooms)

        def while_another_corrects(attribution: Attribution) -> Sequence[Change]:
            corrected(rooms, recording, to_gold, run=False)
            return to_shower(attribution)

        with pytest.raises(Rejected) as caught:
            corrected(rooms, recording, while_another_corrects)
        assert caught.value.code is Code.CORRECTION_STALE
        rooms.engine.run()
        assert "gold and the room" in said(rooms, recording)
        assert problems(rooms) == []

    def test_while_a_run_is_under_way_nothing_is_corrected(self, rooms: Rooms) -> None:
        recording = kept(rooms)
        rooms.journal.restart(recording.id, Stage.TRANSCRIBE)
        refused(rooms, recording, to_gold, Code.BUSY_RECORDING)

    def test_a_database_older_than_its_bucket_covers_nothing(self, rooms: Rooms) -> None:
        recording = kept(rooms)
        newer = rooms.library.attribution(recording.id).model_copy(update={"number": 2})
        documents.write(rooms.archive, layout.roles(recording.id, 2), documents.bytes_of(newer))
        refused(rooms, recording, to_gold, Code.CORRECTION_STALE)

    def test_what_changes_nothing_is_refused(self, rooms: Rooms) -> None:
        refused(rooms, kept(rooms), lambda _: (), Code.CORRECTION_NEEDLESS)

    @pytest.mark.parametrize("letter", ["\0", "\x1b", "\udc80"])
    def test_what_no_database_can_keep_or_no_terminal_show_is_refused(self, rooms: Rooms, letter: str) -> None:
        refused(rooms, kept(rooms), lambda now: mend(now, "cold", f"go{letter}ld"), Code.CORRECTION_UNREADABLE)

    def test_where_there_are_no_words_yet_there_is_nothing_to_correct(self, rooms: Rooms) -> None:
        rooms.transcriber = ScriptedTranscriber(_broken)
        recording = kept(rooms)
        assert rooms.journal.standing(recording.id).state is State.FAILED
        with pytest.raises(NotFound) as caught:
            corrected(rooms, recording, to_gold)
        assert caught.value.code is Code.RESULT_ABSENT


def _broken(*_: object) -> PieceText:
    raise Integrity(Code.TRANSCRIBER_ANSWER, "nonsense")


class TestRunAgain:
    def test_a_correction_outlives_what_the_engine_hears_anew(self, rooms: Rooms) -> None:
        recording = kept(rooms)
        corrected(rooms, recording, to_gold)
        corrected(rooms, recording, lambda now: give(now, "client", "Thank you"))
        rooms.transcriber = ScriptedTranscriber(_heard_better, name="a better engine")
        rooms.journal.restart(recording.id, Stage.TRANSCRIBE)
        rooms.engine.run()
        attribution = rooms.library.attribution(recording.id)
        assert (attribution.number, attribution.transcript) == (4, 4)
        assert said(rooms, recording) == (
            "How did you like our breakfast? The breakfast was gold and the rooms were clean. "
            "Thank you for all your time."
        )
        assert [segment.speaker for segment in attribution.segments] == [
            *("SPEAKER_00", "SPEAKER_01"),
            *("SPEAKER_01", "SPEAKER_00"),
        ]
        assert [one.number for one in attribution.corrections] == [2, 3]
        assert rooms.library.transcript(recording.id).text.count("gold") == 0
        assert problems(rooms) == []

    def test_a_correction_without_a_place_any_more_is_told(self, rooms: Rooms) -> None:
        recording = kept(rooms)
        correction = corrected(rooms, recording, to_gold)
        rooms.transcriber = ScriptedTranscriber(_heard_half, name="a deaf engine")
        rooms.journal.restart(recording.id, Stage.TRANSCRIBE)
        rooms.engine.run()
        attribution = rooms.library.attribution(recording.id)
        assert attribution.unplaced == correction.changes
        assert attribution.corrections == (correction,)
        rooms.transcriber = ScriptedTranscriber(the_talk)  # the first engine again, and it has its place again
        rooms.journal.restart(recording.id, Stage.TRANSCRIBE)
        rooms.engine.run()
        assert "was gold" in said(rooms, recording)
        assert rooms.library.attribution(recording.id).unplaced == ()

    def test_from_attribute_on_it_comes_out_the_same(self, rooms: Rooms) -> None:
        recording = kept(rooms)
        corrected(rooms, recording, to_gold)
        corrected(rooms, recording, lambda now: give(now, "client", "Thank you"))
        before = rooms.library.attribution(recording.id)
        rooms.journal.restart(recording.id, Stage.ATTRIBUTE)
        rooms.engine.run()
        assert rooms.library.attribution(recording.id) == before.model_copy(update={"number": 4})

    def test_one_whose_run_failed_waits_and_comes_with_the_next_run(self, rooms: Rooms) -> None:
        recording = kept(rooms)
        embedder, rooms.embedder = rooms.embedder, _Broken()  # type: ignore[assignment]
        corrected(rooms, recording, to_gold)
        assert rooms.journal.standing(recording.id).state is State.FAILED
        assert "cold" in said(rooms, recording)
        refused(rooms, recording, to_shower, Code.CORRECTION_WAITING)
        rooms.embedder = embedder
        start = first_stage(recording.id, Stage.INDEX, library=rooms.library)
        assert start is Stage.ATTRIBUTE
        rooms.journal.restart(recording.id, start)
        rooms.engine.run()
        assert "gold" in said(rooms, recording)
        assert first_stage(recording.id, Stage.INDEX, library=rooms.library) is Stage.INDEX
        corrected(rooms, recording, to_shower)
        assert "gold and the shower" in said(rooms, recording)
        assert [one.number for one in corrections_of(recording.id, library=rooms.library)] == [2, 4]
        assert problems(rooms) == []


class _Broken:
    name, dimensions = "broken", 8

    def passages(self, texts: Sequence[str]) -> object:
        raise Unavailable(Code.INDEX_UNAVAILABLE, "the model broke")


def _heard_better(*_: object) -> PieceText:
    lines = (
        (0.5, 3.0, "How did you like our breakfast?"),
        (3.5, 7.0, "The breakfast was told and the rooms were clean."),
        (7.5, 9.0, "Thank you for all your time."),
    )
    return PieceText(language="en", language_confidence=0.9, segments=tuple(a_spoken_segment(*line) for line in lines))


def _heard_half(*_: object) -> PieceText:
    return PieceText(
        language="en",
        language_confidence=0.9,
        segments=(a_spoken_segment(0.5, 3.0, "How did you like the breakfast?"),),
    )


class TestKilled:
    def test_the_run_writes_what_the_command_did_not_come_to_write(self, rooms: Rooms) -> None:
        """Killed between the commit and the bucket: as if the document had never been put."""
        recording = kept(rooms)
        corrected(rooms, recording, to_gold, run=False)
        rooms.archive.delete(layout.roles(recording.id, 2))
        rooms.engine.run()
        assert "gold" in said(rooms, recording)
        assert documents.read(rooms.archive, layout.roles(recording.id, 2), Attribution) == rooms.library.attribution(
            recording.id
        )
        assert problems(rooms) == []


class TestBroughtBack:
    def _empty(self, rooms: Rooms, tmp_path: Path) -> Rooms:
        return Rooms(tmp_path / "other", audio=rooms.audio, archive=rooms.archive)

    def _rebuild(self, rooms: Rooms) -> None:
        rebuilt = rebuild(
            library=rooms.library,
            journal=rooms.journal,
            passages=rooms.passages,
            embedder=rooms.embedder,
            audio=rooms.audio,
            archive=rooms.archive,
            on_progress=lambda _: None,
        )
        assert rebuilt.problems == []

    def test_corrections_come_back_from_the_bucket_alone(self, rooms: Rooms, tmp_path: Path) -> None:
        recording = kept(rooms)
        corrected(rooms, recording, to_gold)
        other = self._empty(rooms, tmp_path)
        self._rebuild(other)
        assert other.library.attribution(recording.id) == rooms.library.attribution(recording.id)
        answer = ask("Was the breakfast gold?", other.passages, other.embedder, other.library.attribution)
        assert "gold" in answer.citations[0].text
        assert problems(other) == []

    def test_so_does_one_whose_run_had_not_begun(self, rooms: Rooms, tmp_path: Path) -> None:
        recording = kept(rooms)
        corrected(rooms, recording, to_gold, run=False)
        other = self._empty(rooms, tmp_path)
        other.transcriber = ScriptedTranscriber(_broken)  # nothing is heard again for it
        (tmp_path / "other").mkdir()
        self._rebuild(other)
        other.engine.run()
        assert other.library.attribution(recording.id).corrections[0].by == "Anna"
        assert "gold" in said(other, recording)
        assert problems(other) == []

    def test_a_row_that_was_lost_comes_back_by_repair(self, rooms: Rooms) -> None:
        recording = kept(rooms)
        corrected(rooms, recording, to_gold)
        before = rooms.library.attribution(recording.id)
        rooms.archive.delete(layout.roles(recording.id, 2))
        assert problems(rooms) == ["result-missing"]
        seen = repair(
            library=rooms.library,
            journal=rooms.journal,
            passages=rooms.passages,
            embedder=lambda: rooms.embedder,
            media=rooms.media,
            audio=rooms.audio,
            archive=rooms.archive,
            read=False,
            on_progress=lambda _: None,
        )
        assert all(one.repaired for one in seen)
        assert documents.read(rooms.archive, layout.roles(recording.id, 2), Attribution) == before
