"""Writing what a person asked for to a file of theirs: whole or not at all, never over something by accident."""

import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from voxpersona.errors import Code, NotFound, Rejected, Unavailable


def write_output(path: Path, parts: Iterable[bytes], *, name: str, force: bool) -> Path:
    """Write the parts to `path` (in it under `name`, where it is a directory); returns where they stand.

    Rejected OUTPUT_EXISTS unless `force`; NotFound PATH_ABSENT where the directory is missing; Unavailable NO_SPACE.
    """
    target = path / name if path.is_dir() else path
    if target.exists() and not force:
        raise Rejected(Code.OUTPUT_EXISTS, "the output exists", path=str(target))
    if not target.parent.is_dir():
        raise NotFound(Code.PATH_ABSENT, "no such directory", path=str(target.parent))
    # Short, whatever the target's name: that may have the longest name there is.
    temporary = target.parent / f".voxpersona-{uuid.uuid4().hex}"
    try:
        with temporary.open("xb") as written:
            for part in parts:
                written.write(part)
            written.flush()
            os.fsync(written.fileno())
        temporary.replace(target)
    except OSError as error:
        reason = error.strerror or "write failed"
        if isinstance(error, PermissionError):
            raise Rejected(Code.UNREADABLE, reason, path=str(target), reason=reason) from error
        raise Unavailable(Code.NO_SPACE, reason, where=f"{target}: {reason}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return target
