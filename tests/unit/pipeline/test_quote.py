"""Sentences cover what was said; a quote is located only where it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders_search import a_segment, the_sample
from voxpersona.model import Segment
from voxpersona.pipeline.quote import locate, sentences

WORDS = st.lists(st.sampled_from(["the", "room.", "was", "Cold?", "и", "шумно…", "5", "1.5", "—", "т.е.", "Wow!"]))
SPOKEN = st.lists(st.tuples(WORDS, st.sampled_from([None, "SPEAKER_00", "SPEAKER_01"]), st.booleans()), max_size=8)


def segments_of(spoken: list[tuple[list[str], str | None, bool]]) -> list[Segment]:
    made = []
    for place, (words, speaker, has_words) in enumerate(spoken):
        segment = a_segment(" ".join(words), start=place * 100.0, speaker=speaker, role=None)
        made.append(segment if has_words else segment.model_copy(update={"words": ()}))
    return made


@given(SPOKEN, st.integers(1, 12))
def test_sentences_hold_every_word_once_in_order_and_stay_bounded(
    spoken: list[tuple[list[str], str | None, bool]], longest: int
) -> None:
    found = sentences(segments_of(spoken), longest_words=longest)
    said = [word for words, _, _ in spoken for word in words]
    assert said == [word for sentence in found for word in sentence.text.split()]
    assert all(len(sentence.text.split()) <= longest for sentence in found)
    assert all(sentence.start <= sentence.end for sentence in found)


@given(SPOKEN)
def test_every_sentence_can_be_located_again_word_for_word(spoken: list[tuple[list[str], str | None, bool]]) -> None:
    segments = segments_of(spoken)
    for sentence in sentences(segments):
        quote = locate(sentence.text, segments)
        if any(letter.isalnum() for letter in sentence.text):
            assert quote is not None
            assert quote.text == sentence.text
            assert quote.verified
        else:
            assert quote is None


def test_a_sentence_cut_by_the_engine_is_whole_again() -> None:
    parts = [a_segment("Good. The breakfast was", speaker="S"), a_segment("cold. Yes", start=3.0, speaker="S")]
    assert [sentence.text for sentence in sentences(parts)] == ["Good.", "The breakfast was cold.", "Yes"]
    whole = sentences(parts)[1]
    assert (whole.start, whole.end, whole.segment) == (0.4, 3.4, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith came. He left.", ["Dr. Smith came.", "He left."]),
        ("Это А. С. Пушкин. Да.", ["Это А. С. Пушкин.", "Да."]),
        ("No. I would not.", ["No.", "I would not."]),
        ("Стоит 5 тыс. руб. за ночь.", ["Стоит 5 тыс. руб. за ночь."]),
        ("Well… maybe not. “Really?” Yes", ["Well… maybe not.", "“Really?”", "Yes"]),
        ("It was 15.5 degrees. Cold", ["It was 15.5 degrees.", "Cold"]),
    ],
)
def test_a_sentence_ends_where_a_reader_would_end_it(text: str, expected: list[str]) -> None:
    assert expected == [sentence.text for sentence in sentences([a_segment(text)])]


def test_two_hours_without_a_full_stop_are_still_cut() -> None:
    found = sentences([a_segment("word " * 20_000)])
    assert max(len(sentence.text.split()) for sentence in found) <= 60
    assert sum(len(sentence.text.split()) for sentence in found) == 20_000


def test_an_overlong_sentence_is_cut_at_its_widest_pause() -> None:
    first, second = a_segment("a " * 30, speaker="S"), a_segment("b " * 40, start=20.0, speaker="S")
    assert [set(sentence.text.split()) for sentence in sentences([first, second])] == [{"a"}, {"b"}]


def test_a_quote_has_the_times_of_its_first_and_last_word() -> None:
    said = a_segment("The room was clean, but the breakfast was cold", start=10.0, speaker="SPEAKER_01", role="client")
    quote = locate("clean, but the", [said])
    assert quote is not None
    assert (quote.start, quote.end) == (said.words[3].start, said.words[5].end)
    assert (quote.speaker, quote.role, quote.text) == ("SPEAKER_01", "client", "clean, but the")


def test_a_segment_without_words_lends_its_own_times() -> None:
    said = Segment(start=3.0, end=9.0, text="The breakfast was cold on both days.")
    quote = locate("breakfast was cold", [said])
    assert quote is not None
    assert (quote.start, quote.end) == (3.0, 9.0)


@pytest.mark.parametrize(
    ("asked", "stands"),
    [
        ("BREAKFAST was cold on both days!", "breakfast was cold on both days"),
        ("late checkout on Sunday", "late check out on Sunday,"),
        ("late   check\nout", "late check out"),
        ("«They were very friendly»", "They were very friendly."),
    ],
)
def test_case_punctuation_and_blanks_do_not_matter_but_the_transcript_is_quoted(asked: str, stands: str) -> None:
    quote = locate(asked, the_sample().segments)
    assert quote is not None
    assert quote.text == stands


@pytest.mark.parametrize("text", ["", "  ", "...", "—"])
def test_nothing_is_not_located(text: str) -> None:
    assert locate(text, the_sample().segments) is None


def test_words_of_two_people_make_no_quote() -> None:
    assert locate("treat you during your visit? They were very friendly.", the_sample().segments) is None


def test_half_a_word_is_no_quote() -> None:
    assert locate("reakfast was col", the_sample().segments) is None


@pytest.mark.parametrize("number", ["15", "5", "-1.5", "1 5", "1,5", "1.5%"])
def test_another_number_is_not_the_number_that_was_said(number: str) -> None:
    assert locate(f"it was {number} degrees", [a_segment("Today it was 1.5 degrees here")]) is None
    assert locate("it was 1.5 degrees", [a_segment("Today it was 1.5 degrees here")]) is not None


def test_two_numbers_are_not_read_as_one() -> None:
    assert locate("from 15 minutes", [a_segment("from 1 5 minutes")]) is None


def test_a_changed_word_is_not_located() -> None:
    assert locate("the breakfast was warm on both days", the_sample().segments) is None
