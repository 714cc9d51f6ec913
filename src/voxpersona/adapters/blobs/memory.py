"""Blobs in memory: for tests and for trying things out. They are gone with the process."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from voxpersona.adapters.blobs.keys import check_key, check_metadata, is_own
from voxpersona.adapters.blobs.verify import PART, Tally, check_same, check_start, is_whole, verified
from voxpersona.errors import Code, Configuration, NotFound
from voxpersona.model import BlobFacts, Listed


class MemoryBlobs:
    """The port `Blobs`, complete, safe for threads; everything but durable."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[BlobFacts, bytes]] = {}
        self._lock = threading.Lock()

    def put(
        self,
        key: str,
        content: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> BlobFacts:
        """See the port."""
        check_key(key)
        kept = check_metadata(metadata)
        tally = Tally()
        gathered = bytearray()
        for part in content:
            tally.add(part)
            gathered += part
        tally.check(key, sha256=sha256, size=size)
        facts = BlobFacts(
            key=key,
            size=tally.size,
            sha256=tally.sha256,
            content_type=content_type,
            metadata=kept,
            written_at=datetime.now(UTC),
        )
        with self._lock:
            standing, _ = self._kept.setdefault(key, (facts, bytes(gathered)))
        return check_same(standing, facts.sha256)

    def stat(self, key: str) -> BlobFacts:
        """See the port."""
        facts, _ = self._find(key)
        return facts

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See the port. A negative `start` is a ValueError."""
        check_start(start)
        facts, content = self._find(key)
        wanted = content[start:] if end is None else content[start : max(start, end)]
        parts = (wanted[at : at + PART] for at in range(0, len(wanted), PART))
        return verified(parts, facts) if is_whole(facts, start, end) else parts

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """See the port. The listing is of the moment it is begun."""
        with self._lock:
            found = [
                facts for facts, _ in self._kept.values() if facts.key.startswith(prefix) and not is_own(facts.key)
            ]
        for facts in sorted(found, key=lambda facts: facts.key):
            yield Listed(key=facts.key, stored=facts.size, written_at=facts.written_at)

    def delete(self, key: str) -> None:
        """See the port."""
        check_key(key)
        with self._lock:
            self._kept.pop(key, None)

    def link(self, key: str, seconds: int, name: str) -> str:  # noqa: ARG002  # the port's signature
        """Configuration LINK_UNSUPPORTED, always: memory has no address."""
        raise Configuration(Code.LINK_UNSUPPORTED, "blobs in memory have no links", key=key)

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        """See the port."""
        kept = check_metadata(metadata)
        self._find(key)
        with self._lock:
            facts, content = self._kept[key]
            facts = facts.model_copy(update={"metadata": kept})
            self._kept[key] = (facts, content)
        return facts

    def _find(self, key: str) -> tuple[BlobFacts, bytes]:
        check_key(key)
        with self._lock:
            try:
                return self._kept[key]
            except KeyError:
                raise NotFound(Code.BLOB_ABSENT, "no such blob", key=key) from None
