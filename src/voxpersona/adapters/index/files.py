"""The files of a Lance table: made whole, put on disk, dropped. Knows directories, not Lance."""

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

_BUILDING = ".building-"
_IDENTITY = "built-as"


def create_whole(target: Path, build: Callable[[Path], None]) -> None:
    """Let `build` make a directory named as the target inside a place of its own, then put it there in one rename.

    A kill leaves nothing under the target's name. Another process that was faster wins, and ours is thrown away.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    place = target.parent / f"{_BUILDING}{uuid.uuid4().hex}"
    place.mkdir()
    try:
        build(place)
        (place / target.name / _IDENTITY).write_text(uuid.uuid4().hex, encoding="ascii")
        sync_new(place / target.name, set())
        try:
            (place / target.name).rename(target)
        except OSError:
            if not target.is_dir():
                raise
        _sync(target.parent)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def identity(target: Path) -> str:
    """Tells one building of the directory from the next under the same name; empty where there is none.

    An inode number does not: file systems give it again to the next directory.
    """
    try:
        return (target / _IDENTITY).read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def sync_new(directory: Path, synced: set[Path]) -> None:
    """Put every file and directory under `directory` on disk, but for the files in `synced`; add them to it.

    Right for files that are written once; hint files that are written again are synced every time.
    """
    directories = [directory]
    for parent, _, names in os.walk(directory):
        directories.append(Path(parent))
        for name in names:
            path = Path(parent, name)
            if path in synced:
                continue
            try:
                _sync(path)
            except FileNotFoundError:
                continue  # tidied away by another process in the meantime
            if path.suffix != ".json":
                synced.add(path)
    for path in directories:
        _sync(path)


def drop(directory: Path) -> None:
    """Remove the tables in the directory and what killed builders left. Anything else that lies there stays."""
    if not directory.is_dir():
        return
    for path in directory.iterdir():
        if path.suffix != ".lance" and not path.name.startswith(_BUILDING):
            continue
        if path.is_dir() and not path.is_symlink():
            # Renamed first: a half-removed table must not be taken for a damaged one after a kill.
            doomed = path.rename(directory / f"{_BUILDING}{uuid.uuid4().hex}")
            shutil.rmtree(doomed)
        else:
            path.unlink()
    _sync(directory)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
