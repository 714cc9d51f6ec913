"""Whether the two channels of a recording carry different voices, as recorded calls do, and how loud each is when."""

import numpy as np

from voxpersona.ports import Floats

STEPS = 100
"""Levels a second."""
_BLOCK = 10
"""Steps that are judged together."""
_LEAST_BLOCKS = 50  # 5 s
_OVER_NOISE, _UNDER_LOUD, _UNDER_OTHER = 9.0, 30.0, 12.0
"""Decibels: a channel is active where it is so far over its own noise, so near to its own loud parts, and not so much
weaker than the other one, which then only leaks into it."""
_ALONE = 0.7
_EACH = 0.05
_ALIKE = 0.3
_FAINTEST = 1e-10  # -100 dBFS


class Sides:
    """Gathers the levels of both channels, 8 bytes every 10 ms. `pace` is the rate of the sound in Hz."""

    def __init__(self, pace: int) -> None:
        self._step = pace // STEPS
        self._rest: Floats = np.zeros((2, 0), np.float32)
        self._levels: list[Floats] = []
        self._powers = np.zeros(3)

    def add(self, sound: Floats) -> None:
        """More of the sound, shape (1 or 2, n)."""
        pair = np.broadcast_to(sound, (2, sound.shape[1]))
        self._powers += [np.multiply(*rows).sum(dtype=np.float64) for rows in (pair, pair[[0, 0]], pair[[1, 1]])]
        joined = np.concatenate([self._rest, pair], axis=1)
        count = joined.shape[1] // self._step
        self._rest = joined[:, count * self._step :]
        steps = joined[:, : count * self._step].reshape(2, count, self._step)
        self._levels.append(np.square(steps).mean(axis=2, dtype=np.float32).T)

    def levels(self) -> Floats:
        """Decibels of each channel under full scale, shape (steps, 2)."""
        powers = np.concatenate([np.zeros((0, 2), np.float32), *self._levels])
        return _decibels(powers)

    def are_apart(self) -> bool:
        """Whether each channel is heard alone for a good part of the time, and the two hardly ever together."""
        powers = np.concatenate([np.zeros((0, 2), np.float32), *self._levels])
        count = len(powers) // _BLOCK
        if count < _LEAST_BLOCKS or self._likeness() > _ALIKE:
            return False
        blocks = _decibels(powers[: count * _BLOCK].reshape(count, _BLOCK, 2).mean(axis=1))
        noise, loud = np.percentile(blocks, 10, axis=0), np.percentile(blocks, 98, axis=0)
        under = blocks - loud
        active = (blocks > noise + _OVER_NOISE) & (under > -_UNDER_LOUD) & (under > under[:, ::-1] - _UNDER_OTHER)
        heard = int(active.any(axis=1).sum())
        alone = active & ~active[:, ::-1]
        each = alone.sum(axis=0)
        return bool(heard and each.sum() >= _ALONE * heard and each.min() >= max(_BLOCK, _EACH * heard))

    def _likeness(self) -> float:
        both, left, right = self._powers
        return float(abs(both) / np.sqrt(left * right)) if left * right > 0 else 1.0


def _decibels(powers: Floats) -> Floats:
    decibels: Floats = 10 * np.log10(np.maximum(powers, np.float32(_FAINTEST)))
    return decibels
