"""How many voices: on made-up vectors about as far apart as real ones."""

import numpy as np
import pytest

from voxpersona.adapters.diarizer.clustering import SAMPLE, voices
from voxpersona.ports import Floats

HOP = 0.75


def spoken(*counts: int, spread: float = 0.05, seed: int = 3) -> Floats:
    """Unit vectors of one voice each, `counts` of them, mixed in time; two voices have a cosine near 0."""
    random = np.random.default_rng(seed)
    middles = random.standard_normal((len(counts), 192))
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    owners = random.permutation(np.repeat(np.arange(len(counts)), counts))
    vectors = middles[owners] + random.standard_normal((len(owners), 192)) * spread
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("counts", [(40,), (40, 40), (80, 15), (60, 50, 40), (50, 50, 50, 50), (400, 300, 60)])
def test_the_number_of_voices_is_found(counts: tuple[int, ...]) -> None:
    assert len(voices(spoken(*counts), HOP, number=None)) == len(counts)


def test_hours_of_speech_are_clustered_by_a_sample() -> None:
    vectors = spoken(SAMPLE, SAMPLE, SAMPLE // 2)
    middles = voices(vectors, HOP, number=None)
    assert len(middles) == 3
    np.testing.assert_allclose(np.linalg.norm(middles, axis=1), 1, rtol=1e-5)


def test_the_same_words_again_and_again_are_no_speaker() -> None:
    vectors = spoken(3 * SAMPLE, 2 * SAMPLE)
    repeated = np.concatenate([vectors, np.repeat(vectors[:1], SAMPLE // 20, axis=0)])
    mixed = repeated[np.random.default_rng(0).permutation(len(repeated))]
    assert len(voices(mixed, HOP, number=None)) == 2


def test_a_voice_of_three_seconds_is_none_beside_two_others() -> None:
    vectors = spoken(10, 10, 5, spread=0.01)
    assert len(voices(vectors, 0.6, number=None)) == 2
    assert len(voices(vectors, 0.9, number=None)) == 3


@pytest.mark.parametrize("number", [1, 2, 5, 12])
def test_a_number_told_is_kept(number: int) -> None:
    assert len(voices(spoken(40, 40), HOP, number=number)) == number


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_handful_of_windows_is_one_voice_unless_told(count: int) -> None:
    vectors = spoken(count, spread=0.01)
    assert len(voices(vectors, HOP, number=None)) == 1
    assert 1 <= len(voices(vectors, HOP, number=5)) <= count


def test_the_same_vectors_give_the_same_voices() -> None:
    vectors = spoken(300, 200, 100)
    np.testing.assert_array_equal(voices(vectors, HOP, number=None), voices(vectors.copy(), HOP, number=None))
