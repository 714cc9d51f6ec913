"""A speech model of a few hundred bytes in the form that onnx-asr loads: it says one text, whatever it hears.

ONNX files are protocol buffers; those few that are needed here are written by hand.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PARAKEET = "nemo-parakeet-ctc-0.6b"
"""The name by which onnx-asr knows the real models of this form."""

_STEP = 4
"""Frames of 10 ms for each step of the output."""
_BLANK = "<blk>"
_FLOAT, _INT64 = 1, 7


def tokens_of(turns: Iterable[tuple[float, float, str]], *, early: float = 0.4) -> list[tuple[float, str]]:
    """Words of turns `(start, end, text)`, evenly long and in two tokens each, so much earlier as the voice begins
    after the sound does."""
    tokens = []
    for start, end, text in turns:
        words = text.split()
        step = (end - start) / len(words)
        for place, word in enumerate(words):
            at = max(start + step * place - early, 0.0)
            tokens.append((at, f"▁{word[:2]}"))
            if word[2:]:
                tokens.append((at + step / 3, word[2:]))
    return tokens


def write_parakeet(directory: Path, tokens: Sequence[tuple[float, str]], *, seconds: float = 21.0) -> None:
    """NVIDIA's CTC form (`model.onnx`, `vocab.txt`, `config.json`). `tokens` are said so many seconds after the start
    of whatever is heard; `▁` begins a word."""
    vocabulary = [*dict.fromkeys(token for _, token in tokens), _BLANK]
    steps = round(seconds * 100 / _STEP)
    shares = np.full((1, steps, len(vocabulary)), -9.0, np.float32)
    shares[0, :, -1] = -0.01
    for at, token in tokens:
        step = round(at * 100 / _STEP)
        shares[0, step, vocabulary.index(token)] = -0.1
        shares[0, step, -1] = -5.0
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "vocab.txt").write_text("".join(f"{token} {place}\n" for place, token in enumerate(vocabulary)))
    config = {"model_type": "nemo-conformer-ctc", "features_size": 80, "subsampling_factor": _STEP}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "model.onnx").write_bytes(_model(shares))


def _model(shares: NDArray[np.float32]) -> bytes:
    """As many steps of `shares` as what is heard is long."""
    numbers = {"two": 2, "one": 1, "step": _STEP, "zero": 0}
    nodes = [
        _node("Shape", ["audio_signal"], "shape"),
        _node("Gather", ["shape", "two"], "frames"),
        _node("Sub", ["frames", "one"], "fewer"),
        _node("Div", ["fewer", "step"], "whole"),
        _node("Add", ["whole", "one"], "steps"),
        _node("Slice", ["shares", "zero", "steps", "one"], "logprobs"),
    ]
    constants = [_tensor(name, np.array([number], np.int64)) for name, number in numbers.items()]
    graph = b"".join(_field(1, node) for node in nodes)
    graph += _field(2, b"says one text")
    graph += b"".join(_field(5, each) for each in [*constants, _tensor("shares", shares)])
    graph += _field(11, _value("audio_signal", _FLOAT, ("batch", 80, "time")))
    graph += _field(11, _value("length", _INT64, ("batch",)))
    graph += _field(12, _value("logprobs", _FLOAT, ("batch", "steps", shares.shape[2])))
    return _number(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _number(2, 13))


def _node(kind: str, inputs: Sequence[str], output: str) -> bytes:
    return b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode()) + _field(4, kind.encode())


def _tensor(name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    kind = _FLOAT if values.dtype == np.float32 else _INT64
    shape = b"".join(_number(1, size) for size in values.shape)
    return shape + _number(2, kind) + _field(8, name.encode()) + _field(9, values.tobytes())


def _value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    sizes = (_number(1, size) if isinstance(size, int) else _field(2, size.encode()) for size in shape)
    tensor = _number(1, kind) + _field(2, b"".join(_field(1, size) for size in sizes))
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
