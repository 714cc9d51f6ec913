"""How loud a recording is to a listener: gated loudness after ITU-R BS.1770 (EBU R 128), in LUFS.

Each tenth of a second is weighted in the frequency domain: its power spectrum times what the standard's two filters let
through. Against filters in time that differs by the edges of the tenths, well under 0.1 LU on speech.
"""

import numpy as np
from numpy.typing import NDArray

from voxpersona.ports import Floats

RATE = 48_000
"""Hz, for which the standard gives its filters."""
SILENCE = -70.0
"""LUFS: the absolute gate. A recording with nothing above it has no loudness, and this is told."""
_STEP = RATE // 10
_WINDOW = 4
_OFFSET = -0.691
_RELATIVE = 10.0
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))

_Powers = NDArray[np.float64]


class Loudness:
    """Gathers the weighted power of one or two channels and of their mix, a few bytes every tenth of a second."""

    def __init__(self) -> None:
        self._weights = _weights()
        self._rest: Floats = np.zeros((2, 0), np.float32)
        self._powers: list[_Powers] = []

    def add(self, sound: Floats) -> None:
        """More of the sound at RATE, shape (1 or 2, n)."""
        pair = sound if len(sound) == 2 else np.repeat(sound, 2, axis=0)
        joined = np.concatenate([self._rest, pair], axis=1)
        count = joined.shape[1] // _STEP
        self._rest = joined[:, count * _STEP :]
        steps = joined[:, : count * _STEP].reshape(2, count, _STEP)
        mixed = (steps[:1] + steps[1:]) * np.float32(0.5)
        spectra = np.abs(np.fft.rfft(np.concatenate([steps, mixed]), axis=2))
        self._powers.append((np.square(spectra) @ self._weights).T)

    def of_channels(self) -> tuple[float, float]:
        left, right = (_gated(powers) for powers in self._all().T[:2])
        return left, right

    def of_mix(self) -> float:
        return _gated(self._all()[:, 2])

    def _all(self) -> _Powers:
        return np.concatenate([np.zeros((0, 3)), *self._powers])


def _gated(powers: _Powers) -> float:
    """Loudness over windows of 0.4 s, without those that are silent or 10 LU under the rest."""
    if len(powers) < _WINDOW:
        powers = np.resize(powers, _WINDOW) if len(powers) else np.zeros(_WINDOW)
    windows = np.convolve(powers, np.full(_WINDOW, 1 / _WINDOW), "valid")
    heard = windows[_lufs(windows) > SILENCE]
    if not len(heard):
        return SILENCE
    heard = heard[_lufs(heard) > _lufs(np.array(heard.mean())) - _RELATIVE]
    return float(_lufs(np.array(heard.mean())))


def _lufs(power: _Powers) -> _Powers:
    loudness: _Powers = _OFFSET + 10 * np.log10(np.maximum(power, 1e-20))
    return loudness


def _weights() -> _Powers:
    """What a bin of a tenth's spectrum counts towards its mean square."""
    turn = np.exp(-2j * np.pi * np.arange(_STEP // 2 + 1) / _STEP)
    passed = np.ones(len(turn))
    for above, below in (_SHELF, _HIGH_PASS):
        ratio = np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)
        passed *= np.abs(ratio) ** 2
    passed[1:-1] *= 2  # the other half of the spectrum is the same again
    weights: _Powers = passed / _STEP**2
    return weights
