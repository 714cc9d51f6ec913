"""Upkeep: what a worker sees to now and then, so that nobody has to. Finishes what was interrupted and deletes nothing
but what a person wanted forgotten and what was never whole.

Safe beside everything else: what others are doing now is younger than what is touched here, a forgetting is finished
from whatever point it has come to, and a row is made of what stands in the store only where it stands there whole.
Runs whose work is lost are the engine's own to find.
"""

import datetime as dt
import logging
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass

from voxpersona.errors import Code, Integrity, NotFound, Rejected
from voxpersona.model import Recording, RecordingId, Standing, State
from voxpersona.pipeline import layout
from voxpersona.pipeline.deliveries import Deliveries
from voxpersona.pipeline.forget import forget
from voxpersona.pipeline.holdings import Holding, holdings
from voxpersona.pipeline.index import catch_up
from voxpersona.pipeline.rebuild import read_manifest
from voxpersona.pipeline.repair import take_in, tell_forgotten, write_notes
from voxpersona.pipeline.spool import Spool
from voxpersona.ports import Blobs, Bucket, Embedder, Engine, Journal, Library, Media, PassageIndex

SETTLED = dt.timedelta(minutes=15)
"""How long everything of a recording without a row has stood before it is taken for left over: whoever is receiving it
makes the row right after the manifest, and a store's clock may differ from ours, but not by more."""

ABANDONED = dt.timedelta(days=7)
"""An upload that broke off is gone on with when the recording is delivered again; after a week that is over."""

LEFT_IN_SPOOL = dt.timedelta(days=1)
"""After which what was coming in and never acknowledged is taken for left over."""

_log = logging.getLogger("voxpersona.upkeep")


@dataclass
class Upkept:
    """What was done: recordings forgotten to the end, taken in from the store, made searchable; notes of runs and
    deliveries that only store or database had; leftovers removed."""

    forgotten: int = 0
    noted: int = 0
    taken_in: int = 0
    indexed: int = 0
    swept: int = 0


@dataclass(frozen=True)
class Upkeep:
    """The rooms it goes through. `embedder` is asked for when something has to be indexed; `given_up` remembers what
    could not be taken in, so that damaged bytes are not read every hour."""

    library: Library
    journal: Journal
    engine: Engine
    passages: PassageIndex
    embedder: Callable[[], Embedder]
    media: Media
    audio: Blobs
    archive: Blobs
    buckets: Sequence[Bucket]
    spool: Spool
    given_up: set[RecordingId]
    settled: dt.timedelta = SETTLED
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    def once(self, is_over: Callable[[], bool] = lambda: False) -> Upkept:
        """Go through everything once, or until `is_over`, which is asked between recordings.

        Errors: those of store, library, index and embedder that no single recording is to blame for.
        """
        done = Upkept()
        done.swept += self.spool.sweep(LEFT_IN_SPOOL.total_seconds())
        for bucket in self.buckets:
            done.swept += bucket.abandon(ABANDONED.total_seconds())
        tell_forgotten(library=self.library, archive=self.archive)
        self._compare(done, is_over)
        for recording in self.library.half_forgotten():
            with suppress(NotFound):  # another process was faster
                forget(
                    recording,
                    library=self.library,
                    journal=self.journal,
                    engine=self.engine,
                    passages=self.passages,
                    audio=self.audio,
                    archive=self.archive,
                    spool=self.spool,
                )
                done.forgotten += 1
        self._index(done, is_over)
        if any(vars(done).values()):
            _log.info(
                "upkeep: %d forgotten, %d taken in from the store, %d noted, %d indexed, %d leftovers removed",
                *(done.forgotten, done.taken_in, done.noted, done.indexed, done.swept),
            )
        return done

    def _compare(self, done: Upkept, is_over: Callable[[], bool]) -> None:
        """Store and database: each is told what only the other one knows."""
        recordings = self.library.recordings()
        rows = {recording.id: recording for recording in recordings}
        others = {one.id for one in self.library.half_forgotten()} | self.given_up
        digests = {recording.original.sha256 for recording in recordings}
        deliveries = Deliveries.of(self.library, self.archive)
        for held in holdings(self.audio, self.archive):
            if is_over():
                return
            try:
                if held.recording in rows:
                    done.noted += self._write_notes(rows[held.recording], held)
                elif held.recording not in others and self._is_left_over(held, digests, deliveries):
                    self._take_in(held)
                    done.taken_in += 1
            except (NotFound, Integrity, Rejected) as error:
                if held.recording not in rows:
                    self.given_up.add(held.recording)
                    _log.warning("%s stands in the store and cannot be taken in: %s", held.recording, error.code)
                elif error.code is not Code.RECORDING_UNKNOWN:
                    _log.warning("%s: how its runs ended cannot be told: %s", held.recording, error.code)

    def _write_notes(self, recording: Recording, held: Holding) -> int:
        return write_notes(
            recording, held, library=self.library, journal=self.journal, audio=self.audio, archive=self.archive
        )

    def _is_left_over(self, held: Holding, digests: Set[str], deliveries: Deliveries) -> bool:
        is_old = self._age(held) >= self.settled and not self._has_row(held.recording)
        return is_old and self._is_whole(held, digests, deliveries)

    def _take_in(self, held: Holding) -> None:
        take_in(
            held,
            library=self.library,
            media=self.media,
            audio=self.audio,
            archive=self.archive,
            settled=self.settled,
        )
        if not self._has_row(held.recording):
            raise Integrity(Code.BLOB_CONFLICT, "the same bytes are kept under another id", key=held.recording)

    def _age(self, held: Holding) -> dt.timedelta:
        """Of the youngest of its blobs."""
        prefix = layout.everything(held.recording)
        written = [one.written_at for bucket in (self.audio, self.archive) for one in bucket.list(prefix)]
        now = dt.datetime.now(dt.UTC)
        return now - max(written, default=now)

    def _has_row(self, identity: RecordingId) -> bool:
        """Also of one that is hidden."""
        try:
            found = self.library.recording(identity)
        except (NotFound, Rejected):
            return any(hidden.id == identity for hidden in self.library.half_forgotten())
        return found.id == identity

    def _is_whole(self, held: Holding, digests: Set[str], deliveries: Deliveries) -> bool:
        """Whether a row of it would have its object, with the very bytes that the manifest tells of; without one, bytes
        that are not among `digests`, kept already. Of what was forgotten nothing need be there: it comes back hidden,
        to be erased."""
        try:
            recording = read_manifest(held, self.audio)
        except (NotFound, Integrity):
            return bool(held.originals) and digests.isdisjoint(self.audio.stat(key).sha256 for key in held.originals)
        if deliveries.is_forgotten(recording.source):
            return True
        facts = self.audio.stat(recording.original.key)
        return (facts.sha256, facts.size) == (recording.original.sha256, recording.original.bytes)

    def _index(self, done: Upkept, is_over: Callable[[], bool]) -> None:
        counts = self.passages.counts()
        for recording in self.library.recordings():
            if is_over():
                return
            with suppress(NotFound):  # a result is lost, which `check` tells; or it was forgotten meanwhile
                standing = self.journal.standing(recording.id)
                self._warn_overdue(recording, standing)
                if standing.state in (State.READY, State.FAILED):
                    done.indexed += catch_up(
                        recording,
                        counts.get(recording.id, 0),
                        library=self.library,
                        journal=self.journal,
                        embedder=self.embedder,
                        passages=self.passages,
                    )

    def _warn_overdue(self, recording: Recording, standing: Standing) -> None:
        """A step that never ends cannot be ended from within its process: a person, or who watches the log, must."""
        if standing.is_overdue(self.now(), recording.original.media.seconds):
            _log.warning(
                "%s: %s goes on for longer than it ever should: restart its worker, or cancel it",
                recording.id,
                standing.stage,
            )
