"""The spool: bytes as they come in, and recordings that wait here because the archive does not answer.

    {directory}/{uuid}.part            bytes coming in; gone when their `receive` is over, swept where it was killed
    {directory}/waiting/{name}.sound   the bytes of an entry
    {directory}/waiting/{name}.json    its document: where it stands the entry is whole, and was or may be acknowledged

The order of keeping makes a kill harmless at any line: bytes fsynced -> given their place -> its name fsynced ->
document fsynced under another name -> given its name -> that fsynced. Removal goes the other way. Who changes entries
holds the lock `.lock` for a moment; who brings one into the archive holds `.delivering`. The kernel lets go of both
when a process dies. Files are 0600 and hold what was received as it is: nothing here is encrypted.
"""

import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from voxpersona.errors import Code, Fact, Integrity, Unavailable, VoxPersonaError
from voxpersona.model import Recording
from voxpersona.model.noun import Noun
from voxpersona.pipeline import documents

SPARE = 256 << 20
"""Bytes that an entry must leave free on the disk: the database stands there, too."""

_PART = 1 << 20
_COMING_IN = 1 << 17
"""So many bytes at a time are hashed and written as they come: little is left to be done after the last."""

_REST_SECONDS = 10.0
"""How long nobody of this process asks a store again that did not answer: a directory of files would take for ever."""


@dataclass(frozen=True)
class Spooled:
    """Bytes as they came, fsynced on our disk. Iterating over it reads them, from the start each time."""

    path: Path
    sha256: str
    size: int

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as spooled:
            while part := spooled.read(_PART):
                yield part


class Refusal(Noun):
    """Why the archive would not take an entry: an error's code, its English detail and facts, and when."""

    code: str
    detail: str
    facts: dict[str, Fact]
    at: datetime


class Entry(Noun):
    """A recording that was acknowledged and waits for the archive. `sources` are further ways in which it came;
    `refused` where the archive answered and would not take it: it stays until a person decides."""

    format: int = 1
    recording: Recording
    sources: tuple[str, ...] = ()
    refused: Refusal | None = None

    @property
    def name(self) -> str:
        """Of its files. Other bytes have another name, so that no entry ever takes another's place."""
        return f"{self.recording.id}-{self.recording.original.sha256[:16]}"

    def is_of(self, source: str, sha256: str) -> bool:
        """Whether a delivery is this one again."""
        return self.recording.original.sha256 == sha256 or source in (self.recording.source, *self.sources)


class Spool:
    """One spool directory. Safe for threads and for several processes."""

    def __init__(self, directory: Path, *, limit: int, spare: int = SPARE) -> None:
        """The directory stands. `limit`: bytes that may wait in all; `spare`: bytes left free on its disk."""
        self.directory = directory
        self._waiting = directory / "waiting"
        self._limit = limit
        self._spare = spare
        self._rested: tuple[float, Unavailable] | None = None

    # Bytes coming in

    @contextmanager
    def incoming(self, source: BinaryIO) -> Iterator[Spooled]:
        """Copy `source` to a private file, hashing as it comes; the file is gone afterwards, unless it was kept.
        No room: Unavailable NO_SPACE."""
        path = self.directory / f"{uuid.uuid4().hex}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with _room_errors(), os.fdopen(_create(path), "wb") as spooled:
                while part := source.read(_COMING_IN):
                    digest.update(part)
                    size += len(part)
                    spooled.write(part)
                spooled.flush()
                os.fsync(spooled.fileno())
            yield Spooled(path, digest.hexdigest(), size)
        finally:
            path.unlink(missing_ok=True)

    # What waits

    def entries(self) -> Sequence[Entry]:
        """All, oldest first, without those whose document cannot be read."""
        found = [entry for name in self._names() if (entry := self.entry(name)) is not None]
        return sorted(found, key=lambda entry: (entry.recording.received_at, entry.name))

    def unreadable(self) -> Sequence[str]:
        """Names of entries whose document is damaged."""
        return sorted(name for name in self._names() if self.entry(name) is None and self._document(name).exists())

    def entry(self, name: str) -> Entry | None:
        """As it stands now; None where it is gone, or its document is damaged."""
        try:
            return Entry.model_validate_json(self._document(name).read_bytes())
        except (OSError, ValidationError):
            return None

    def names(self, start: str) -> Sequence[str]:
        """Of all entries, damaged ones too, whose name (so, whose recording's id) begins so."""
        return sorted(name for name in self._names() if name.startswith(start))

    def has_entries(self) -> bool:
        return next(iter(self._names()), None) is not None

    def match(self, source: str, sha256: str) -> Entry | None:
        """The entry that a delivery is again. What was refused waits for a person and matches nothing."""
        waiting = (entry for entry in self.entries() if entry.refused is None)
        return next((entry for entry in waiting if entry.is_of(source, sha256)), None)

    def content(self, entry: Entry) -> Spooled:
        """The bytes of the entry, as they should be; `verify` tells whether they are."""
        original = entry.recording.original
        return Spooled(self._sound(entry.name), original.sha256, original.bytes)

    def verify(self, entry: Entry, *, read: bool = True) -> None:
        """Integrity BLOB_CORRUPT where its bytes are gone or not as they came; `read` compares their hash, too."""
        content = self.content(entry)
        try:
            is_whole = content.path.stat().st_size == content.size
            if is_whole and read:
                digest = hashlib.sha256()
                for part in content:
                    digest.update(part)
                is_whole = digest.hexdigest() == content.sha256
        except OSError as error:
            reason = error.strerror or "cannot be read"
            raise Integrity(Code.BLOB_CORRUPT, f"{entry.name}: {reason}", key=entry.name) from error
        if not is_whole:
            raise Integrity(Code.BLOB_CORRUPT, f"{entry.name} has other bytes than came in", key=entry.name)

    # Keeping and letting go

    def keep(self, recording: Recording, content: Spooled) -> tuple[Entry, bool]:
        """Make the bytes that came in an entry, whole or not at all; durable when it returns.

        Returns the entry that stands and whether it is new: the same delivery again gives the one that waits.
        Unavailable NO_SPACE where more may not wait, or there is no room.
        """
        entry = Entry(recording=recording)
        with _room_errors(), self._locked():
            standing = self.match(recording.source, content.sha256)
            if standing is not None:
                return self._noted(standing, recording.source), False
            self._check_room(content.size)
            stood = self._document(entry.name).exists()
            try:
                content.path.replace(self._sound(entry.name))
                self._settle()
                self._write(entry)
            except BaseException:
                # Not acknowledged: nothing of it stays, but for the same bytes that were kept before (and refused).
                with suppress(OSError):
                    if not stood:
                        self._unlink(entry.name)
                raise
        return entry, True

    def came_again(self, entry: Entry, source: str) -> Entry | None:
        """Note a further way in which the entry came, durably; None where it is in the archive by now."""
        with _room_errors(), self._locked():
            standing = self.entry(entry.name)
            return None if standing is None else self._noted(standing, source)

    def set_aside(self, entry: Entry, error: VoxPersonaError) -> None:
        """Keep it, with the reason why the archive would not take it."""
        refused = Refusal(code=error.code, detail=error.detail, facts=error.facts, at=datetime.now(UTC))
        with _room_errors(), self._locked():
            standing = self.entry(entry.name)
            if standing is not None:
                self._write(standing.model_copy(update={"refused": refused}))

    def remove(self, entry: Entry) -> bool:
        """Let go of it, if it is as it was told; False where it came in a further way meanwhile."""
        with _room_errors(), self._locked():
            standing = self.entry(entry.name)
            if standing is not None and standing.sources != entry.sources:
                return False
            self._unlink(entry.name)
        return True

    def drop(self, name: str) -> None:
        """Remove the entry of that name, whatever it is: its document first, then its bytes. Idempotent."""
        with _room_errors(), self._locked():
            self._unlink(name)

    @contextmanager
    def delivering(self, *, wait: bool) -> Iterator[bool]:
        """Be the one who brings entries into the archive, or removes them unasked; False where another one is,
        unless that is waited for: as long as one entry takes."""
        with self._held(".delivering", wait=wait) as is_ours:
            yield is_ours

    def sweep(self, older_than_seconds: float) -> int:
        """Remove what killed receivers left: nothing of it was ever acknowledged, and no entry is touched. How many."""
        oldest = time.time() - older_than_seconds
        with self._locked() if self._waiting.exists() else nullcontext():
            left = [*self.directory.glob("*.part"), *self._waiting.glob("*.new")]
            left += [path for path in self._waiting.glob("*.sound") if not path.with_suffix(".json").exists()]
            swept = 0
            for path in left:
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < oldest:
                        path.unlink()
                        swept += 1
        return swept

    # An archive that does not answer

    def rest(self, because: Unavailable) -> None:
        """The store did not answer: leave it alone for a moment."""
        self._rested = (time.monotonic() + _REST_SECONDS, because)

    @property
    def resting(self) -> Unavailable | None:
        """Why the store is left alone just now; None where it may be asked."""
        until, because = self._rested or (0.0, None)
        return because if time.monotonic() < until else None

    # Files

    def _names(self) -> Iterator[str]:
        return (path.stem for path in self._waiting.glob("*.json"))

    def _document(self, name: str) -> Path:
        return self._waiting / f"{name}.json"

    def _sound(self, name: str) -> Path:
        return self._waiting / f"{name}.sound"

    def _noted(self, entry: Entry, source: str) -> Entry:
        if source in (entry.recording.source, *entry.sources):
            return entry
        noted = entry.model_copy(update={"sources": (*entry.sources, source)})
        self._write(noted)
        return noted

    def _check_room(self, size: int) -> None:
        waiting = sum(path.stat().st_size for path in self._waiting.glob("*.sound"))
        if waiting + size > self._limit:
            where = f"the spool, where at most {self._limit >> 20} MB may wait for the store"
            raise Unavailable(Code.NO_SPACE, f"{waiting} bytes wait already", where=where)
        # The bytes are on this disk by now.
        if shutil.disk_usage(self.directory).free < self._spare:
            where = f"the disk of the spool, which needs {self._spare >> 20} MB free"
            raise Unavailable(Code.NO_SPACE, "an entry would fill the disk", where=where)

    def _write(self, entry: Entry) -> None:
        made = self._waiting / f"{entry.name}.new"
        made.unlink(missing_ok=True)
        with os.fdopen(_create(made), "wb") as written:
            written.write(documents.bytes_of(entry))
            written.flush()
            os.fsync(written.fileno())
        made.replace(self._document(entry.name))
        self._settle()

    def _unlink(self, name: str) -> None:
        self._document(name).unlink(missing_ok=True)
        self._settle()
        self._sound(name).unlink(missing_ok=True)

    def _settle(self) -> None:
        """Names on the disk: those of the entries, and of the directories above, which may be young, too."""
        for directory in (self._waiting, self.directory, self.directory.parent):
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._held(".lock", wait=True):
            yield

    @contextmanager
    def _held(self, name: str, *, wait: bool) -> Iterator[bool]:
        self._waiting.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._waiting / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                try:
                    yield True
                finally:
                    # Said aloud, since a fork made meanwhile by another thread holds a copy of the descriptor.
                    fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)


def _create(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)


@contextmanager
def _room_errors() -> Iterator[None]:
    """What a disk says that is full, or fails: the delivery is not taken, and its sender told to keep it."""
    try:
        yield
    except OSError as error:
        raise Unavailable(Code.NO_SPACE, f"spool: {error.strerror}", where="spool") from error
