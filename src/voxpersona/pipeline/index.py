"""Put one recording's passages into the index."""

from collections.abc import Callable

from voxpersona.errors import NotFound
from voxpersona.model import Attribution, Recording, State
from voxpersona.pipeline.passages import passages as cut
from voxpersona.ports import Embedder, Journal, Library, OnProgress, PassageIndex

_BATCH = 8
"""Passages embedded at a time: about a second of work, so that progress is seen to move."""


def index_current(
    recording: Recording, *, library: Library, embedder: Embedder, passages: PassageIndex, on_progress: OnProgress
) -> int:
    """Make the recording's current words searchable; how many passages. NotFound RESULT_ABSENT where there are none."""
    attribution = library.attribution(recording.id)
    language = library.transcript(recording.id, attribution.transcript).language
    return index(recording, attribution, embedder, passages, language, on_progress)


def catch_up(
    recording: Recording,
    count: int,
    *,
    library: Library,
    journal: Journal,
    embedder: Callable[[], Embedder],
    passages: PassageIndex,
) -> bool:
    """Make the current words searchable where a run ended well and the index has not them but `count` passages.

    Whether that was so. NotFound where a result is lost, or the recording was forgotten meanwhile: nothing is left.
    """
    if not any(run.standing.state is State.READY for run in journal.ended(recording.id)):
        return False  # under way or failed: nothing was promised yet
    if is_indexed(recording, count, library=library):
        return False
    run = 0
    # A run that ended while we were at it has put newer words there, which must not be covered by ours.
    while run != (run := journal.standing(recording.id).run):
        index_current(recording, library=library, embedder=embedder(), passages=passages, on_progress=lambda _: None)
    try:
        library.recording(recording.id)
    except NotFound:
        passages.delete(recording.id)
        raise
    return True


def is_indexed(recording: Recording, count: int, *, library: Library) -> bool:
    """Whether `count` is how many passages its current words make, and so nothing is to be done. NotFound as above."""
    attribution = library.attribution(recording.id)
    language = library.transcript(recording.id, attribution.transcript).language
    return len(cut(attribution, language=language)) == count


def index(
    recording: Recording,
    attribution: Attribution,
    embedder: Embedder,
    index: PassageIndex,
    language: str,
    on_progress: OnProgress,
) -> int:
    """Make the attribution's passages what the index knows of the recording; return their number. Idempotent.

    `language` is the transcript's, ISO 639-1. Errors: those of the embedder and the index; before the last call to
    the index nothing has changed.
    """
    import numpy as np  # imported here: it is long about it, and who checks an archive may need none of it

    pieces = cut(attribution, language=language)
    vectors = np.zeros((len(pieces), embedder.dimensions), dtype=np.float32)
    on_progress(0.0)
    for first in range(0, len(pieces), _BATCH):
        batch = pieces[first : first + _BATCH]
        vectors[first : first + len(batch)] = embedder.passages([piece.text for piece in batch])
        on_progress((first + len(batch)) / (len(pieces) + 1))
    index.upsert(recording.id, pieces, vectors)
    on_progress(1.0)
    return len(pieces)
