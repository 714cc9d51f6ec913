"""Where the bytes of a blob directory stand: each key at its own path, or aside where it cannot be a path.

Plain OSErrors come out of everything here: the store turns them into our words.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from voxpersona.adapters.blobs.filesystem import Obstructed, flush_folder, folder, is_same, look, names, open_regular
from voxpersona.adapters.blobs.keys import check_key, digest, is_key
from voxpersona.adapters.blobs.spool import Spool
from voxpersona.errors import Code, NotFound, Unavailable

TRIES = 100
"""How often to look again when another process removes what is being looked at."""


class _Place(NamedTuple):
    folder: tuple[str, ...]
    name: str


class Tree:
    """The names below a root. `ours` is a first segment no key has as a path; `aside` a folder below it."""

    def __init__(self, root: Path, ours: str, aside: tuple[str, ...]) -> None:
        self._root = root
        self._ours = ours
        self._aside = aside

    def open(self, key: str) -> int:
        """A descriptor of the bytes. NotFound BLOB_ABSENT."""
        for place in self._places(key):
            with suppress(FileNotFoundError, Obstructed), folder(self._root, place.folder) as parent:
                return open_regular(place.name, parent)
        self.check_there()
        raise NotFound(Code.BLOB_ABSENT, "no such blob", key=key)

    def has(self, key: str) -> bool:
        """Whether bytes stand under the key."""
        try:
            os.close(self.open(key))
        except NotFound:
            return False
        return True

    def stands(self, key: str, found: os.stat_result) -> bool:
        """Whether it is this very file that stands under the key."""
        for place in self._places(key):
            with suppress(FileNotFoundError, Obstructed), folder(self._root, place.folder) as parent:
                return is_same(look(place.name, parent), found)
        return False

    def check_there(self) -> None:
        """Unavailable where the store is gone as a whole, say unmounted: nobody can tell then what is absent."""
        try:
            with folder(self._root, self._aside):
                pass
        except FileNotFoundError as error:
            raise Unavailable(Code.STORE_UNAVAILABLE, "the blob directory is empty; is its disk mounted?") from error

    def give_name(self, temporary: Spool, key: str) -> None:
        """Let the finished temporary file stand under the key, durably, unless something stands there."""
        for place in self._places(key):
            for _ in range(TRIES):
                try:
                    with folder(self._root, place.folder, make=True) as parent:
                        temporary.link(place.name, parent)
                        flush_folder(parent)
                        return
                except FileNotFoundError:
                    continue  # a removal pruned the folder meanwhile
                except Obstructed:
                    break
        raise Unavailable(Code.STORE_UNAVAILABLE, "the blob directory gives the blob no name", key=key)

    def withdraw(self, key: str, written: os.stat_result) -> None:
        """After an error: take that very file away again, and nobody else's."""
        for place in self._places(key):
            with suppress(FileNotFoundError, Obstructed), folder(self._root, place.folder) as parent:
                if is_same(look(place.name, parent), written):
                    os.unlink(place.name, dir_fd=parent)

    def settle(self, key: str) -> None:
        """Flush the folders on the way to the bytes: their writer may have been killed before it did."""
        for place in self._places(key):
            with suppress(FileNotFoundError, Obstructed), folder(self._root, place.folder, settle=True) as parent:
                flush_folder(parent)

    def remove(self, key: str) -> None:
        """Take the bytes away, durably. Absent ones are no error."""
        for place in self._places(key):
            with suppress(FileNotFoundError, Obstructed), folder(self._root, place.folder) as parent:
                with suppress(FileNotFoundError):
                    look(place.name, parent)
                    os.unlink(place.name, dir_fd=parent)
                flush_folder(parent)

    def prune(self, key: str) -> None:
        """Remove the folders of the key that are empty, from below; any trouble ends it: nothing depends on it."""
        above = self._places(key)[0].folder
        if above == self._aside:
            return
        with suppress(OSError, Obstructed):
            for depth in range(len(above) - 1, -1, -1):
                with suppress(FileNotFoundError), folder(self._root, above[:depth]) as parent:
                    os.rmdir(above[depth], dir_fd=parent)

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that are paths and start with `prefix`, ascending."""
        above = prefix.rpartition("/")[0]
        if not above:
            yield from self._walk((), prefix)
        elif is_key(above) and above.split("/")[0] != self._ours:
            yield from self._walk(tuple(above.split("/")), prefix)

    def digests_aside(self) -> Iterable[str]:
        """The digests of the keys whose bytes stand aside."""
        return self._names(self._aside)

    def _places(self, key: str) -> tuple[_Place, ...]:
        """Where the bytes may stand, in the order of preference; the last one can always be had."""
        segments = check_key(key)
        aside = _Place(self._aside, digest(key))
        return (aside,) if segments[0] == self._ours else (_Place(segments[:-1], segments[-1]), aside)

    def _walk(self, segments: tuple[str, ...], prefix: str) -> Iterator[str]:
        for name in self._names(segments):
            key = "/".join((*segments, name))
            if name == f"{self._ours}/" and not segments:
                continue
            if not key.endswith("/"):
                if key.startswith(prefix) and is_key(key):
                    yield key
            elif key.startswith(prefix) or prefix.startswith(key):
                yield from self._walk((*segments, name[:-1]), prefix)

    def _names(self, segments: tuple[str, ...]) -> Iterable[str]:
        """The names in a folder, none where it is gone. The `/` after those of folders puts keys in order."""
        with suppress(FileNotFoundError, Obstructed), folder(self._root, segments) as parent:
            return sorted(names(parent))
        return ()
