"""How long a recording must be, by the header of its container; and whether Windows Media is locked.

Sources: the RIFF/WAVE and EBU 3306 (RF64) descriptions, RFC 9639 (FLAC), AIFF-C draft 1991, Apple's CAF
specification, Microsoft's ASF specification 3, and for MP3 the headers that Xing, LAME and Fraunhofer (VBRI) write.
"""

import struct
from collections.abc import Iterator

from voxpersona.adapters.media.frames import mpeg_frame
from voxpersona.adapters.media.shape import SLOPPY, Shape
from voxpersona.adapters.media.window import Window

_MOST_CHUNKS = 10_000
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_LOCKS = frozenset(
    bytes.fromhex(guid)
    for guid in (
        "fbb3112223bdd211b4b700a0c955fc6e",  # content encryption
        "14e68a292226174cb935dae07ee9289c",  # extended content encryption
        "338505438169e6499b74ad12cb86d58c",  # advanced content encryption
    )
)
_MP3_SLACK = 4
"""Frames an MP3 loses by design: encoder delay, padding, and the header's own."""
_EXACT = 0.05
_ASF_SLACK = 0.5


def wav_shape(window: Window) -> Shape:
    """By the size of `data`; 0 and the values that live writers leave there say nothing."""
    order = ">" if window.at(0, 4) == b"RIFX" else "<"
    bytes_per_second, long_size = 0, 0
    for kind, start, size in _chunks(window, 12, order):
        if kind == b"ds64":
            long_size = int(struct.unpack("<Q", window.at(start + 8, 8).ljust(8, b"\0"))[0])
        elif kind == b"fmt ":
            bytes_per_second = int(struct.unpack(order + "I", window.at(start + 8, 4).ljust(4, b"\0"))[0])
        elif kind == b"data":
            declared = long_size if size == 0xFFFFFFFF and long_size else size
            if declared == 0 or (declared == size and _is_unknown(size)):
                return Shape()
            seconds = declared / bytes_per_second if bytes_per_second else None
            return Shape(seconds, cut=declared > window.size - start + SLOPPY)
    return Shape(cut=True)


def aiff_shape(window: Window) -> Shape:
    """By the size of `SSND`; its length in frames is read by the decoder."""
    for kind, start, size in _chunks(window, 12, ">"):
        if kind == b"SSND":
            return Shape(cut=start + size > window.size + SLOPPY)
    return Shape(cut=True)


def au_shape(window: Window) -> Shape:
    start, size = struct.unpack(">II", window.at(4, 8).ljust(8, b"\0"))
    return Shape(cut=size != 0xFFFFFFFF and start + size > window.size + SLOPPY)


def avi_shape(window: Window) -> Shape:
    size = int.from_bytes(window.at(4, 4), "little")
    return Shape(cut=size != 0xFFFFFFFF and 8 + size > window.size + SLOPPY)


def caf_shape(window: Window) -> Shape:
    """By the size of `data`; -1 is what live writers leave there."""
    seconds, found, rate, packet_bytes, packet_frames = None, False, 0.0, 0, 0
    at = 8
    for _ in range(_MOST_CHUNKS):
        head = window.at(at, 12)
        if len(head) < 12:
            break
        kind, size = head[:4], int.from_bytes(head[4:], "big", signed=True)
        if kind == b"desc":
            rate, packet_bytes, packet_frames = struct.unpack(">d8xII8x", window.at(at + 12, 32).ljust(32, b"\0"))
        elif kind == b"data":
            found = True
            if size > 4 and rate > 0 and packet_bytes:
                seconds = (size - 4) // packet_bytes * packet_frames / rate
        if size < 0:
            return Shape()
        at += 12 + size
    return Shape(seconds, cut=not found or at > window.size + SLOPPY)


def flac_shape(window: Window) -> Shape:
    """By STREAMINFO, which comes first; 0 samples means that the writer did not know."""
    packed = int.from_bytes(window.at(8 + 10, 8), "big")
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return Shape(samples / rate, slack=_EXACT) if rate and samples else Shape()


def mp3_shape(window: Window) -> Shape:
    """By the Xing, Info or VBRI header inside the first frame; constant bit rates often have none."""
    head = window.at(0, 200)
    frame = mpeg_frame(head)
    if frame is None:
        return Shape()
    at = 4 + ((17 if frame.is_mono else 32) if frame.is_mpeg1 else (9 if frame.is_mono else 17))
    frames = size = 0
    if head[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(head[at + 4 : at + 8], "big")
        at += 8
        if flags & 1:
            frames, at = int.from_bytes(head[at : at + 4], "big"), at + 4
        if flags & 2:
            size = int.from_bytes(head[at : at + 4], "big")
    elif head[36:40] == b"VBRI":
        size, frames = struct.unpack(">II", head[46:54])
    seconds = frames * frame.samples / frame.rate if frames else None
    return Shape(seconds, slack=_MP3_SLACK * frame.samples / frame.rate, cut=size > window.size + SLOPPY)


def asf_shape(window: Window) -> Shape:
    """By the file properties, which mean nothing in a broadcast."""
    for guid, start, _ in _asf_objects(window):
        if guid == _FILE_PROPERTIES:
            size, played, preroll, flags = struct.unpack("<Q16xQ8xQI", window.at(start + 16, 52).ljust(52, b"\0"))
            if flags & 1:
                return Shape()
            seconds = max(0.0, played / 1e7 - preroll / 1e3)
            return Shape(seconds or None, slack=_ASF_SLACK + seconds / 100, cut=size > window.size)
    return Shape(cut=True)


def asf_is_locked(window: Window) -> bool:
    return any(guid in _LOCKS for guid, _, _ in _asf_objects(window))


def transport_shape(window: Window) -> Shape:
    """Packets of 188 bytes, or 192 with a time stamp, or 204 with error correction."""
    head = window.at(0, 5 * 204)
    for first, stride in ((0, 188), (4, 192), (0, 204)):
        if all(head[first + n * stride : first + n * stride + 1] == b"\x47" for n in range(5)):
            return Shape(cut=window.size % stride != 0)
    return Shape()


def _is_unknown(size: int) -> bool:
    """Sizes that writers leave who cannot go back: 0xFFFFFFFF or 0x7FFFFFFF, less a header or a page."""
    return any(most - 0x1000 <= size <= most for most in (0xFFFFFFFF, 0x7FFFFFFF))


def _chunks(window: Window, at: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, size) of RIFF or IFF chunks, also of one that ends beyond the file."""
    for _ in range(_MOST_CHUNKS):
        head = window.at(at, 8)
        if len(head) < 8:
            return
        kind, size = struct.unpack(order + "4sI", head)
        yield kind, at + 8, size
        at += 8 + size + size % 2


def _asf_objects(window: Window) -> Iterator[tuple[bytes, int, int]]:
    """(guid, start, size) of the objects in the header."""
    end = min(int.from_bytes(window.at(16, 8), "little"), window.size)
    at = 30
    for _ in range(_MOST_CHUNKS):
        head = window.at(at, 24)
        size = int.from_bytes(head[16:], "little")
        if at >= end or len(head) < 24 or size < 24:
            return
        yield head[:16], at + 24, size - 24
        at += size
