"""Stretches of speech, read in blocks."""

import itertools

import numpy as np
import pytest

from tests.builders_speech import sample_sound
from tests.sound_arrays import WaveSound, silence
from voxpersona.adapters.diarizer.speech import Stretch, stretches
from voxpersona.ports import RATE, Floats


def heard(samples: Floats, block: float) -> list[Stretch]:
    return list(stretches(WaveSound(samples), block=block))


def unbroken(seconds: float) -> Floats:
    """Speech that never stops for long enough to be a pause."""
    turn = sample_sound()[round(6.9 * RATE) : round(8.4 * RATE)]
    return np.tile(turn, int(seconds / 1.5) + 1)[: round(seconds * RATE)]


def test_a_stretch_over_the_edge_of_a_block_comes_out_whole() -> None:
    samples = np.concatenate([silence(7), sample_sound()[: round(6.6 * RATE)], silence(6)])
    whole, parts = heard(samples, 120.0), heard(samples, 10.0)
    assert len(whole) == len(parts)
    for one, other in zip(whole, parts, strict=True):
        assert other.start == pytest.approx(one.start, abs=0.15)
        assert len(other.samples) == pytest.approx(len(one.samples), abs=0.2 * RATE)


@pytest.mark.parametrize("block", [8.0, 20.0, 120.0])
def test_stretches_are_ordered_apart_and_carry_their_own_samples(block: float) -> None:
    found = heard(sample_sound(), block)
    for stretch in found:
        first = round(stretch.start * RATE)
        np.testing.assert_array_equal(stretch.samples, sample_sound()[first : first + len(stretch.samples)])
    for sooner, later in itertools.pairwise(found):
        assert sooner.start + len(sooner.samples) / RATE <= later.start + 1e-6


def test_speech_without_a_pause_is_cut_into_blocks_and_nothing_is_lost() -> None:
    samples = unbroken(40)
    found = heard(samples, 10.0)
    assert len(found) >= 4
    assert max(len(stretch.samples) for stretch in found) <= 10 * RATE
    assert sum(len(stretch.samples) for stretch in found) >= 0.97 * len(samples)


def test_silence_has_no_stretches() -> None:
    assert heard(silence(25), 10.0) == []


def test_speech_at_the_very_end_is_heard() -> None:
    samples = np.concatenate([silence(12), unbroken(1.5)])
    assert heard(samples, 10.0)[-1].start == pytest.approx(12.0, abs=0.3)
