"""Corrections are put in where they belong, also after the engine heard anew, and nothing beside them moves."""

import datetime as dt
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_report import a_segment, segments
from voxpersona.model import Change, Correction, Segment, Word
from voxpersona.pipeline.corrections import differences, put_in

TALK = """
Q: Did you try the soup?
A: I had the sushi with sour cream, it was cold.
Q: Thank you.
"""


def a_correction(*changes: Change, number: int = 2, transcript: int = 1) -> Correction:
    at = dt.datetime(2026, 3, 14, tzinfo=dt.UTC)
    return Correction(number=number, by="Anna", at=at, transcript=transcript, changes=changes)


def a_gift(segment: Segment, speaker: str, voice: Segment, first: int = 0, last: int | None = None) -> Change:
    words = segment.words[first:last]
    said = " ".join(word.text for word in words)
    times = {"start": words[0].start, "end": words[-1].end}
    return Change(
        **times, was=said, now=said, was_speaker=segment.speaker, speaker=speaker, voice=(voice.start, voice.end)
    )


def put(spoken: Sequence[Segment], *changes: Change, is_same: bool = True) -> list[Segment]:
    placed, unplaced = put_in(spoken, a_correction(*changes), is_same=is_same)
    assert unplaced == []
    return placed


def later(spoken: Sequence[Segment], seconds: float) -> list[Segment]:
    """The same words, timed otherwise by another engine."""
    return [
        segment.model_copy(
            update={
                "start": segment.start + seconds,
                "end": segment.end + seconds,
                "words": tuple(
                    word.model_copy(update={"start": word.start + seconds, "end": word.end + seconds})
                    for word in segment.words
                ),
            }
        )
        for segment in spoken
    ]


class TestDifferences:
    def test_only_the_words_that_differ_are_changed(self) -> None:
        answer = segments(TALK)[1]
        (change,) = differences(answer, answer.text.replace("sushi", "shchi"))
        assert (change.was, change.now) == ("sushi", "shchi")
        assert (change.start, change.end) == (answer.words[3].start, answer.words[3].end)

    def test_blanks_alone_are_no_difference(self) -> None:
        answer = segments(TALK)[1]
        assert differences(answer, "  " + answer.text.replace(" ", "  ")) == []

    def test_what_is_only_added_or_removed_is_told_by_its_neighbour(self) -> None:
        thanks = segments(TALK)[2]
        assert [(one.was, one.now) for one in differences(thanks, "Oh, Thank you.")] == [("Thank", "Oh, Thank")]
        assert [(one.was, one.now) for one in differences(thanks, "Thank you. Bye.")] == [("you.", "you. Bye.")]
        assert [(one.was, one.now) for one in differences(thanks, "Thank")] == [("Thank you.", "Thank")]
        assert [(one.was, one.now) for one in differences(thanks, "you.")] == [("Thank you.", "you.")]

    def test_additions_around_one_word_are_one_change(self) -> None:
        assert [(one.was, one.now) for one in differences(a_segment("soup"), "the soup there")] == [
            ("soup", "the soup there")
        ]


class TestWords:
    def test_as_many_words_take_the_times_of_the_old_ones_and_are_marked(self) -> None:
        spoken = segments(TALK)
        answer = spoken[1]
        placed = put(spoken, *differences(answer, answer.text.replace("sushi", "shchi")))
        word = placed[1].words[3]
        old = answer.words[3]
        assert word == Word(start=old.start, end=old.end, text="shchi", confidence=1.0, correction=2)
        assert placed[1].text == "I had the shchi with sour cream, it was cold."
        assert placed[1].corrections == (2,)

    def test_more_words_share_the_time_by_their_letters(self) -> None:
        spoken = [a_segment("I had sushi there")]
        (placed,) = put(spoken, *differences(spoken[0], "I had fish soup there"))
        fish, soup = placed.words[2:4]
        old = spoken[0].words[2]
        assert (fish.start, fish.end, soup.end) == (old.start, soup.start, old.end)
        assert abs((fish.end - fish.start) - (soup.end - soup.start)) < 1e-9

    def test_an_added_word_stands_in_the_pause_and_its_neighbour_stays_the_engines(self) -> None:
        first, second = a_segment("cold").words[0], a_segment("yes", 2.0).words[0]
        spoken = [Segment(start=0.0, end=second.end, text="cold yes", words=(first, second))]
        (placed,) = put(spoken, *differences(spoken[0], "cold soup yes"))
        assert placed.words[0] == first
        assert placed.words[2] == second
        assert (placed.words[1].start, placed.words[1].end) == (first.end, second.start)

    def test_a_removed_word_leaves_its_mark_on_the_segment(self) -> None:
        spoken = [a_segment("the the soup")]
        (placed,) = put(spoken, *differences(spoken[0], "the soup"))
        assert placed.text == "the soup"
        assert placed.corrections == (2,)
        assert all(word.correction is None for word in placed.words)

    def test_a_segment_without_word_times_is_corrected_in_its_text(self) -> None:
        spoken = [Segment(start=1.0, end=4.0, text="I had the sushi.", speaker="SPEAKER_00")]
        (placed,) = put(spoken, *differences(spoken[0], "I had the shchi."))
        assert (placed.text, placed.words, placed.corrections) == ("I had the shchi.", (), (2,))


class TestSpeakers:
    def test_a_whole_segment_is_given(self) -> None:
        spoken = segments(TALK)
        placed = put(spoken, a_gift(spoken[2], "SPEAKER_01", spoken[1]))
        assert placed[2] == spoken[2].model_copy(update={"speaker": "SPEAKER_01", "corrections": (2,)})
        assert placed[:2] == list(spoken[:2])

    def test_words_in_the_middle_become_a_segment_of_their_own(self) -> None:
        spoken = segments(TALK)
        placed = put(spoken, a_gift(spoken[1], "SPEAKER_00", spoken[0], 4, 7))
        assert [(one.speaker, one.text) for one in placed[1:4]] == [
            ("SPEAKER_01", "I had the sushi"),
            ("SPEAKER_00", "with sour cream,"),
            ("SPEAKER_01", "it was cold."),
        ]
        assert [word for one in placed for word in one.words] == [word for one in spoken for word in one.words]
        assert (placed[1].start, placed[3].end) == (spoken[1].start, spoken[1].end)
        assert placed[1].end <= placed[2].start <= placed[2].end <= placed[3].start

    def test_two_speakers_can_change_places_at_once(self) -> None:
        spoken = segments(TALK)
        placed = put(spoken, a_gift(spoken[0], "SPEAKER_01", spoken[1]), a_gift(spoken[1], "SPEAKER_00", spoken[0]))
        assert [one.speaker for one in placed] == ["SPEAKER_01", "SPEAKER_00", "SPEAKER_00"]

    def test_a_label_is_followed_to_the_same_voice(self) -> None:
        """Another diarizer numbers the same people the other way round."""
        spoken = segments(TALK)
        gift = a_gift(spoken[2], "SPEAKER_01", spoken[1])
        other = {"SPEAKER_00": "SPEAKER_01", "SPEAKER_01": "SPEAKER_00"}
        renamed = [one.model_copy(update={"speaker": other[one.speaker or ""]}) for one in spoken]
        placed = put(renamed, gift, is_same=False)
        assert [one.speaker for one in placed] == ["SPEAKER_01", "SPEAKER_00", "SPEAKER_00"]

    def test_a_gift_to_nobody_who_is_heard_has_no_place(self) -> None:
        spoken = segments(TALK)
        gift = a_gift(spoken[2], "SPEAKER_01", spoken[1])
        without = [spoken[0], spoken[2]]
        assert put_in(without, a_correction(gift), is_same=False) == (without, [gift])

    def test_a_segment_without_word_times_is_given_whole(self) -> None:
        spoken = [
            Segment(start=0.0, end=1.0, text="One.", speaker="SPEAKER_00"),
            Segment(start=1.0, end=2.0, text="Two.", speaker="SPEAKER_01"),
        ]
        gift = Change(start=1.0, end=2.0, was="Two.", now="Two.", speaker="SPEAKER_00", voice=(0.0, 1.0))
        assert [one.speaker for one in put(spoken, gift)] == ["SPEAKER_00", "SPEAKER_00"]


class TestHeardAnew:
    def test_the_old_words_are_found_at_about_their_time(self) -> None:
        spoken = segments("A: the sushi was cold, but later the sushi was warm.")
        (change,) = differences(spoken[0], spoken[0].text.replace("later the sushi", "later the shchi"))
        (placed,) = put(later(spoken, 0.3), change, is_same=False)
        assert placed.text == "the sushi was cold, but later the shchi was warm."

    def test_other_case_and_punctuation_are_the_same_words(self) -> None:
        spoken = segments(TALK)
        (change,) = differences(spoken[1], spoken[1].text.replace("sushi", "shchi"))
        (placed,) = put([a_segment("I had the Sushi, with sour cream", spoken[1].start)], change, is_same=False)
        assert placed.text == "I had the shchi with sour cream"

    def test_what_the_engine_hears_right_by_now_stays_the_engines(self) -> None:
        spoken = segments(TALK)
        (change,) = differences(spoken[1], spoken[1].text.replace("sushi", "shchi"))
        now = [a_segment(spoken[1].text.replace("sushi", "shchi"), spoken[1].start)]
        assert put(now, change, is_same=False) == now

    def test_an_added_word_that_is_heard_by_now_is_not_doubled(self) -> None:
        spoken = [a_segment("fish with cream")]
        (change,) = differences(spoken[0], "fish soup with cream")
        now = [a_segment("fish soup with cream")]
        assert put(now, change, is_same=False) == now
        assert put(spoken, change, is_same=False)[0].text == "fish soup with cream"

    def test_where_something_else_is_heard_the_person_is_believed(self) -> None:
        spoken = segments(TALK)
        (change,) = differences(spoken[1], spoken[1].text.replace("sushi", "shchi"))
        (placed,) = put([a_segment("I had the cheese with sour cream", spoken[1].start)], change, is_same=False)
        assert placed.text == "I had the shchi with sour cream"

    def test_where_nothing_is_heard_the_change_has_no_place_and_is_told(self) -> None:
        spoken = segments(TALK)
        (change,) = differences(spoken[1], spoken[1].text.replace("sushi", "shchi"))
        left = [spoken[0]]
        assert put_in(left, a_correction(change), is_same=False) == (left, [change])

    def test_words_that_are_cut_in_two_segments_now_go_to_the_first(self) -> None:
        spoken = [a_segment("I had the sushi roll there", speaker="SPEAKER_00")]
        (change,) = differences(spoken[0], "I had the shchi there")
        words = spoken[0].words
        cut = [
            Segment(start=0.0, end=words[3].end, text="I had the sushi", words=words[:4], speaker="SPEAKER_00"),
            Segment(start=words[4].start, end=words[5].end, text="roll there", words=words[4:], speaker="SPEAKER_00"),
        ]
        placed = put(cut, change, is_same=False)
        assert [one.text for one in placed] == ["I had the shchi", "there"]
        assert placed[0].end == words[4].end
        assert placed[1].start == words[5].start

    def test_another_speaker_of_words_heard_otherwise_changes_no_word(self) -> None:
        spoken = segments(TALK)
        gift = a_gift(spoken[2], "SPEAKER_01", spoken[1])
        now = [*spoken[:2], a_segment("Thanks, do", spoken[2].start, speaker="SPEAKER_00")]
        placed = put(now, gift, is_same=False)
        assert [(one.speaker, one.text) for one in placed[2:]] == [("SPEAKER_01", "Thanks, do")]


_words = st.sampled_from(["the", "soup", "was", "cold", "cold,", "Да", "нет.", "no", "I", "1.5"])
_segments = st.lists(st.lists(_words, min_size=1, max_size=9), min_size=1, max_size=6)


@st.composite
def _talks(draw: st.DrawFn) -> list[Segment]:
    at, made = 0.0, []
    for place, said in enumerate(draw(_segments)):
        made.append(a_segment(" ".join(said), at, speaker=f"SPEAKER_{draw(st.integers(0, 2)):02d}"))
        at = round(made[place].end + draw(st.sampled_from([0.0, 0.2, 2.0])), 3)  # as its words are
    return made


@settings(max_examples=80, deadline=None)
@given(_talks(), st.data())
def test_whatever_is_written_stands_there_then_and_everything_else_is_as_before(
    spoken: list[Segment], data: st.DataObject
) -> None:
    """Word for word and time for time; and once more over the same words it comes out the same."""
    place = data.draw(st.integers(0, len(spoken) - 1))
    wanted = data.draw(st.lists(_words, min_size=1, max_size=9))
    changes = differences(spoken[place], " ".join(wanted))
    placed = put(spoken, *changes)
    assert [one for at, one in enumerate(placed) if at != place] == [
        one for at, one in enumerate(spoken) if at != place
    ]
    mended, old = placed[place], spoken[place]
    assert mended.text.split() == wanted
    assert [word.text for word in mended.words] == wanted
    assert (mended.start, mended.end, mended.speaker) == (old.start, old.end, old.speaker)
    kept = [word for word in mended.words if word.correction is None]
    assert [word for word in old.words if word in kept] == kept  # the engine's words, in its order, with its times
    outside = [word for word in old.words if not any(one.start <= word.start < one.end for one in changes)]
    assert [word for word in kept if word in outside] == outside
    starts = [word.start for word in mended.words]
    assert starts == sorted(starts)
    assert all(old.start <= word.start <= word.end <= old.end for word in mended.words)


@settings(max_examples=50, deadline=None)
@given(_talks(), st.data())
def test_whoever_words_are_given_to_no_word_is_altered(spoken: list[Segment], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(spoken) - 1))
    segment = spoken[place]
    first = data.draw(st.integers(0, len(segment.words) - 1))
    last = data.draw(st.integers(first + 1, len(segment.words)))
    to = data.draw(st.sampled_from(spoken))
    placed = put(spoken, a_gift(segment, to.speaker or "", to, first, last))
    assert [word for one in placed for word in one.words] == [word for one in spoken for word in one.words]
    speakers = [one.speaker for one in placed for _ in one.words]
    before = [one.speaker for one in spoken for _ in one.words]
    at = sum(len(one.words) for one in spoken[:place])
    assert speakers == [*before[: at + first], *[to.speaker] * (last - first), *before[at + last :]]
