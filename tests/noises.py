"""Sounds in which nobody speaks, made when asked for, always the same: what engines are known to invent text for.

Each takes a length in seconds and a seed, and gives float32 samples at RATE.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from voxpersona.ports import RATE, Floats

_Wave = NDArray[np.float64]

_CHORDS = ((0, 4, 7), (-3, 0, 4), (-7, -3, 0), (-5, -1, 2))  # C, Am, F, G from the tonic in half tones
_SCALE = (0, 2, 4, 5, 7, 9, 11, 12)
_BEAT = 0.5


def silence(seconds: float, seed: int = 1) -> Floats:
    """A quiet room: hiss at -80 dBFS and a faint hum of the mains."""
    at = np.arange(round(seconds * RATE)) / RATE
    hiss = np.random.default_rng(seed).standard_normal(len(at)) * 1e-4
    return _sound(hiss + 2e-4 * np.sin(2 * np.pi * 50 * at))


def white(seconds: float, seed: int = 1) -> Floats:
    return _sound(np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 0.1)


def pink(seconds: float, seed: int = 1) -> Floats:
    """Equal power in each octave, as wind, traffic and ventilation have it."""
    return _level(_coloured(round(seconds * RATE), np.random.default_rng(seed), 0.5), 0.2)


def applause(seconds: float, seed: int = 1) -> Floats:
    """Some forty pairs of hands, swelling and ebbing: each clap a burst of noise that dies away in milliseconds."""
    chance, count = np.random.default_rng(seed), round(seconds * RATE)
    wave = np.zeros(count + RATE)
    for _ in range(40):
        beat, loud, tone = chance.uniform(0.18, 0.35), chance.uniform(0.2, 1.0), chance.uniform(700, 2500)
        at = chance.uniform(0.0, beat)
        while at < seconds:
            wave[round(at * RATE) :][:800] += _clap(chance, tone) * loud
            at += beat * chance.uniform(0.85, 1.15)
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * np.arange(count) / RATE / 11.0)
    return _level(wave[:count] * swell, 0.4)


def music(seconds: float, seed: int = 1) -> Floats:
    """A band: chords, a bass, a melody with overtones and vibrato, a bass drum, a snare and a hi-hat."""
    chance, count = np.random.default_rng(seed), round(seconds * RATE)
    wave = np.zeros(count + 4 * RATE)
    tonic = 220.0 * 2 ** (chance.integers(-5, 6) / 12)
    for beat in range(int(seconds / _BEAT) + 1):
        at = round(beat * _BEAT * RATE)
        chord = _CHORDS[beat // 4 % 4]
        if beat % 4 == 0:
            for step in chord:
                wave[at:][: 2 * RATE] += 0.12 * _tone(_pitch(tonic, step), 4 * _BEAT)
        if beat % 2 == 0:
            wave[at:][: RATE // 2] += 0.25 * _tone(_pitch(tonic, chord[0] - 12), _BEAT)
            wave[at:][: RATE // 5] += 0.5 * _drum(chance, 60.0, 0.0)
        else:
            wave[at:][: RATE // 5] += 0.25 * _drum(chance, 180.0, 1.0)
        for half in (0, round(_BEAT / 2 * RATE)):
            wave[at + half :][: RATE // 5] += (
                0.08 * np.exp(-np.arange(RATE // 5) / 200) * chance.standard_normal(RATE // 5)
            )
        if chance.random() < 0.8:
            length = float(chance.choice([_BEAT / 2, _BEAT, 2 * _BEAT]))
            note = _tone(_pitch(2 * tonic, int(chance.choice(_SCALE))), length, vibrato=5.5)
            wave[at:][: len(note)] += 0.25 * note
    return _level(wave[:count], 0.5)


def humming(seconds: float, seed: int = 1) -> Floats:
    """A voice-like instrument alone: long notes that glide, with the formants of a sung vowel."""
    chance, count = np.random.default_rng(seed), round(seconds * RATE)
    wave, at = np.zeros(count + 4 * RATE), 0.0
    while at < seconds:
        length = chance.uniform(0.4, 1.5)
        note = _tone(_pitch(220.0, int(chance.choice(_SCALE))), length, vibrato=5.0, formants=(700.0, 1200.0, 2600.0))
        wave[round(at * RATE) :][: len(note)] += note
        at += length + float(chance.choice([0.0, 0.0, 0.3, 1.0]))
    return _level(wave[:count], 0.3)


KINDS: dict[str, Callable[[float, int], Floats]] = {
    "silence": silence,
    "music": music,
    "humming": humming,
    "white noise": white,
    "pink noise": pink,
    "applause": applause,
}


def _pitch(tonic: float, half_tones: int) -> float:
    return float(tonic * 2 ** (half_tones / 12))


def _tone(pitch: float, seconds: float, *, vibrato: float = 0.0, formants: tuple[float, ...] = ()) -> _Wave:
    at = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * pitch * at
    if vibrato:
        phase = phase + 0.01 * pitch / vibrato * 2 * np.pi * np.sin(2 * np.pi * vibrato * at) / (2 * np.pi) * 2
    wave = np.zeros(len(at))
    for overtone in range(1, 30):
        if overtone * pitch > 0.45 * RATE:
            break
        loud = 1 / overtone
        if formants:
            loud *= 0.1 + sum(np.exp(-(((overtone * pitch - each) / 150) ** 2)) for each in formants) * 3
        wave += loud * np.sin(overtone * phase)
    rise = np.minimum(1.0, at / 0.02) * np.minimum(1.0, (seconds - at) / 0.05)
    faded: _Wave = wave * rise * (np.ones(len(at)) if formants else np.exp(-at / seconds))
    return faded


def _drum(chance: np.random.Generator, pitch: float, rattle: float) -> _Wave:
    at = np.arange(RATE // 5) / RATE
    struck: _Wave = np.exp(-at / 0.05) * (np.sin(2 * np.pi * pitch * at) + rattle * chance.standard_normal(len(at)))
    return struck


def _clap(chance: np.random.Generator, tone: float) -> _Wave:
    at = np.arange(800) / RATE
    clap: _Wave = np.exp(-at / 0.006) * chance.standard_normal(800) * (1 + np.sin(2 * np.pi * tone * at))
    return clap


def _coloured(count: int, chance: np.random.Generator, steepness: float) -> _Wave:
    spectrum = np.fft.rfft(chance.standard_normal(count))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** steepness
    spectrum[0] = 0
    coloured: _Wave = np.fft.irfft(spectrum, count)
    return coloured


def _level(wave: _Wave, loudest: float) -> Floats:
    return _sound(wave / max(float(np.abs(wave).max(initial=0.0)), 1e-9) * loudest)


def _sound(wave: _Wave) -> Floats:
    return wave.astype(np.float32)
