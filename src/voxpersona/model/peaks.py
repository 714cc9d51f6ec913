"""Peaks: the outline of a sound, from which a page draws its waveform."""

from typing import Literal

from voxpersona.model.noun import Noun


class Peaks(Noun):
    """The lowest and the highest sample of each stretch of a playable sound, as 8-bit numbers.

    The form is that of BBC's audiowaveform, version 2, which players in browsers read: `data` holds, for each of
    `length` stretches of `samples_per_pixel` samples and each of `channels`, the lowest and then the highest.
    """

    version: Literal[2] = 2
    channels: int
    sample_rate: int
    samples_per_pixel: int
    bits: Literal[8] = 8
    length: int
    data: tuple[int, ...]
