"""Features by the recipe of NOTICE.md, computed once more the slow way."""

from itertools import pairwise

import numpy as np
import pytest

from voxpersona.adapters.diarizer.fbank import BANDS, fbank
from voxpersona.adapters.diarizer.voices import HOP, WINDOW, windows
from voxpersona.ports import RATE, Floats


def noise(seconds: float) -> Floats:
    return (np.random.default_rng(1).standard_normal(round(seconds * RATE)) * 0.1).astype(np.float32)


def slow(samples: Floats) -> list[list[float]]:
    """Frame by frame and band by band, in double precision."""

    def mel(hertz: float) -> float:
        return float(1127 * np.log(1 + hertz / 700))

    corners = np.linspace(mel(20), mel(8000), BANDS + 2)
    found = []
    for start in range(0, len(samples) - 399, 160):
        frame = samples[start : start + 400].astype(np.float64) * 32768
        frame = frame - frame.mean()
        emphasised = np.append(frame[0] * 0.03, frame[1:] - 0.97 * frame[:-1])
        power = np.abs(np.fft.fft(emphasised * np.hanning(400) ** 0.85, 512)[:256]) ** 2
        bands = []
        for left, peak, right in zip(corners, corners[1:], corners[2:], strict=False):
            energy = 0.0
            for place in range(256):
                at = mel(place * RATE / 512)
                energy += power[place] * max(0.0, min((at - left) / (peak - left), (right - at) / (right - peak)))
            bands.append(float(np.log(max(energy, 1.19e-7))))
        found.append(bands)
    return found


def test_features_follow_the_recipe() -> None:
    samples = noise(0.06)
    np.testing.assert_allclose(fbank(samples), slow(samples), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (RATE, 98)])
def test_only_whole_frames_count(samples: int, frames: int) -> None:
    assert fbank(np.zeros(samples, np.float32)).shape == (frames, BANDS)


def test_silence_sits_on_the_floor() -> None:
    assert np.all(fbank(np.zeros(400, np.float32)) == np.log(np.float32(1.19e-7)))


def test_windows_cover_a_stretch_to_its_end() -> None:
    spans, features = windows(10.0, noise(4.0))
    assert features.shape == (len(spans), WINDOW, BANDS)
    assert spans[0].start == 10.0
    assert spans[-1].end == pytest.approx(14.0, abs=0.011)
    assert all(span.end - span.start == pytest.approx(1.5) for span in spans)
    assert all(later.start - sooner.start <= HOP / 100 + 1e-9 for sooner, later in pairwise(spans))


def test_a_short_stretch_is_repeated_to_a_full_window() -> None:
    spans, features = windows(0.0, noise(0.5))
    length = len(fbank(noise(0.5)))
    assert len(spans) == 1
    np.testing.assert_array_equal(features[0, :length], features[0, length : 2 * length])


def test_too_short_a_stretch_gives_no_window() -> None:
    assert windows(0.0, noise(0.1))[0] == []
