"""What CTranslate2 computes on: the processor or a graphics card, and in which numbers."""

import contextlib
import re

from voxpersona.errors import Code, Configuration

AUTO = "auto"
_LIBRARY = re.compile(r"library (\S+) is not found or cannot be loaded", re.IGNORECASE)
_WHY = {
    "driver version": "the graphics driver is too old, or there is none",
    "no cuda-capable device": "no graphics card that knows CUDA",
    "no kernel image": "the graphics card is of a kind that CTranslate2 was not built for",
    "not compiled with cuda": "this CTranslate2 was built without CUDA",
}
"""What CTranslate2 says, and what we say."""


def device(asked: str) -> str:
    """`cuda` or `cpu`, `auto` being the first where it is there; what CTranslate2 does not know is left to its loader.
    Configuration TRANSCRIBER_DEVICE: `cuda` was asked for and no card is there."""
    if asked not in (AUTO, "cuda"):
        return asked
    import ctranslate2

    if ctranslate2.get_cuda_device_count() > 0:
        return "cuda"
    if asked == AUTO:
        return "cpu"
    raise absent("no graphics card with a working CUDA driver")


def compute_type(asked: str, on: str) -> str:
    """`auto` is what was measured on a processor, and on a card the numbers the models were published in, where it can
    compute in them."""
    if asked != AUTO:
        return asked
    if on != "cuda":
        return "int8"
    import ctranslate2

    return "float16" if "float16" in ctranslate2.get_supported_compute_types(on) else "float32"


def unsupported(kind: str, on: str) -> Configuration:
    """The error of a compute type or device that CTranslate2 refuses, with what there is to choose from."""
    import ctranslate2

    reason = f"it cannot compute as {kind} on {on}"
    with contextlib.suppress(RuntimeError, ValueError):  # no such device
        reason += f", but as {', '.join(sorted(ctranslate2.get_supported_compute_types(on)))}"
    return _cannot(reason)


def why_not_there(error: Exception) -> str:
    """What is missing of card, driver and libraries where CTranslate2 says so, perhaps in the middle of its work; empty
    where it fails for another reason."""
    if library := _LIBRARY.search(str(error)):
        return f"the library {library[1]} is missing"
    return next((reason for sign, reason in _WHY.items() if sign in str(error).lower()), "")


def absent(reason: str) -> Configuration:
    """The error of a graphics card that was asked for."""
    return _cannot(f"cuda: {reason}")


def _cannot(reason: str) -> Configuration:
    return Configuration(Code.TRANSCRIBER_DEVICE, f"Whisper: {reason}", reason=reason)
