"""Files that are no recordings, or that nobody can use; with the errors of which one must come."""

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.builders_media import (
    FORMATS,
    common_encryption,
    cover_tag,
    encoded,
    fairplay,
    jpeg,
    locked_webm,
    locked_wma,
    ogg_pages,
    speech,
    wav,
)
from voxpersona.errors import Code


def noise(size: int, seed: int = 0) -> bytes:
    """Random bytes, always the same."""
    return np.random.default_rng(seed).bytes(size)


def png() -> bytes:
    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = part(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(b"\0\0")) + part(b"IEND", b"")


def zipped(*, is_locked: bool = False) -> bytes:
    """An archive with a whole MP3 in it, not compressed. `is_locked` sets the flag of a password."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("interview.mp3", FORMATS["mp3"](speech()))
    made = bytearray(content.getvalue())
    if is_locked:
        made[6] |= 1
    return bytes(made)


def playlist(path: str) -> bytes:
    """An HLS playlist that points to `path`."""
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\n"
    return f"{head}{path}\n#EXT-X-ENDLIST\n".encode()


def joiner(path: str) -> bytes:
    """An ffconcat script that points to `path`."""
    return f"ffconcat version 1.0\nfile '{path}'\n".encode()


def _silence(seconds: float, level: float = 0.0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    waves = np.sin(np.arange(round(48_000 * seconds)) / 20) * level
    return waves.astype(np.float32)


def _film(form: str, codec: str) -> bytes:
    return encoded(form, "", np.zeros(48_000, np.float32), picture=codec, tracks=0)


def _program() -> bytes:
    return Path(sys.executable).resolve().read_bytes()[:300_000]


def _text() -> bytes:
    return "Вопрос: как вам номер? Ответ: чисто, но завтрак был холодный.\n".encode() * 200


_SRT = b"1\n00:00:01,000 --> 00:00:04,000\nHow was your stay?\n\n2\n00:00:05,000 --> 00:00:09,000\nFine.\n"
_HTML = b"<!DOCTYPE html><html><head><title>404</title></head><body>Not found</body></html>"
_MIDI = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0"
_HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)

Fault = tuple[Callable[[], bytes], Code] | tuple[Callable[[], bytes], Code, Code]

FAULTS: dict[str, Fault] = {
    "empty.ogg": (lambda: b"", Code.EMPTY),
    "one byte.mp3": (lambda: b"\xff", Code.NOT_AUDIO),
    "zeros.wav": (lambda: bytes(100_000), Code.NOT_AUDIO),
    "ones.mp3": (lambda: b"\xff" * 100_000, Code.NOT_AUDIO),
    "noise 1k.mp3": (lambda: noise(1_000), Code.NOT_AUDIO),
    "noise 100k.mp3": (lambda: noise(100_000), Code.NOT_AUDIO),
    "noise 1M.aac": (lambda: noise(1_000_000), Code.NOT_AUDIO),
    "program.mp3": (_program, Code.NOT_AUDIO),
    "setup.exe.mp3": (lambda: b"MZ" + noise(5_000), Code.NOT_AUDIO),
    "text.mp3": (_text, Code.NOT_AUDIO),
    "text in 16 bits.mp3": (lambda: _text().decode().encode("utf-16"), Code.NOT_AUDIO),
    "page.html": (lambda: _HTML, Code.NOT_AUDIO),
    "subtitles.srt": (lambda: _SRT, Code.NOT_AUDIO),
    "list.m3u": (lambda: b"#EXTM3U\n#EXTINF:3,x\nsecret.ogg\n", Code.NOT_AUDIO),
    "list.m3u8": (lambda: playlist("file:///etc/hostname"), Code.NOT_AUDIO),
    "network.m3u8": (lambda: playlist("http://127.0.0.1:9/a.ts"), Code.NOT_AUDIO),
    "script.ffconcat": (lambda: joiner("/etc/hostname"), Code.NOT_AUDIO),
    "session.sdp": (lambda: b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 9 RTP/AVP 0\n", Code.NOT_AUDIO),
    "document.pdf": (lambda: b"%PDF-1.7\n" + noise(20_000, 1), Code.NOT_AUDIO),
    "archive.zip": (zipped, Code.NOT_AUDIO),
    "archive with password.zip": (lambda: zipped(is_locked=True), Code.NOT_AUDIO),
    "archive.gz": (lambda: b"\x1f\x8b\x08" + noise(9_000, 2), Code.NOT_AUDIO),
    "melody.mid": (lambda: _MIDI, Code.NOT_AUDIO),
    "headless.raw": (lambda: wav(speech())[44:], Code.NOT_AUDIO),
    "picture.jpg": (jpeg, Code.NO_SOUND_STREAM),
    "picture.png.ogg": (png, Code.NO_SOUND_STREAM),
    "picture.heic": (lambda: _HEIC, Code.NO_SOUND_STREAM),
    "picture.gif": (lambda: b"GIF89a" + noise(900, 3), Code.NO_SOUND_STREAM),
    "film without sound.mp4": (lambda: _film("mp4", "mpeg4"), Code.NO_SOUND_STREAM),
    "film without sound.webm": (lambda: _film("webm", "libvpx"), Code.NO_SOUND_STREAM),
    "cover alone.mp3": (cover_tag, Code.NO_SOUND_STREAM),
    "cover cut off.mp3": (lambda: (cover_tag() + FORMATS["mp3"](speech()))[:300], Code.DAMAGED),
    "locked.mp4": (lambda: common_encryption(speech()), Code.ENCRYPTED),
    "locked.m4p": (lambda: fairplay(speech()), Code.ENCRYPTED),
    "locked.wma": (lambda: locked_wma(speech()), Code.ENCRYPTED),
    "locked.webm": (lambda: locked_webm(speech()), Code.ENCRYPTED),
    "click.wav": (lambda: wav(speech(0.05)), Code.TOO_SHORT),
    "click.ogg": (lambda: FORMATS["ogg-opus"](speech(0.05)), Code.TOO_SHORT),
    "header alone.wav": (lambda: wav(np.zeros(0, np.float32)), Code.TOO_SHORT),
    "header alone.amr": (lambda: b"#!AMR\n", Code.TOO_SHORT),
    "silence.wav": (lambda: wav(_silence(3)), Code.SILENT),
    "silence.ogg": (lambda: FORMATS["ogg-opus"](_silence(3)), Code.SILENT),
    "below -60 dB.flac": (lambda: FORMATS["flac"](_silence(3, 0.0008)), Code.SILENT),
    "not finished.m4a": (lambda: FORMATS["m4a"](speech())[:-100], Code.DAMAGED),
    "not finished at all.mp4": (lambda: FORMATS["m4a"](speech())[:40], Code.DAMAGED),
    "pages without a head.ogg": (lambda: b"".join(ogg_pages(FORMATS["ogg-opus"](speech(9)))[3:]), Code.DAMAGED),
    "cut in its head.ogg": (lambda: FORMATS["ogg-opus"](speech())[:60], Code.DAMAGED),
    "cut in its head.flac": (lambda: FORMATS["flac"](speech())[:30], Code.DAMAGED),
    "cut in its head.webm": (lambda: FORMATS["webm"](speech())[:200], Code.DAMAGED),
    "cut in its head.wav": (lambda: wav(speech())[:30], Code.DAMAGED),
    "a mark and noise.flac": (lambda: b"fLaC" + noise(50_000, 4), Code.DAMAGED),
    "a mark and noise.ogg": (lambda: b"OggS" + noise(50_000, 5), Code.DAMAGED),
    "a mark and noise.m4a": (lambda: b"\0\0\0\x20ftypM4A " + noise(50_000, 6), Code.DAMAGED),
    "a mark and noise.wma": (lambda: FORMATS["wma"](speech())[:16] + noise(50_000, 7), Code.DAMAGED),
    "a mark and noise.webm": (lambda: b"\x1a\x45\xdf\xa3" + noise(50_000, 8), Code.DAMAGED),
}
"""By file name: how it is made, and the errors that may come."""
