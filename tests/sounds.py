"""Everything odd that people hand in: names, forms and faults, each with what has to become of it.

All of it is made when asked for. No two kept ones have the same bytes, so that an archive takes each as new.
"""

import itertools
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tests.builders_faults import FAULTS
from tests.builders_media import FORMATS, cover_tag, encoded, id3, paused_webm, resampled, speech, unended_ogg, wav
from voxpersona.errors import Code
from voxpersona.ports import Floats

SECONDS = 3.0
_STARTS = itertools.count(1)


@dataclass(frozen=True)
class OddInput:
    """`name` can stand on a Linux disk. `seconds` is how long the sound is that can be had, None where there is none.

    `codes`: the errors of which one must come; empty for what is kept. TRUNCATED means that the decoder reads it
    (`seconds` long) and tells of damage, and that the house refuses it unless asked to keep it.
    """

    label: str
    name: str
    make: Callable[[], bytes]
    seconds: float | None = None
    codes: frozenset[Code] = frozenset()
    tolerance: float = 0.1

    @property
    def is_kept(self) -> bool:
        return not self.codes

    @property
    def is_cut(self) -> bool:
        return Code.TRUNCATED in self.codes


def odd_inputs() -> list[OddInput]:
    """All of them."""
    return [*_names(), *_kept(), *_cut(), *_rejected()]


_NAMES: dict[str, str] = {
    "cyrillic": "Интервью с гостем №5 — отель «Север».ogg",
    "decomposed": "Йогурт и ёлка.ogg",
    "emoji": "🎤🏨👩‍💼 запись.ogg",
    "chinese": "采访录音.ogg",
    "right-to-left": "مقابلة مع ضيف.ogg",
    "direction-override": "gnp.\u202eggo.ogg",
    "255-bytes": "д" * 125 + "a.ogg",
    "leading-dash": "-rf.ogg",
    "option": "--json.ogg",
    "parent-dots": "..\\..\\secret.ogg",
    "parent-escaped": "..%2F..%2Fetc%2Fpasswd.ogg",
    "newline": "two\nlines.ogg",
    "tab-and-quotes": "a\tb'c\"d`e`.ogg",
    "shell": "$(touch pwned); rm x & .ogg",
    "format": "%s%n{0}{name}.ogg",
    "markup": "[bold]<b>x<⁄b>[red].ogg",
    "glob": "*?[a].ogg",
    "trailing-dot": "recording.ogg.",
    "trailing-space": "recording.ogg ",
    "leading-space": "  recording.ogg",
    "hidden": ".recording.ogg",
    "reserved": "CON.ogg",
    "reserved-bare": "nul",
    "no-extension": "recording",
    "upper-case": "RECORDING.OGG",
    "two-extensions": "recording.mp3.exe",
    "extension-of-text": "recording.txt",
    "extension-of-playlist": "recording.m3u8",
    "extension-of-picture": "recording.jpg",
    "protocol-concat": "concat:a|b.ogg",
    "protocol-pipe": "pipe:0",
    "zero-width": "re\u200bcording\ufeff.ogg",
    "only-blanks": "   ",
}


def _names() -> Iterator[OddInput]:
    for label, name in _NAMES.items():
        yield OddInput(f"name-{label}", name, _fresh(FORMATS["ogg-opus"]), SECONDS)


def _fresh(form: Callable[[Floats], bytes]) -> Callable[[], bytes]:
    """The form over a stretch of speech that no other case has."""
    start = next(_STARTS) * 0.37
    return lambda: form(speech(SECONDS, start=start))


_EXTENSIONS = {"ogg-opus": "mp3", "mp3": "wav", "wav": "ogg", "flac": "m4a", "m4a": "flac", "webm": "txt", "aac": "pdf"}
"""Some come under a name that lies."""


def _kept() -> Iterator[OddInput]:
    for label, form in FORMATS.items():
        name = f"{label}.{_EXTENSIONS.get(label, label.partition('-')[0])}"
        yield OddInput(f"form-{label}", name, _fresh(form), SECONDS)
    for label, form in _FORMS.items():
        yield OddInput(label, f"{label}.bin", _fresh(form), SECONDS)
    ogg = FORMATS["ogg-opus"]
    twice: Callable[[Floats], bytes] = lambda sound: ogg(sound) + ogg(sound)  # noqa: E731 - a form like the others
    yield OddInput("ogg-chained", "chained.ogg", _fresh(twice), 2 * SECONDS)
    yield OddInput("ogg-chained-other-form", "chained2.ogg", _fresh(_other_form), 2 * SECONDS)
    yield OddInput("webm-with-a-pause", "pause.webm", _fresh(lambda sound: paused_webm(sound, pause=5)), SECONDS + 5)


def _stereo(left: Floats, right: Floats) -> Floats:
    return np.stack([left, right], axis=1)


def _other_form(sound: Floats) -> bytes:
    return FORMATS["ogg-opus"](sound) + encoded("ogg", "libopus", sound, channels=2)


def _not_numbers(sound: Floats) -> Floats:
    return np.concatenate([sound[:-2400], np.full(2400, np.nan, np.float32)])


_FORMS: dict[str, Callable[[Floats], bytes]] = {
    "wav-8-bit": lambda sound: wav(sound, bits=8),
    "wav-24-bit": lambda sound: wav(sound, bits=24),
    "wav-32-bit": lambda sound: wav(sound, bits=32),
    "wav-float": lambda sound: wav(sound, bits=32, is_float=True),
    "wav-double": lambda sound: wav(sound, bits=64, is_float=True),
    "wav-float-not-numbers": lambda sound: wav(_not_numbers(sound), bits=32, is_float=True),
    "wav-float-too-loud": lambda sound: wav(sound * 20, bits=32, is_float=True),
    "wav-8-khz": lambda sound: wav(resampled(sound, 8_000), rate=8_000),
    "wav-44100-hz": lambda sound: wav(resampled(sound, 44_100), rate=44_100),
    "wav-96-khz": lambda sound: wav(np.repeat(sound, 2), rate=96_000),
    "wav-16-khz": lambda sound: wav(resampled(sound, 16_000), rate=16_000),
    "wav-6-channels": lambda sound: wav(np.repeat(sound[:, None] / 6, 6, axis=1)),
    "wav-32-channels": lambda sound: wav(np.repeat(sound[:, None], 32, axis=1)),
    "wav-one-silent-channel": lambda sound: wav(_stereo(0 * sound, sound)),
    "wav-channels-cancel-out": lambda sound: wav(_stereo(sound, -sound)),
    "wav-live-size-0": lambda sound: wav(sound, declared=0),
    "wav-live-size-most": lambda sound: wav(sound, declared=0xFFFFFFFF),
    "wav-live-size-signed": lambda sound: wav(sound, declared=0x7FFFFFFF),
    "wav-size-with-header": lambda sound: wav(sound, declared=2 * len(sound) + 44),
    "wav-rf64": lambda sound: wav(sound, is_rf64=True),
    "wav-mu-law": lambda sound: encoded("wav", "pcm_mulaw", resampled(sound, 8_000), rate=8_000),
    "wav-adpcm": lambda sound: encoded("wav", "adpcm_ima_wav", sound),
    "wav-cyrillic-tags": lambda sound: wav(sound) + _list_tag("Интервью".encode("cp1251")),
    "ogg-vorbis": lambda sound: encoded("ogg", "vorbis", sound, channels=2, codec_options={"strict": "-2"}),
    "ogg-unended": lambda sound: unended_ogg(FORMATS["ogg-opus"](sound)),
    "ogg-stereo": lambda sound: encoded("ogg", "libopus", sound, channels=2),
    "m4a-6-channels": lambda sound: encoded("ipod", "aac", sound, channels=6),
    "mp4-two-sound-tracks": lambda sound: encoded("mp4", "aac", sound, tracks=2),
    "mp3-with-cover": lambda sound: cover_tag() + FORMATS["mp3"](sound),
    "mp3-cyrillic-tags": lambda sound: id3((b"TIT2", b"\0" + "Гость".encode("cp1251"))) + FORMATS["mp3"](sound),
    "mp3-tag-behind": lambda sound: FORMATS["mp3-no-header"](sound) + b"TAG" + bytes(125),
    "mp3-padded": lambda sound: FORMATS["mp3-no-header"](sound) + bytes(2000),
    "mp3-begun-inside": lambda sound: FORMATS["mp3-no-header"](sound)[100:],
    "mp3-44100-hz": lambda sound: encoded("mp3", "libmp3lame", resampled(sound, 44_100), rate=44_100),
    "mp3-tagged-flac": lambda sound: id3((b"TIT2", b"\0x")) + FORMATS["flac"](sound),
    "quiet": lambda sound: FORMATS["flac"](sound * np.float32(0.01)),
}
"""Forms beside those of FORMATS that are whole recordings."""


def _list_tag(text: bytes) -> bytes:
    body = b"INFOINAM" + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    return b"LIST" + struct.pack("<I", len(body)) + body


def _cut() -> Iterator[OddInput]:
    labels = ("ogg-opus", "mp3", "wav", "flac", "webm", "m4a-index-first", "wma", "aac", "amr")
    for label in labels:
        whole = _fresh(FORMATS[label])
        half: Callable[[], bytes] = lambda whole=whole: _half(whole())  # type: ignore[misc]  # noqa: E731 - bound now
        yield OddInput(f"cut-{label}", f"cut.{label[:3]}", half, SECONDS / 2, frozenset({Code.TRUNCATED}), 0.7)


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2 - 1]


def _rejected() -> Iterator[OddInput]:
    for name, (make, *codes) in FAULTS.items():
        yield OddInput(f"fault-{name}", name, make, None, frozenset(codes))
