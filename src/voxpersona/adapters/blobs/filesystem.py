"""Steps on a POSIX file system that follow no symbolic link, and its errors in our words."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from voxpersona.errors import Code, Integrity, Unavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_DIRECTORY_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Obstructed(Exception):
    """A name cannot stand here: something of another kind is in its way, or it is too long for the file system."""


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn OSError into Unavailable: NO_SPACE for a full disk, STORE_UNAVAILABLE for everything else.

    Never around the caller's own iterator: its errors are not the store's.
    """
    try:
        yield
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "unknown")
        if error.errno in _FULL:
            raise Unavailable(Code.NO_SPACE, f"the blob directory has no room: {name}") from error
        raise Unavailable(Code.STORE_UNAVAILABLE, f"the blob directory failed: {name}") from error


@contextmanager
def folder(root: Path, segments: Sequence[str], *, make: bool = False, settle: bool = False) -> Iterator[int]:
    """Open the folder below the root and give its descriptor. Only the root itself may be a symbolic link.

    `make` makes what is missing, private to the owner. `make` and `settle` flush every folder on the way, also those
    that stood already: whoever made one may have been killed before its name was on the disk.
    FileNotFoundError, Obstructed; Integrity BLOB_CORRUPT at a symbolic link; Unavailable where the root is missing.
    """
    descriptor = _open_root(root)
    try:
        for segment in segments:
            if make:
                _make(segment, descriptor)
            if make or settle:
                flush_folder(descriptor)
            below = _enter(segment, descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_regular(name: str, parent: int) -> int:
    """Open a regular file to read. FileNotFoundError; Obstructed at a folder; Integrity at anything stranger."""
    try:
        # Non-blocking: opening a pipe that somebody planted must not wait for its writer.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    except OSError as error:
        _explain(error, name, parent)
        raise
    try:
        if not _is_regular(os.fstat(descriptor).st_mode):
            raise Obstructed
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def look(name: str, parent: int) -> os.stat_result:
    """What is known of a regular file. Errors as of `open_regular`."""
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        _explain(error, name, parent)
        raise
    if not _is_regular(found.st_mode):
        raise Obstructed
    return found


def names(descriptor: int) -> list[str]:
    """The names in an open folder, in no order; those of folders below it end in `/`."""
    with os.scandir(descriptor) as entries:
        return [f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name for one in entries]


def is_same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether both tell of one file."""
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def flush(descriptor: int) -> None:
    """Bring an open file to the disk."""
    os.fsync(descriptor)


def flush_folder(descriptor: int) -> None:
    """Bring the folder's names to the disk."""
    try:
        flush(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:  # some file systems have no such thing: nothing better can be done
            raise


def flush_names(path: Path) -> None:
    """The same for a folder that is not open."""
    descriptor = os.open(path, _FOLDER)
    try:
        flush_folder(descriptor)
    finally:
        os.close(descriptor)


def make_root(root: Path) -> None:
    """Make the root and the folders above it where they are missing, durably."""
    for path in reversed((root, *root.parents)):
        if not path.is_dir():
            path.mkdir(mode=0o700, exist_ok=True)
            flush_names(path.parent)


@contextmanager
def locked(name: str, parent: int) -> Iterator[None]:
    """Hold the lock file for this process and thread alone; the kernel lets go of it when the process dies."""
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            # Said aloud, since a fork made meanwhile by another thread holds a copy of the descriptor.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _open_root(root: Path) -> int:
    try:
        return os.open(root, _FOLDER)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unavailable(Code.STORE_UNAVAILABLE, "the blob directory is gone; is its disk mounted?") from error


def _make(name: str, parent: int) -> None:
    with suppress(FileExistsError):
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except OSError as error:
            _explain(error, name, parent)
            raise


def _enter(name: str, parent: int) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        _explain(error, name, parent)
        raise


def _explain(error: OSError, name: str, parent: int) -> None:
    """Obstructed, or Integrity at a link (a trap), where the error means that; else it stays what it is."""
    if error.errno == errno.ENAMETOOLONG:
        raise Obstructed from error
    if error.errno in (errno.ENOTDIR, errno.ELOOP):  # both are said of a link, depending on the system
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        raise (_stranger() if stat.S_ISLNK(mode) else Obstructed()) from error


def _is_regular(mode: int) -> bool:
    """False for a folder; Integrity BLOB_CORRUPT for a link, a pipe, a device."""
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise _stranger()
    return stat.S_ISREG(mode)


def _stranger() -> Integrity:
    return Integrity(Code.BLOB_CORRUPT, "a symbolic link or special file stands in the blob directory")
