"""A blob directory as its keeper sees it."""

import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.filesystem import store_errors
from voxpersona.adapters.blobs.keys import OWN
from voxpersona.errors import Code, Configuration, Integrity
from voxpersona.model import Abilities, Checksum, Rule, Unfinished

_FIRST, _SECOND = b"first", b"second"


class DirectoryBucket:
    """The port `Bucket` for a `DirectoryBlobs`."""

    def __init__(self, blobs: DirectoryBlobs, root: Path) -> None:
        """`root`: where those blobs are."""
        self._blobs = blobs
        self._root = root.absolute()

    @property
    def name(self) -> str:
        """See the port."""
        return str(self._root)

    def prepare(self) -> None:
        """See the port. Unavailable STORE_UNAVAILABLE where the directory cannot be made."""
        self._blobs.prepare()

    def abilities(self) -> Abilities:
        """See the port. They are known; a blob is put twice, read and deleted to see whether the disk plays its part.
        Errors as of `DirectoryBlobs.put`; Integrity BLOB_CORRUPT where it does not come back."""
        key = f"{OWN}probe/{uuid.uuid4().hex}"
        try:
            self._blobs.put(key, [_FIRST])
            with suppress(Integrity):  # BLOB_CONFLICT, as it should
                self._blobs.put(key, [_SECOND])
            content = b"".join(self._blobs.read(key))
        finally:
            self._blobs.delete(key)
        return Abilities(
            server="directory",
            create_only=content == _FIRST,
            checksum=Checksum.SHA256,
            tags=False,
            versioning=False,
            lifecycle=False,
            clock_skew=0.0,
            probed_at=datetime.now(UTC),
        )

    def unfinished(self) -> Sequence[Unfinished]:
        """See the port. A temporary file does not tell its blob's key: its own place stands for it. `begun_at` is when
        it was last written. Those that are being written now are among them."""
        return self._blobs.unfinished()

    def abandon(self, older_than_seconds: float) -> int:
        """See the port. What a living process writes stays, however old."""
        return self._blobs.sweep(older_than_seconds)

    def rules(self) -> Sequence[Rule]:
        """None, always."""
        return ()

    def apply(self, rules: Sequence[Rule]) -> None:
        """Configuration LIFECYCLE_UNSUPPORTED for any rule."""
        for rule in rules:
            reason = "a directory has no lifecycle rules"
            raise Configuration(
                Code.LIFECYCLE_UNSUPPORTED, reason, bucket=self.name, rule=str(rule.action), reason=reason
            )

    def free_bytes(self) -> int | None:
        """What an unprivileged process may still write. Unavailable where the directory is gone."""
        with store_errors():
            found = os.statvfs(self._root)
        return found.f_bavail * found.f_frsize
