"""What every passage index here shares: the checks at its door, and how two rankings become one."""

import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from voxpersona.errors import Code, Integrity
from voxpersona.model import Passage, RecordingId
from voxpersona.ports import Floats

Stem = Callable[[str], Sequence[str]]
"""Cuts a text into stems, in order; given from outside so that questions and passages are always cut alike."""

RRF_K = 60
"""Reciprocal rank fusion: a hit of rank r (from 1) counts 1 / (r + 60). Cormack, Clarke and Buettcher, SIGIR 2009."""

_RECORDING = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PASSAGE = re.compile(r"[A-Za-z0-9_-]{1,64}:[0-9]{1,9}")


def checked_recording(recording: RecordingId) -> str:
    """The id, safe to stand in a filter expression. Nothing else may."""
    if _RECORDING.fullmatch(recording) is None:
        raise Integrity(Code.INTERNAL, "a recording id that no recording can have reached the index")
    return recording


def check_passages(recording: RecordingId, passages: Sequence[Passage], vectors: Floats, dimensions: int) -> None:
    """Integrity INTERNAL unless the passages are this recording's, each once, each with a finite vector."""
    checked_recording(recording)
    if vectors.shape != (len(passages), dimensions):
        detail = f"{len(passages)} passages came with vectors of shape {vectors.shape}, not of {dimensions} dimensions"
        raise Integrity(Code.INTERNAL, detail, recording=recording)
    if not np.isfinite(vectors).all():
        raise Integrity(Code.INTERNAL, "a passage's vector is not finite", recording=recording)
    ids = [passage.id for passage in passages]
    fit = all(
        _PASSAGE.fullmatch(passage.id) and passage.id.rpartition(":")[0] == passage.recording == recording
        for passage in passages
    )
    if not fit or len(set(ids)) != len(ids):
        raise Integrity(Code.INTERNAL, "passages of another recording, or one twice", recording=recording)


def check_question(vector: Floats, dimensions: int) -> None:
    """Integrity INTERNAL unless the question's vector has the index's shape."""
    if vector.shape != (dimensions,) or not np.isfinite(vector).all():
        raise Integrity(Code.INTERNAL, f"a question's vector of shape {vector.shape}, not of {dimensions} dimensions")


def fused(*rankings: Mapping[str, float]) -> list[tuple[str, float]]:
    """Ids with their fused scores, best first; ties stand in the order of ids.

    A ranking tells of each id how good it is, more is better. Equally good ones share the rank of the first of them.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        rank, last = 0, math.inf
        for place, (identity, goodness) in enumerate(sorted(ranking.items(), key=lambda one: -one[1]), start=1):
            if goodness < last:
                rank, last = place, goodness
            scores[identity] = scores.get(identity, 0.0) + 1.0 / (rank + RRF_K)
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))
