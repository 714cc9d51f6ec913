"""Which container the bytes are, by their own marks. The name of a file is never asked.

The decoder library is told which format to read and never guesses: left alone it finds MP3 in text, follows playlists
to other files and runs `ffconcat` scripts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from voxpersona.adapters.media import ebml
from voxpersona.adapters.media.frames import Frame, adts_frame, first_frame, mpeg_frame
from voxpersona.adapters.media.window import Window

_SEARCHED = 1 << 16
_FRAMED = 1 << 13  # holds any three frames


@dataclass(frozen=True)
class Container:
    """A format we read: our name, the library's reader for it, and the content type without and with a picture.

    `start` is where its first mark stands: after tags put in front of the file.
    """

    name: str
    reader: str
    sound_type: str
    video_type: str = ""
    start: int = 0

    def content_type(self, *, has_video: bool) -> str:
        return (self.video_type or self.sound_type) if has_video else self.sound_type


_OGG = Container("ogg", "ogg", "audio/ogg", "video/ogg")
_WAV = Container("wav", "wav", "audio/wav")
_MP3 = Container("mp3", "mp3", "audio/mpeg")
_ADTS = Container("aac", "aac", "audio/aac")
_AMR = Container("amr", "amr", "audio/amr")
_TS = Container("mpegts", "mpegts", "video/mp2t")
_WEBM = Container("webm", "matroska", "audio/webm", "video/webm")
_MATROSKA = Container("matroska", "matroska", "audio/x-matroska", "video/x-matroska")
_AVI = Container("avi", "avi", "video/x-msvideo")
_MARKS = (
    (b"OggS", _OGG),
    (b"fLaC", Container("flac", "flac", "audio/flac")),
    (b"#!AMR-WB\n", Container("amr", "amr", "audio/amr-wb")),
    (b"#!AMR\n", _AMR),
    (b"caff", Container("caf", "caf", "audio/x-caf")),
    (b".snd", Container("au", "au", "audio/basic")),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), Container("asf", "asf", "audio/x-ms-wma", "video/x-ms-wmv")),
)
_RIFF = {b"WAVE": _WAV, b"AVI ": _AVI}
_IFF = frozenset({b"AIFF", b"AIFC"})
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof"})
_PICTURE_BRANDS = frozenset({b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx "})
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"8BPS", b"\0\0\1\0")
_FOREIGN = (b"PK", b"%PDF", b"\x7fELF", b"MZ", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"SQLite")
"""Archives, programs and documents: they may hold an MP3 somewhere inside and are none."""


def is_picture(window: Window) -> bool:
    head = window.at(0, 12)
    return (
        head.startswith(_PICTURES)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS)
    )


def after_tags(window: Window) -> int:
    """Where the ID3v2 tags in front end; beyond the file where it ends inside one."""
    at = 0
    for _ in range(16):
        head = window.at(at, 10)
        if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or any(byte & 0x80 for byte in head[6:10]):
            break
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        at += 10 + size + (10 if head[5] & 0x10 else 0)
    return at


def recognise(window: Window) -> Container | None:
    """The container the bytes are; None for anything we do not read."""
    start = after_tags(window)
    head = window.at(start, 1024)
    marked = next((container for mark, container in _MARKS if head.startswith(mark)), None)
    if marked is None:
        marked = _by_shape(head)
    if marked is not None:
        return replace(marked, start=start)
    return None if head.startswith(_FOREIGN) else _by_frames(window, start)


def _by_shape(head: bytes) -> Container | None:
    """Containers whose mark is not a plain prefix."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[:4] == b"FORM" and head[8:12] in _IFF:
        return Container("aiff", "aiff", "audio/aiff")
    if head[4:8] in _BOXES:
        return _movie(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _WEBM if ebml.doc_type(head) == "webm" else _MATROSKA
    for first, stride in ((0, 188), (4, 192), (0, 204)):
        if len(head) > first + 4 * stride and all(head[first + n * stride] == 0x47 for n in range(5)):
            return _TS
    return None


def _movie(head: bytes) -> Container:
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand[:2] == b"3g":
        return Container("mp4", "mov", "audio/3gpp", "video/3gpp")
    if brand in (b"", b"qt  "):
        return Container("mov", "mov", "video/quicktime")
    return Container("mp4", "mov", "audio/mp4", "video/mp4")


def _by_frames(window: Window, start: int) -> Container | None:
    """Bare streams of frames; some begin with the rest of a frame or with padding."""
    searched = window.at(start, _SEARCHED + _FRAMED)
    is_whole = start + len(searched) >= window.size
    kinds: tuple[tuple[Container, Callable[[bytes], Frame | None]], ...] = ((_MP3, mpeg_frame), (_ADTS, adts_frame))
    for container, read in kinds:
        found = first_frame(searched, read, is_whole=is_whole)
        if found is not None and found < _SEARCHED:
            return replace(container, start=start + found)
    return None
