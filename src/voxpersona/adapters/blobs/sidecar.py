"""The facts of each blob of a directory, in a JSON file of its own, named by the digest of the key.

The digest keeps the name short whatever the key, and the file out of the way of every key. A sidecar is on the disk
before its blob has a name and goes after it: a sidecar without a blob is nothing, a blob without one is damage.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from voxpersona.adapters.blobs.filesystem import Obstructed, flush_folder, folder, look, names, open_regular
from voxpersona.adapters.blobs.keys import digest
from voxpersona.adapters.blobs.spool import spool
from voxpersona.errors import Code, Integrity
from voxpersona.model import BlobFacts


class FactsLost(Integrity):
    """A blob stands, but what it should be is not known any more. A put of the same bytes mends it."""


class Sidecars:
    """The sidecars below one folder of a store's root. Plain OSErrors come out: the store turns them."""

    def __init__(self, root: Path, segments: tuple[str, ...], incoming: tuple[str, ...]) -> None:
        self._root = root
        self._segments = segments
        self._incoming = incoming

    def prepare(self) -> None:
        """Make the shelves the sidecars stand on, once and durably; so no put need flush more than its own."""
        with folder(self._root, self._segments, make=True) as parent:
            for number in range(256):
                with suppress(FileExistsError):
                    os.mkdir(f"{number:02x}", 0o700, dir_fd=parent)
            flush_folder(parent)

    def read(self, key: str) -> BlobFacts:
        """FactsLost where there are none, or none that make sense."""
        facts = self.named(digest(key))
        if facts.key != key:
            raise FactsLost(Code.BLOB_CORRUPT, "the facts are another blob's", key=key)
        return facts

    def named(self, name: str) -> BlobFacts:
        """The same by the digest of the key."""
        try:
            with self._folder(name) as parent:
                return _parse(_content(f"{name}.json", parent))
        except (FileNotFoundError, Obstructed) as error:
            raise FactsLost(Code.BLOB_CORRUPT, "the facts of a blob are missing", digest=name) from error

    def write(self, facts: BlobFacts) -> None:
        """Put the facts in place of any that stand, durably, whole or not at all."""
        name = digest(facts.key)
        with spool(self._root, self._incoming) as temporary:
            temporary.write(facts.model_dump_json().encode())
            temporary.finish()
            with self._folder(name) as parent:
                temporary.replace(f"{name}.json", parent)
                flush_folder(parent)

    def remove(self, key: str) -> None:
        """Remove the facts, if there are any."""
        name = digest(key)
        with suppress(FileNotFoundError), self._folder(name) as parent:
            os.unlink(f"{name}.json", dir_fd=parent)
            flush_folder(parent)

    def keys(self, before: float) -> Iterator[str]:
        """The keys of all readable sidecars last written before that time (seconds since 1970), in no order."""
        for shelf in (name.rstrip("/") for name in self._names(())):
            for name in self._names((shelf,)):
                with suppress(FileNotFoundError, Obstructed, FactsLost), self._folder(shelf) as parent:
                    if look(name, parent).st_mtime < before:
                        yield _parse(_content(name, parent)).key

    @contextmanager
    def _folder(self, name: str) -> Iterator[int]:
        with folder(self._root, (*self._segments, name[:2])) as parent:
            yield parent

    def _names(self, below: tuple[str, ...]) -> list[str]:
        with folder(self._root, (*self._segments, *below)) as parent:
            return names(parent)


def _content(name: str, parent: int) -> bytes:
    with os.fdopen(open_regular(name, parent), "rb") as opened:
        return opened.read()


def _parse(content: bytes) -> BlobFacts:
    try:
        return BlobFacts.model_validate_json(content)
    except ValidationError:
        # Not chained: that error quotes its input, and metadata may name a person.
        raise FactsLost(Code.BLOB_CORRUPT, "the facts of a blob make no sense") from None
