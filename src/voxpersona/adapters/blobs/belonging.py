"""Which archive this is: an id in the store and the same in the data directory, so that neither is used with another's.

Without it a program whose settings were lost (a service that does not read `.env`) would open the empty store that it
finds instead, keep new recordings there, and leave one archive in two places.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxpersona.adapters.blobs.filesystem import flush_names
from voxpersona.adapters.blobs.keys import OWN
from voxpersona.errors import Code, Configuration, Integrity, NotFound
from voxpersona.ports import Blobs

_KEY = f"{OWN}archive"


def belong(file: Path, blobs: Blobs, *, place: str) -> None:
    """See that the data directory, by its `file`, and the store are of one archive; where one of them does not say,
    or neither, they are from now on. `blobs` is a bucket below encryption. Configuration STORE_OTHER."""
    ours = _noted(file)
    if not ours:
        with _alone(file):  # else one process may name the store and another one the directory
            ours = _noted(file)
            if not ours:
                _note(file, archive_of(blobs) or _named(blobs))
                return
    if ours != archive_of(blobs):
        raise Configuration(
            Code.STORE_OTHER, "the store is not of this data directory's archive", place=place, path=str(file.parent)
        )


def archive_of(blobs: Blobs) -> str:
    """The id of the archive that the store holds; empty where it says none."""
    try:
        return b"".join(blobs.read(_KEY)).decode("ascii", "replace")
    except NotFound:
        return ""


def name_archive(blobs: Blobs, identity: str) -> None:
    """Make the store one of that archive. Integrity BLOB_CONFLICT where it is of another."""
    blobs.put(_KEY, [identity.encode()])


def _named(blobs: Blobs) -> str:
    identity = uuid.uuid4().hex
    try:
        name_archive(blobs, identity)
    except Integrity as error:
        if error.code is not Code.BLOB_CONFLICT:
            raise
    # What stands there now decides: another one was faster, or slower in a store that cannot refuse a second writer.
    return archive_of(blobs)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """No other process is within this for the same data directory; the kernel lets go of it when one dies."""
    try:
        lock = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(file, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _noted(file: Path) -> str:
    try:
        return file.read_text("ascii", "replace").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _unusable(file, error) from error


def _note(file: Path, identity: str) -> None:
    made = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with made.open("w") as written:
            written.write(identity + "\n")
            written.flush()
            os.fsync(written.fileno())
        made.replace(file)
        flush_names(file.parent)
    except OSError as error:
        raise _unusable(file, error) from error


def _unusable(file: Path, error: OSError) -> Configuration:
    reason = error.strerror or "cannot be used"
    return Configuration(
        Code.DATA_DIRECTORY, f"{file}: {reason}", name="VOXPERSONA_DATA", path=str(file.parent), reason=reason
    )
