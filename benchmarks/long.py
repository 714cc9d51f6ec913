"""A two-hour recording through the whole way: peak memory, time, and its share done all along (`make bench-long`).

SECONDS=7200 may be given in the environment.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import machine, write

_LOOK_SECONDS = 20.0


def main() -> None:
    """Measure, print, keep the result."""
    seconds = float(os.environ.get("SECONDS", "7200"))
    noted = machine()
    with tempfile.TemporaryDirectory() as directory:
        sound = Path(directory) / "long.ogg"
        subprocess.run([sys.executable, "-m", "benchmarks.sound", str(seconds), str(sound)], check=True)
        environment = {**os.environ, "VOXPERSONA_DATA": str(Path(directory) / "data"), "HF_HUB_OFFLINE": "1"}
        program = str(Path(sys.executable).parent / "voxpersona")
        begun = time.monotonic()
        process = subprocess.Popen(
            [program, "receive", str(sound), "--scenario", "interview", "--wait", "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        peak_kb, seen = 0, []
        next_look = begun + _LOOK_SECONDS
        while process.poll() is None:
            peak_kb = max(peak_kb, _peak_kb(process.pid))
            if time.monotonic() >= next_look:
                next_look += _LOOK_SECONDS
                seen += _shares(program, environment, time.monotonic() - begun)
            time.sleep(0.2)
        wall = time.monotonic() - begun
        assert process.stdout is not None
        received = json.loads(process.stdout.read())["recordings"][0]
        shown = _document(program, environment, "show", received["id"])
    segments = shown["transcript"]["segments"]
    result = {
        "what": "receive --wait of one long recording (the sample, repeated)",
        "machine": noted,
        "seconds_of_sound": shown["original"]["seconds"],
        "wall_seconds": round(wall, 1),
        "real_time_factor": round(wall / shown["original"]["seconds"], 4),
        "peak_mb": round(peak_kb / 1000),
        "state": received["state"],
        "segments": len(segments),
        "words": sum(len(segment["words"]) for segment in segments),
        "speakers": [speaker["role"] for speaker in shown["speakers"]],
        "progress_seen": seen,
    }
    path = write("long", result)
    print({key: value for key, value in result.items() if key not in ("machine", "progress_seen")})
    print(f"{len(seen)} looks at the progress -> {path.name}")


def _peak_kb(pid: int) -> int:
    """The process's own high-water mark of resident memory; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def _document(program: str, environment: dict[str, str], *arguments: str) -> Any:
    done = subprocess.run([program, *arguments, "--json"], env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)


def _shares(program: str, environment: dict[str, str], at: float) -> list[dict[str, Any]]:
    status = _document(program, environment, "status")
    return [
        {"at": round(at), "stage": recording["stage"], "share": round(recording["share"], 3)}
        for recording in status["recordings"]
    ]


if __name__ == "__main__":
    main()
