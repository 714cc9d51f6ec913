"""The speech engine alone on a whole file, as its makers call it: what our pieces are measured against.

    python -m benchmarks.bare_speech FILE WHISPER_DIRECTORY TARGET.json whole|batched

`whole` is one call with our settings; `batched` is faster-whisper's own batched pipeline, eight stretches at a time.
"""

import json
import sys
import time
from pathlib import Path

from faster_whisper import BatchedInferencePipeline, WhisperModel, decode_audio

from voxpersona.ports import RATE

_SETTINGS = {"beam_size": 5, "vad_filter": True, "word_timestamps": True, "condition_on_previous_text": False}


def main(path: str, whisper: str, target: str, way: str) -> None:
    """Hear the file and keep text and seconds; the process's own peak is for its parent to see."""
    begun = time.perf_counter()
    samples = decode_audio(path, sampling_rate=RATE)
    model = WhisperModel(whisper, device="cpu", compute_type="int8", cpu_threads=2)
    if way == "batched":
        segments, facts = BatchedInferencePipeline(model).transcribe(samples, batch_size=8, **_SETTINGS)
    else:
        segments, facts = model.transcribe(samples, **_SETTINGS)
    text = " ".join(segment.text.strip() for segment in segments)
    heard = {"text": text, "language": facts.language, "seconds": time.perf_counter() - begun}
    Path(target).write_text(json.dumps(heard, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:5])
