"""Whatever engines say about times, the words stay complete and in order."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders_speech import a_piece_text
from voxpersona.adapters.transcriber import languages
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.adapters.transcriber.wording import Line, sentences, settle, spread, timed
from voxpersona.errors import Code, Integrity, Unavailable
from voxpersona.model import Word

TIMES = st.floats(-5.0, 40.0)
TEXTS = st.lists(st.sampled_from(["Да,", "да.", "one", "—", "Two!", "two"]), max_size=12)


def a_word(text: str, start: float, end: float) -> Word:
    return Word(start=start, end=end, text=text, confidence=0.5)


@given(lines=st.lists(st.lists(st.tuples(TIMES, TIMES), max_size=5), max_size=4))
def test_settled_words_are_ordered_apart_inside_and_all_there(lines: list[list[tuple[float, float]]]) -> None:
    words = [tuple(a_word(f"w{number}", *times) for number, times in enumerate(line)) for line in lines]
    segments = settle([Line(line, 0.5) for line in words], 30.0)
    flat = [word for segment in segments for word in segment.words]
    assert [word.text for word in flat] == [word.text for line in words for word in line]
    assert all(0.0 <= word.start <= word.end <= 30.0 for word in flat)
    assert all(before.end <= after.start for before, after in itertools.pairwise(flat))


@given(said=TEXTS, heard=TEXTS)
def test_timing_a_text_keeps_every_word_of_it(said: list[str], heard: list[str]) -> None:
    words = [a_word(text, index * 1.0, index + 0.5) for index, text in enumerate(heard)]
    assert [word.text for word in timed(" ".join(said), words, 0.0, 20.0)] == said


def test_words_take_the_time_of_their_unpunctuated_twins_and_lend_it_to_their_neighbours() -> None:
    heard = [a_word("well", 1.0, 1.4), a_word("no", 3.0, 3.5)]
    words = timed("Well, maybe – no!", heard, 0.0, 5.0)
    assert [(word.text, word.start) for word in words if word.confidence] == [("Well,", 1.0), ("no!", 3.0)]
    maybe, dash = words[1:3]
    assert maybe.start == 1.4
    assert dash.end == pytest.approx(3.0)


def test_longer_words_take_longer() -> None:
    short, long = spread("a abcd", 10.0, 15.0)
    assert (short.end, long.end) == (11.0, 15.0)


def test_sentences_end_at_full_stops_and_pauses() -> None:
    words = [a_word("Yes.", 0, 1), a_word("And", 1, 2), a_word("no", 2, 3), a_word("so", 9, 10)]
    assert [len(line.words) for line in sentences(words)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("english", "en"),
        ("Russian", "ru"),
        ("ru", "ru"),
        ("en-GB", "en"),
        ("klingon", "und"),
        (None, "und"),
        (7, "und"),
    ],
)
def test_languages_are_known_by_name_and_by_code(told: object, code: str) -> None:
    assert languages.code(told) == code


def test_a_script_gives_its_answers_in_turn_and_then_is_gone() -> None:
    broken = Integrity(Code.TRANSCRIBER_ANSWER, "broken")
    transcriber = ScriptedTranscriber([a_piece_text((0, 1, "yes")), broken])
    sound = np.zeros(8, np.float32)
    assert transcriber.transcribe(sound, language="en", on_progress=lambda _: None).segments[0].text == "yes"
    for error in (Integrity, Unavailable):
        with pytest.raises(error):
            transcriber.transcribe(sound, language=None, on_progress=lambda _: None)
    assert transcriber.calls == [(8, "en"), (8, None), (8, None)]
