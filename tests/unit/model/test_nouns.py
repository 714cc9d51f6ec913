"""The nouns: frozen values that travel as JSON and come back equal."""

import datetime as dt
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.builders import RECEIVED, a_media_facts, a_recording, a_report, a_segment, a_transcript, an_attribution
from voxpersona.model import (
    STAGES,
    Answer,
    Attribution,
    BlobFacts,
    Building,
    Citation,
    Details,
    Doubt,
    Dropped,
    Hit,
    Manifest,
    Passage,
    PieceText,
    Problem,
    Progress,
    RecordingId,
    Scenario,
    Segment,
    Spoken,
    Stage,
    Standing,
    State,
    Transcript,
    Turn,
    Waiting,
    Word,
    WorkOrder,
)
from voxpersona.model.noun import Noun

ID = RecordingId("rec000000001")
PASSAGE = Passage(
    id=f"{ID}:0", recording=ID, start=0.0, end=2.5, speaker="SPEAKER_00", role=None, text="«Да»", language="ru"
)
PROGRESS = Progress(recording=ID, run=1, stage=Stage.REPORT, share=1 / 3, attempts=2, started_at=RECEIVED)
DROPPED = Dropped(start=0.5, end=1.5, text="Продолжение следует", reason=Doubt.NO_VOICE)
WAITING = Waiting(code="transcriber-unavailable", reason="timed out", since=RECEIVED, until=RECEIVED)
SPOKEN = Spoken(start=0.0, end=200.0, language="cy", confidence=0.3, heard_as="ru")
NOUNS: list[Noun] = [
    a_recording(),
    a_recording(told=Details()),
    a_recording().details,
    a_media_facts(damage="0.5 s of 61.25 s are missing"),
    Manifest(recording=a_recording()),
    a_transcript(ID),
    a_transcript(ID, lines=()),
    an_attribution(ID, 2, transcript=1),
    a_report(ID),
    PieceText(language="ru", language_confidence=0.5, segments=(a_segment("ну да"),), dropped=(DROPPED,)),
    a_transcript(ID).model_copy(update={"dropped": (DROPPED,), "spoken": (SPOKEN,)}),
    WorkOrder(recording=ID, run=3, start=Stage.INDEX),
    PROGRESS,
    Standing(state=State.FAILED, run=1, stage=Stage.REPORT, stages=(PROGRESS,), failed_code="internal"),
    Standing(state=State.WORKING, run=1, waiting=WAITING),
    Turn(start=0.1, end=0.2, speaker="SPEAKER_01"),
    BlobFacts(key="a/б", size=0, sha256="0" * 64, metadata={"name": "тест 👩‍🍳"}, written_at=RECEIVED),
    Problem(kind="blob-missing", recording="", key="", detail=""),
    Hit(passage=PASSAGE, score=0.1 + 0.2),
    Answer(
        question="?",
        text="!",
        found=True,
        citations=(Citation(recording=ID, start=0.0, end=2.5, role=None, speaker=None, text="«Да»"),),
    ),
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
seconds = st.floats(min_value=0, max_value=1e6)
shares = st.floats(min_value=0, max_value=1)
words = st.builds(Word, start=seconds, end=seconds, text=texts, confidence=shares)
segments = st.builds(
    Segment,
    start=seconds,
    end=seconds,
    text=texts,
    words=st.lists(words, max_size=3).map(tuple),
    confidence=shares,
    speaker=st.none() | texts,
    role=st.none() | texts,
)
transcripts = st.builds(
    Transcript,
    recording=st.just(ID),
    number=st.integers(1, 99),
    language=st.sampled_from(["ru", "en"]),
    engine=texts,
    seconds=seconds,
    segments=st.lists(segments, max_size=3).map(tuple),
)
details = st.builds(
    Details,
    scenario=st.none() | st.sampled_from(Scenario),
    number=st.none() | texts,
    date=st.none() | st.dates(),
    employee=st.none() | texts,
    client=st.none() | texts,
    place=st.none() | texts,
    building=st.none() | st.sampled_from(Building),
    zone=st.none() | texts,
    city=st.none() | texts,
    language=st.none() | st.sampled_from(["ru", "en"]),
    speakers=st.none() | st.integers(1, 20),
)


def travelled(noun: Noun) -> Noun:
    return type(noun).model_validate_json(noun.model_dump_json())


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_a_noun_that_travelled_is_the_same(noun: Noun) -> None:
    assert travelled(noun) == noun
    assert travelled(noun).model_dump_json() == noun.model_dump_json(), "byte for byte"


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_a_noun_refuses_a_field_it_does_not_know(noun: Noun) -> None:
    told = {**json.loads(noun.model_dump_json()), "mood": "good"}
    with pytest.raises(ValidationError):
        type(noun).model_validate(told)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_a_noun_is_frozen(noun: Noun) -> None:
    name = next(iter(type(noun).model_fields))
    with pytest.raises(ValidationError):
        setattr(noun, name, getattr(noun, name))


@given(transcripts)
def test_any_transcript_travels_to_the_last_digit(transcript: Transcript) -> None:
    assert travelled(transcript) == transcript


@given(details)
def test_any_details_travel(told: Details) -> None:
    assert travelled(told) == told


@given(st.integers(0, 4_000_000_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_a_moment_travels_whatever_its_clock(microseconds: int, east: int) -> None:
    clock = dt.timezone(dt.timedelta(minutes=east))
    received_at = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)).astimezone(clock)
    recording = a_recording(received_at=received_at)
    back = type(recording).model_validate_json(recording.model_dump_json())
    assert back == recording
    assert back.received_at.utcoffset() == received_at.utcoffset()


@given(segments, st.sampled_from([math.nan, math.inf, -math.inf]))
def test_even_a_time_that_is_no_number_does_not_become_null(segment: Segment, odd: float) -> None:
    back = Segment.model_validate_json(segment.model_copy(update={"end": odd}).model_dump_json())
    assert math.isnan(back.end) if math.isnan(odd) else back.end == odd


def test_a_transcript_s_text_is_its_segments_in_order() -> None:
    assert a_transcript(ID, lines=("Да.", "Нет.")).text == "Да. Нет."
    assert a_transcript(ID, lines=()).text == ""


@pytest.mark.parametrize("speakers", [0, 21, -1])
def test_a_recording_has_between_one_and_twenty_speakers(speakers: int) -> None:
    with pytest.raises(ValidationError):
        Details(speakers=speakers)


@pytest.mark.parametrize(
    ("noun", "told"),
    [
        (Details, {"scenario": "chat"}),
        (Details, {"building": "castle"}),
        (WorkOrder, {"recording": ID, "run": 1, "start": "dream"}),
        (Attribution, {"recording": ID}),
    ],
)
def test_what_is_not_in_the_vocabulary_is_refused(noun: type[Noun], told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        noun.model_validate(told)


def test_a_whole_run_covers_every_stage() -> None:
    order = WorkOrder(recording=ID, run=1)
    assert all(order.covers(stage) for stage in Stage)


@given(st.sampled_from(STAGES), st.sampled_from(STAGES))
def test_a_run_covers_the_stage_it_starts_at_and_those_after(start: Stage, stage: Stage) -> None:
    order = WorkOrder(recording=ID, run=2, start=start)
    way = [Stage.TRANSCRIBE, Stage.ATTRIBUTE, Stage.REPORT, Stage.INDEX]
    assert order.covers(stage) == (stage in way[way.index(start) :])


class TestTimeLeft:
    """Of the stage under way, by the pace it had so far."""

    BEGUN = dt.datetime(2026, 5, 1, 12, 0, tzinfo=dt.UTC)

    def standing(self, share: float, state: State = State.WORKING, *, is_over: bool = False) -> Standing:
        finished_at = self.BEGUN if is_over else None
        progress = Progress(
            recording=RecordingId("a"),
            run=1,
            stage=Stage.TRANSCRIBE,
            share=share,
            attempts=1,
            started_at=self.BEGUN,
            finished_at=finished_at,
        )
        return Standing(state=state, run=1, stage=Stage.TRANSCRIBE, share=share, stages=(progress,))

    @pytest.mark.parametrize(("share", "left"), [(0.25, 180.0), (0.5, 60.0), (1.0, 0.0)])
    def test_it_goes_on_as_it_went(self, share: float, left: float) -> None:
        now = self.BEGUN + dt.timedelta(seconds=60)
        assert self.standing(share).seconds_left(now) == pytest.approx(left)

    def test_in_the_beginning_it_is_not_known(self) -> None:
        assert self.standing(0.01).seconds_left(self.BEGUN + dt.timedelta(seconds=60)) is None

    def test_of_what_is_over_or_waits_nothing_is_told(self) -> None:
        now = self.BEGUN + dt.timedelta(seconds=60)
        assert self.standing(0.5, State.FAILED).seconds_left(now) is None
        assert self.standing(0.5, is_over=True).seconds_left(now) is None
        assert self.standing(0.5).model_copy(update={"waiting": WAITING}).seconds_left(now) is None
        assert Standing(state=State.WORKING, run=1).seconds_left(now) is None

    def test_a_clock_that_went_back_tells_no_less_than_nothing(self) -> None:
        assert self.standing(0.5).seconds_left(self.BEGUN - dt.timedelta(days=1)) == 0.0

    @pytest.mark.parametrize(
        ("sound", "hours", "is_overdue"),
        [(60.0, 0.9, False), (60.0, 1.1, True), (3600.0, 9.9, False), (3600.0, 10.1, True)],
    )
    def test_it_is_overdue_after_an_hour_and_ten_times_its_sound(
        self, sound: float, hours: float, is_overdue: bool
    ) -> None:
        now = self.BEGUN + dt.timedelta(hours=hours)
        assert self.standing(0.5).is_overdue(now, sound) is is_overdue
        assert not self.standing(0.5, is_over=True).is_overdue(now, sound)
        assert not self.standing(0.5, State.FAILED).is_overdue(now, sound)
        assert not self.standing(0.5).model_copy(update={"waiting": WAITING}).is_overdue(now, sound)


@pytest.mark.parametrize("noun", [a_transcript(ID), PieceText(language="ru", language_confidence=0.5, segments=())])
def test_documents_of_before_there_were_traces_of_dropped_text_are_read(noun: Noun) -> None:
    document = json.loads(noun.model_dump_json())
    for field in ("dropped", "spoken"):
        document.pop(field, None)
    assert type(noun).model_validate(document) == noun


def test_documents_of_before_there_were_overlaps_are_read() -> None:
    noun = an_attribution(ID, 2, transcript=1)
    document = json.loads(noun.model_dump_json())
    del document["overlaps"]
    for segment in document["segments"]:
        del segment["overlapped"]
    assert Attribution.model_validate(document) == noun
