"""Sound files for tests, cut from the sample and joined to any length."""

import io

import av
import numpy as np

from tests.program import SAMPLE

_RATE = 48_000


def sample_of(start: float, end: float) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """Part of the sample as 16-bit mono at 48 kHz."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
    with av.open(str(SAMPLE)) as container:
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts)[int(start * _RATE) : int(end * _RATE)]


def flac_of(*, start: float, end: float, times: int = 1) -> bytes:
    """Part of the sample, repeated, as FLAC."""
    return encoded(np.tile(sample_of(start, end), times), "flac", "flac")


def encoded(samples: "np.ndarray[tuple[int], np.dtype[np.int16]]", container: str, codec: str) -> bytes:
    """Mono 48 kHz samples in any container and codec that PyAV can write."""
    written = io.BytesIO()
    with av.open(written, "w", format=container) as output:
        stream = output.add_stream(codec, rate=_RATE, layout="mono")
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=_RATE, frame_size=stream.frame_size or 0
        )
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = _RATE
        frame.pts = 0
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            for packet in stream.encode(part):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return written.getvalue()
