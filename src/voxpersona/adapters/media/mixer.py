"""Frames of any rate, format and number of channels become float32 at one rate, two channels or one."""

from typing import Any, cast

import numpy as np
from av import AudioFrame, AudioResampler

from voxpersona.ports import RATE, Floats

_MOST_CHANNELS = 24
"""The library mixes no more."""


class Mixer:
    """Resamples; two channels stay two, more are mixed down to one; the form of the frames may change from one to the
    next.

    `first_channel` takes the first channel instead.
    """

    def __init__(self, *, first_channel: bool, rate: int = RATE) -> None:
        self._first_channel = first_channel
        self._rate = rate
        self._form: tuple[str, str, int] | None = None
        self._resampler = self._new("mono")

    def mix(self, frame: AudioFrame) -> list[Floats]:
        """Samples that are ready, each array of shape (1 or 2, n). av.error.FFmpegError for a form that cannot be
        mixed."""
        ready: list[Floats] = []
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            ready = self.rest()
            self._form = form
            is_pair = len(frame.layout.channels) == 2 and not self._first_channel
            self._resampler = self._new("stereo" if is_pair else "mono")
        if self._first_channel or len(frame.layout.channels) > _MOST_CHANNELS:
            frame = _first_channel(frame)
        return ready + [_samples(part) for part in self._resampler.resample(frame)]

    def rest(self) -> list[Floats]:
        """What the resampler still holds."""
        if self._form is None:
            return []
        self._form = None
        return [_samples(part) for part in self._resampler.resample(None)]

    def _new(self, layout: str) -> AudioResampler:
        return AudioResampler(format="fltp", layout=layout, rate=self._rate)


def mono(sound: Floats) -> Floats:
    """Both channels as one, shape (n,). The library's own mix is 3 dB louder and would cut the tops of loud sound."""
    return sound[0] if len(sound) == 1 else cast(Floats, (sound[0] + sound[1]) * np.float32(0.5))


def _samples(frame: AudioFrame) -> Floats:
    return cast(Floats, frame.to_ndarray())


def _first_channel(frame: AudioFrame) -> AudioFrame:
    found = cast(Any, frame.to_ndarray())
    one = found[:1] if frame.format.is_planar else found[:, :: len(frame.layout.channels)]
    alone = AudioFrame.from_ndarray(np.ascontiguousarray(one), format=frame.format.packed.name, layout="mono")
    alone.sample_rate = frame.sample_rate
    return alone
