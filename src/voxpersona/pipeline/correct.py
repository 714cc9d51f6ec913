"""The verb correct: what a person puts right becomes a new version; what the engine heard stays for ever.

    the current words -> changes found in them -> ONE commit: the corrected attribution, its run and the start of its
          work -> the attribution into the bucket -> acknowledge -> attribute (finds it), report, index

The commit decides who was first. Killed before it, nothing was corrected; killed after it, the run writes what is
missing in the bucket before it does anything else.
"""

import datetime as dt
import unicodedata
from collections.abc import Callable, Sequence

from voxpersona.errors import Code, NotFound, Rejected
from voxpersona.model import Attribution, Change, Correction, Recording, RecordingId, Stage, State, WorkOrder
from voxpersona.pipeline import attribute, documents, layout
from voxpersona.ports import Blobs, Journal, Library

_NO_LETTERS = ("Cc", "Cs")
"""Unicode's categories of control characters, which include NUL, and of halves of surrogate pairs."""


def correct(
    recording: Recording,
    find: Callable[[Attribution], Sequence[Change]],
    *,
    by: str,
    library: Library,
    journal: Journal,
    archive: Blobs,
) -> tuple[WorkOrder, Correction]:
    """Keep what `find` says is to change in the current words, and start the run that makes it current.

    Rejected BUSY_RECORDING while a run is under way, CORRECTION_STALE where another correction came first,
    CORRECTION_WAITING where one before waits for its run to be done again, CORRECTION_NEEDLESS where nothing changes,
    CORRECTION_UNREADABLE where its words hold control characters.
    NotFound RESULT_ABSENT where there are no words yet. Errors of `find`. After any of them nothing has changed.
    """
    standing = journal.standing(recording.id)
    if standing.state not in (State.READY, State.FAILED):
        raise Rejected(Code.BUSY_RECORDING, "its run is not over yet", id=recording.id)
    seen = library.attribution(recording.id)
    if seen.corrections != corrections_of(recording.id, library=library):
        raise Rejected(Code.CORRECTION_WAITING, "an earlier correction has no effect yet", id=recording.id)
    changes = find(seen)
    if not changes:
        raise Rejected(Code.CORRECTION_NEEDLESS, "nothing would change")
    if any(unicodedata.category(letter) in _NO_LETTERS for change in changes for letter in change.now):
        reason = "a text holds what is no letter"
        raise Rejected(Code.CORRECTION_UNREADABLE, reason, reason=reason)
    number = standing.run + 1
    key = layout.roles(recording.id, number)
    if _stands(archive, key):  # the database is older than the bucket: what it does not know must not be covered
        raise Rejected(Code.CORRECTION_STALE, "the bucket has a newer version", id=recording.id)
    correction = Correction(
        number=number, by=by, at=dt.datetime.now(dt.UTC), transcript=seen.transcript, changes=tuple(changes)
    )
    numbered = seen.model_copy(update={"number": number})
    corrected = attribute.correct(numbered, [correction], recording.details)
    order = library.correct(corrected)
    documents.made_for(recording.id, archive, key, Attribution, lambda: corrected, library=library)
    return order, correction


def corrections_of(recording: RecordingId, *, library: Library) -> tuple[Correction, ...]:
    """All corrections of a recording, oldest first, also those whose run has not ended well: every attribution has
    those of the one before it."""
    newest = max((number for stage, number, _ in library.made(recording) if stage is Stage.ATTRIBUTE), default=0)
    return library.attribution(recording, newest).corrections if newest else ()


def first_stage(recording: RecordingId, wanted: Stage, *, library: Library) -> Stage:
    """The stage at which a new run has to begin to do the wanted one: no later than where it puts corrections in, if
    some have no effect yet because their run failed."""
    try:
        current = library.attribution(recording).corrections
    except NotFound:
        return wanted
    waits = current != corrections_of(recording, library=library)
    return min(wanted, Stage.ATTRIBUTE, key=list(Stage).index) if waits else wanted


def _stands(archive: Blobs, key: str) -> bool:
    try:
        archive.stat(key)
    except NotFound:
        return False
    return True
