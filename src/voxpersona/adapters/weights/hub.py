"""Download from the model hub, only where a setting allows it.

The way there was built against a local server that speaks the hub's protocol; the hub itself was never reached from
where this was written.
"""

import tempfile
from pathlib import Path

from voxpersona.adapters.weights.files import join
from voxpersona.adapters.weights.pins import PinnedModel


class DownloadFailed(Exception):
    """The hub did not give the model; the message names the vendor's error, never an address."""


def download(model: PinnedModel, directory: Path) -> None:
    """Fetch the model's files into `directory`, each complete or not at all, pinned ones only with the pinned hash.

    To be called under the lock. Needs room for the model twice while it runs. DownloadFailed; MODEL_ALTERED.
    """
    # Imported here: costs more than half a second, and most starts never download.
    from faster_whisper import download_model

    assert model.hub is not None
    vendor_errors = _vendor_errors()
    expected = {file.name: file.sha256 for file in model.files}
    with tempfile.TemporaryDirectory(dir=directory, prefix=".download-") as staging:
        try:
            # Not `output_dir`: faster-whisper 1.2.1 passes it on with an argument newer hub clients no longer take.
            snapshot = Path(download_model(model.hub, cache_dir=staging))
        except vendor_errors as error:
            raise DownloadFailed(type(error).__name__) from error
        fetched = sorted(path for path in snapshot.iterdir() if path.is_file())
        # The weights last: while they are missing, nobody takes the directory for a model.
        for path in sorted(fetched, key=lambda each: each.name == "model.bin"):
            if not expected or path.name in expected:
                join([path], directory / path.name, expected.get(path.name))


def download_onnx(model: PinnedModel, directory: Path, *, quantization: str) -> None:
    """Fetch the files of a model of `onnx-asr`: that library knows which, and of whom. `directory` is empty, and gets
    all of them at once, as nobody can tell by their names whether some are missing. Else as `download`."""
    try:
        from onnx_asr.loader import create_asr_resolver
    except ImportError as error:
        raise DownloadFailed("onnx-asr is not installed") from error

    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".download-") as staging:
        fetched, whole = Path(staging, "fetched"), Path(staging, "whole")
        try:
            create_asr_resolver(model.hub, fetched, offline=False).resolve_model(quantization=quantization or None)
        except _vendor_errors() as error:
            raise DownloadFailed(type(error).__name__) from error
        for path in fetched.rglob("*"):
            place = path.relative_to(fetched)
            if path.is_file() and place.parts[0] != ".cache":  # the hub client's notes
                (whole / place).parent.mkdir(parents=True, exist_ok=True)
                join([path], whole / place, None)
        whole.replace(directory)


def _vendor_errors() -> tuple[type[BaseException], ...]:
    """The hub client's own error derives from its HTTP library's, which changes with its version and also comes through
    bare."""
    from huggingface_hub.errors import HfHubHTTPError

    return (*HfHubHTTPError.__bases__, OSError, ValueError, RuntimeError)
