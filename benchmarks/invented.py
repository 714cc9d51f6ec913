"""Ten minutes each of sounds in which nobody speaks: what does the built-in engine write?

    python -m benchmarks.invented

The sounds are made here (tests/noises.py) and taken through the pipeline's own cutting, hearing and joining, once with
the language to be found out and once told that it is Russian, which makes Whisper base invent more. A crowd made of the
sample, in which the voice activity model does hear voices, stands beside them. Writes results/invented.json.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import machine, write
from tests.builders_speech import sample_sound
from tests.noises import KINDS
from tests.sound_arrays import WaveSound
from voxpersona.adapters.transcriber.faster_whisper import FasterWhisperTranscriber
from voxpersona.adapters.weights import Hints, find_whisper
from voxpersona.pipeline.pieces import join, plan
from voxpersona.ports import RATE, Floats
from voxpersona.settings import Settings

_SECONDS = 600.0
_CROWD_SECONDS = 20


def main() -> None:
    machine_before = machine()
    hints = Hints(path_setting="VOXPERSONA_WHISPER_PATH", download_setting="VOXPERSONA_MODEL_DOWNLOAD")
    path = find_whisper(path=None, cache=Settings().models, model="base", allow_download=False, hints=hints)
    transcriber = FasterWhisperTranscriber(Path(path), model_name="base")
    found: dict[str, list[dict[str, Any]]] = {}
    for kind, make in KINDS.items():
        sound = make(_SECONDS, 1)
        found[kind] = [_heard(transcriber, sound, language) for language in (None, "ru")]
    found["crowd"] = [_heard(transcriber, _crowd(), "ru")]
    sentences = sum(len(each["sentences"]) for runs in found.values() for each in runs)
    write(
        "invented",
        {
            "what": "sentences written for sounds in which nobody speaks",
            "machine": machine_before,
            "engine": transcriber.name,
            "sentences": sentences,
            "sounds": found,
        },
    )
    sys.exit(sentences > 0)


def _heard(transcriber: FasterWhisperTranscriber, sound: Floats, language: str | None) -> dict[str, Any]:
    wave = WaveSound(sound)
    begun = time.perf_counter()
    pieces = plan(wave)
    texts = [
        transcriber.transcribe(wave.read(*piece.heard), language=language, on_progress=lambda _: None)
        for piece in pieces
    ]
    joined = join(pieces, texts)
    return {
        "language": language or "to be found out",
        "seconds_of_sound": wave.seconds,
        "wall_seconds": round(time.perf_counter() - begun, 1),
        "pieces": len(pieces),
        "sentences": [segment.text for segment in joined.segments],
        "dropped": [each.model_dump(mode="json") for each in joined.dropped],
    }


def _crowd() -> Floats:
    voices = [np.roll(sample_sound(), 219_359 * place)[: _CROWD_SECONDS * RATE] for place in range(12)]
    return np.asarray(np.sum(voices, axis=0) / 6, dtype=np.float32)


if __name__ == "__main__":
    main()
