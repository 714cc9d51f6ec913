"""How near are prints of one voice, and of different ones? The cut-off of the voice printer stands on this.

    python -m benchmarks.voices man=DIRECTORY woman=DIRECTORY ...

Each directory holds sound files of one voice: they are strung together to recordings of half a minute. The recordings
of one voice are other words, and so are the two halves of the sample. `woman/Spanish` is the voice `woman` again. Each
voice's first recording is also heard over a telephone, a poor codec, with noise and in a room (made here), and compared
with its others. Writes results/voices.json.
"""

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import decode_audio

from benchmarks.measure import machine, write
from tests.builders_media import encoded
from tests.builders_speech import sample_sound, sample_truth
from tests.sound_arrays import WaveSound
from voxpersona.adapters.diarizer.printer import CamPlusPrinter
from voxpersona.adapters.diarizer.speech import stretches
from voxpersona.model import Turn
from voxpersona.ports import RATE, Floats

_SECONDS = 30
_RECORDINGS = 3
_SHORTEST = 1.5
"""Seconds of a file that is taken: prompts of one word are no talk."""


def main() -> None:
    machine_before = machine()
    printer = CamPlusPrinter()
    sounds = {**dict(_sample()), **{name: list(_strung(Path(path))) for name, path in _told()}}
    prints = {name: [_print(printer, sound) for sound in recordings] for name, recordings in sounds.items()}
    same = {name: _cosines(combinations(found, 2)) for name, found in prints.items()}
    pairs = {(one, other): _between(prints[one], prints[other]) for one, other in combinations(sorted(prints), 2)}
    same.update({f"{one} and {other}": told for (one, other), told in pairs.items() if _are_one(one, other)})
    others = {f"{one} and {other}": told for (one, other), told in pairs.items() if not _are_one(one, other)}
    changed: dict[str, Any] = {}
    for change, make in _CHANGES.items():
        heard = {name: _print(printer, make(recordings[0])) for name, recordings in sounds.items()}
        own = [float(heard[name] @ each) for name, found in prints.items() for each in found[1:]]
        strange = [
            float(heard[name] @ each)
            for name in prints
            for other in prints
            if not _are_one(name, other)
            for each in prints[other]
        ]
        changed[change] = {
            "one_voice_lowest": round(min(own), 3),
            "one_voice_found": f"{sum(each >= printer.alike for each in own)} of {len(own)}",
            "other_voices_highest": round(max(strange), 3),
        }
    write(
        "voices",
        {
            "what": "cosines of voice prints",
            "machine": machine_before,
            "printer": printer.name,
            "alike": printer.alike,
            "seconds": _SECONDS,
            "one_voice": same,
            "other_voices": dict(sorted(others.items(), key=lambda one: -one[1]["highest"])),
            "changed": changed,
        },
    )


def _are_one(name: str, other: str) -> bool:
    return name.partition("/")[0] == other.partition("/")[0]


def _between(ones: Sequence[Floats], others: Sequence[Floats]) -> dict[str, float]:
    return _cosines((one, other) for one in ones for other in others)


def _told() -> Iterator[tuple[str, str]]:
    for argument in sys.argv[1:]:
        name, _, path = argument.partition("=")
        yield name, path


def _strung(directory: Path) -> Iterator[Floats]:
    """The files of a directory, strung together, as recordings of half a minute."""
    waiting: list[Floats] = []
    made = 0
    for path in sorted(directory.glob("*.wav")):
        sound = np.asarray(decode_audio(str(path), sampling_rate=RATE), np.float32)
        if len(sound) >= _SHORTEST * RATE:
            waiting.append(sound)
        if sum(map(len, waiting)) >= _SECONDS * RATE:
            yield np.concatenate(waiting)[: _SECONDS * RATE]
            waiting, made = [], made + 1
        if made == _RECORDINGS:
            return


def _sample() -> Iterator[tuple[str, list[Floats]]]:
    """Each of its two voices as two recordings of about a quarter of a minute."""
    for name in ("af_heart", "am_michael"):
        turns = [turn for turn in sample_truth()["turns"] if turn["speaker"] == name]
        own = [sample_sound()[round(turn["start"] * RATE) : round(turn["end"] * RATE)] for turn in turns]
        yield f"sample {name}", [np.concatenate(own[:2]), np.concatenate(own[2:])]


def _print(printer: CamPlusPrinter, samples: Floats) -> Floats:
    sound = WaveSound(samples)
    turns = [
        Turn(start=found.start, end=found.start + len(found.samples) / RATE, speaker="A")
        for found in stretches(sound, block=120.0)
    ]
    return printer.prints(sound, turns, on_progress=lambda _: None)["A"]


def _cosines(pairs: Iterable[tuple[Floats, Floats]]) -> dict[str, float]:
    found = [float(one @ other) for one, other in pairs]
    return {"lowest": round(min(found), 3), "mean": round(sum(found) / len(found), 3), "highest": round(max(found), 3)}


def _over(container: str, codec: str, rate: int, bit_rate: int | None) -> Callable[[Floats], Floats]:
    def make(sound: Floats) -> Floats:
        near = sound if rate > RATE else np.convolve(sound, np.full(RATE // rate, rate / RATE), "same")
        places = np.arange(round(len(sound) * rate / RATE)) * (RATE / rate)
        wide = np.interp(places, np.arange(len(sound)), near).astype(np.float32)
        content = encoded(container, codec, wide, rate=rate, bit_rate=bit_rate)
        return np.asarray(decode_audio(io.BytesIO(content), sampling_rate=RATE), np.float32)

    return make


def _noisy(sound: Floats) -> Floats:
    """Noise of a fan, 10 dB below the speech."""
    noise = np.cumsum(np.random.default_rng(1).normal(size=len(sound)))
    noise -= np.convolve(noise, np.ones(400) / 400, "same")
    made: Floats = (sound + noise * np.sqrt(np.mean(sound**2) / np.mean(noise**2) / 10)).astype(np.float32)
    return made


def _roomy(sound: Floats) -> Floats:
    """A room that echoes for half a second, heard from near."""
    count = RATE // 2
    echo = np.random.default_rng(2).normal(size=count) * np.exp(-6.9 * np.arange(count) / count)
    echo[0] = 6.0
    size = 1 << (len(sound) + count).bit_length()
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo / np.linalg.norm(echo), size), size)
    made: Floats = heard[: len(sound)].astype(np.float32)
    return made


_CHANGES: Mapping[str, Callable[[Floats], Floats]] = {
    "telephone, 8 kHz mu-law": _over("wav", "pcm_mulaw", 8_000, None),
    "Opus at 12 kbit/s": _over("ogg", "libopus", 48_000, 12_000),
    "noise 10 dB below": _noisy,
    "a room of half a second": _roomy,
}


if __name__ == "__main__":
    main()
