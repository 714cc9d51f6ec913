"""Weights that lie in installed packages, read as data: the packages are found, never imported."""

import importlib.util
from pathlib import Path

from voxpersona.adapters.weights.pins import Part, PinnedFile


def package_directory(package: str) -> Path | None:
    """Where a top-level package is installed. Runs none of its code. None: not installed, or not a plain directory."""
    try:
        spec = importlib.util.find_spec(package)
    except ValueError:  # a module of that name without a spec: not one of ours
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    directory = Path(next(iter(spec.submodule_search_locations)))
    return directory if directory.is_dir() else None


def find_parts(file: PinnedFile) -> list[Path] | None:
    """The parts of one file, in order. None where any of them is missing: half a model is none."""
    found = [_locate(part) for part in file.parts]
    paths = [path for path in found if path is not None]
    return paths if paths and len(paths) == len(found) else None


def _locate(part: Part) -> Path | None:
    directory = package_directory(part.package)
    if directory is None:
        return None
    path = directory / part.path
    return path if path.is_file() else None
