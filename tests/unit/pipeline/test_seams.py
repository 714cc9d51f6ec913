"""Where two pieces heard the same words, each stands once: none lost, none doubled."""

import random
from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from voxpersona.model import Doubt, Dropped, Piece, PieceText, Segment, Word
from voxpersona.pipeline.pieces import join
from voxpersona.pipeline.seams import Seam, seam

CUT = 100.0
CONTEXT = 3.0


def words(*told: tuple[str, float, float], confidence: float = 0.9) -> list[Word]:
    return [Word(start=start, end=end, text=text, confidence=confidence) for text, start, end in told]


def joined(left: Sequence[Word], right: Sequence[Word]) -> list[str]:
    found = seam(left, right, cut=CUT, before=CONTEXT, after=CONTEXT)
    return [word.text for word in (*left[: found.keep], *right[found.skip :])]


class TestSeam:
    def test_a_word_on_the_cut_stands_once(self) -> None:
        left = words(("the", 99.0, 99.3), ("breakfast", 99.7, 100.4), ("was", 100.5, 100.8), ("co", 102.8, 103.0))
        right = words(("e", 97.0, 97.1), ("breakfast", 99.6, 100.3), ("was", 100.5, 100.8), ("cold", 102.8, 103.3))
        assert joined(left, right) == ["the", "breakfast", "was", "cold"]

    def test_what_is_cut_off_at_an_edge_is_taken_from_the_piece_that_heard_it_whole(self) -> None:
        left = words(
            ("we", 97.0, 97.3),
            ("liked", 98.0, 98.4),
            ("the", 99.0, 99.2),
            ("room", 100.9, 101.3),
            ("tha", 102.8, 103.0),
        )
        right = words(
            ("key", 97.0, 97.3),
            ("liked", 98.1, 98.4),
            ("the", 99.0, 99.2),
            ("room", 101.0, 101.3),
            ("that", 102.8, 103.3),
        )
        assert joined(left, right) == ["we", "liked", "the", "room", "that"]

    def test_a_word_heard_differently_is_taken_from_the_piece_in_which_it_is_further_from_the_edge(self) -> None:
        left = words(("at", 98.0, 98.2), ("fifteen", 99.0, 99.5), ("past", 99.8, 100.1))
        right = words(("at", 98.0, 98.2), ("fifty", 99.0, 99.5), ("past", 99.8, 100.1))
        assert joined(left, right) == ["at", "fifteen", "past"]
        later_left = words(("at", 99.5, 99.7), ("fifteen", 101.0, 101.5), ("past", 101.8, 102.1))
        later_right = words(("at", 99.5, 99.7), ("fifty", 101.0, 101.5), ("past", 101.8, 102.1))
        assert joined(later_left, later_right) == ["at", "fifty", "past"]

    def test_a_word_only_one_of_them_heard_is_not_lost(self) -> None:
        left = words(("it", 98.0, 98.2), ("was", 98.5, 98.8), ("too", 99.0, 99.3), ("cold", 101.0, 101.4))
        right = words(("it", 98.0, 98.2), ("was", 98.5, 98.8), ("cold", 101.0, 101.4))
        assert joined(left, right) == ["it", "was", "too", "cold"]
        assert joined(right, left) == ["it", "was", "too", "cold"]

    def test_the_same_sound_heard_as_two_words_stands_once_and_never_not_at_all(self) -> None:
        for shift in (-0.07, 0.07):
            left = words(("чай", 99.8 + shift, 100.2 + shift))
            right = words(("цай", 99.8 - shift, 100.2 - shift))
            assert joined(left, right) == ["чай"]

    def test_repeated_words_are_counted(self) -> None:
        left = words(*((text, 99.0 + 0.3 * at, 99.2 + 0.3 * at) for at, text in enumerate(["да", "да", "да", "нет"])))
        right = words(*((text, 99.1 + 0.3 * at, 99.3 + 0.3 * at) for at, text in enumerate(["да", "да", "да", "нет"])))
        assert joined(left, right) == ["да", "да", "да", "нет"]

    def test_estimated_times_are_not_believed_where_the_words_tell_more(self) -> None:
        texts = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
        left = words(*((text, 90.0 + at, 91.0 + at) for at, text in enumerate(texts)), confidence=0.0)
        right = words(*((text, 98.0 + at, 98.5 + at) for at, text in enumerate([*texts[4:], "nine"])), confidence=0.0)
        assert joined(left, right) == [*texts, "nine"]

    def test_nothing_heard_on_one_side_leaves_the_other_whole(self) -> None:
        some = words(("well", 99.0, 99.4), ("yes", 100.6, 101.0))
        assert seam(some, [], cut=CUT, before=CONTEXT, after=CONTEXT) == Seam(keep=1, skip=0)


TEXTS = ("да", "нет", "the", "room", "Ещё", "ещё,", "was", "cold.", "и")


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 1 << 32), variety=st.integers(1, len(TEXTS)), breath=st.floats(0.0, 1.0))
@example(seed=1, variety=1, breath=0.1)
def test_forced_through_words_a_cut_loses_and_doubles_none(seed: int, variety: int, breath: float) -> None:
    """Both pieces hear what is whole in theirs, at slightly other times, and make something up of what is cut off."""
    chance = random.Random(seed)
    truth, at = [], 0.0
    for _ in range(40):
        length = chance.uniform(0.12, 0.6)
        truth.append(Word(start=at, end=at + length, text=chance.choice(TEXTS[:variety]), confidence=0.9))
        at += length + chance.uniform(0.0, breath)
    cut = chance.uniform(CONTEXT, at - CONTEXT)
    pieces = (
        Piece(index=0, start=0.0, end=cut, after=CONTEXT),
        Piece(index=1, start=cut, end=at, before=CONTEXT),
    )
    segments = join(pieces, [_heard(truth, piece, chance) for piece in pieces]).segments
    flat = [word for segment in segments for word in segment.words]
    assert [word.text for word in flat] == [word.text for word in truth]
    times = [time for word in flat for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(segment.text == " ".join(word.text for word in segment.words) for segment in segments)


def _heard(truth: Sequence[Word], piece: Piece, chance: random.Random) -> PieceText:
    since, until = piece.heard
    found: list[Word] = []
    for word in truth:
        if word.end <= since or word.start >= until:
            continue
        shift = chance.uniform(-0.05, 0.05)
        start = max(word.start + shift - since, found[-1].end if found else 0.0)
        end = max(start, min(word.end + shift, until) - since)
        is_whole = since <= word.start and word.end <= until
        found.append(Word(start=start, end=end, text=word.text if is_whole else "hm", confidence=0.9))
    return _segmented(found)


def _segmented(found: Sequence[Word]) -> PieceText:
    parts = [tuple(found[at : at + 7]) for at in range(0, len(found), 7)]
    segments = tuple(
        Segment(start=part[0].start, end=part[-1].end, text=" ".join(w.text for w in part), words=part, confidence=0.9)
        for part in parts
    )
    return PieceText(language="ru", language_confidence=0.9, segments=segments)


def test_a_trace_of_what_was_dropped_stands_once_too() -> None:
    pieces = (Piece(index=0, start=0.0, end=50.0, after=3.0), Piece(index=1, start=50.0, end=90.0, before=3.0))
    invented = Dropped(start=48.0, end=49.0, text="Thanks for watching!", reason=Doubt.PHANTOM)
    left, right = (
        PieceText(language="en", language_confidence=0.9, segments=(), dropped=(trace,))
        for trace in (invented, invented.model_copy(update={"start": 1.0, "end": 2.0}))
    )
    assert join(pieces, (left, right)).dropped == (invented,)
