"""Passages cover the transcript in order, one speaker each, bounded."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders_search import a_recording_id, an_attribution, the_sample
from voxpersona.pipeline.passages import passages

TURNS = st.lists(
    st.tuples(
        st.sampled_from(["client", "interviewer", "auditor"]),
        st.lists(st.sampled_from(["room", "was", "cold.", "Why?", "и", "тихо,", "42"]), min_size=1, max_size=70),
    ),
    min_size=1,
    max_size=6,
)


@given(TURNS, st.integers(1, 40))
def test_passages_hold_every_word_in_order_and_stay_bounded(turns: list[tuple[str, list[str]]], longest: int) -> None:
    attribution = an_attribution(a_recording_id(), "\n".join(f"{role}: {' '.join(words)}" for role, words in turns))
    found = passages(attribution, language="en", longest_words=longest)
    assert [word for _, words in turns for word in words] == [word for one in found for word in one.text.split()]
    assert all(len(one.text.split()) <= longest for one in found)
    assert [one.id for one in found] == [f"{a_recording_id()}:{number}" for number in range(len(found))]
    assert all(one.start < one.end for one in found)
    assert all(one.end <= following.start + 1e-9 for one, following in itertools.pairwise(found))


@given(TURNS)
def test_a_passage_has_one_speaker(turns: list[tuple[str, list[str]]]) -> None:
    attribution = an_attribution(a_recording_id(), "\n".join(f"{role}: {' '.join(words)}" for role, words in turns))
    for one in passages(attribution, language="en"):
        inside = {
            (segment.speaker, segment.role)
            for segment in attribution.segments
            if segment.start < one.end - 1e-9 and one.start < segment.end - 1e-9
        }
        assert inside == {(one.speaker, one.role)}


def test_a_turn_that_fits_is_one_passage() -> None:
    found = passages(the_sample(), language="en")
    assert [segment.text for segment in the_sample().segments] == [one.text for one in found]
    assert {one.language for one in found} == {"en"}
    assert (found[1].start, found[1].role) == (6.724, "client")


def test_a_long_turn_is_cut_between_sentences_into_even_parts() -> None:
    monologue = "auditor: " + "One two three four five six seven eight nine ten. " * 12
    lengths = [len(one.text.split()) for one in passages(an_attribution(a_recording_id(), monologue), language="en")]
    assert lengths == [60, 60]


def test_nothing_said_gives_no_passages() -> None:
    silent = the_sample().model_copy(update={"segments": ()})
    assert passages(silent, language="en") == ()


def test_a_passage_must_be_allowed_a_word() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        passages(the_sample(), language="en", longest_words=0)
