"""Headers of MPEG audio, ADTS and AMR frames: enough to know one when we see it, and how long it must be.

Sources: ISO/IEC 11172-3 2.4.1.3 and 13818-3 (MPEG audio), ISO/IEC 13818-7 6.2 (ADTS), RFC 4867 section 5 (AMR).
"""

from collections.abc import Callable
from dataclasses import dataclass

# kbit/s by (MPEG-1?, layer); index 0 (free format) and 15 are not taken.
_BITRATES: dict[tuple[bool, int], tuple[int, ...]] = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)
_RATE_DIVISORS = {3: 1, 2: 2, 0: 4}  # MPEG-1, MPEG-2, MPEG-2.5
_AMR_NARROW = (13, 14, 16, 18, 20, 21, 27, 32, 6)
_AMR_WIDE = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6)
_LONGEST = 2_900
"""No MPEG audio frame (layer II, 384 kbit/s, 22.05 kHz) is longer; ADTS frames of speech never come near."""


@dataclass(frozen=True)
class Frame:
    """One frame's header. `kind` is equal for the frames of one stream; `length` in bytes, header included."""

    kind: tuple[int, ...]
    length: int
    rate: int
    samples: int
    is_mono: bool = False
    is_mpeg1: bool = False


def mpeg_frame(head: bytes) -> Frame | None:
    """Read the 4 bytes of an MPEG audio header (layers I to III); None where they are not one."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate_index == 3 or head[3] & 3 == 2:
        return None
    is_mpeg1 = version == 3
    rate = _RATES[rate_index] // _RATE_DIVISORS[version]
    bits = _BITRATES[is_mpeg1, layer][bitrate - 1] * 1000
    if layer == 1:
        samples, length = 384, (12 * bits // rate + padding) * 4
    else:
        samples = 576 if layer == 3 and not is_mpeg1 else 1152
        length = samples // 8 * bits // rate + padding
    return Frame((version, layer, rate_index), length, rate, samples, head[3] >> 6 == 3, is_mpeg1)


def adts_frame(head: bytes) -> Frame | None:
    """Read the 7 bytes of an ADTS header (AAC); None where they are not one."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate_index = head[2] >> 2 & 15
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate_index > 12 or length < 8:
        return None
    return Frame((head[1], head[2], head[3] >> 6), length, 0, 1024)


def amr_length(head: bytes, *, is_wide: bool) -> int:
    """Bytes of the AMR frame that starts with `head`; 1 for an empty or unknown one."""
    sizes = _AMR_WIDE if is_wide else _AMR_NARROW
    mode = head[0] >> 3 & 15
    return sizes[mode] if mode < len(sizes) else 1


def first_frame(window: bytes, read: Callable[[bytes], Frame | None], *, is_whole: bool) -> int | None:
    """Where a stream of frames starts in `window`: three of one kind, each where the one before it ends.

    Three headers that agree happen by chance once in some 10^10 tries, so text and random bytes are not taken for
    sound. `is_whole` says that nothing follows the window: then a stream may be shorter if it starts the window.
    """
    at = window.find(b"\xff")
    while 0 <= at < len(window) - 4:
        count, end = _chain(window, at, read)
        if count >= 3 or (is_whole and at == 0 and _is_short_stream(window, count, end)):
            return at
        at = window.find(b"\xff", at + 1)
    return None


def _chain(window: bytes, at: int, read: Callable[[bytes], Frame | None]) -> tuple[int, int]:
    """How many frames of one kind follow each other from `at` on (three are enough), and where the last one ends."""
    count, kind = 0, None
    while count < 3:
        frame = read(window[at : at + 7])
        if frame is None or frame.length > _LONGEST or (kind is not None and frame.kind != kind):
            break
        count, kind, at = count + 1, frame.kind, at + frame.length
    return count, at


def _is_short_stream(window: bytes, count: int, end: int) -> bool:
    """Whether one or two frames are all there is; of two, the second may be cut off."""
    return (count >= 1 and (end == len(window) or window[end : end + 3] == b"TAG")) or (
        count == 2 and end > len(window)
    )
