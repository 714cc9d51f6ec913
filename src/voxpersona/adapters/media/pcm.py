"""Decoded sound on disk: a 32-byte header of our own, then 16-bit little-endian samples at RATE, mono; in version 2,
where the two channels carried different voices, the levels of both for every whole 10 ms follow, as 32-bit floats.

    8 bytes  magic          4 bytes  samples per second   8 bytes  complete mark, zeros while being written
    4 bytes  version        8 bytes  number of samples

The file is written beside its place, fsynced and renamed, so it is there wholly or not at all; the mark and the
number catch what a copy or a file system tore later.
"""

import errno
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from voxpersona.errors import Code, Configuration, Integrity, NotFound, Unavailable
from voxpersona.ports import RATE, Floats

_HEADER = struct.Struct("<8sIIQ8s")
_MAGIC = b"VoxPCM\r\n"
_MONO, _SIDES = 1, 2
_STEP = RATE // 100
_COMPLETE = b"complete"
_SCALE = 32_768.0


class PcmWriter:
    """Writes one decoded recording; nothing stands at `target` before `commit`, nor ever without it.

    One writer per target at a time; what a killed one left is written over. No room: Unavailable NO_SPACE; a place
    that cannot be written to: Configuration DATA_DIRECTORY.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        self._samples = 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = self._part.open("wb")
            self._file.write(_header(0, b""))
        except OSError as error:
            raise write_error(error, target) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as failure:  # the last buffered bytes found no room; what is thrown away needs none
            if error is None:
                raise write_error(failure, self._target) from failure
        finally:
            self._part.unlink(missing_ok=True)

    def append(self, sound: Floats) -> None:
        """Write samples, shape (n,), clipped to [-1, 1)."""
        rounded = np.clip(np.rint(sound * _SCALE), -_SCALE, _SCALE - 1).astype("<i2")
        try:
            self._file.write(rounded.tobytes())
        except OSError as error:
            raise write_error(error, self._target) from error
        self._samples += len(rounded)

    def restart(self) -> None:
        """Forget what was appended."""
        self._file.seek(_HEADER.size)
        self._file.truncate()
        self._samples = 0

    def commit(self, sides: "Floats | None" = None) -> None:
        """Make it durable, then visible; with the levels of the sides, shape (steps, 2), where there are any."""
        try:
            if sides is not None:
                self._file.write(sides[: self._samples // _STEP].astype("<f4").tobytes())
            self._sync()
            self._file.seek(0)
            self._file.write(_header(self._samples, _COMPLETE, _MONO if sides is None else _SIDES))
            self._sync()
            self._file.close()
            self._part.replace(self._target)
            _sync_directory(self._target.parent)
        except OSError as error:
            raise write_error(error, self._target) from error

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


class PcmSound:
    """A file that PcmWriter wrote, read by ranges; nothing of it stays in memory. Safe to share between threads."""

    def __init__(self, target: Path) -> None:
        """NotFound PATH_ABSENT; anything but a whole file of this format: Integrity RESULT_INVALID."""
        self._target = target
        try:
            with target.open("rb") as file:
                head = file.read(_HEADER.size)
            size = target.stat().st_size
        except FileNotFoundError as error:
            raise NotFound(Code.PATH_ABSENT, "the decoded sound is not there", path=str(target)) from error
        except OSError as error:
            raise Integrity(Code.RESULT_INVALID, "the decoded sound cannot be read", path=str(target)) from error
        self._samples, self._has_sides = self._checked(head, size)

    @property
    def seconds(self) -> float:
        return self._samples / RATE

    @property
    def sides(self) -> "Floats | None":
        """As ports.Sound says."""
        if not self._has_sides:
            return None
        found = self._bytes(_HEADER.size + 2 * self._samples, _sides_size(self._samples))
        return np.frombuffer(found, "<f4").reshape(-1, 2)

    def read(self, start: float, end: float) -> Floats:
        """The samples of `[start, end)` in seconds, clipped to the recording; shape (samples,), float32."""
        first = min(max(0, round(start * RATE)), self._samples)
        last = min(max(first, round(end * RATE)), self._samples)
        found = self._bytes(_HEADER.size + 2 * first, 2 * (last - first))
        return np.frombuffer(found, "<i2").astype(np.float32) / np.float32(_SCALE)

    def _bytes(self, place: int, size: int) -> bytes:
        try:
            with self._target.open("rb") as file:
                file.seek(place)
                found = file.read(size)
        except OSError as error:
            raise self._torn("cannot be read any more") from error
        if len(found) != size:
            raise self._torn("became shorter while it was read")
        return found

    def _checked(self, head: bytes, size: int) -> tuple[int, bool]:
        if len(head) < _HEADER.size:
            raise self._torn("is shorter than its header")
        magic, version, rate, samples, mark = _HEADER.unpack(head)
        if (magic, rate) != (_MAGIC, RATE) or version not in (_MONO, _SIDES):
            raise self._torn("is not of our format")
        has_sides = version == _SIDES
        if mark != _COMPLETE or size != _HEADER.size + 2 * samples + (_sides_size(samples) if has_sides else 0):
            raise self._torn("is not whole")
        return int(samples), has_sides

    def _torn(self, what: str) -> Integrity:
        return Integrity(Code.RESULT_INVALID, f"the decoded sound {what}", path=str(self._target))


def _header(samples: int, mark: bytes, version: int = _MONO) -> bytes:
    return _HEADER.pack(_MAGIC, version, RATE, samples, mark)


def _sides_size(samples: int) -> int:
    return samples // _STEP * 8


def _sync_directory(directory: Path) -> None:
    if os.name == "nt":  # Windows opens no directories; its renames are journalled
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_error(error: OSError, target: Path) -> Unavailable | Configuration:
    """What it means that sound cannot be written to `target`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(Code.NO_SPACE, "no room for the decoded sound", path=str(target))
    return Configuration(Code.DATA_DIRECTORY, f"cannot write decoded sound: {error.strerror}", path=str(target))
