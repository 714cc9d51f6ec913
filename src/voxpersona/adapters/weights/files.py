"""Join, check and keep files on disk: nothing unchecked or half written is ever visible under its name."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from voxpersona.adapters.weights.pins import PinnedFile
from voxpersona.errors import Code, Configuration, Unavailable

_BLOCK = 1 << 20
_STAMP = "verified.json"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def disk_errors(directory: Path) -> Iterator[None]:
    """Turn what the disk answers into Unavailable NO_SPACE or Configuration DATA_DIRECTORY."""
    try:
        yield
    except OSError as error:
        where = str(directory)
        if error.errno in _FULL:
            raise Unavailable(Code.NO_SPACE, f"no room for model files in {where}", directory=where) from error
        reason = error.strerror or type(error).__name__
        raise Configuration(
            Code.DATA_DIRECTORY, f"model files in {where}: {reason}", directory=where, reason=reason
        ) from error


@contextlib.contextmanager
def locked(directory: Path, name: str) -> Iterator[None]:
    """Hold the lock of this name, so that of several processes one does the work. The kernel frees it at a kill."""
    with (directory / f".{name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def altered(path: Path, expected: str, found: str, sources: Sequence[Path] = ()) -> Configuration:
    made = f", made from {' + '.join(str(source) for source in sources)}," if sources else ""
    return Configuration(
        Code.MODEL_ALTERED,
        f"{path}{made} is not the file we know: sha256 {found}, expected {expected}",
        path=str(path),
        expected=expected,
        found=found,
    )


def join(sources: Sequence[Path], target: Path, expected: str | None) -> None:
    """Write the sources one after the other to `target`: complete, checked and fsynced, or not at all.

    `expected` is the sha256 of the whole; None takes it as it is. To be called under the lock: the temporary name is
    fixed, so that what a killed process left is overwritten and not gathered.
    """
    unfinished = target.with_name(f"{target.name}.unfinished")
    hashing = hashlib.sha256()
    with unfinished.open("wb") as joined:
        for source in sources:
            with source.open("rb") as part:
                while block := part.read(_BLOCK):
                    hashing.update(block)
                    joined.write(block)
        joined.flush()
        os.fsync(joined.fileno())
    if expected is not None and hashing.hexdigest() != expected:
        unfinished.unlink()
        raise altered(target, expected, hashing.hexdigest(), sources)
    unfinished.replace(target)
    _sync(target.parent)


def stands(files: Sequence[PinnedFile], directory: Path) -> bool:
    """Whether all files are there, and are the pinned ones. False: some is missing. Wrong: MODEL_ALTERED.

    A file is hashed once; `verified.json` remembers its size and time of change, and a start that finds both unchanged
    reads nothing more. It guards against accidents, not against somebody who can write here; deleting it asks for a
    full check. A read-only cache without it is hashed at every start.
    """
    if not all((directory / pin.name).is_file() for pin in files):
        return False
    remembered = _read_stamp(directory)
    seen: dict[str, object] = {}
    for pin in files:
        path = directory / pin.name
        facts = path.stat()
        seen[pin.name] = {"bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns, "sha256": pin.sha256}
        if remembered.get(pin.name) == seen[pin.name]:
            continue
        found = digest(path)
        if found != pin.sha256:
            raise altered(path, pin.sha256, found)
    if seen != remembered:
        with contextlib.suppress(OSError):  # read-only: hashed again at the next start
            _write_stamp(directory, seen)
    return True


def _read_stamp(directory: Path) -> Mapping[str, object]:
    try:
        stamp = json.loads((directory / _STAMP).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _write_stamp(directory: Path, stamp: Mapping[str, object]) -> None:
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=f".{_STAMP}.")
    with os.fdopen(descriptor, "w") as file:
        json.dump(stamp, file, indent=1)
    Path(name).replace(directory / _STAMP)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
