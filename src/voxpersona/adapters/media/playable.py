"""A recording as a browser plays it: AAC in MP4, its index in front, as loud as others, one channel or two.

The source is decoded twice: once to learn how loud it is and whether its channels carry different voices, once to be
encoded. Nothing of it is held but a few bytes for every hundredth of a second.
"""

import contextlib
import errno
import math
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import av.error
import av.filter
import numpy as np
from av.audio.frame import AudioFrame

from voxpersona.adapters.media.loudness import RATE, SILENCE, Loudness
from voxpersona.adapters.media.mixer import mono
from voxpersona.adapters.media.pcm import write_error
from voxpersona.adapters.media.sides import Sides
from voxpersona.model import Peaks
from voxpersona.ports import Floats

NAME = "aac-48k-18lufs-1"
"""Raise its last number whenever the same recording would sound or look otherwise."""

TARGET = -18.0
"""LUFS."""
_MOST_GAIN, _LEAST_GAIN = 40.0, -20.0
"""Decibels. What is quieter yet is mostly noise."""
_CEILING = 0.84  # -1.5 dBFS: encoding lifts peaks a little
_BIT_RATES = {1: 64_000, 2: 112_000}
_MOST_PEAKS = 8_192
_LEAST_STRETCH = RATE // 100


class Measured:
    """What the first pass learns."""

    def __init__(self) -> None:
        self._loudness = Loudness()
        self._sides = Sides(RATE)
        self.samples = 0

    def add(self, sound: Floats) -> None:
        """More of the sound at RATE, shape (1 or 2, n)."""
        self._loudness.add(sound)
        self._sides.add(sound)
        self.samples += sound.shape[1]

    def gains(self) -> Floats:
        """Factors, one for each channel that is kept: two where they carry different voices."""
        heard = self._loudness.of_channels() if self._sides.are_apart() else (self._loudness.of_mix(),)
        wanted = [0.0 if one <= SILENCE else min(_MOST_GAIN, max(_LEAST_GAIN, TARGET - one)) for one in heard]
        factors: Floats = np.array([10 ** (gain / 20) for gain in wanted], np.float32)
        return factors


class Writer:
    """Encodes the second pass; nothing stands at `target` before `commit`, nor ever without it.

    One writer per target at a time; what a killed one left is written over. No room: Unavailable NO_SPACE; a place that
    cannot be written to: Configuration DATA_DIRECTORY. `samples`: how many will come.
    """

    def __init__(self, target: Path, gains: Floats, samples: int) -> None:
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        self._gains = gains
        self._layout = "mono" if len(gains) == 1 else "stereo"
        self._limiter = _limiter(self._layout)
        self._outline = _Outline(len(gains), samples)
        self.samples = 0
        with self._translated():
            # The index is moved to the front when all is written, so that a player can jump before it has everything.
            self._file = av.open(str(self._part), "w", format="ipod", options={"movflags": "faststart"})
            self._stream = self._file.add_stream("aac", rate=RATE, layout=self._layout)
            self._stream.bit_rate = _BIT_RATES[len(gains)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(av.error.FFmpegError, OSError):  # of what is thrown away, or was closed before
            self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, sound: Floats) -> None:
        """More of the sound at RATE, shape (1 or 2, n)."""
        if len(self._gains) == 1:
            sound = mono(sound)[None]
        elif len(sound) == 1:
            sound = np.repeat(sound, 2, axis=0)
        louder = np.ascontiguousarray(sound * self._gains[:, None], np.float32)
        frame = AudioFrame.from_ndarray(louder, format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.samples, Fraction(1, RATE)
        self.samples += sound.shape[1]
        with self._translated():
            self._limiter.push(frame)
            self._encode()

    def commit(self) -> Peaks:
        """Make it durable, then visible."""
        with self._translated():
            self._limiter.push(None)
            self._encode()
            self._file.mux(self._stream.encode(None))
            self._file.close()
            self._check()
            with self._part.open("rb") as written:
                os.fsync(written.fileno())
            self._part.replace(self._target)
        return self._outline.peaks()

    def _encode(self) -> None:
        while True:
            try:
                frame = cast(AudioFrame, self._limiter.pull())
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            self._outline.add(cast(Floats, frame.to_ndarray()))
            self._file.mux(self._stream.encode(frame))

    def _check(self) -> None:
        """The library does not tell of every write that failed: go through what stands there."""
        with av.open(str(self._part), format="mov") as written:
            seconds = sum(float((packet.duration or 0) * (packet.time_base or 0)) for packet in written.demux(audio=0))
        if seconds < self.samples / RATE:
            raise OSError(errno.ENOSPC, "not all of it was written")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of the library become ours here: outside, those of the decoder are expected."""
        try:
            yield
        except (av.error.FFmpegError, OSError) as error:
            raise write_error(OSError(error.errno, error.strerror), self._target) from error


def _limiter(layout: str) -> av.filter.Graph:
    """Holds what would go over the ceiling under it; `level` off, or it would make everything louder."""
    graph = av.filter.Graph()
    chain = [
        graph.add_abuffer(format="fltp", sample_rate=RATE, layout=layout, time_base=Fraction(1, RATE)),
        graph.add("alimiter", f"limit={_CEILING}:attack=5:release=80:level=0:latency=1"),
        graph.add("aformat", f"sample_fmts=fltp:sample_rates={RATE}:channel_layouts={layout}"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*chain)
    graph.configure()
    return graph


class _Outline:
    """The lowest and highest sample of each stretch, as many stretches as can be drawn at most."""

    def __init__(self, channels: int, samples: int) -> None:
        self._channels = channels
        self._stretch = max(_LEAST_STRETCH, math.ceil(samples / _MOST_PEAKS))
        self._rest: Floats = np.zeros((channels, 0), np.float32)
        self._found: list[Floats] = []

    def add(self, sound: Floats) -> None:
        joined = np.concatenate([self._rest, sound], axis=1)
        whole = joined.shape[1] // self._stretch * self._stretch
        self._rest = joined[:, whole:]
        if whole:
            self._take(joined[:, :whole].reshape(self._channels, -1, self._stretch))

    def peaks(self) -> Peaks:
        if self._rest.shape[1]:
            self._take(self._rest[:, None, :])
        found = np.concatenate([np.zeros((0, self._channels, 2)), *self._found])
        return Peaks(
            channels=self._channels,
            sample_rate=RATE,
            samples_per_pixel=self._stretch,
            length=len(found),
            data=tuple(np.clip(np.rint(found * 127), -128, 127).astype(int).ravel().tolist()),
        )

    def _take(self, stretches: Floats) -> None:
        """Shape (channels, stretches, samples)."""
        self._found.append(np.stack([stretches.min(axis=2), stretches.max(axis=2)], axis=2).transpose(1, 0, 2))
