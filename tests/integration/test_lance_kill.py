"""A writer killed at any moment leaves an index in which every acknowledged upsert is whole."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.builders_search import a_passage, a_recording_id
from voxpersona.adapters.embedder.memory import HashingEmbedder
from voxpersona.adapters.index.lance import LancePassageIndex
from voxpersona.model import RecordingId
from voxpersona.pipeline.stems import stems

KILLS = 5
RECORDINGS = 6
EMBEDDER = HashingEmbedder(32, stem=stems)


def opened(directory: Path) -> LancePassageIndex:
    return LancePassageIndex(directory, embedder_name=EMBEDDER.name, dimensions=EMBEDDER.dimensions, stem=stems)


def size_of(generation: int) -> int:
    """Passages of a generation: growing and shrinking, so that replacements have a tail to lose."""
    return 3 + generation * 5 % 11


def write_for_ever(directory: Path, generation: int) -> None:
    """Upsert generation after generation, telling each before and after; run as a process of its own."""
    index = opened(directory)
    while True:
        recording = a_recording_id(generation % RECORDINGS)
        pieces = [a_passage(recording, number, f"generation {generation}") for number in range(size_of(generation))]
        vectors = EMBEDDER.passages([piece.text for piece in pieces])
        os.write(1, f"begin {generation}\n".encode())
        index.upsert(recording, pieces, vectors)
        os.write(1, f"done {generation}\n".encode())
        generation += 1


def killed_after(directory: Path, generation: int, lines: int, extra: float) -> list[str]:
    """What a writer told until it was killed: some lines, and a moment more, somewhere inside the next write."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), str(generation)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(lines)]
        try:
            writer.wait(timeout=extra)
        except subprocess.TimeoutExpired:
            writer.send_signal(signal.SIGKILL)
        told += writer.stdout.readlines()
    return [line.strip() for line in told if line.endswith("\n")]


WRITER = (
    "import sys, pathlib\n"
    "from tests.integration.test_lance_kill import write_for_ever\n"
    "write_for_ever(pathlib.Path(sys.argv[1]), int(sys.argv[2]))\n"
)


def standing(index: LancePassageIndex) -> dict[RecordingId, Counter[str]]:
    """The texts of every recording's passages, read back by search."""
    found = {}
    for recording in index.counts():
        hits = index.search("generation", EMBEDDER.query("generation"), limit=100, recordings=[recording])
        found[recording] = Counter(hit.passage.text for hit in hits)
    return found


def test_a_killed_writer_leaves_every_acknowledged_upsert_whole(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    acknowledged: dict[RecordingId, int] = {}
    begun = generation = 0
    for _ in range(KILLS):
        told = killed_after(tmp_path, generation, chance.randint(4, 16), chance.uniform(0.0, 0.05))
        for line in told:
            verb, number = line.split()
            begun = int(number)
            if verb == "done":
                acknowledged[a_recording_id(begun % RECORDINGS)] = begun
        generation = begun + 1
        for recording, texts in standing(opened(tmp_path)).items():
            assert len(texts) == 1, "two generations of one recording stand side by side"
            (text, count), *_ = texts.items()
            stands = int(text.removeprefix("generation "))
            assert count == size_of(stands), "a generation stands in part"
            # What was under way when the writer died may stand (whole) or not.
            assert stands >= acknowledged.get(recording, -1)
        assert acknowledged.keys() <= opened(tmp_path).counts().keys()
    assert len(acknowledged) == RECORDINGS
