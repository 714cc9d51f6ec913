"""Files of one machine that are needed only while somebody is at work on them."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from voxpersona.model import RecordingId

_ABANDONED = 86_400.0
"""Seconds: nothing is made or listened to for so long."""


@contextmanager
def scratch_file(scratch: Path, recording: RecordingId, ending: str) -> Iterator[Path]:
    """A path of its own in the directory, for a file that is gone afterwards. What was left under the same ending by
    those that were killed long ago is removed, too."""
    for left in scratch.glob(f"*.{ending}*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink()
    target = scratch / f"{recording}-{uuid.uuid4().hex}.{ending}"
    try:
        yield target
    finally:
        target.unlink(missing_ok=True)
