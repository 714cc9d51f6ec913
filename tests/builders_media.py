"""Recordings of every kind, made on the spot from one sample of synthetic speech."""

import io
import json
import struct
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

import voxpersona.samples
from voxpersona.ports import Floats

SPEECH = Path(voxpersona.samples.__file__).parent / "en_interview_two_speakers.ogg"
_RATE = 48_000


@cache
def _sample() -> Floats:
    parts = []
    with av.open(str(SPEECH)) as container:
        for frame in container.decode(audio=0):
            parts.append(cast(Any, frame.to_ndarray())[0])
    sound: Floats = np.concatenate(parts).astype(np.float32)
    return sound


def speech(seconds: float = 3.0, *, start: float = 1.0, rate: int = _RATE) -> Floats:
    """Speech of the sample from `start` seconds on, repeated where it is too short; shape (samples,)."""
    count = round(seconds * _RATE)
    looped = np.resize(np.roll(_sample(), -round(start * _RATE)), count)
    if rate == _RATE:
        return looped
    places = np.arange(round(seconds * rate)) * (_RATE / rate)
    return _interpolated(looped, places)


def encoded(
    container: str,
    codec: str,
    sound: Floats,
    *,
    rate: int = _RATE,
    channels: int = 1,
    bit_rate: int | None = None,
    options: Mapping[str, str] | None = None,
    codec_options: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    picture: str | None = None,
    tracks: int = 1,
) -> bytes:
    """A file of the library's own making. `sound` has the shape (samples,), or (channels, samples). `picture` names a
    video codec whose track is added; no `tracks`, no sound."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "made"
        with av.open(str(path), "w", format=container, container_options=dict(options or {})) as file:
            file.metadata.update(tags or {})
            film = None if picture is None else _film_track(file, picture)
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
            streams = [
                file.add_stream(codec, rate=rate, layout=layout, options=dict(codec_options or {}))
                for _ in range(tracks)
            ]
            for number, stream in enumerate(streams):
                assert isinstance(stream, AudioStream)
                if bit_rate is not None:
                    stream.bit_rate = bit_rate
                apart = sound if sound.ndim == 2 else np.repeat(sound[None], channels, axis=0)
                frame = av.AudioFrame.from_ndarray(apart * np.float32(0.1**number), "fltp", layout)
                frame.sample_rate = rate
                file.mux([*stream.encode(frame), *stream.encode(None)])
            if film is not None:
                _shoot(file, film, seconds=sound.shape[-1] / rate)
        return path.read_bytes()


def call_channels(
    *,
    gains: tuple[float, float] = (1.0, 1.0),
    leak: float = 0.0,
    seconds: float | None = None,
    earlier: float = 0.0,
) -> Floats:
    """The sample as a recorded call, shape (2, samples): each of its speakers on a channel of their own, which hisses a
    little. `leak`: how much of either is heard on the other's channel. The second speaker says everything so many
    seconds `earlier`."""
    turns = json.loads(SPEECH.with_suffix(".json").read_text(encoding="utf-8"))["turns"]
    apart = np.zeros((2, len(_sample())), np.float32)
    for turn in turns:
        side = 0 if turn["speaker"] == turns[0]["speaker"] else 1
        span = slice(round(turn["start"] * _RATE), round(turn["end"] * _RATE))
        apart[side, span] = _sample()[span]
    apart[1] = np.roll(apart[1], -round(earlier * _RATE))
    count = apart.shape[1] if seconds is None else round(seconds * _RATE)
    leaked = (apart + apart[::-1] * np.float32(leak)) * np.array(gains, np.float32)[:, None]
    hiss = np.random.default_rng(5).standard_normal(leaked.shape).astype(np.float32) * np.float32(2e-4)
    return (leaked + hiss)[:, :count]


def flac_of(*, start: float, end: float, times: int = 1) -> bytes:
    """Part of the sample in seconds, repeated, as FLAC."""
    return encoded("flac", "flac", np.tile(speech(end - start, start=start), times))


def _film_track(file: OutputContainer, codec: str) -> VideoStream:
    stream = file.add_stream(codec, rate=5)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = 64, 48
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return stream


def _shoot(file: OutputContainer, stream: VideoStream, *, seconds: float) -> None:
    for number in range(max(1, round(seconds * 5))):
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 7 % 256, np.uint8), "rgb24")
        file.mux(stream.encode(frame))
    file.mux(stream.encode(None))


Form = Callable[[Floats], bytes]

FORMATS: dict[str, Form] = {
    "ogg-opus": lambda sound: encoded("ogg", "libopus", sound),
    "m4a": lambda sound: encoded("ipod", "aac", sound),
    "m4a-index-first": lambda sound: encoded("ipod", "aac", sound, options={"movflags": "faststart"}),
    "mp4-fragmented": lambda sound: encoded(
        "mp4", "aac", sound, options={"movflags": "frag_keyframe+empty_moov", "frag_duration": "1000000"}
    ),
    "mp4-video": lambda sound: encoded("mp4", "aac", sound, picture="mpeg4", options={"movflags": "faststart"}),
    "mov-pcm": lambda sound: encoded("mov", "pcm_s16le", sound, options={"movflags": "faststart"}),
    "m4a-alac": lambda sound: encoded("ipod", "alac", sound, options={"movflags": "faststart"}),
    "3gp-amr": lambda sound: encoded("3gp", "libopencore_amrnb", sound[::6], rate=8_000),
    "mp3": lambda sound: encoded("mp3", "libmp3lame", sound),
    "mp3-no-header": lambda sound: encoded("mp3", "libmp3lame", sound, options={"write_xing": "0"}),
    "mp3-8k": lambda sound: encoded("mp3", "libmp3lame", sound[::6], rate=8_000),
    "mp2": lambda sound: encoded("mp2", "mp2", sound),
    "wav": lambda sound: wav(sound),
    "flac": lambda sound: encoded("flac", "flac", sound),
    "webm": lambda sound: encoded("webm", "libopus", sound),
    "webm-live": lambda sound: encoded("webm", "libopus", sound, options={"live": "1"}),
    "webm-video": lambda sound: encoded("webm", "libopus", sound, picture="libvpx"),
    "mka-aac": lambda sound: encoded("matroska", "aac", sound),
    "wma": lambda sound: encoded("asf", "wmav2", resampled(sound, 44_100), rate=44_100, bit_rate=64_000),
    "amr": lambda sound: encoded("amr", "libopencore_amrnb", sound[::6], rate=8_000),
    "aac": lambda sound: encoded("adts", "aac", sound),
    "aiff": lambda sound: encoded("aiff", "pcm_s16be", sound),
    "caf": lambda sound: encoded("caf", "pcm_s16le", sound),
    "au": lambda sound: encoded("au", "pcm_s16be", sound),
    "avi": lambda sound: encoded("avi", "mp2", sound),
    "mpegts": lambda sound: encoded("mpegts", "aac", sound),
}
"""Every format we promise, by a label; each makes a mono file of the 48 kHz sound it is given."""


def resampled(sound: Floats, rate: int) -> Floats:
    """48 kHz sound at another rate, roughly."""
    places = np.arange(round(len(sound) * rate / _RATE)) * (_RATE / rate)
    return _interpolated(sound, places)


def _interpolated(sound: Floats, places: NDArray[np.floating[Any]]) -> Floats:
    found: Floats = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    return found


def paused_webm(sound: Floats, *, pause: float) -> bytes:
    """A live WebM whose recorder sent nothing for `pause` seconds in the middle."""
    content = io.BytesIO()
    with av.open(content, "w", format="webm", container_options={"live": "1"}) as file:
        stream = file.add_stream("libopus", rate=_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], "fltp", "mono")
        frame.sample_rate, frame.pts = _RATE, 0
        packets = [packet for packet in [*stream.encode(frame), *stream.encode(None)] if packet.size]
        for packet in packets[len(packets) // 2 :]:
            packet.pts = (packet.pts or 0) + round(pause * _RATE)
            packet.dts = packet.pts
        file.mux(packets)
    return content.getvalue()


def wav(
    sound: NDArray[np.float32],
    *,
    rate: int = _RATE,
    bits: int = 16,
    is_float: bool = False,
    declared: int | None = None,
    is_rf64: bool = False,
) -> bytes:
    """A WAV file of `sound`, shape (samples,) or (samples, channels). `declared` replaces the size of its data."""
    channels = 1 if sound.ndim == 1 else sound.shape[1]
    body = _pcm(sound.reshape(-1), bits, is_float=is_float)
    width = channels * bits // 8
    form = struct.pack("<HHIIHH", 3 if is_float else 1, channels, rate, rate * width, width, bits)
    size = len(body) if declared is None else declared
    head = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 0xFFFFFFFF if is_rf64 else size)
    if not is_rf64:
        total = min(0xFFFFFFFF, 4 + len(head) + size)
        return b"RIFF" + struct.pack("<I", total) + b"WAVE" + head + body
    sizes = struct.pack("<QQQI", 4 + 36 + len(head) + len(body), size, len(body) // width, 0)
    return b"RF64" + b"\xff" * 4 + b"WAVEds64" + struct.pack("<I", len(sizes)) + sizes + head + body


def _pcm(sound: Floats, bits: int, *, is_float: bool) -> bytes:
    if is_float:
        return bytes(sound.astype(f"<f{bits // 8}").tobytes())
    scaled = np.clip(np.rint(sound.astype(np.float64) * 2 ** (bits - 1)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if bits == 8:
        return bytes((scaled + 128).astype(np.uint8).tobytes())
    if bits == 24:
        return bytes(scaled.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    return bytes(scaled.astype(f"<i{bits // 8}").tobytes())


def id3(*frames: tuple[bytes, bytes]) -> bytes:
    """An ID3v2.3 tag."""
    body = b"".join(name + struct.pack(">IH", len(content), 0) + content for name, content in frames)
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + body


def cover_tag() -> bytes:
    """An ID3 tag with a picture in it."""
    return id3((b"APIC", b"\0image/jpeg\0\3\0" + jpeg()))


def jpeg() -> bytes:
    return encoded("mjpeg", "", np.zeros(1, np.float32), picture="mjpeg", tracks=0)


def ogg_pages(content: bytes) -> list[bytes]:
    """The pages of an Ogg file."""
    pages, at = [], 0
    while at < len(content):
        count = content[at + 26]
        end = at + 27 + count + sum(content[at + 27 : at + 27 + count])
        pages.append(content[at:end])
        at = end
    return pages


def unended_ogg(content: bytes) -> bytes:
    """The Ogg file with the end-of-stream flag taken off its last page, as a browser that was closed leaves it."""
    pages = ogg_pages(content)
    last = bytearray(pages[-1])
    last[5] &= ~4
    last[22:26] = bytes(4)
    last[22:26] = struct.pack("<I", _ogg_checksum(bytes(last)))
    return b"".join([*pages[:-1], bytes(last)])


def _ogg_checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value


def common_encryption(sound: Floats) -> bytes:
    """An MP4 under Common Encryption, as stores and streaming services lock it."""
    keys = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "07" * 16, "encryption_kid": "11" * 16}
    return encoded("mp4", "aac", sound, options=keys)


def fairplay(sound: Floats) -> bytes:
    """An .m4p: its sample entry says so."""
    return FORMATS["m4a"](sound).replace(b"mp4a", b"drms", 1)


def locked_wma(sound: Floats) -> bytes:
    """A WMA with a content encryption object at the end of its header."""
    content = FORMATS["wma"](sound)
    size = int.from_bytes(content[16:24], "little")
    count = int.from_bytes(content[24:28], "little")
    secret = b"".join(struct.pack("<I", len(text)) + text for text in (b"secret", b"DRM\0", b"key\0", b"http:\0"))
    lock = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + struct.pack("<Q", 24 + len(secret)) + secret
    head = content[:16] + struct.pack("<QI", size + len(lock), count + 1) + content[28:size]
    return head + lock + content[size:]


def locked_webm(sound: Floats) -> bytes:
    """A WebM whose only track says that it is encrypted (Widevine): a live one, so that no size but two changes."""
    content = encoded("webm", "libopus", sound, options={"live": "1", "write_crc32": "0"})
    encryption = _element("5035", _element("47e1", b"\x05") + _element("47e2", bytes(16)))
    lock = _element("6d80", _element("6240", _element("5033", b"\x01") + encryption))
    tracks_at = content.rindex(bytes.fromhex("1654ae6b"))  # the first one is in the table of contents
    tracks_head, tracks = _opened(content, tracks_at, 4)
    _, track = _opened(tracks, 0, 1)
    changed = _element("1654ae6b", _element("ae", track + lock))
    return content[:tracks_at] + changed + content[tracks_at + tracks_head + len(tracks) :]


def _element(identity: str, body: bytes) -> bytes:
    return bytes.fromhex(identity) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def _opened(content: bytes, at: int, identity_length: int) -> tuple[int, bytes]:
    """The length of an element's header, and its content."""
    first = content[at + identity_length]
    length = 9 - first.bit_length()
    field = content[at + identity_length : at + identity_length + length]
    size = int.from_bytes(field, "big") & ((1 << 7 * length) - 1)
    head = identity_length + length
    return head, content[at + head : at + head + size]
