"""The whole way against the bare engines on the same twenty-minute recording, in turn, in the same run (`make bench`).

And two workers of one thread each, on PostgreSQL, which share its pieces: from their start to their end. ROUNDS=3 and
SECONDS=1200 may be given in the environment.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measure import Cost, machine, medians, run, write
from tests.servers.postgres import NOT_INSTALLED, PostgresServer, binaries, running_server

WORKERS = 2


def main() -> None:
    """Measure, print a table, keep the result."""
    rounds, seconds = int(os.environ.get("ROUNDS", "3")), float(os.environ.get("SECONDS", "1200"))
    noted = machine()
    programs = binaries()
    if programs is None:
        raise SystemExit(NOT_INSTALLED)
    with tempfile.TemporaryDirectory() as directory, running_server(programs) as server:
        sound = Path(directory) / "sound.ogg"
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
        costs[f"{WORKERS} workers"] = []
        for _ in range(rounds):
            costs["bare speech engine"].append(run([*bare, "--speech-only"], environment))
            costs["bare engines"].append(run(bare, environment))
            costs["whole way"].append(run([program, "receive", str(sound), "--wait", "--json"], environment))
            shutil.rmtree(data)
            costs[f"{WORKERS} workers"].append(_spread(program, sound, environment, server))
            shutil.rmtree(data)
    result = {
        "what": "receive --wait against the engines it uses, called directly",
        "machine": noted,
        "seconds_of_sound": seconds,
        "rounds": rounds,
        "medians": {name: medians(measured) for name, measured in costs.items()},
        "ratios_of_wall": {
            f"{ours} / {bare}": [
                round(one.wall / other.wall, 3) for one, other in zip(costs[ours], costs[bare], strict=True)
            ]
            for ours in ("whole way", f"{WORKERS} workers")
            for bare in ("bare speech engine", "bare engines")
        },
        "all": costs,
    }
    path = write("pipeline", result)
    for name, measured in costs.items():
        shown = medians(measured)
        print(f"{name:<20} wall {shown['wall']:7.2f} s   cpu {shown['cpu']:7.2f} s   peak {shown['peak_mb']:6.0f} MB")
    print(f"{result['ratios_of_wall']}   -> {path.name}")


def _spread(program: str, sound: Path, environment: Mapping[str, str], server: PostgresServer) -> Cost:
    """The time of workers that share one recording, from their start until both have nothing left to do."""
    with server.database() as url:
        told = {**environment, "VOXPERSONA_DATABASE_URL": url.replace("+psycopg", ""), "VOXPERSONA_THREADS": "1"}
        subprocess.run([program, "receive", str(sound)], env=told, check=True, stdout=subprocess.DEVNULL)
        begun = time.perf_counter()
        workers = [
            subprocess.Popen(
                [program, "worker", "--until-idle"], env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for _ in range(WORKERS)
        ]
        ended = [os.wait4(worker.pid, 0) for worker in workers]
        wall = time.perf_counter() - begun
    if any(status != 0 for _, status, _ in ended):
        raise RuntimeError("a worker failed")
    return Cost(
        round(wall, 2),
        round(sum(usage.ru_utime + usage.ru_stime for _, _, usage in ended), 2),
        round(max(usage.ru_maxrss for _, _, usage in ended) / 1000, 1),
    )


if __name__ == "__main__":
    main()
