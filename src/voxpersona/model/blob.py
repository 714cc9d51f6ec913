"""Blob: immutable bytes under a key in the object store."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from voxpersona.model.noun import Noun


class BlobFacts(Noun):
    """What the store knows of one blob without reading it. `sha256` is hex; `written_at` is UTC."""

    key: str
    size: int
    sha256: str
    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = Field(default_factory=dict)
    written_at: datetime


class Problem(Noun):
    """Something `check` found wrong. `recording` and `key` are empty where the problem is of neither."""

    kind: str
    recording: str
    key: str
    detail: str
