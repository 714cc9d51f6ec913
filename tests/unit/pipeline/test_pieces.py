"""Pieces cover the recording, are cut where it is quiet, and their texts come back in order."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.builders_speech import a_piece_text
from tests.sound_arrays import WaveSound
from voxpersona.errors import Code, Integrity
from voxpersona.model import Doubt, Dropped, Piece, PieceText, Segment, Word
from voxpersona.pipeline.pieces import Joined, in_halves, join, plan
from voxpersona.ports import RATE, Floats


def noise(seconds: float, loudness: float = 0.1) -> Floats:
    samples = np.random.default_rng(3).standard_normal(round(seconds * RATE)) * loudness
    return samples.astype(np.float32)


def with_pauses(seconds: float, *pauses: tuple[float, float], floor: float = 1e-4) -> WaveSound:
    """Noise with quiet stretches `(start, end)`."""
    samples = noise(seconds)
    for start, end in pauses:
        samples[round(start * RATE) : round(end * RATE)] *= floor
    return WaveSound(samples)


class WatchedSound:
    """A long sound that is never in memory as a whole, and remembers the longest stretch asked for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sides: Floats | None = None
        self.longest = 0.0

    def read(self, start: float, end: float) -> Floats:
        self.longest = max(self.longest, end - start)
        return np.full(round((min(end, self.seconds) - start) * RATE), 0.1, np.float32)


class TestPlan:
    def test_a_short_recording_is_one_piece(self) -> None:
        assert plan(WaveSound(noise(30.0)), shortest=18, longest=30) == (Piece(index=0, start=0.0, end=30.0),)

    def test_an_empty_recording_has_none(self) -> None:
        assert plan(WaveSound(np.zeros(0, np.float32))) == ()

    def test_the_cut_is_in_the_middle_of_the_pause(self) -> None:
        first = plan(with_pauses(58.0, (5.0, 6.0), (23.0, 24.0), (38.0, 39.0)), shortest=18, longest=30)[0]
        assert first.end == pytest.approx(23.5, abs=0.051)

    def test_the_quieter_pause_wins(self) -> None:
        sound = with_pauses(50.0, (19.0, 20.0), floor=1e-4)
        sound.read(26.0, 27.0)[:] *= 1e-2
        assert plan(sound, shortest=18, longest=30)[0].end == pytest.approx(19.5, abs=0.051)

    def test_of_equal_pauses_the_later_wins(self) -> None:
        sound = with_pauses(60.0, (20.0, 21.0), (26.0, 27.0), floor=0.0)
        assert plan(sound, shortest=18, longest=30)[0].end == pytest.approx(26.5, abs=0.051)

    def test_where_there_is_a_pause_nothing_is_heard_twice(self) -> None:
        pieces = plan(with_pauses(50.0, (23.0, 24.0), floor=0.05), shortest=18, longest=30)
        assert [(piece.before, piece.after) for piece in pieces] == [(0.0, 0.0), (0.0, 0.0)]
        assert pieces[0].heard == (0.0, pieces[0].end)

    @pytest.mark.parametrize("pause", [(23.0, 23.2), (23.0, 23.0)])
    def test_a_cut_through_sound_is_heard_from_both_sides(self, pause: tuple[float, float]) -> None:
        first, second = plan(with_pauses(50.0, pause), shortest=18, longest=30)
        assert (first.before, first.after, second.before, second.after) == (0.0, 3.0, 3.0, 0.0)
        assert (first.heard, second.heard) == ((0.0, first.end + 3.0), (second.start - 3.0, 50.0))

    def test_a_pause_that_is_not_quiet_enough_is_none(self) -> None:
        first, second = plan(with_pauses(50.0, (23.0, 24.0), floor=0.3), shortest=18, longest=30)
        assert (first.after, second.before) == (3.0, 3.0)

    def test_a_click_in_a_pause_is_avoided(self) -> None:
        sound = with_pauses(60.0, (24.0, 28.0), floor=0.0)
        sound.read(26.0, 26.01)[:] = 0.5
        assert plan(sound, shortest=18, longest=30)[0].end == pytest.approx(27.05, abs=0.25)

    def test_digital_silence_is_cut_in_the_middle_of_what_is_allowed(self) -> None:
        first, second = plan(WaveSound(np.zeros(60 * RATE, np.float32)), shortest=20, longest=40)
        assert (first.end, second.end) == (30.0, 60.0)

    def test_there_is_no_tiny_last_piece(self) -> None:
        pieces = plan(with_pauses(31.0, (29.5, 30.0)), shortest=18, longest=30)
        assert len(pieces) == 2
        assert min(piece.end - piece.start for piece in pieces) >= 0.4 * 31.0

    def test_what_is_shared_out_at_the_end_is_cut_in_a_pause_too(self) -> None:
        first, _ = plan(with_pauses(33.0, (14.0, 15.0)), shortest=18, longest=30)
        assert first.end == pytest.approx(14.5, abs=0.051)

    def test_a_long_recording_is_read_in_bounded_blocks(self) -> None:
        sound = WatchedSound(7200.0)
        assert len(plan(sound)) >= 24
        assert sound.longest <= 60.0

    @pytest.mark.parametrize(("shortest", "longest"), [(0, 10), (-1, 10), (11, 10)])
    def test_bounds_that_are_none_are_refused(self, shortest: float, longest: float) -> None:
        with pytest.raises(ValueError, match="bounds"):
            plan(WaveSound(noise(1.0)), shortest=shortest, longest=longest)

    @settings(max_examples=60, deadline=None)
    @given(
        samples=st.integers(0, 60 * RATE),
        shortest=st.floats(0.5, 12.0),
        stretch=st.floats(1.0, 4.0),
        pauses=st.lists(st.floats(0.0, 59.0), max_size=6),
    )
    @example(samples=96_001, shortest=2.0, stretch=3.0, pauses=[])
    def test_pieces_cover_everything_once(
        self, samples: int, shortest: float, stretch: float, pauses: list[float]
    ) -> None:
        seconds, longest = samples / RATE, shortest * stretch
        sound = with_pauses(seconds, *((at, at + 0.4) for at in pauses))
        pieces = plan(sound, shortest=shortest, longest=longest)
        assert [piece.index for piece in pieces] == list(range(len(pieces)))
        if pieces:
            assert (pieces[0].start, pieces[-1].end) == (0.0, seconds)
        assert all(before.end == after.start for before, after in itertools.pairwise(pieces))
        read = [sound.read(piece.start, piece.end) for piece in pieces]
        assert np.array_equal(np.concatenate(read or [noise(0)]), sound.read(0.0, seconds))
        assert all(before.after == after.before for before, after in itertools.pairwise(pieces))
        assert all(piece.before + piece.after <= piece.end - piece.start + 1e-9 for piece in pieces)
        assert all(0.0 <= piece.heard[0] <= piece.heard[1] <= seconds for piece in pieces)
        lengths = [piece.end - piece.start for piece in pieces]
        assert all(length <= longest + 1e-4 for length in lengths)
        if len(pieces) > 1:
            assert min(lengths) >= min(shortest - 1e-4, 0.39 * longest)


class TestJoin:
    PIECES = (Piece(index=0, start=0.0, end=200.0), Piece(index=1, start=200.0, end=390.5))

    def test_times_are_from_the_start_of_the_recording(self) -> None:
        joined = join(self.PIECES, [a_piece_text((1, 3, "one two")), a_piece_text((0.5, 2.5, "three four"))])
        segments = joined.segments
        assert joined.language == "en"
        assert [(each.start, each.end, each.text) for each in segments] == [
            (1.0, 3.0, "one two"),
            (200.5, 202.5, "three four"),
        ]
        assert [(word.start, word.end) for word in segments[1].words] == [(200.5, 201.5), (201.5, 202.5)]

    def test_the_language_most_is_spoken_in_wins_and_an_unknown_one_never(self) -> None:
        short, long = (
            a_piece_text((0, 2, "good day"), language="en"),
            a_piece_text((0, 9, "добрый день"), language="ru"),
        )
        unknown = a_piece_text((0, 99, "hm"), language="und")
        assert join(self.PIECES, [short, long]).language == "ru"
        assert join(self.PIECES, [unknown, short]).language == "en"
        assert join(self.PIECES, [unknown, unknown]).language == "und"

    def test_silence_votes_only_where_nobody_speaks(self) -> None:
        silent = PieceText(language="cy", language_confidence=0.99, segments=())
        guess = PieceText(language="ru", language_confidence=0.3, segments=())
        assert join(self.PIECES, [silent, a_piece_text((0, 1, "yes"))]).language == "en"
        assert join(self.PIECES, [guess, silent]).language == "cy"
        assert join((), ()) == Joined(language="und", segments=(), dropped=())

    def test_what_was_dropped_keeps_its_trace_and_its_time(self) -> None:
        thanks = Dropped(start=3.0, end=190.9, text="Thanks for watching!", reason=Doubt.PHANTOM)
        heard = a_piece_text((1, 3, "one two"))
        invented = heard.model_copy(update={"dropped": (thanks,)})
        joined = join(self.PIECES, [heard, invented])
        assert joined.dropped == (thanks.model_copy(update={"start": 203.0, "end": 390.5}),)
        assert "Thanks" not in " ".join(segment.text for segment in joined.segments)

    def test_a_text_for_every_piece_or_nothing(self) -> None:
        with pytest.raises(Integrity) as refused:
            join(self.PIECES, [a_piece_text((0, 1, "yes"))])
        assert refused.value.code == Code.RESULT_INVALID

    @settings(max_examples=100, deadline=None)
    @given(
        lengths=st.lists(st.floats(0.1, 300.0), min_size=1, max_size=5),
        shares=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=12),
    )
    def test_shifting_back_gives_what_was_heard_and_order_is_kept(
        self, lengths: list[float], shares: list[float]
    ) -> None:
        ends = list(itertools.accumulate(lengths))
        pieces = [
            Piece(index=index, start=start, end=end)
            for index, (start, end) in enumerate(zip([0.0, *ends[:-1]], ends, strict=True))
        ]
        texts = [_heard(sorted(share * (piece.end - piece.start) for share in shares)) for piece in pieces]
        segments = join(pieces, texts).segments
        flat = [word for segment in segments for word in segment.words]
        times = [time for word in flat for time in (word.start, word.end)]
        assert times == sorted(times)
        for piece, text, segment in zip(pieces, texts, segments, strict=True):
            for word, heard in zip(segment.words, text.segments[0].words, strict=True):
                assert word.start - piece.start == pytest.approx(heard.start, abs=6e-4)
                assert piece.start <= word.start <= word.end <= piece.end
                assert (word.text, word.confidence) == (heard.text, heard.confidence)


def _heard(times: list[float]) -> PieceText:
    words = tuple(
        Word(start=start, end=end, text=f"w{index}", confidence=0.5)
        for index, (start, end) in enumerate(itertools.pairwise(times))
    )
    segment = Segment(start=times[0], end=times[-1], text=" ".join(word.text for word in words), words=words)
    return PieceText(language="en", language_confidence=1.0, segments=(segment,))


@pytest.mark.parametrize("pause", [(41.0, 42.0), (50.0, 50.5), (58.0, 59.5)])
def test_what_is_too_large_is_heard_in_halves_cut_in_a_pause_near_its_middle(pause: tuple[float, float]) -> None:
    samples = with_pauses(100.0, (20.0, 22.0), pause, (80.0, 82.0)).read(0.0, 100.0)
    lengths: list[float] = []

    def hear(half: Floats) -> PieceText:
        lengths.append(len(half) / RATE)
        return a_piece_text((1.0, 2.0, f"half {len(lengths)}"))

    heard = in_halves(samples, hear)
    assert lengths[0] == pytest.approx(sum(pause) / 2, abs=0.1)
    assert sum(lengths) == pytest.approx(100.0)
    assert [(segment.text, round(segment.start, 2)) for segment in heard.segments] == [
        ("half 1", 1.0),
        ("half 2", round(lengths[0] + 1.0, 2)),
    ]
    assert (heard.language, heard.language_confidence) == (hear(samples).language, hear(samples).language_confidence)


def test_where_there_is_no_pause_both_halves_hear_what_lies_around_the_cut() -> None:
    lengths: list[float] = []

    def hear(half: Floats) -> PieceText:
        lengths.append(len(half) / RATE)
        return PieceText(language="en", language_confidence=1.0, segments=())

    in_halves(noise(60.0), hear)
    assert len(lengths) == 2
    assert sum(lengths) == pytest.approx(60.0 + 2 * 3.0)
    assert max(lengths) < 40.0
