"""Sounds that are plain arrays, and a few ways to make them."""

from pathlib import Path

import numpy as np

import voxpersona.samples
from voxpersona.ports import RATE, Floats

SAMPLES = Path(voxpersona.samples.__file__).parent


class WaveSound:
    """A Sound over samples held in memory."""

    def __init__(self, samples: Floats, sides: "Floats | None" = None) -> None:
        self._samples = samples
        self.sides = sides

    @property
    def seconds(self) -> float:
        return len(self._samples) / RATE

    def read(self, start: float, end: float) -> Floats:
        return self._samples[max(0, round(start * RATE)) : max(0, round(end * RATE))]


def silence(seconds: float) -> Floats:
    """Near silence: the hiss of a quiet room, always the same."""
    noise = np.random.default_rng(7).standard_normal(round(seconds * RATE)) * 1e-4
    return noise.astype(np.float32)
