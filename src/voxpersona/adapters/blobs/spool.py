"""Temporary files of a blob directory: written aside, flushed, then given their name in one step."""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from voxpersona.adapters.blobs.filesystem import Obstructed, flush, folder, look, names, store_errors
from voxpersona.errors import Code, Configuration, Integrity

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


class Spool:
    """One temporary file, open to write. It is locked while it is written: no sweeper takes it away."""

    def __init__(self, name: str, parent: int, descriptor: int) -> None:
        self._name = name
        self._parent = parent
        self._descriptor = descriptor

    def write(self, part: bytes) -> None:
        """Unavailable NO_SPACE, STORE_UNAVAILABLE."""
        rest = memoryview(part)
        with store_errors():
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def finish(self) -> os.stat_result:
        """Bring the bytes to the disk and tell what stands there."""
        flush(self._descriptor)
        return os.fstat(self._descriptor)

    def link(self, name: str, target: int) -> None:
        """Give the file its final name, if that name is free; Obstructed where a folder has it.

        Integrity BLOB_CONFLICT where a file has it. Configuration DATA_DIRECTORY where there are no hard links.
        """
        try:
            os.link(self._name, name, src_dir_fd=self._parent, dst_dir_fd=target, follow_symlinks=False)
        except FileExistsError as error:
            look(name, target)  # Obstructed, or Integrity at a link
            raise Integrity(Code.BLOB_CONFLICT, "a file appeared in spite of the lock") from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise Obstructed from error
            if error.errno in _NO_LINKS:
                raise Configuration(
                    Code.DATA_DIRECTORY, "the file system of the blob directory has no hard links"
                ) from error
            raise

    def replace(self, name: str, target: int) -> None:
        """Give the file its final name, whatever had it before."""
        os.rename(self._name, name, src_dir_fd=self._parent, dst_dir_fd=target)


@contextmanager
def spool(root: Path, segments: tuple[str, ...]) -> Iterator[Spool]:
    """A new temporary file in the folder; its temporary name is gone at the end, whatever happened."""
    name = secrets.token_hex(16)
    with folder(root, segments) as parent:
        descriptor = _create(name, parent)
        try:
            yield Spool(name, parent, descriptor)
        finally:
            with suppress(OSError):  # what is left of it is the sweeper's
                os.unlink(name, dir_fd=parent)
            with suppress(OSError):  # its bytes were flushed, or are of no use
                os.close(descriptor)


def lying(root: Path, segments: tuple[str, ...]) -> Iterator[tuple[str, os.stat_result]]:
    """The temporary files that are there, in no order: left by the killed, or being written now."""
    with folder(root, segments) as parent:
        for name in names(parent):
            with suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=parent, follow_symlinks=False)
                if stat.S_ISREG(found.st_mode):
                    yield name, found


def sweep(root: Path, segments: tuple[str, ...], before: float) -> int:
    """Remove temporary files last written before that time (seconds since 1970) that nobody writes; how many."""
    removed = 0
    with folder(root, segments) as parent:
        for name in names(parent):
            with suppress(FileNotFoundError):
                removed += _sweep_one(name, parent, before)
    return removed


def _sweep_one(name: str, parent: int, before: float) -> bool:
    found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if found.st_mtime >= before or not stat.S_ISREG(found.st_mode):
        return False
    descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name, dir_fd=parent)
    except BlockingIOError:  # its writer lives
        return False
    finally:
        os.close(descriptor)
    return True


def _create(name: str, parent: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=parent)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
