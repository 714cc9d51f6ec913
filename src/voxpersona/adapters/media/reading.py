"""One pass of the decoder over one recording."""

from __future__ import annotations  # Packet takes its parameter in the library's type stubs only

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NoReturn

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition

from voxpersona.adapters.media.containers import Container
from voxpersona.adapters.media.frames import Frame, adts_frame, amr_length, mpeg_frame
from voxpersona.adapters.media.mixer import Mixer, mono
from voxpersona.adapters.media.window import Window
from voxpersona.ports import RATE, Floats

_BEGINNING = 1.0  # seconds, of what is not read to its end: enough to know that it can be decoded
_GATHERED = 1 << 17  # samples handled at once, 8 s
_BUFFER = 1 << 17
_FULL = 0.98  # resampling and encoding leave cut tops a little lower than they were
_MOST_FAILURES = 100
_LEAST_GAP = 0.1
_MOST_PAUSES = 3600.0
_STRAY = 4096
_TIMED = frozenset({"ogg", "mov", "matroska", "asf", "mpegts"})
"""Containers that store times; elsewhere the library works them out, and not always well (ADPCM in WAV)."""
_EVEN = frozenset({"opus", "vorbis"})
"""Codecs whose Ogg pages leave no pauses: a gap in their times is a page that was lost."""


_Measure = Callable[["Packet[AudioStream]", "Packet[AudioStream]"], float]


class NoSound(Exception):
    """The container was read and holds no sound track; nobody outside this room sees this."""


class Undecodable(Exception):
    """There is a sound track and no decoder for it; nobody outside this room sees this."""


class _Clock:
    """Compares the times that frames carry with the samples that came: where a recorder left a pause, so do we.

    Without this every later sentence would be found too early in the original. Jumps back are faults of the
    file's clock, and beyond an hour in all jumps forward are too: no small file makes us write for days.
    """

    def __init__(self, *, is_trusted: bool) -> None:
        self._is_trusted = is_trusted
        self._left = _MOST_PAUSES
        self._next: float | None = None

    def pause_before(self, frame: AudioFrame) -> float:
        """Seconds of silence that belong before this frame."""
        if frame.time is None or not self._is_trusted:
            return 0.0
        gap = 0.0 if self._next is None else frame.time - self._next
        is_pause = _LEAST_GAP < gap <= self._left
        start = self._next if self._next is not None and abs(gap) <= _LEAST_GAP else frame.time
        self._next = start + frame.samples / frame.sample_rate
        if not is_pause:
            return 0.0
        self._left -= gap
        return gap


@dataclass(frozen=True)
class Limit:
    """Where a recording is longer than `most` seconds, only its beginning is decoded. `seconds`: its length by our own
    look at its container, or, where that tells nothing, what the library reads there, if that `is_declared`, no guess.
    """

    most: float
    seconds: float | None
    is_declared: bool

    def length(self, declared: float | None) -> float | None:
        """The length in seconds of a recording that is too long to be read to its end now."""
        told = self.seconds if self.seconds is not None or not self.is_declared else declared
        return told if told is not None and told > self.most else None


@dataclass
class Reading:
    """What one pass found. `samples` at `pace` Hz, `peak` unclipped, `lost` in seconds of undecodable sound.

    `topped`: of so many `values` in all channels, those that stand at full scale beside another one that does.
    `on_sound` is told of arrays of shape (1 or 2, n), two where the recording has two channels there.
    `paused`: seconds of silence put in where the times of the frames leave a pause. `declared`: the length by the
    container in seconds, as the library reads it. `ends_inside`: the last frame is not whole. `gave_up`: the library
    could not go on. `stopped_of`: the whole length in seconds, where it was not to be read to its end.
    """

    on_sound: Callable[[Floats], None]
    pace: int = RATE
    codec: str = ""
    rate: int = 0
    channels: int = 0
    samples: int = 0
    peak: float = 0.0
    topped: int = 0
    values: int = 0
    lost: float = 0.0
    paused: float = 0.0
    declared: float | None = None
    has_video: bool = False
    ends_inside: bool = False
    gave_up: bool = False
    stopped_of: float | None = None
    _gathered: list[Floats] = field(default_factory=list)
    _waiting: int = 0

    @property
    def clipped(self) -> float:
        """Share of what lost its tops."""
        return self.topped / self.values if self.values else 0.0

    @property
    def length(self) -> float:
        """Of what was decoded, in seconds."""
        return self.samples / self.pace

    def take(self, parts: Sequence[Floats]) -> None:
        """Add decoded samples, shape (1 or 2, n)."""
        for part in parts:
            if self._gathered and len(self._gathered[-1]) != len(part):
                self.settle()
            self._gathered.append(part)
            self._waiting += part.shape[1]
        if self._waiting >= _GATHERED:
            self.settle()

    def has(self, seconds: float) -> bool:
        """Whether so much has been decoded."""
        return self.samples + self._waiting >= seconds * self.pace

    def settle(self) -> None:
        """Measure and hand on what was gathered. What is no number (broken float recordings) becomes silence."""
        if not self._waiting:
            return
        sound = np.nan_to_num(np.concatenate(self._gathered, axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
        self._gathered, self._waiting = [], 0
        self.samples += sound.shape[1]
        self.peak = max(self.peak, float(np.abs(mono(sound)).max()))
        is_full = np.abs(sound) >= _FULL
        self.topped += int(np.count_nonzero(is_full[:, 1:] & is_full[:, :-1]))
        self.values += sound.size
        self.on_sound(sound)


def read_sound(
    container: Container,
    stretches: Sequence[Window],
    locked: Sequence[bool],
    on_sound: Callable[[Floats], None],
    *,
    first_channel: bool,
    limit: Limit | None = None,
    pace: int = RATE,
) -> Reading:
    """Decode the stretches one after another as one sound of `pace` Hz, telling `on_sound` in order; with a limit, of a
    long one the beginning only. NoSound, Undecodable."""
    reading = Reading(on_sound, pace)
    done = 0
    for number, stretch in enumerate(stretches):
        mixer = Mixer(first_channel=first_channel, rate=pace)
        stretch.seek(0)
        try:
            with av.open(
                stretch,
                mode="r",
                format=container.reader,
                metadata_errors="replace",  # tags in old 8-bit alphabets are no reason to refuse a recording
                buffer_size=_BUFFER,
                io_open=_refuse,
            ) as opened:
                _read_stretch(opened, container, locked, reading, mixer, limit)
        except av.error.FFmpegError:
            if number == 0:
                reading.gave_up = True
            elif done:  # a later link that cannot be opened: its length by its share of the bytes
                reading.lost += reading.length * stretch.size / done
        if stretch.failure is not None:
            raise stretch.failure
        reading.settle()
        done += stretch.size
    return reading


def _read_stretch(
    opened: InputContainer,
    container: Container,
    locked: Sequence[bool],
    reading: Reading,
    mixer: Mixer,
    limit: Limit | None,
) -> None:
    stream = _sound_stream(opened, locked)
    for other in opened.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    reading.has_video = reading.has_video or any(
        not other.disposition & Disposition.attached_pic for other in opened.streams.video
    )
    reading.declared = _declared(opened, stream)
    measure = _gap_measure(container, opened, stream)
    clock = _Clock(is_trusted=container.reader in _TIMED)
    last: Packet[AudioStream] | None = None
    length = None if limit is None else limit.length(reading.declared)
    for packet in _packets(opened, stream, reading):
        if packet.size:
            reading.lost += 0.0 if last is None else measure(last, packet)
            last = packet
        _decode(packet, reading, mixer, clock)
        if limit is not None and length is not None and reading.has(min(limit.most, _BEGINNING)):
            reading.stopped_of, last = length, None
            break
    reading.take(mixer.rest())
    if not reading.codec:
        reading.codec = stream.codec_context.codec.canonical_name
    if last is not None:
        reading.ends_inside = _is_short(container, last)


def _sound_stream(opened: InputContainer, locked: Sequence[bool]) -> AudioStream:
    """The first sound track that is not locked and that there is a decoder for."""
    if not opened.streams.audio:
        raise NoSound
    for stream, is_locked in zip_longest(opened.streams.audio, locked[: len(opened.streams.audio)], fillvalue=False):
        if isinstance(stream, AudioStream) and not is_locked and _has_decoder(stream):
            return stream
    raise Undecodable


def _has_decoder(stream: AudioStream) -> bool:
    # The library leaves it out where it knows no decoder, whatever its types say.
    return getattr(stream, "codec_context", None) is not None


def _declared(opened: InputContainer, stream: AudioStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return opened.duration / av.time_base if opened.duration else None


def _decode(packet: Packet[AudioStream], reading: Reading, mixer: Mixer, clock: _Clock) -> None:
    try:
        for frame in packet.decode():
            if not reading.rate:
                reading.rate, reading.channels = frame.sample_rate, len(frame.layout.channels)
            if pause := clock.pause_before(frame):
                reading.paused += pause
                reading.take([*mixer.rest(), np.zeros((1, round(pause * reading.pace)), np.float32)])
            reading.take(mixer.mix(frame))
    except av.error.FFmpegError:
        if packet.size:
            reading.lost += _seconds(packet, packet.duration)


def _packets(opened: InputContainer, stream: AudioStream, reading: Reading) -> Iterator[Packet[AudioStream]]:
    """All packets; reading goes on after an error, a bounded number of times in a row.

    IndexError is what PyAV makes of a track that appears after the beginning (MPEG-TS).
    """
    failures = 0
    while failures < _MOST_FAILURES:
        try:
            for packet in opened.demux(stream):
                if packet.size:
                    failures = 0
                yield packet
        except IndexError:
            continue  # the foreign packet is read and gone
        except av.error.FFmpegError:
            failures += 1
        else:
            break
    reading.gave_up = failures > 0


def _gap_measure(container: Container, opened: InputContainer, stream: AudioStream) -> _Measure:
    """How to see that something is missing between two packets that arrived: seconds."""
    if container.reader == "ogg" and stream.codec_context.codec.canonical_name in _EVEN:
        return _time_between
    if container.reader in ("matroska", "asf") and len(opened.streams) == 1:
        # A pause is allowed here, but not one filled with bytes that belong to nothing.
        return lambda before, after: _time_between(before, after) if _bytes_between(before, after) > _STRAY else 0.0
    return _nothing_between


def _nothing_between(before: Packet[AudioStream], after: Packet[AudioStream]) -> float:  # noqa: ARG001 - a _Measure
    return 0.0


def _time_between(before: Packet[AudioStream], after: Packet[AudioStream]) -> float:
    if before.pts is None or after.pts is None or not before.duration:
        return 0.0
    gap = _seconds(before, after.pts - before.pts - before.duration)
    return gap if gap > _LEAST_GAP else 0.0


def _bytes_between(before: Packet[AudioStream], after: Packet[AudioStream]) -> int:
    if before.pos is None or after.pos is None or before.pos < 0:
        return 0
    return max(0, after.pos - before.pos - before.size)


def _seconds(packet: Packet[AudioStream], ticks: int | None) -> float:
    return float((ticks or 0) * (packet.time_base or 0))


def _is_short(container: Container, last: Packet[AudioStream]) -> bool:
    """Whether the last frame of a bare stream of frames is shorter than its header says."""
    if container.name == "amr":
        return last.size < amr_length(bytes(last), is_wide=container.sound_type.endswith("wb"))
    frame = _frame(container, last)
    return frame is not None and last.size < frame.length


def _frame(container: Container, packet: Packet[AudioStream]) -> Frame | None:
    head = bytes(packet)[:8]
    if container.name == "mp3":
        return mpeg_frame(head)
    return adts_frame(head) if container.name == "aac" else None


def _refuse(*_: object) -> NoReturn:
    """No recording has a reason to make the library open something else."""
    raise PermissionError("recordings do not open other files")
