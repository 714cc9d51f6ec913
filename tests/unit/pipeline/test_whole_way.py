"""The whole way over memory adapters: order, versions, failures, and nothing paid twice."""

from pathlib import Path

import pytest

from tests.rooms import Rooms, the_talk
from voxpersona.adapters.media.memory import memory_recording
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.errors import Code, Integrity, Rejected, Unavailable
from voxpersona.model import (
    Details,
    Doubt,
    Dropped,
    PieceText,
    RecordingId,
    Scenario,
    Spoken,
    Stage,
    State,
    Transcript,
    WorkOrder,
)
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.ask import ask
from voxpersona.pipeline.check import Kind, check
from voxpersona.pipeline.forget import forget
from voxpersona.pipeline.hot_words import hot_words
from voxpersona.ports import RATE, Floats


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return Rooms(tmp_path)


def _received(rooms: Rooms, seconds: float = 10.0) -> RecordingId:
    details = Details(scenario=Scenario.INTERVIEW)
    return rooms.receive(memory_recording(seconds), details=details).recording.id


def _problems(rooms: Rooms, *, read: bool = True) -> list[str]:
    found = check(
        library=rooms.library,
        journal=rooms.journal,
        passages=rooms.passages,
        audio=rooms.audio,
        archive=rooms.archive,
        read=read,
        on_progress=lambda _: None,
    )
    return [problem.kind for problem in found]


def test_a_recording_goes_from_bytes_to_an_answer(rooms: Rooms) -> None:
    identity = _received(rooms)
    rooms.engine.run()
    standing = rooms.journal.standing(identity)
    assert standing.state is State.READY
    assert [(progress.stage, progress.share, progress.attempts) for progress in standing.stages] == [
        (stage, 1.0, 1) for stage in Stage
    ]
    attribution = rooms.library.attribution(identity)
    assert [speaker.role for speaker in attribution.speakers] == ["interviewer", "client"]
    (report,) = rooms.library.reports(identity)
    assert any("breakfast" in quote.text for finding in report.findings for quote in finding.quotes)
    answer = ask("What was wrong with the breakfast?", rooms.passages, rooms.embedder, rooms.library.attribution)
    assert answer.found
    assert "cold" in answer.citations[0].text
    assert _problems(rooms) == []


def test_every_result_stands_in_the_bucket_too(rooms: Rooms) -> None:
    identity = _received(rooms)
    rooms.engine.run()
    keys = {blob.key for blob in rooms.archive.list()}
    assert {layout.transcript(identity, 1), layout.roles(identity, 1)} <= keys
    assert {layout.report(identity, "interview", 1), layout.report_text(identity, "interview", 1)} <= keys


def test_damage_that_only_the_work_finds_stands_in_the_transcript(rooms: Rooms) -> None:
    """Before a long recording is acknowledged, only its beginning is decoded."""
    damage = "3.0 s of 40.0 s could not be decoded"
    recording = rooms.receive(memory_recording(40.0, damage=damage)).recording
    assert recording.original.media.examined is not None
    assert recording.original.media.damage is None
    rooms.engine.run()
    assert rooms.library.transcript(recording.id).damage == damage
    assert list(rooms.scratch.iterdir()) == []


def test_invented_text_leaves_a_trace_and_reaches_neither_reports_nor_the_index(tmp_path: Path) -> None:
    thanks = Dropped(start=9.0, end=9.9, text="Thanks for watching!", reason=Doubt.PHANTOM)
    hears = ScriptedTranscriber(lambda *_: the_talk().model_copy(update={"dropped": (thanks,)}))
    rooms = Rooms(tmp_path, transcriber=hears)
    identity = _received(rooms)
    rooms.engine.run()
    assert rooms.library.transcript(identity).dropped == (thanks,)
    assert documents.read(rooms.archive, layout.transcript(identity, 1), Transcript).dropped == (thanks,)
    results = [rooms.library.attribution(identity), *rooms.library.reports(identity)]
    assert not any("watching" in result.model_dump_json() for result in results)
    assert "watching" not in rooms.library.transcript(identity).text
    assert not ask("Thanks for watching?", rooms.passages, rooms.embedder, rooms.library.attribution).found


def test_work_begun_before_pieces_had_context_is_finished(rooms: Rooms) -> None:
    """Its spans are pairs, and what it heard may stand under a key of then."""
    identity = _received(rooms)
    order = WorkOrder(recording=identity, run=1)
    rooms.journal.claim(order)
    spans = [[0.0, 6.0], [6.0, 10.0]]
    rooms.stages.hear(order, spans, 0)
    rooms.stages.transcribe(order, spans)
    assert [samples for samples, _ in rooms.transcriber.calls] == [6 * RATE, 4 * RATE]
    transcript = documents.read(rooms.archive, layout.transcript(identity, 1), Transcript)
    assert transcript.seconds == 10.0
    assert len(transcript.segments) == 6


def test_each_piece_is_heard_with_its_context_and_what_two_heard_stands_once(rooms: Rooms) -> None:
    identity = _received(rooms)
    order = WorkOrder(recording=identity, run=1)
    rooms.journal.claim(order)
    spans = [[0.0, 6.0, 0.0, 3.0], [6.0, 10.0, 3.0, 0.0]]
    for index in range(2):
        rooms.stages.hear(order, spans, index)
    assert [samples for samples, _ in rooms.transcriber.calls] == [9 * RATE, 7 * RATE]
    rooms.stages.transcribe(order, spans)
    assert len(rooms.transcriber.calls) == 2


def test_names_of_the_details_are_hinted_at_and_other_names_are_another_hearing(tmp_path: Path) -> None:
    details = Details(employee="Анна  Петрова", place="Отель «Север»", city="Сочи")
    rooms = Rooms(tmp_path, words=("капучино", "Сочи"), hint_names=True)
    identity = rooms.receive(memory_recording(10.0), details=details).recording.id
    rooms.engine.run()
    assert rooms.transcriber.words == [("Анна Петрова", "Отель «Север»", "Сочи", "капучино")]
    order = rooms.journal.restart(identity, Stage.TRANSCRIBE)
    rooms.engine.run()
    assert len(rooms.transcriber.words) == 1
    rooms.words = ()
    rooms.journal.restart(identity, Stage.TRANSCRIBE)
    rooms.engine.run()
    assert rooms.transcriber.words[1:] == [("Анна Петрова", "Отель «Север»", "Сочи")]
    rooms.hint_names = False
    rooms.journal.restart(identity, Stage.TRANSCRIBE)
    rooms.engine.run()
    assert rooms.transcriber.words[2:] == [()]
    assert order.run < rooms.library.transcript(identity).number


def test_hot_words_are_bounded_and_none_stands_twice() -> None:
    assert hot_words(Details()) == ()
    many = [f"блюдо {number}" for number in range(200)]
    found = hot_words(Details(employee=" ", client="анна", place="Анна"), [*many, "x" * 500])
    assert found[:2] == ("анна", "блюдо 0")
    assert 300 < sum(len(word) for word in found) <= 400


def test_an_unsure_piece_is_heard_in_the_language_of_the_sure_ones_around_it(rooms: Rooms) -> None:
    def hear(sound: Floats, language: str | None) -> PieceText:
        unsure = len(sound) == 4 * RATE and language is None
        told = {"language": "cy" if unsure else "en", "language_confidence": 0.3 if unsure else 0.99}
        return the_talk().model_copy(update=told)

    rooms.transcriber = ScriptedTranscriber(hear)
    identity = _received(rooms)
    order = WorkOrder(recording=identity, run=1)
    rooms.journal.claim(order)
    spans = [[0.0, 6.0, 0.0, 0.0], [6.0, 10.0, 0.0, 0.0]]
    for index in range(2):
        rooms.stages.hear(order, spans, index)
    for _ in range(2):
        rooms.stages.transcribe(order, spans)
    assert rooms.transcriber.calls == [(6 * RATE, None), (4 * RATE, None), (4 * RATE, "en")]
    transcript = documents.read(rooms.archive, layout.transcript(identity, 1), Transcript)
    assert transcript.language == "en"
    assert [(each.start, each.language, each.confidence, each.heard_as) for each in transcript.spoken] == [
        (0.0, "en", 0.99, None),
        (6.0, "cy", 0.3, "en"),
    ]


def test_a_piece_in_two_languages_tells_where_each_is_spoken(rooms: Rooms) -> None:
    talk = the_talk()
    border = talk.segments[1].start
    told = (
        Spoken(start=0.0, end=border, language="en", confidence=0.9),
        Spoken(start=border, end=10.0, language="ru", confidence=0.95),
    )
    rooms.transcriber = ScriptedTranscriber([talk.model_copy(update={"spoken": told})])
    identity = _received(rooms)
    rooms.engine.run()
    transcript = rooms.library.transcript(identity)
    assert [(each.language, each.end, each.heard_as) for each in transcript.spoken] == [
        ("en", border, None),
        ("ru", transcript.seconds, None),
    ]


def test_it_is_found_again_where_the_machine_has_lost_what_it_decoded(rooms: Rooms) -> None:
    damage = "3.0 s of 40.0 s could not be decoded"
    recording = rooms.receive(memory_recording(40.0, damage=damage)).recording
    order = WorkOrder(recording=recording.id, run=1)
    rooms.journal.claim(order)
    spans = rooms.stages.plan(order)
    rooms.stages.hear(order, spans, 0)
    for path in rooms.scratch.glob("*.json"):
        path.unlink()
    rooms.stages.transcribe(order, spans)
    assert documents.read(rooms.archive, layout.transcript(recording.id, 1), Transcript).damage == damage


def test_decoded_sound_does_not_stay_on_the_disk(rooms: Rooms) -> None:
    _received(rooms)
    rooms.engine.run()
    assert list(rooms.scratch.iterdir()) == []


def test_a_long_recording_is_heard_in_pieces_and_each_is_paid_once(rooms: Rooms) -> None:
    identity = _received(rooms, 900.0)
    rooms.engine.run()
    heard = len(rooms.transcriber.calls)
    assert heard >= 3
    rooms.journal.restart(identity, Stage.TRANSCRIBE)
    rooms.engine.run()
    assert rooms.journal.standing(identity).state is State.READY
    assert len(rooms.transcriber.calls) == heard


def test_an_engine_that_fails_for_a_moment_is_tried_again(tmp_path: Path) -> None:
    away = Unavailable(Code.TRANSCRIBER_UNAVAILABLE, "away", reason="away")
    rooms = Rooms(tmp_path, transcriber=ScriptedTranscriber([away, the_talk()]))
    identity = _received(rooms)
    rooms.engine.run()
    assert rooms.journal.standing(identity).state is State.READY


def test_an_engine_that_answers_nonsense_fails_the_stage_and_drops_no_text(tmp_path: Path) -> None:
    nonsense = Integrity(Code.TRANSCRIBER_ANSWER, "cut answer", reason="cut answer")
    rooms = Rooms(tmp_path, transcriber=ScriptedTranscriber([nonsense, the_talk()]))
    identity = _received(rooms)
    rooms.engine.run()
    standing = rooms.journal.standing(identity)
    assert (standing.state, standing.stage, standing.failed_code) == (
        State.FAILED,
        Stage.TRANSCRIBE,
        Code.TRANSCRIBER_ANSWER,
    )
    assert _problems(rooms) == []
    rooms.journal.restart(identity, Stage.TRANSCRIBE)
    rooms.engine.run()
    assert rooms.journal.standing(identity).state is State.READY


def test_a_run_from_a_later_stage_keeps_the_transcript(rooms: Rooms) -> None:
    identity = _received(rooms)
    rooms.engine.run()
    rooms.journal.restart(identity, Stage.REPORT)
    rooms.engine.run()
    assert rooms.library.transcript(identity).number == 1
    assert rooms.library.attribution(identity).number == 1
    assert rooms.library.reports(identity)[0].number == 2


def test_a_failed_run_leaves_the_old_results_current(rooms: Rooms) -> None:
    identity = _received(rooms)
    rooms.engine.run()
    before = rooms.library.attribution(identity)
    key = rooms.library.recording(identity).original.key
    rooms.audio.delete(key)
    for blob in list(rooms.archive.list(f"recordings/{identity}/voices/")):
        rooms.archive.delete(blob.key)
    rooms.journal.restart(identity, Stage.ATTRIBUTE)
    rooms.engine.run()
    assert rooms.journal.standing(identity).failed_code == Code.BLOB_ABSENT
    assert rooms.library.attribution(identity) == before


def test_a_recording_under_way_is_not_restarted(rooms: Rooms) -> None:
    identity = _received(rooms)
    with pytest.raises(Rejected) as refused:
        rooms.journal.restart(identity, Stage.TRANSCRIBE)
    assert refused.value.code is Code.BUSY_RECORDING


def test_forgetting_leaves_nothing_in_any_room_but_the_mark_that_it_was(rooms: Rooms) -> None:
    identity = _received(rooms)
    source = rooms.library.recording(identity).source
    rooms.engine.run()
    forget(
        rooms.library.recording(identity),
        library=rooms.library,
        journal=rooms.journal,
        engine=rooms.engine,
        passages=rooms.passages,
        audio=rooms.audio,
        archive=rooms.archive,
    )
    assert list(rooms.audio.list()) == []
    assert [blob.key for blob in rooms.archive.list()] == [layout.forgotten(source)]
    assert rooms.passages.counts() == {}
    assert rooms.library.recordings() == []
    assert _problems(rooms) == []


@pytest.mark.parametrize(
    ("lost", "kind"),
    [
        ("original", Kind.BLOB_MISSING),
        ("manifest", Kind.MANIFEST_MISSING),
        ("transcript", Kind.RESULT_MISSING),
        ("roles", Kind.RESULT_MISSING),
        ("report", Kind.RESULT_MISSING),
        ("index", Kind.INDEX_BEHIND),
    ],
)
def test_check_names_what_is_lost(lost: str, kind: Kind, rooms: Rooms) -> None:
    identity = _received(rooms)
    rooms.engine.run()
    if lost == "index":
        rooms.passages.clear()
    elif lost == "original":
        rooms.audio.delete(rooms.library.recording(identity).original.key)
    elif lost == "manifest":
        rooms.audio.delete(layout.manifest(identity))
    else:
        keys = {
            "transcript": layout.transcript(identity, 1),
            "roles": layout.roles(identity, 1),
            "report": layout.report(identity, "interview", 1),
        }
        rooms.archive.delete(keys[lost])
    assert _problems(rooms) == [kind]


def test_check_finds_bytes_that_nobody_knows(rooms: Rooms) -> None:
    rooms.audio.put("recordings/nobody000000/original/a.ogg", [b"x"])
    assert _problems(rooms) == [Kind.BLOB_WITHOUT_ROW]
