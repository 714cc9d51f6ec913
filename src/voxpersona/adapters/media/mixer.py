"""Frames of any rate, format and number of channels become mono float32 at RATE."""

from typing import Any, cast

import numpy as np
from av import AudioFrame, AudioResampler

from voxpersona.ports import RATE, Floats

_MOST_CHANNELS = 24
"""The library mixes no more."""


class Mixer:
    """Resamples and mixes down; the form of the frames may change from one to the next.

    `first_channel` takes the first channel instead of mixing all.
    """

    def __init__(self, *, first_channel: bool) -> None:
        self._first_channel = first_channel
        self._form: tuple[str, str, int] | None = None
        self._resampler = AudioResampler(format="flt", layout="mono", rate=RATE)

    def mix(self, frame: AudioFrame) -> list[Floats]:
        """Samples that are ready, each array of shape (n,). av.error.FFmpegError for a form that cannot be mixed."""
        ready: list[Floats] = []
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            ready = self.rest()
            self._form = form
            self._resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
        if self._first_channel or len(frame.layout.channels) > _MOST_CHANNELS:
            frame = _first_channel(frame)
        return ready + [_samples(part) for part in self._resampler.resample(frame)]

    def rest(self) -> list[Floats]:
        """What the resampler still holds."""
        if self._form is None:
            return []
        self._form = None
        return [_samples(part) for part in self._resampler.resample(None)]


def _samples(frame: AudioFrame) -> Floats:
    return cast(Floats, frame.to_ndarray()[0])


def _first_channel(frame: AudioFrame) -> AudioFrame:
    found = cast(Any, frame.to_ndarray())
    one = found[:1] if frame.format.is_planar else found[:, :: len(frame.layout.channels)]
    mono = AudioFrame.from_ndarray(np.ascontiguousarray(one), format=frame.format.packed.name, layout="mono")
    mono.sample_rate = frame.sample_rate
    return mono
