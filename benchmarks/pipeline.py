"""The whole way against the bare engines on the same ten-minute recording, in turn, in the same run (`make bench`).

ROUNDS=3 and SECONDS=600 may be given in the environment.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, machine, medians, run, write


def main() -> None:
    """Measure, print a table, keep the result."""
    rounds, seconds = int(os.environ.get("ROUNDS", "3")), float(os.environ.get("SECONDS", "600"))
    noted = machine()
    with tempfile.TemporaryDirectory() as directory:
        sound = Path(directory) / "ten-minutes.ogg"
        subprocess.run([sys.executable, "-m", "benchmarks.sound", str(seconds), str(sound)], check=True)
        data = Path(directory) / "data"
        environment = {**os.environ, "VOXPERSONA_DATA": str(data), "VOXPERSONA_THREADS": "2", "HF_HUB_OFFLINE": "1"}
        program = str(Path(sys.executable).parent / "voxpersona")
        # Assembles the models, so that no round pays for it.
        subprocess.run([program, "doctor"], env=environment, check=True, stdout=subprocess.DEVNULL)
        models = Path(environment["VOXPERSONA_MODELS"])
        bare = [sys.executable, "-m", "benchmarks.bare", str(sound), str(models / "whisper-base")]
        bare.append(str(models / "e5-small-q4" / "e5-small-q4.bin"))
        costs: dict[str, list[Cost]] = {"bare speech engine": [], "bare engines": [], "whole way": []}
        for _ in range(rounds):
            costs["bare speech engine"].append(run([*bare, "--speech-only"], environment))
            costs["bare engines"].append(run(bare, environment))
            costs["whole way"].append(run([program, "receive", str(sound), "--wait", "--json"], environment))
            shutil.rmtree(data)
    result = {
        "what": "receive --wait against the engines it uses, called directly",
        "machine": noted,
        "seconds_of_sound": seconds,
        "rounds": rounds,
        "medians": {name: medians(measured) for name, measured in costs.items()},
        "ratios_of_wall": {
            against: [round(ours.wall / theirs.wall, 3) for ours, theirs in zip(costs["whole way"], other, strict=True)]
            for against, other in costs.items()
            if against != "whole way"
        },
        "all": costs,
    }
    path = write("pipeline", result)
    for name, measured in costs.items():
        shown = medians(measured)
        print(f"{name:<20} wall {shown['wall']:7.2f} s   cpu {shown['cpu']:7.2f} s   peak {shown['peak_mb']:6.0f} MB")
    print(f"whole way / bare: {result['ratios_of_wall']}   -> {path.name}")


if __name__ == "__main__":
    main()
