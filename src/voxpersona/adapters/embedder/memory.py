"""HashingEmbedder: words hashed into a small vector. Knows no meaning; for tests and examples, never a default."""

import hashlib
import re
from collections.abc import Callable, Sequence

import numpy as np

from voxpersona.ports import Floats


def first_letters(text: str) -> list[str]:
    """A poor man's stems: the first five letters of every word, lower-case."""
    return [word[:5] for word in re.findall(r"\w+", text.casefold().replace("ё", "е"))]


class HashingEmbedder:
    """Every stem adds 1 or -1 at a place told by its hash; texts that share words come out alike.

    The same text gives the same vector in every process and on every machine. `stem` cuts a text into stems.
    """

    def __init__(self, dimensions: int = 64, *, stem: Callable[[str], Sequence[str]] = first_letters) -> None:
        self._dimensions = dimensions
        self._stem = stem

    @property
    def name(self) -> str:
        return f"hashing-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def passages(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, shape (len(texts), dimensions)."""
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            vector += self.query(text)
        return vectors

    def query(self, text: str) -> Floats:
        """Unit vector, shape (dimensions,)."""
        vector = np.zeros(self._dimensions, dtype=np.float32)
        for stem in self._stem(text):
            number = int.from_bytes(hashlib.blake2b(stem.encode(), digest_size=8).digest(), "big")
            vector[number // 2 % self._dimensions] += 1 if number % 2 else -1
        length = float(np.linalg.norm(vector))
        if length == 0.0:  # no words, or they cancelled out: still a unit vector, the same for all such texts
            vector[0], length = 1.0, 1.0
        return vector / np.float32(length)
