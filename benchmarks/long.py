"""Two hours of speech through the whole way: peak memory, time, and its share done all along (`make bench-long`).

Without anything in the environment the sample is repeated for SECONDS (7200). SPEECH=ru takes two hours of read Russian
instead (festvox-ru, 99.5 minutes of it different). KILLS=3 kills the program (SIGKILL) so many times on the way and has
a worker go on each time: what was heard before a kill has to stand untouched afterwards.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.measure import machine, write
from voxpersona.ports import RATE

_LOOK_SECONDS = 20.0
_POLL_SECONDS = 0.2


def main() -> None:
    """Measure, print, keep the result."""
    seconds, speech = float(os.environ.get("SECONDS", "7200")), os.environ.get("SPEECH", "")
    kills = int(os.environ.get("KILLS", "0"))
    noted = machine()
    with tempfile.TemporaryDirectory() as directory:
        sound = _speech(seconds) if speech else _sample(seconds, Path(directory))
        way = _Way(Path(directory) / "data")
        begun = time.monotonic()
        way.walk(["receive", str(sound), "--scenario", "interview", "--json"])
        way.walk(["worker", "--until-idle"], kills=kills)
        wall = time.monotonic() - begun
        listed = way.told("list")["recordings"]
        shown = way.told("show", listed[0]["id"])
        numbers = way.transcripts()
    segments = shown["transcript"]["segments"]
    result = {
        "what": f"one long recording ({'festvox-ru' if speech else 'the sample, repeated'})",
        "machine": noted,
        "seconds_of_sound": shown["original"]["seconds"],
        "wall_seconds": round(wall, 1),
        "real_time_factor": round(wall / shown["original"]["seconds"], 4),
        "peak_mb": round(way.peak_kb / 1000),
        "recordings": len(listed),
        "state": shown["state"],
        "transcripts": numbers,
        "pieces": len(way.heard()),
        "kills": way.kills,
        "segments": len(segments),
        "words": sum(len(segment["words"]) for segment in segments),
        "speakers": [speaker["role"] for speaker in shown["speakers"]],
        "progress_seen": way.seen,
    }
    path = write("long-killed" if kills else "long", result)
    print({key: value for key, value in result.items() if key not in ("machine", "progress_seen")})
    print(f"{len(way.seen)} looks at the progress -> {path.name}")


@dataclass
class _Way:
    """The program over one data directory, watched from outside."""

    data: Path
    peak_kb: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)
    kills: list[dict[str, int]] = field(default_factory=list)
    """At each kill: pieces heard by then, and how many of those were found altered or made anew at the end."""

    def __post_init__(self) -> None:
        self._program = str(Path(sys.executable).parent / "voxpersona")
        self._environment = {**os.environ, "VOXPERSONA_DATA": str(self.data), "HF_HUB_OFFLINE": "1"}
        self._begun = time.monotonic()

    def walk(self, command: list[str], *, kills: int = 0) -> None:
        """Run a command to its end; with `kills`, kill it evenly over the pieces and start it again each time."""
        kept: list[Mapping[str, tuple[int, int]]] = []
        for number in range(kills + 1):
            due = (number + 0.5) / (kills + 0.5) if number < kills else None
            if self._run(command, due):
                kept.append(self.heard())
        after = self.heard()
        for before in kept:
            again = sum(1 for piece, state in before.items() if after.get(piece) != state)
            self.kills.append({"pieces_heard": len(before), "of_them_made_again": again})

    def _run(self, command: list[str], due: float | None) -> bool:
        """Whether it was killed: where the share `due` of the recording is heard."""
        process = subprocess.Popen(
            [self._program, *command],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        next_look = time.monotonic() + _LOOK_SECONDS
        while process.poll() is None:
            self.peak_kb = max(self.peak_kb, _peak_kb(process.pid))
            if time.monotonic() >= next_look:
                next_look += _LOOK_SECONDS
                looked = self._shares()
                self.seen += looked
                if due is not None and any(one["stage"] == "transcribe" and one["share"] >= due for one in looked):
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    return True
            time.sleep(_POLL_SECONDS)
        if process.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with status {process.returncode}")
        return False

    def heard(self) -> dict[str, tuple[int, int]]:
        """Every piece that stands in the store, with what changes when it is written again."""
        found = self.data.glob("store/main/**/pieces/**/*.json")
        return {str(path): ((facts := path.stat()).st_ino, facts.st_mtime_ns) for path in found}

    def transcripts(self) -> int:
        """How many stand in the store."""
        return len(list(self.data.glob("store/main/**/transcript/*.json")))

    def told(self, *arguments: str) -> Any:
        """The document of a command."""
        command = [self._program, *arguments, "--json"]
        return json.loads(subprocess.run(command, env=self._environment, capture_output=True, check=True).stdout)

    def _shares(self) -> list[dict[str, Any]]:
        at = round(time.monotonic() - self._begun)
        return [
            {"at": at, "stage": recording["stage"], "share": round(recording["share"], 3)}
            for recording in self.told("status")["recordings"]
        ]


def _sample(seconds: float, directory: Path) -> Path:
    sound = directory / "long.ogg"
    subprocess.run([sys.executable, "-m", "benchmarks.sound", str(seconds), str(sound)], check=True)
    return sound


def _speech(seconds: float) -> Path:
    from benchmarks import corpora

    clips, said = [], 0.0
    for clip in cycle(corpora.festvox_ru()):
        clips.append(clip)
        said += len(corpora.samples(clip.sound)) / RATE
        if said >= seconds:
            return corpora.strung("long", clips, (0.4,)).sound
    raise AssertionError("a cycle has no end")


def _peak_kb(pid: int) -> int:
    """The process's own high-water mark of resident memory; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    main()
