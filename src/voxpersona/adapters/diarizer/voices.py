"""CAM++: a stretch of speech to unit vectors that are near each other where the voice is the same."""

import hashlib
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from voxpersona.adapters.diarizer.fbank import BANDS, STEP, fbank
from voxpersona.errors import Code, Configuration
from voxpersona.ports import RATE, Floats

MODEL = Path(__file__).with_name("campplus_int8.onnx")
SHA256 = "551c8975738e2cf2d4eb656e9bcef289fbcbdcfcc968d7e5b0f3323dde9671b7"
DIMENSIONS = 192

WINDOW = 148
"""Frames of one window: 1.5 s, 25 ms frames counted whole."""
HOP = 75
"""Frames from one window to the next, 0.75 s."""
SHORTEST = 18
"""Frames (0.2 s); less than this gets no vector."""
BATCH = 8
"""Windows a run. More is no faster on two cores and costs 5 MB each."""

_TAIL = 1.5 - WINDOW * STEP / RATE  # the last frame reaches beyond its step


class Window(NamedTuple):
    """A piece of a stretch that gets one vector; seconds from the start of the recording."""

    start: float
    end: float


class VoiceModel:
    """The network, loaded at first use after its hash was checked. Safe to share between threads.

    Configuration MODEL_ABSENT where the file is not there, MODEL_ALTERED where it is not the pinned one.
    """

    def __init__(self, path: Path, *, threads: int) -> None:
        self._path = path
        self._threads = threads
        self._lock = threading.Lock()
        self._session: Any = None

    def vectors(self, features: Floats) -> Floats:
        """Unit vectors, shape (n, DIMENSIONS), of mean-free features of shape (n, WINDOW, BANDS), n up to BATCH.

        A vector depends slightly on its batch: the network is quantised over the values it sees together.
        """
        with self._lock:
            if self._session is None:
                self._session = self._load()
        (found,) = self._session.run(["emb"], {"feats": features})
        unit: Floats = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return unit

    def _load(self) -> Any:
        # Imported late: doors that never diarize need not wait for it.
        import onnxruntime

        try:
            weights = self._path.read_bytes()
        except OSError as error:
            raise Configuration(
                Code.MODEL_ABSENT, f"the speaker model cannot be read: {error.strerror}", model=self._path.name
            ) from error
        if hashlib.sha256(weights).hexdigest() != SHA256:
            raise Configuration(
                Code.MODEL_ALTERED, "the speaker model is not the one this version was made for", model=self._path.name
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # Measured: planning memory ahead costs 20 MB and no time is won; doing without the arena costs half the speed.
        options.enable_mem_pattern = False
        # Idle threads would otherwise burn the cores the transcriber wants.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def windows(start: float, samples: Floats) -> tuple[list[Window], Floats]:
    """Cut a stretch into overlapping windows: their times and features, shape (n, WINDOW, BANDS).

    The last window is moved back to fit; a stretch shorter than a window is one window of its own length, its
    features repeated to the full length (zeros would shift the vector). Under SHORTEST frames there is none.
    """
    features = fbank(samples)
    count = len(features)
    if count < SHORTEST:
        return [], np.zeros((0, WINDOW, BANDS), np.float32)
    length = min(count, WINDOW)
    firsts = [*range(0, count - length, HOP), count - length]
    pieces = [features[first : first + length] for first in firsts]
    repeat = np.arange(WINDOW) % length
    block = np.stack([(piece - piece.mean(axis=0))[repeat] for piece in pieces])
    step = STEP / RATE
    return [Window(start + first * step, start + (first + length) * step + _TAIL) for first in firsts], block
