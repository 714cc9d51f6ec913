"""Every word once, in order, with the right speaker."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders_talk import a_segment, a_talk, a_transcript, a_turn, words
from voxpersona.model import Attribution, Details, Role, Segment, Transcript, Turn, Word
from voxpersona.pipeline.attribute import READABLE, attribute


def attributed(transcript: Transcript, turns: list[Turn]) -> Attribution:
    return attribute(transcript, turns, Details(), number=3, diarizer="by hand")


def said(attribution: Attribution) -> list[tuple[str | None, str]]:
    return [(segment.speaker, segment.text) for segment in attribution.segments]


def words_of(result: Attribution | Transcript) -> list[Word]:
    return [word for segment in result.segments for word in segment.words]


@st.composite
def talks(draw: st.DrawFn) -> tuple[Transcript, list[Turn]]:
    """Any words in order with any pauses, cut into any segments (some without words), and any turns over them, those
    of different speakers overlapping where they like."""
    times = st.floats(0, 3, allow_nan=False).map(lambda value: round(value, 3))
    texts = st.sampled_from(["да", "Yes.", "номер", "why?", "room", "хорошо!", "and", "«Всё.»", "", "3.5", "…"])
    segments: list[Segment] = []
    at = 0.0
    for _ in range(draw(st.integers(0, 6))):
        spoken = []
        for _ in range(draw(st.integers(0, 8))):
            at += draw(times)
            end = at + draw(times)
            spoken.append(Word(start=at, end=end, text=draw(texts), confidence=0.5))
            at = end
        if spoken:
            segments.append(a_segment(spoken))
        else:
            segments.append(Segment(start=at, end=at + 2, text="no word times here", confidence=0.5))
            at += 2
    turns = []
    edges = [0.0] * 4
    for _ in range(draw(st.integers(0, 8))):
        speaker = draw(st.integers(0, 3))
        start = edges[speaker if draw(st.booleans()) else edges.index(max(edges))] + draw(times)
        start = max(start, edges[speaker])
        edges[speaker] = start + draw(times) * 3
        turns.append(a_turn(start, edges[speaker], speaker))
    return a_transcript(*segments), turns


@given(talks())
def test_every_word_appears_once_in_order_and_unaltered(talk: tuple[Transcript, list[Turn]]) -> None:
    transcript, turns = talk
    result = attributed(transcript, turns)
    assert words_of(result) == words_of(transcript)
    assert [segment.text for segment in result.segments if not segment.words] == [
        segment.text for segment in transcript.segments if not segment.words
    ]
    for segment in result.segments:
        if segment.words:
            assert segment.text == " ".join(word.text for word in segment.words)
            assert segment.start == segment.words[0].start
            assert segment.end == segment.words[-1].end


@given(talks())
def test_labels_count_by_first_appearance_and_every_one_has_a_role(talk: tuple[Transcript, list[Turn]]) -> None:
    result = attributed(*talk)
    seen = list(dict.fromkeys(segment.speaker for segment in result.segments))
    assert seen == [f"SPEAKER_{n:02d}" for n in range(len(seen))]
    assert [speaker.label for speaker in result.speakers] == seen
    roles = {speaker.label: speaker.role.value for speaker in result.speakers}
    assert all(segment.role == roles[segment.speaker or ""] for segment in result.segments)


def test_the_result_names_its_sources() -> None:
    transcript, turns = a_talk("A: Hello there.")
    result = attribute(transcript, turns, Details(), number=7, diarizer="by hand")
    assert (result.recording, result.number, result.transcript) == (transcript.recording, 7, transcript.number)
    assert (result.diarizer, result.method) == ("by hand", "rules")


def test_one_segment_over_two_turns_is_cut_where_the_speaker_changes() -> None:
    transcript = a_transcript(a_segment(words("Was it clean? It was very clean.")))
    result = attributed(transcript, [a_turn(0, 1.2, 1), a_turn(1.2, 2.8, 0)])
    assert said(result) == [("SPEAKER_00", "Was it clean?"), ("SPEAKER_01", "It was very clean.")]


def test_a_border_moves_to_the_end_of_the_sentence_beside_it() -> None:
    transcript = a_transcript(a_segment(words("Was it clean? It was very clean.")))
    late = attributed(transcript, [a_turn(0, 1.55, 0), a_turn(1.55, 2.8, 1)])
    early = attributed(transcript, [a_turn(0, 0.85, 0), a_turn(0.85, 2.8, 1)])
    expected = [("SPEAKER_00", "Was it clean?"), ("SPEAKER_01", "It was very clean.")]
    assert (said(late), said(early)) == (expected, expected)


def test_a_border_far_from_any_sentence_end_stays() -> None:
    transcript = a_transcript(a_segment(words("Was it clean? It was very clean.")))
    result = attributed(transcript, [a_turn(0, 2.0, 0), a_turn(2.0, 2.8, 1)])
    assert said(result) == [("SPEAKER_00", "Was it clean? It was"), ("SPEAKER_01", "very clean.")]


def test_moving_a_border_leaves_nobody_without_words() -> None:
    transcript = a_transcript(a_segment(words("Really. yes and so it went on")))
    result = attributed(transcript, [a_turn(0, 0.4, 0), a_turn(0.4, 0.8, 1), a_turn(0.8, 2.8, 2)])
    assert [speaker for speaker, _ in said(result)] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]


def short_word_talk(text: str, place: int) -> tuple[Transcript, list[Turn]]:
    """One voice, but for the word at `place`, 0.3 s long, which the diarizer gave to another."""
    spoken = list(words(text))
    spoken[place] = spoken[place].model_copy(update={"end": spoken[place].start + 0.3})
    before, after = spoken[place].start, spoken[place].end
    turns = [a_turn(0, before, 0), a_turn(before, after, 1), a_turn(after, spoken[-1].end, 0)]
    return a_transcript(a_segment(spoken)), turns


def test_a_short_lone_word_inside_a_sentence_goes_to_the_one_who_speaks_it() -> None:
    result = attributed(*short_word_talk("the room was very clean and quiet", 3))
    assert said(result) == [("SPEAKER_00", "the room was very clean and quiet")]


def test_a_short_word_that_is_a_sentence_stays_with_the_one_who_said_it() -> None:
    result = attributed(*short_word_talk("The room was clean. Yes. And it was quiet.", 4))
    assert said(result) == [
        ("SPEAKER_00", "The room was clean."),
        ("SPEAKER_01", "Yes."),
        ("SPEAKER_00", "And it was quiet."),
    ]


def test_a_long_lone_word_is_no_slip() -> None:
    result = attributed(
        a_transcript(a_segment(words("so we went absolutely and then on"))),
        [a_turn(0, 1.2, 0), a_turn(1.2, 1.6, 1), a_turn(1.6, 3, 0)],
    )
    assert len(result.speakers) == 2


@pytest.mark.parametrize(("start", "speaker"), [(0.0, 0), (4.3, 0), (4.8, 1), (9.0, 1)])
def test_a_word_outside_all_turns_goes_to_the_nearest(start: float, speaker: int) -> None:
    lone = Word(start=start, end=start + 0.2, text="yes", confidence=0.5)
    turns = [a_turn(2, 4, 0), a_turn(5.5, 7, 1)]
    known = [
        a_segment([Word(start=2, end=3, text="First", confidence=1)]),
        a_segment([Word(start=6, end=7, text="Second", confidence=1)]),
    ]
    segments = sorted([*known, a_segment([lone])], key=lambda segment: segment.start)
    result = attributed(a_transcript(*segments), turns)
    owner = {word.text: segment.speaker for segment in result.segments for word in segment.words}
    assert owner["yes"] == owner[("First", "Second")[speaker]]


def test_segments_without_word_times_go_to_the_most_overlap() -> None:
    plain = [Segment(start=0, end=4, text="How was it?"), Segment(start=4, end=9, text="It was fine.")]
    result = attributed(a_transcript(*plain), [a_turn(0, 4.5, 0), a_turn(4.5, 5, 1), a_turn(5.5, 9, 1)])
    assert said(result) == [("SPEAKER_00", "How was it?"), ("SPEAKER_01", "It was fine.")]


def test_without_turns_there_is_one_speaker() -> None:
    transcript, _ = a_talk("A: Hello there.\nB: Good morning.")
    assert {segment.speaker for segment in attributed(transcript, []).segments} == {"SPEAKER_00"}


def test_nothing_said_gives_no_speakers() -> None:
    result = attributed(a_transcript(), [a_turn(0, 5, 0)])
    assert (result.speakers, result.segments) == ((), ())


def test_long_segments_are_cut_between_sentences() -> None:
    text = " ".join(["The room was clean and the bed was good too."] * 12)
    result = attributed(a_transcript(a_segment(words(text))), [a_turn(0, 48, 0)])
    assert all(segment.end - segment.start <= READABLE for segment in result.segments)
    assert all(segment.text.endswith("too.") for segment in result.segments)


def test_endless_talk_without_full_stops_is_cut_at_its_widest_pause() -> None:
    spoken = [*words("and so " * 45), *words("it went " * 45, 37.0)]
    result = attributed(a_transcript(a_segment(spoken)), [a_turn(0, 80, 0)])
    assert result.segments[0].words[-1].text == "so"
    assert all(later.start - sooner.end <= 1.01 for sooner, later in pairwise(result.segments))
    assert result.segments[len(result.segments) // 2].start == 37.0


def test_a_sentence_the_engine_cut_in_two_is_whole_again() -> None:
    spoken = words("The breakfast was cold. Really cold.")
    result = attributed(a_transcript(a_segment(spoken[:2]), a_segment(spoken[2:])), [a_turn(0, 3, 0)])
    assert said(result) == [("SPEAKER_00", "The breakfast was cold. Really cold.")]


def test_segments_carry_the_role_of_their_speaker() -> None:
    transcript, turns = a_talk("""
        A: Thank you for joining us. How was your stay at the hotel?
        B: We arrived on Friday and our room was clean. The staff was friendly.
        A: Would you recommend us to your friends?
        B: Yes, we will come back in the summer.
    """)
    result = attributed(transcript, turns)
    assert [segment.role for segment in result.segments] == [Role.INTERVIEWER, Role.CLIENT] * 2


def _spoken(*timed: tuple[float, float, str]) -> Segment:
    return a_segment([Word(start=start, end=end, text=text, confidence=0.4) for start, end, text in timed])


def test_a_first_word_stretched_back_over_the_pause_goes_to_the_one_who_says_it() -> None:
    """As Whisper heard the sample: "That" from the end of the other's sentence on."""
    transcript = a_transcript(
        _spoken((27.5, 27.9, "of"), (27.94, 28.32, "five.")),
        _spoken((28.32, 29.14, "That"), (29.14, 29.34, "is"), (29.34, 29.8, "wonderful.")),
    )
    turns = [a_turn(23.4, 28.71, 0), a_turn(28.92, 34.0, 1)]
    assert said(attributed(transcript, turns)) == [("SPEAKER_00", "of five."), ("SPEAKER_01", "That is wonderful.")]


def test_a_last_word_stretched_on_over_the_pause_stays_with_the_one_who_says_it() -> None:
    transcript = a_transcript(
        _spoken((1.0, 1.3, "Five"), (1.3, 2.5, "stars.")), _spoken((2.5, 2.8, "Thank"), (2.8, 3.1, "you."))
    )
    turns = [a_turn(0.9, 1.75, 0), a_turn(1.8, 3.2, 1)]
    assert said(attributed(transcript, turns)) == [("SPEAKER_00", "Five stars."), ("SPEAKER_01", "Thank you.")]


@given(talks())
def test_overlaps_are_where_two_turns_are_and_segments_in_them_say_so(talk: tuple[Transcript, list[Turn]]) -> None:
    transcript, turns = talk
    result = attributed(transcript, turns)
    assert all(sooner.end < later.start for sooner, later in pairwise(result.overlaps))
    borders = sorted({0.0, *(time for turn in turns for time in (turn.start, turn.end))})
    for start, end in pairwise(borders):
        speaking = sum(turn.start <= start and end <= turn.end for turn in turns)
        in_overlap = any(overlap.start <= start and end <= overlap.end for overlap in result.overlaps)
        assert in_overlap == (speaking > 1)
    for segment in result.segments:
        is_touched = any(o.start < segment.end and segment.start < o.end for o in result.overlaps)
        assert is_touched or not segment.overlapped


def test_words_of_two_at_once_go_to_the_one_who_goes_on_and_are_marked() -> None:
    """As "mhm" during somebody's sentence: Whisper writes down the sentence."""
    transcript = a_transcript(a_segment(words("The room was very quiet and clean.")))
    result = attributed(transcript, [a_turn(0, 2.8, 0), a_turn(1.2, 2.0, 1)])
    assert said(result) == [("SPEAKER_00", "The room was very quiet and clean.")]
    assert [segment.overlapped for segment in result.segments] == [True]
    assert [(overlap.start, overlap.end) for overlap in result.overlaps] == [(1.2, 2.0)]


def test_who_falls_into_the_last_words_of_another_gets_the_own_ones_only() -> None:
    transcript = a_transcript(a_segment(words("Was it very clean there? Yes it was quite clean")))
    result = attributed(transcript, [a_turn(0, 2.3, 0), a_turn(1.7, 4.0, 1)])
    assert said(result) == [("SPEAKER_00", "Was it very clean there?"), ("SPEAKER_01", "Yes it was quite clean")]
    assert [segment.overlapped for segment in result.segments] == [True, True]


def test_a_word_that_only_touches_an_overlap_is_not_marked() -> None:
    transcript = a_transcript(a_segment(words("It was quiet.")))
    result = attributed(transcript, [a_turn(0, 1.2, 0), a_turn(1.1, 2.0, 1)])
    assert [segment.overlapped for segment in result.segments] == [False]


def test_a_word_behind_a_turn_within_another_goes_to_the_one_that_ended_last() -> None:
    transcript = a_transcript(a_segment(words("So it was")), a_segment(words("Fine.", 5.1)))
    result = attributed(transcript, [a_turn(0, 5.0, 0), a_turn(1.5, 1.7, 1), a_turn(9.0, 9.5, 2)])
    assert {segment.speaker for segment in result.segments} == {"SPEAKER_00"}


def test_voice_without_words_is_told_once_where_two_speak() -> None:
    transcript = a_transcript(_spoken((30.5, 31.0, "Спасибо.")))
    turns = [a_turn(0.4, 30.0, 0), a_turn(5.0, 9.0, 1), a_turn(30.4, 31.5, 0)]
    assert [(gap.start, gap.end) for gap in attributed(transcript, turns).unheard] == [(0.4, 30.0)]


def test_voice_without_words_is_told_when_it_is_long() -> None:
    """As with Russian that was taken for Georgian: half a minute of speech, no words, no complaint by the engine."""
    transcript = a_transcript(_spoken((30.5, 31.0, "Спасибо."), (31.0, 31.4, "Да.")))
    turns = [a_turn(0.4, 12.0, 0), a_turn(12.3, 30.0, 1), a_turn(30.4, 31.5, 0), a_turn(34.0, 35.5, 1)]
    assert [(gap.start, gap.end) for gap in attributed(transcript, turns).unheard] == [(0.4, 30.0)]


def test_speech_with_its_words_leaves_no_gap() -> None:
    assert attributed(*a_talk("A: How was it?\nB: It was good, thank you very much.")).unheard == ()
