"""Word errors of the whole way against the same engine given the whole file (`make bench-speech`).

Each set of sentences with known text is strung together to one recording. It is then heard three ways, each in a
process of its own: by `receive --wait` as a user types it, by faster-whisper in one call with the same settings, and by
faster-whisper's batched pipeline. SETS (names, with commas) and MINUTES (of each set at most) may be given in the
environment; sets that are not named keep what was measured of them before.

Texts are compared in lower case, without punctuation, ё as е; digits for a number that is written out count as errors,
alike for all.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jiwer

from benchmarks import corpora
from benchmarks.measure import RESULTS, Cost, machine, run, write

_PAUSE = 0.4
"""Seconds of quiet between two sentences: less than a reader takes."""
_SETTLED = str.maketrans({"ё": "е", "'": "", "’": ""})

SETS: Mapping[str, tuple[str, Callable[[], Sequence[corpora.Spoken]]]] = {
    "ru-read": ("ru", corpora.festvox_ru),
    "ru-prompts": ("ru", corpora.asterisk_ru),
    "en-prompts": ("en", corpora.asterisk_en),
    "en-novel": ("en", corpora.novel_en),
}
WAYS = ("voxpersona", "whole", "batched")


@dataclass(frozen=True)
class Errors:
    """Of one way on one recording; rates in percent of the words and letters that were said."""

    wer: float
    cer: float
    words: int
    substituted: int
    deleted: int
    inserted: int
    language: str
    cost: Cost
    real_time_factor: float


def main() -> None:
    """Measure, print a table, keep the result."""
    chosen = [name for name in os.environ.get("SETS", "").split(",") if name] or list(SETS)
    most = float(os.environ.get("MINUTES", "1000")) * 60
    noted = machine()
    measured: dict[str, Any] = _before()
    with tempfile.TemporaryDirectory() as directory:
        scene = _Scene(Path(directory))
        for name in chosen:
            language, speak = SETS[name]
            talk = _strung(name, speak(), most)
            text, seconds = " ".join(line.text for line in talk.lines), talk.lines[-1].end
            print(f"{name}: {seconds / 60:.1f} min", flush=True)
            ways: dict[str, Errors] = {}
            for way in WAYS:
                heard, cost = scene.hear(talk.sound, way)
                ways[way] = _errors(text, heard, cost, seconds)
                print(f"  {way:<10} {asdict(ways[way])}", flush=True)
            measured[name] = {
                "language": language,
                "seconds": round(seconds, 1),
                "machine": noted,
                "engine": scene.engine,
                "ways": {way: asdict(errors) for way, errors in ways.items()},
            }
            result = {
                "what": "whole way, the same engine on the whole file, and its batched pipeline, on known speech",
                "sets": {each: measured[each] for each in SETS if each in measured},
                "by_language": _by_language(measured),
            }
            path = write("speech", result)
            print(json.dumps(result["by_language"], indent=1), f"-> {path.name}", flush=True)


def _before() -> dict[str, Any]:
    path = RESULTS / "speech.json"
    return json.loads(path.read_text(encoding="utf-8"))["sets"] if path.exists() else {}


class _Scene:
    """A data directory and models, and how a file is heard each way."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._environment = {
            **os.environ,
            "VOXPERSONA_DATA": str(directory / "data"),
            "VOXPERSONA_THREADS": "2",
            "HF_HUB_OFFLINE": "1",
        }
        self._program = str(Path(sys.executable).parent / "voxpersona")
        # Assembles the models, so that no way pays for it.
        subprocess.run([self._program, "doctor"], env=self._environment, check=True, stdout=subprocess.DEVNULL)
        self._whisper = Path(self._environment["VOXPERSONA_MODELS"]) / "whisper-base"
        self.engine = ""

    def hear(self, sound: Path, way: str) -> tuple[dict[str, str], Cost]:
        """Text and language, and what it took."""
        if way != "voxpersona":
            target = self._directory / "heard.json"
            command = [sys.executable, "-m", "benchmarks.bare_speech", str(sound), str(self._whisper), str(target), way]
            cost = run(command, self._environment)
            return json.loads(target.read_text()), cost
        cost = run([self._program, "receive", str(sound), "--wait", "--json"], self._environment)
        newest = self._told("list")["recordings"][0]["id"]
        transcript = self._told("show", newest)["transcript"]
        self.engine = transcript["engine"]
        text = " ".join(segment["text"] for segment in transcript["segments"])
        return {"text": text, "language": transcript["language"]}, cost

    def _told(self, *arguments: str) -> Any:
        command = [self._program, *arguments, "--json"]
        return json.loads(subprocess.run(command, env=self._environment, capture_output=True, check=True).stdout)


def _strung(name: str, spoken: Sequence[corpora.Spoken], most: float) -> corpora.Talk:
    """One recording of sentences with short pauses, of so many seconds at most."""
    talk = corpora.strung(f"speech-{name}", spoken, (_PAUSE,))
    if talk.lines[-1].end <= most:
        return talk
    fitting = sum(1 for line in talk.lines if line.end <= most)
    return corpora.strung(f"speech-{name}", spoken[:fitting], (_PAUSE,))


def _plain(text: str) -> str:
    letters = text.lower().translate(_SETTLED)
    return " ".join("".join(letter if letter.isalnum() else " " for letter in letters).split())


def _errors(said: str, heard: Mapping[str, str], cost: Cost, seconds: float) -> Errors:
    reference, hypothesis = _plain(said), _plain(heard["text"])
    words = jiwer.process_words(reference, hypothesis)
    return Errors(
        wer=round(100 * words.wer, 2),
        cer=round(100 * jiwer.cer(reference, hypothesis), 2),
        words=len(reference.split()),
        substituted=words.substitutions,
        deleted=words.deletions,
        inserted=words.insertions,
        language=heard["language"],
        cost=cost,
        real_time_factor=round(cost.wall / seconds, 4),
    )


def _by_language(measured: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """All sets of a language together: minutes, and the word error rate of each way in percent."""
    told: dict[str, dict[str, float]] = {}
    for language in sorted({each["language"] for each in measured.values()}):
        sets = [each for each in measured.values() if each["language"] == language]
        told[language] = {"minutes": round(sum(each["seconds"] for each in sets) / 60, 1)}
        for way in WAYS:
            ways = [each["ways"][way] for each in sets]
            wrong = sum(one[kind] for one in ways for kind in ("substituted", "deleted", "inserted"))
            told[language][f"wer {way}"] = round(100 * wrong / sum(one["words"] for one in ways), 2)
    return told


if __name__ == "__main__":
    main()
