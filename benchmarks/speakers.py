"""Who spoke when and who said which word: the built-in recipe on speech of which it is known (`make bench-speakers`).

    talk -> decoder -> diarizer -> turns                      diarization error, number of speakers
         -> Whisper base in pieces -> attribute -> words      share of the words that are given to who said them

Speech is fetched and strung together by benchmarks/corpora.py. The error is pyannote.metrics', overlapped speech
counted, and stands there twice: `error` with what that library calls a collar of 0.25 s, an eighth of a second on each
side of a border, and `error_wide_collar` with the quarter on either side that NIST's programs mean by it. The latter is
what the aim is for, as published figures are. A word counts where the engine heard it: texts are aligned, and whoever
says the word of the script has to be whom it was given to. HOURS=2 in the environment adds a long recording, diarized
by a process of its own, whose peak memory is taken. Writes results/speakers.json.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, pairwise
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import jiwer
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from benchmarks import corpora
from benchmarks.corpora import Line, Spoken, Talk
from benchmarks.measure import machine, write
from voxpersona.adapters.diarizer.campplus import CamPlusDiarizer
from voxpersona.adapters.diarizer.channels import ChannelDiarizer
from voxpersona.adapters.media import PyAVMedia
from voxpersona.adapters.transcriber.faster_whisper import FasterWhisperTranscriber
from voxpersona.adapters.weights import Hints, find_whisper
from voxpersona.model import Attribution, Details, Transcript, Turn
from voxpersona.pipeline.attribute import attribute
from voxpersona.pipeline.pieces import join, plan
from voxpersona.ports import RATE, Diarizer, Sound
from voxpersona.settings import Settings

MOST_ERROR = 0.06
LEAST_RIGHT = 0.98

_INTERVIEW = (
    "Good morning, and thank you for talking to us. How long did you stay with us?",
    "We stayed for four nights, from Monday to Friday. It was our second visit.",
    "And how did you like the room?",
    "The room itself was lovely. It was quiet, the bed was comfortable, and the view over the harbour was wonderful.",
    "Was there anything that you did not like?",
    "Well, the shower was cold on the first evening. I told the reception, and somebody repaired it within an hour.",
    "I am glad to hear that. What about breakfast?",
    "Breakfast was rather crowded. We waited ten minutes for a table, and the coffee was not very hot.",
    "Thank you. Would you come again?",
    "Yes, certainly. But next time we would like a room on a higher floor.",
)


class Case(NamedTuple):
    """One talk, how many speak in it, and the language it is all in, which a mixed one has not. `said` where the lines
    of the talk have no text."""

    talk: Talk
    speakers: int
    language: str | None = None
    said: tuple[Line, ...] = ()


def cases() -> Iterator[Case]:
    """The sets of two and three speakers, then those of one."""
    man, woman, english = corpora.festvox_ru(), corpora.asterisk_ru(), corpora.asterisk_en()
    yield Case(corpora.pyannote_sample(), 2, "en", corpora.pyannote_sample_said())
    yield Case(corpora.strung("ru-man-woman", _dialogue([man, woman], 212)), 2, "ru")
    yield Case(corpora.strung("ru-en-three", _dialogue([man, woman, english], 280)), 3)
    for first, second in (("af_heart", "am_michael"), ("af_bella", "bf_emma"), ("am_fenrir", "bm_george")):
        script = list(zip(cycle([first, second]), _INTERVIEW, strict=False))
        yield Case(corpora.strung(f"en-{first}-{second}", corpora.kokoro(script)), 2, "en")
    for clips, seconds in ((man[100:], 134.0), (woman[100:], 54.0), (english[100:], 83.0), (corpora.librivox(), 26.0)):
        yield Case(corpora.strung(f"one-{clips[0].speaker}", _lasting(clips, seconds)), 1)


def _dialogue(speakers: Sequence[Sequence[Spoken]], seconds: float, least: float = 1.5) -> list[Spoken]:
    """Clips of at least so many seconds in turns of one to three, each speaker's in order, again from the start where
    they run out."""
    sources = [cycle([clip for clip in clips if _seconds(clip) >= least]) for clips in speakers]
    talk: list[Spoken] = []
    lasted, turn = 0.0, 0
    while lasted < seconds:
        for _ in range(1 + turn * 7 % 3):
            talk.append(next(sources[turn % len(sources)]))
            lasted += _seconds(talk[-1])
        turn += 1
    return talk


def _lasting(clips: Sequence[Spoken], seconds: float) -> list[Spoken]:
    """As many of the clips, from the first on, as last so long."""
    taken, lasted = [], 0.0
    for clip in clips:
        if lasted < seconds:
            taken.append(clip)
            lasted += _seconds(clip)
    return taken


def _seconds(clip: Spoken) -> float:
    return len(corpora.samples(clip.sound)) / RATE


def main() -> None:
    """Measure, print, keep; the exit code tells whether the aim was met."""
    machine_before = machine()
    diarizer = ChannelDiarizer(CamPlusDiarizer())
    hints = Hints(path_setting="VOXPERSONA_WHISPER_PATH", download_setting="VOXPERSONA_MODEL_DOWNLOAD")
    path = find_whisper(path=None, cache=Settings().models, model="base", allow_download=False, hints=hints)
    transcriber = FasterWhisperTranscriber(Path(path), model_name="base")
    found = []
    for case in cases():
        found.append(measured(case, diarizer, transcriber))
        print(json.dumps(found[-1]), flush=True)
    result: dict[str, Any] = {
        "what": "who spoke when, and who said which word, on speech of which that is known",
        "machine": machine_before,
        "diarizer": diarizer.name,
        "transcriber": transcriber.name,
        "aim": {"error_wide_collar": MOST_ERROR, "words_right_where_nothing_overlaps": LEAST_RIGHT},
        "met": all(_meets(each) for each in found),
        "mean_error": round(mean(each["error"] for each in found if each["speakers"] > 1), 3),
        "mean_error_wide_collar": round(mean(each["error_wide_collar"] for each in found if each["speakers"] > 1), 3),
        "talks": found,
    }
    hours = float(os.environ.get("HOURS", "0"))
    if hours:
        result["long"] = long(hours)
        print(json.dumps(result["long"]))
    print(write("speakers", result).name)
    sys.exit(not result["met"])


def measured(case: Case, diarizer: Diarizer, transcriber: FasterWhisperTranscriber) -> dict[str, Any]:
    """All figures of one talk."""
    with _decoded(case.talk.sound) as sound:
        begun = time.perf_counter()
        turns = diarizer.diarize(sound, speakers=None, on_progress=lambda _: None)
        wall = time.perf_counter() - begun
        figures: dict[str, Any] = {
            "talk": case.talk.name,
            "seconds": round(sound.seconds, 1),
            "speakers": case.speakers,
            "speakers_found": len({turn.speaker for turn in turns}),
            "overlap": any(later.start < sooner.end for sooner, later in pairwise(case.talk.lines)),
            **errors(case.talk.lines, turns, sound.seconds),
            "real_time_factor": round(wall / sound.seconds, 3),
        }
        if case.language is not None:
            attribution = _attributed(sound, case.language, turns, diarizer, transcriber)
            figures |= words_given(case.said or case.talk.lines, attribution)
    return figures


def _meets(figures: dict[str, Any]) -> bool:
    is_right = bool(figures["speakers_found"] == figures["speakers"])
    if figures["speakers"] > 1:
        is_right = is_right and figures["error_wide_collar"] <= MOST_ERROR
    return is_right and (figures["overlap"] or figures.get("words_right", 1.0) >= LEAST_RIGHT)


def errors(lines: Sequence[Line], turns: Sequence[Turn], seconds: float) -> dict[str, float]:
    """Shares of the time somebody speaks: all error and its three parts, and the error with the wider collar."""
    reference, heard = Annotation(), Annotation()
    for number, line in enumerate(lines):
        reference[Segment(line.start, line.end), number] = line.speaker
    for number, turn in enumerate(turns):
        heard[Segment(turn.start, turn.end), number] = turn.speaker
    everything = Timeline([Segment(0, seconds)])
    parts = DiarizationErrorRate(collar=0.25)(reference, heard, uem=everything, detailed=True)
    wider = DiarizationErrorRate(collar=0.5)(reference, heard, uem=everything)
    total = parts["total"]
    return {
        "error": round(parts["diarization error rate"], 4),
        "missed": round(parts["missed detection"] / total, 4),
        "false_alarm": round(parts["false alarm"] / total, 4),
        "confusion": round(parts["confusion"] / total, 4),
        "error_wide_collar": round(wider, 4),
    }


def words_given(lines: Sequence[Line], attribution: Attribution) -> dict[str, Any]:
    """Words of the script that were heard, and the share of them given to who says them; labels are matched with
    speakers by most words, each label with one."""
    said = [(word, line.speaker) for line in lines for word in plain(line.text)]
    heard = [
        (word, segment.speaker or "")
        for segment in attribution.segments
        for each in segment.words
        for word in plain(each.text)
    ]
    aligned = jiwer.process_words(" ".join(word for word, _ in said), " ".join(word for word, _ in heard))
    together: defaultdict[tuple[str, str], int] = defaultdict(int)
    for part in aligned.alignments[0]:
        if part.type in ("equal", "substitute"):
            for step in range(part.ref_end_idx - part.ref_start_idx):
                together[heard[part.hyp_start_idx + step][1], said[part.ref_start_idx + step][1]] += 1
    right, labels, speakers = 0, set[str](), set[str]()
    for (label, speaker), count in sorted(together.items(), key=lambda each: -each[1]):
        if label not in labels and speaker not in speakers:
            right += count
            labels.add(label)
            speakers.add(speaker)
    total = sum(together.values())
    return {
        "word_error": round(aligned.wer, 4),
        "words_said": len(said),
        "words_matched": total,
        "words_right": round(right / total, 4) if total else 0.0,
    }


def plain(text: str) -> list[str]:
    return re.sub(r"[^\w\s]", " ", text.lower().replace("ё", "е")).split()


def _attributed(
    sound: Sound, language: str, turns: Sequence[Turn], diarizer: Diarizer, transcriber: FasterWhisperTranscriber
) -> Attribution:
    """The talk through the pipeline's own cutting, hearing, joining and giving to speakers."""
    pieces = plan(sound)
    texts = [
        transcriber.transcribe(sound.read(*piece.heard), language=language, on_progress=lambda _: None)
        for piece in pieces
    ]
    transcript = Transcript(
        recording="talk",
        number=1,
        language=language,
        engine=transcriber.name,
        seconds=sound.seconds,
        segments=join(pieces, texts).segments,
    )
    return attribute(transcript, turns, Details(language=language), number=1, diarizer=diarizer.name)


@contextmanager
def _decoded(sound: Path) -> Iterator[Sound]:
    media = PyAVMedia()
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "sound"
        with sound.open("rb") as source:
            media.decode(source, name=sound.name, target=target)
        yield media.sound(target)


def long(hours: float) -> dict[str, Any]:
    """Three speakers for hours: the figures, and the peak memory of a process that does nothing but diarize."""
    speakers = [corpora.festvox_ru(), corpora.asterisk_ru(), corpora.asterisk_en()]
    talk = corpora.strung("long-three", _dialogue(speakers, hours * 3600))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speakers", str(talk.sound)], stdout=subprocess.PIPE, check=True
    )
    told = json.loads(done.stdout)
    turns = [Turn.model_validate(turn) for turn in told.pop("turns")]
    return {
        "talk": talk.name,
        "speakers": len(speakers),
        "speakers_found": len({turn.speaker for turn in turns}),
        **errors(talk.lines, turns, told["seconds"]),
        **told,
    }


def alone(sound: Path) -> None:
    """Diarize in this process; turns, time and peak memory go out as JSON."""
    with _decoded(sound) as decoded:
        begun = time.perf_counter()
        turns = CamPlusDiarizer().diarize(decoded, speakers=None, on_progress=lambda _: None)
        wall = time.perf_counter() - begun
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        told = {
            "seconds": round(decoded.seconds, 1),
            "real_time_factor": round(wall / decoded.seconds, 3),
            "peak_mb": round(peak / 1000),
            "turns": [turn.model_dump() for turn in turns],
        }
        print(json.dumps(told))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        alone(Path(sys.argv[1]))
    else:
        main()
