"""The decoder port over PyAV (libav)."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

import av.logging

from voxpersona.adapters.media import boxes, ebml, headers, ogg, playable
from voxpersona.adapters.media.containers import Container, after_tags, is_picture, recognise
from voxpersona.adapters.media.loudness import RATE as PLAYED_RATE
from voxpersona.adapters.media.mixer import mono
from voxpersona.adapters.media.pcm import PcmSound, PcmWriter
from voxpersona.adapters.media.reading import Limit, NoSound, Reading, Undecodable, read_sound
from voxpersona.adapters.media.shape import Shape, damage_of
from voxpersona.adapters.media.sides import Sides
from voxpersona.adapters.media.window import Window
from voxpersona.errors import Code, Rejected
from voxpersona.model import MediaFacts, Peaks
from voxpersona.ports import RATE, Floats, OnProgress

_LEAST_SECONDS = 0.1
_LEAST_PEAK = 0.001  # -60 dBFS
_MEASURED = 0.25
"""Share of the work of making a recording playable that is done when it was measured."""
_UNFINISHED = "the recorder did not finish the file: its index (moov) is missing"

_DECLARING = frozenset({"mp4", "mov", "webm", "matroska", "aiff", "au"})
"""Containers whose own length the library reads and does not guess from the number of bytes."""
_SHAPES: dict[str, Callable[[Window], Shape]] = {
    "wav": headers.wav_shape,
    "aiff": headers.aiff_shape,
    "au": headers.au_shape,
    "avi": headers.avi_shape,
    "caf": headers.caf_shape,
    "flac": headers.flac_shape,
    "mp3": headers.mp3_shape,
    "asf": headers.asf_shape,
    "mpegts": headers.transport_shape,
    "webm": lambda window: Shape(cut=ebml.is_cut(window)),
    "matroska": lambda window: Shape(cut=ebml.is_cut(window)),
}


class PyAVMedia:
    """Media over PyAV: Ogg, MP4 and its kin, MP3, AAC, WAV, FLAC, WebM, Matroska, WMA, AMR, AIFF, CAF, AU, AVI, TS.

    The container is recognised by our own code and named to the library, which therefore never guesses, never opens
    another file and never reaches for the network. A recording whose two channels cancel out when mixed is read by
    its first channel alone.
    """

    def __init__(self) -> None:
        av.logging.set_level(None)  # the library's lines name no recording and help nobody

    def decode(
        self, source: BinaryIO, *, name: str, target: Path | None = None, most: float | None = None
    ) -> MediaFacts:
        """As ports.Media says. Errors of `source` pass unchanged; no room for `target`: Unavailable NO_SPACE."""
        return _Decoding(Window(source), name, most).facts(target)

    @property
    def playable_name(self) -> str:
        return playable.NAME

    def playable(self, source: BinaryIO, *, name: str, target: Path, on_progress: OnProgress) -> Peaks:
        """As ports.Media says; the source is read twice."""
        return _Decoding(Window(source), name, None).playable(target, on_progress)

    def sound(self, target: Path) -> PcmSound:
        """As ports.Media says: NotFound PATH_ABSENT, Integrity RESULT_INVALID."""
        return PcmSound(target)


@dataclass(frozen=True)
class _Plan:
    """How to decode: `stretches` one by one; `locked` tells for each sound track, in order, that it is encrypted."""

    container: Container
    shape: Shape
    stretches: Sequence[Window]
    locked: Sequence[bool]


class _Decoding:
    """One decode call: its bytes, the name for messages, and after how many seconds it may stop."""

    def __init__(self, whole: Window, name: str, most: float | None) -> None:
        self._whole = whole
        self._name = name
        self._most = most

    def facts(self, target: Path | None) -> MediaFacts:
        container = self._container()
        plan = self._examine(container, self._whole.part(container.start, self._whole.size))
        with contextlib.ExitStack() as stack:
            sink = None if target is None else stack.enter_context(PcmWriter(target))
            sides = Sides(RATE)

            def keep(sound: Floats) -> None:
                if sink is not None:
                    sink.append(mono(sound))
                    sides.add(sound)

            reading = self._read(plan, keep)
            if _cancels_out(reading):
                sides = Sides(RATE)
                if sink is not None:
                    sink.restart()
                reading = self._read(plan, keep, first_channel=True)
            shape = _completed(plan, reading)
            if reading.stopped_of is None:
                self._judge(reading, shape)
            if sink is not None:
                sink.commit(sides.levels() if sides.are_apart() else None)
        seconds = reading.stopped_of or reading.length
        return MediaFacts(
            seconds=seconds,
            container=container.name,
            codec=reading.codec,
            rate=reading.rate,
            channels=reading.channels,
            content_type=container.content_type(has_video=reading.has_video),
            peak=min(1.0, reading.peak),
            damage=damage_of(shape, seconds=seconds, paused=reading.paused, lost=reading.lost, gave_up=reading.gave_up),
            clipped=reading.clipped,
            examined=None if reading.stopped_of is None else reading.length,
        )

    def playable(self, target: Path, on_progress: OnProgress) -> Peaks:
        container = self._container()
        plan = self._examine(container, self._whole.part(container.start, self._whole.size))
        first_channel = False
        measured = playable.Measured()
        reading = self._read(plan, measured.add, pace=PLAYED_RATE)
        if _cancels_out(reading):
            first_channel, measured = True, playable.Measured()
            reading = self._read(plan, measured.add, first_channel=True, pace=PLAYED_RATE)
        self._judge(reading, _completed(plan, reading))
        on_progress(_MEASURED)
        with playable.Writer(target, measured.gains(), measured.samples) as writer:

            def add(sound: Floats) -> None:
                writer.add(sound)
                on_progress(_MEASURED + (1 - _MEASURED) * min(1.0, writer.samples / measured.samples))

            self._read(plan, add, first_channel=first_channel, pace=PLAYED_RATE)
            peaks = writer.commit()
        on_progress(1.0)
        return peaks

    def _container(self) -> Container:
        if self._whole.size == 0:
            self._reject(Code.EMPTY, "the file has no bytes")
        if is_picture(self._whole):
            self._reject(Code.NO_SOUND_STREAM, "the file is a picture")
        tags_end = after_tags(self._whole)
        if tags_end > self._whole.size:
            self._reject(Code.DAMAGED, "the file ends inside its tags, before any sound")
        if tags_end == self._whole.size:
            self._reject(Code.NO_SOUND_STREAM, "the file has tags and no sound")
        container = recognise(self._whole)
        if container is None:
            self._reject(Code.NOT_AUDIO, "the bytes are no recording that we know")
        return container

    def _examine(self, container: Container, body: Window) -> "_Plan":
        """Look at the structure before anything is decoded."""
        locked: tuple[bool, ...] = ()
        shape, stretches = Shape(), [body]
        if container.reader == "mov":
            film = boxes.movie(body)
            if not film.is_indexed:
                self._reject(Code.DAMAGED, _UNFINISHED)
            locked = film.locked
            shape = Shape(cut=film.cut)
        elif container.reader == "ogg":
            chain = ogg.chain(body)
            shape, stretches = Shape(cut=chain.cut), [body.part(*link) for link in chain.links]
        elif container.name in _SHAPES:
            shape = _SHAPES[container.name](body)
        if container.reader == "matroska":
            locked = ebml.locked_tracks(body)
        elif container.reader == "asf" and headers.asf_is_locked(body):
            locked = (True,)
        if locked and all(locked):
            self._reject(Code.ENCRYPTED, "the sound is encrypted (DRM)")
        return _Plan(container, shape, stretches, locked)

    def _read(
        self, plan: _Plan, on_sound: Callable[[Floats], None], *, first_channel: bool = False, pace: int = RATE
    ) -> Reading:
        try:
            return read_sound(
                plan.container,
                plan.stretches,
                plan.locked,
                on_sound,
                first_channel=first_channel,
                limit=self._limit(plan),
                pace=pace,
            )
        except NoSound as error:
            code, reason = Code.NO_SOUND_STREAM, "the file has no sound track"
            if plan.shape.cut:
                code, reason = Code.DAMAGED, "the file ends before its sound begins"
            raise self._rejected(code, reason) from error
        except Undecodable as error:
            raise self._rejected(Code.NOT_AUDIO, "there is no decoder for its sound") from error

    def _limit(self, plan: _Plan) -> Limit | None:
        """Where the length is not told, only going through all of it tells it, and so it does what a cut has left; FLAC
        does not tell either whether it is cut."""
        if self._most is None or len(plan.stretches) > 1 or plan.shape.cut or plan.container.name == "flac":
            return None
        return Limit(self._most, plan.shape.seconds, is_declared=plan.container.name in _DECLARING | {"ogg"})

    def _judge(self, reading: Reading, shape: Shape) -> None:
        """Rejected, where what was decoded is no recording."""
        if reading.length < _LEAST_SECONDS:
            is_damaged = shape.cut or reading.gave_up or reading.lost > 0 or (shape.seconds or 0.0) > 2 * _LEAST_SECONDS
            if is_damaged:
                self._reject(Code.DAMAGED, "nothing useful of it can be decoded")
            self._reject(Code.TOO_SHORT, f"it lasts {reading.length:.2f} s")
        if reading.peak < _LEAST_PEAK:
            self._reject(Code.SILENT, "no sample is above -60 dBFS")

    def _rejected(self, code: Code, reason: str) -> Rejected:
        return Rejected(code, reason, name=self._name, reason=reason)

    def _reject(self, code: Code, reason: str) -> NoReturn:
        raise self._rejected(code, reason)


def _cancels_out(reading: Reading) -> bool:
    """Whether nothing is left of the channels when they are mixed."""
    return reading.peak < _LEAST_PEAK and reading.channels > 1 and reading.stopped_of is None


def _completed(plan: _Plan, reading: Reading) -> Shape:
    """The shape with what only decoding tells: the length as the library reads it, and a last frame cut off."""
    seconds = plan.shape.seconds
    if seconds is None and plan.container.name in _DECLARING:
        seconds = reading.declared
    # A film may go on after its sound has ended.
    slack = None if reading.has_video else plan.shape.slack
    return Shape(seconds, slack, plan.shape.cut or reading.ends_inside)
