"""Boxes of MP4, M4A, 3GP and QuickTime files (ISO/IEC 14496-12): is the index there, is the sound locked?"""

from collections.abc import Iterator
from dataclasses import dataclass

from voxpersona.adapters.media.window import Window

_LOCKED = frozenset({b"enca", b"encv", b"drms", b"drmi", b"aavd"})
"""Sample entries of Common Encryption, FairPlay and Audible."""
_MOST_BOXES = 100_000


@dataclass(frozen=True)
class Box:
    kind: bytes
    start: int
    """Of the payload."""
    end: int


@dataclass(frozen=True)
class Movie:
    """`is_indexed`: the index (moov) is there and whole. `sound` and `other`: sample entries by kind of track."""

    cut: bool
    is_indexed: bool
    sound: tuple[bytes, ...]
    other: tuple[bytes, ...]

    @property
    def locked(self) -> tuple[bool, ...]:
        """For each sound track in order (or each other track, where there is no sound) whether it is encrypted."""
        return tuple(entry in _LOCKED for entry in self.sound or self.other)


def movie(window: Window) -> Movie:
    """Walk the boxes; the media itself is not read."""
    cut, index = False, None
    sound: list[bytes] = []
    other: list[bytes] = []
    for box in _boxes(window, 0, window.size):
        cut = box.end > window.size
        if box.kind == b"moov" and not cut:
            index = box
    if index is not None:
        for track in _inside(window, index, b"trak"):
            for handler, entry in _entries(window, track):
                (sound if handler == b"soun" else other).append(entry)
    return Movie(cut, index is not None, tuple(sound), tuple(other))


def _entries(window: Window, track: Box) -> Iterator[tuple[bytes, bytes]]:
    """The handler and the first sample entry of a track."""
    for media in _inside(window, track, b"mdia"):
        handlers = [window.at(box.start + 8, 4) for box in _inside(window, media, b"hdlr")]
        for description in _inside(window, media, b"minf", b"stbl", b"stsd"):
            entry = window.at(description.start + 12, 4)
            if handlers and len(entry) == 4:
                yield handlers[0], entry


def _inside(window: Window, box: Box, *path: bytes) -> Iterator[Box]:
    for child in _boxes(window, box.start, box.end):
        if child.kind == path[0]:
            if len(path) == 1:
                yield child
            else:
                yield from _inside(window, child, *path[1:])


def _boxes(window: Window, at: int, end: int) -> Iterator[Box]:
    """Boxes one after another. One whose size cannot be is the last; one that ends beyond the file is told as it is."""
    for _ in range(_MOST_BOXES):
        head = window.at(at, 16)
        if at >= end or not head:
            return
        if len(head) < 8:
            if end == window.size and any(head):  # the beginning of a header; zeros are padding
                yield Box(b"", at, at + 8)
            return
        size, kind, payload = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if size == 1 and len(head) == 16:
            size, payload = int.from_bytes(head[8:16], "big"), at + 16
        if size == 0:
            size = end - at
        if size < payload - at or not any(kind):
            return
        yield Box(kind, payload, at + size)
        at += size
