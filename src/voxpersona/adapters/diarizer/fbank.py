"""Log-mel features as Kaldi makes them: what CAM++ was trained on. NOTICE.md has the recipe, number by number."""

import numpy as np

from voxpersona.ports import RATE, Floats

BANDS = 80
FRAME = 400
"""Samples of one frame, 25 ms."""
STEP = 160
"""Samples from one frame to the next, 10 ms."""

_FFT = 512
_FLOOR = np.float32(1.19e-7)
_SLAB = 512
"""Frames transformed at a time: keeps the intermediate arrays in the processor's cache."""


def _filters(low: float = 20.0, high: float = RATE / 2) -> Floats:
    """Triangles drawn on the mel axis, shape (_FFT // 2, BANDS); the Nyquist bin is left out, no area normalisation."""

    bins = np.arange(_FFT // 2) * (RATE / _FFT)
    mels = 1127.0 * np.log1p(bins / 700.0)[:, None]
    ends = 1127.0 * np.log1p(np.array([low, high]) / 700.0)
    corners = np.linspace(float(ends[0]), float(ends[1]), BANDS + 2)
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.minimum((mels - left) / (peak - left), (right - mels) / (right - peak))
    return np.asarray(np.maximum(triangles, 0.0), np.float32)


_FILTERS = _filters()
_POVEY = (np.hanning(FRAME) ** 0.85).astype(np.float32)


def fbank(samples: Floats) -> Floats:
    """Features of mono RATE Hz samples, shape (1 + (len(samples) - FRAME) // STEP, BANDS), mean not subtracted.

    Only whole frames count; fewer than FRAME samples give none. No dither.
    """
    if len(samples) < FRAME:
        return np.zeros((0, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::STEP]
    features = np.empty((len(frames), BANDS), np.float32)
    for at in range(0, len(frames), _SLAB):
        features[at : at + _SLAB] = _bands(frames[at : at + _SLAB])
    return features


def _bands(frames: Floats) -> Floats:
    """Features of frames, shape (n, FRAME) -> (n, BANDS)."""
    centred = frames * np.float32(32768)
    centred -= centred.mean(axis=1, keepdims=True)
    shaped = centred * _POVEY
    shaped[:, 1:] -= np.float32(0.97) * centred[:, :-1] * _POVEY[1:]
    shaped[:, 0] *= np.float32(0.03)
    spectrum = np.fft.rfft(shaped, _FFT)[:, : _FFT // 2]
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    bands: Floats = np.log(np.maximum(power.astype(np.float32) @ _FILTERS, _FLOOR))
    return bands
