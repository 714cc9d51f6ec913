"""Model files: where they are found, in one order, and the proof that they are the ones we measured.

The first hit wins: an explicit path (a wrong one is an error), the cache directory, the packages of the optional extra,
a download where a setting allows it; otherwise an error that names all four.
"""

from voxpersona.adapters.weights.find import Hints, find_e5, find_onnx, find_whisper

__all__ = ["Hints", "find_e5", "find_onnx", "find_whisper"]
