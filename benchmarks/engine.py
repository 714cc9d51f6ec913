"""What the engine itself costs, and how work spreads over workers (`make bench-engine`).

RECORDINGS=200 and ROUNDS=3 may be given in the environment. Every stage is the real one over adapters that answer at
once: what is left is the engine, the database, and the documents. The same stages walked without an engine, on the same
database, are the floor; the difference is the engine's own. Throughput is of worker processes on one PostgreSQL and
one directory of blobs, which share this machine's processors.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import machine, write
from tests.rooms import TURNS, the_talk
from tests.servers.postgres import NOT_INSTALLED, binaries, running_server
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.diarizer.memory import ScriptedDiarizer
from voxpersona.adapters.embedder.memory import HashingEmbedder
from voxpersona.adapters.engine.memory import MemoryDurably
from voxpersona.adapters.index.memory import MemoryPassageIndex
from voxpersona.adapters.media.memory import MemoryMedia, memory_recording
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.model import Details, WorkOrder
from voxpersona.pipeline import whole_way_v2
from voxpersona.pipeline.receive import Delivery, receive
from voxpersona.pipeline.stems import stems
from voxpersona.ports import Blobs, Diarizer, Embedder, Media, PassageIndex, Transcriber
from voxpersona.settings import Settings
from voxpersona.wiring import House

WORKERS = (1, 2, 4)


class InstantHouse(House):
    """A house whose engine, database and documents are the real ones, and whose every other adapter answers at once."""

    @cached_property
    def media(self) -> Media:
        return MemoryMedia()

    @cached_property
    def transcriber(self) -> Transcriber:
        return ScriptedTranscriber(the_talk)

    @cached_property
    def diarizer(self) -> Diarizer:
        return ScriptedDiarizer(TURNS)

    @cached_property
    def embedder(self) -> Embedder:
        return HashingEmbedder()

    @cached_property
    def passages(self) -> PassageIndex:
        return MemoryPassageIndex(dimensions=self.embedder.dimensions, stem=stems)


class HouseInMemory(InstantHouse):
    """And whose blobs never reach a disk."""

    @cached_property
    def audio(self) -> Blobs:
        return MemoryBlobs()

    @cached_property
    def archive(self) -> Blobs:
        return MemoryBlobs()

    @property
    def intake(self) -> Blobs:
        return self.audio


def main() -> None:
    """Measure, print, keep the result."""
    count, rounds = int(os.environ.get("RECORDINGS", "200")), int(os.environ.get("ROUNDS", "3"))
    noted = machine()
    floor, engine = [], []
    for _ in range(rounds):
        floor.append(_walked(count))
        engine.append(_run(count))
    cost = {
        "floor": _medians(floor),
        "with the engine": _medians(engine),
        "engine_ms": round(_medians(engine)["wall_ms"] - _medians(floor)["wall_ms"], 1),
    }
    print(f"a recording on SQLite: {cost['floor']} without an engine, {cost['with the engine']} with it")
    print(f"the engine's own: {cost['engine_ms']} ms")
    throughput = {}
    programs = binaries()
    if programs is None:
        raise SystemExit(NOT_INSTALLED)
    with tempfile.TemporaryDirectory() as directory, running_server(programs) as server:
        for workers in WORKERS:
            with server.database() as url:
                data = Path(directory) / f"data-{workers}"
                rate = _spread(url.replace("+psycopg", ""), data, workers, count)
            throughput[str(workers)] = round(rate, 1)
            print(f"{workers} workers on PostgreSQL: {rate:.1f} recordings a second")
    write(
        "engine",
        {
            "what": "the engine with stages that answer at once",
            "machine": noted,
            "recordings": count,
            "rounds": rounds,
            "cost": cost,
            "recordings_a_second": throughput,
        },
    )


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(one[name] for one in found), 1) for name in found[0]}


def _settings(data: Path, **more: Any) -> Settings:
    return Settings(data=data, threads=1, **more)


def _fill(house: InstantHouse, count: int) -> None:
    for number in range(count):
        with tempfile.TemporaryFile() as content:
            content.write(memory_recording(10.0, salt=str(number)))
            content.seek(0)
            delivery = Delivery(content=content, name="a.ogg", source=f"bench:{number}", details=Details())
            receive(
                delivery,
                spool=house.spool,
                audio=lambda: house.intake,
                library=lambda: house.library,
                media=house.media,
            )


def _walked(count: int) -> dict[str, float]:
    """The stages one after another in one thread, nothing between them: milliseconds a recording."""
    with tempfile.TemporaryDirectory() as directory:
        house = HouseInMemory(_settings(Path(directory)))
        _fill(house, count)
        begun, used = time.perf_counter(), _processor()
        for recording in house.library.recordings():
            order = WorkOrder(recording=recording.id, run=1)
            house.journal.claim(order)
            whole_way_v2(order, house.stages, MemoryDurably(order, house.journal))
            house.journal.ready(order)
        return _each(time.perf_counter() - begun, _processor() - used, count)


def _run(count: int) -> dict[str, float]:
    """The same by the engine, from the end of the first recording to the end of the last."""
    with tempfile.TemporaryDirectory() as directory:
        house = HouseInMemory(_settings(Path(directory)))
        _fill(house, count + 1)
        used = _processor()
        house.engine().run(until=house.idle)
        return _each(_seconds(house), _processor() - used, count)


def _each(wall: float, processor: float, count: int) -> dict[str, float]:
    return {"wall_ms": 1000 * wall / count, "cpu_ms": 1000 * processor / count}


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _spread(url: str, data: Path, workers: int, count: int) -> float:
    """Recordings a second by so many worker processes, from the first end to the last."""
    data.mkdir()
    house = InstantHouse(_settings(data, database_url=url))
    _fill(house, count)
    command = [sys.executable, "-m", "benchmarks.engine", "worker"]
    environment = {**os.environ, "VOXPERSONA_DATA": str(data), "VOXPERSONA_DATABASE_URL": url}
    started = [subprocess.Popen(command, env=environment) for _ in range(workers)]
    for process in started:
        if process.wait():
            raise RuntimeError(f"a worker ended with status {process.returncode}")
    return (count - 1) / _seconds(house)


def _seconds(house: House) -> float:
    """From the end of the first run to the end of the last: without what starting a process takes."""
    ended = sorted(
        run.ended_at for recording in house.library.recordings() for run in house.journal.ended(recording.id)
    )
    return (ended[-1] - ended[0]).total_seconds()


def _worker() -> None:
    house = InstantHouse(Settings())
    house.engine().run(until=house.idle)


if __name__ == "__main__":
    _worker() if sys.argv[1:] == ["worker"] else main()
