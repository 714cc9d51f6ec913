"""MemoryPassageIndex: cosine and stem overlap over a dictionary. For tests, and for archives that need not last."""

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from voxpersona.adapters.index.fusion import Stem, check_passages, check_question, checked_recording, fused
from voxpersona.model import Hit, Passage, RecordingId
from voxpersona.ports import Floats


@dataclass(frozen=True)
class _Entry:
    passage: Passage
    vector: Floats
    stems: Counter[str]


class MemoryPassageIndex:
    """Keeps passages in memory and searches all of them at every question. Durable for as long as it lives."""

    def __init__(self, *, dimensions: int, stem: Stem) -> None:
        self._dimensions = dimensions
        self._stem = stem
        self._lock = threading.Lock()
        self._recordings: dict[RecordingId, tuple[_Entry, ...]] = {}

    def upsert(self, recording: RecordingId, passages: Sequence[Passage], vectors: Floats) -> None:
        """Make these the recording's passages, replacing any it had; Integrity INTERNAL where they do not fit."""
        check_passages(recording, passages, vectors, self._dimensions)
        entries = tuple(
            _Entry(passage, np.array(vector, dtype=np.float32), Counter(self._stem(passage.text)))
            for passage, vector in zip(passages, vectors, strict=True)
        )
        with self._lock:
            self._recordings.pop(recording, None)
            if entries:
                self._recordings[recording] = entries

    def delete(self, recording: RecordingId) -> None:
        """Forget the recording's passages."""
        checked_recording(recording)
        with self._lock:
            self._recordings.pop(recording, None)

    def search(
        self, question: str, vector: Floats, *, limit: int, recordings: Sequence[RecordingId] | None = None
    ) -> Sequence[Hit]:
        """The best passages by cosine and by stems, fused."""
        check_question(vector, self._dimensions)
        wanted = None if recordings is None else {checked_recording(recording) for recording in recordings}
        with self._lock:
            entries = {
                entry.passage.id: entry
                for recording, kept in self._recordings.items()
                if wanted is None or recording in wanted
                for entry in kept
            }
        by_meaning = {identity: float(entry.vector @ vector) for identity, entry in entries.items()}
        by_words = self._overlap(question, entries)
        best = fused(by_meaning, by_words)[: max(limit, 0)]
        return [Hit(passage=entries[identity].passage, score=score) for identity, score in best]

    def counts(self) -> Mapping[RecordingId, int]:
        """How many passages of each recording are kept."""
        with self._lock:
            return {recording: len(entries) for recording, entries in self._recordings.items()}

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._recordings.clear()

    def _overlap(self, question: str, entries: Mapping[str, _Entry]) -> dict[str, float]:
        """Every entry that shares a stem with the question, rare stems counting more."""
        stems = set(self._stem(question))
        holders = {stem: sum(stem in entry.stems for entry in entries.values()) for stem in stems}
        scores: dict[str, float] = {}
        for identity, entry in entries.items():
            shared = [math.log1p(len(entries) / holders[stem]) for stem in stems if stem in entry.stems]
            if shared:
                scores[identity] = math.fsum(shared)
        return scores
