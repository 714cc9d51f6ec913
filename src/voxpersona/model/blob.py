"""Blob: immutable bytes under a key in the object store."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

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


class Listed(Noun):
    """One line of a bucket's listing. `stored` is the bytes it takes up there, which encryption makes a little more
    than the blob's own size; `written_at` is UTC."""

    key: str
    stored: int
    written_at: datetime


class Checksum(StrEnum):
    """How a store verifies what it is sent, best first, as the probe found it. SHA256: and parts by their CRC-32."""

    SHA256 = "sha256"
    MD5 = "md5"
    NONE = "none"


class Abilities(Noun):
    """What a store really does, as a probe found out with keys of its own; headers and version numbers are not
    believed. `versioning` and `lifecycle`: None where the store, or this key's permission, does not tell.
    `clock_skew` is the store's clock less ours, in seconds."""

    server: str
    create_only: bool
    checksum: Checksum
    tags: bool
    versioning: bool | None
    lifecycle: bool | None
    clock_skew: float
    probed_at: datetime


class Unfinished(Noun):
    """A write that was begun and never completed; it takes up room and is not visible as a blob."""

    key: str
    upload: str
    stored: int
    begun_at: datetime


class Action(StrEnum):
    """What a lifecycle rule does."""

    ABANDON = "abandon"
    EXPIRE = "expire"
    MOVE = "move"


class Rule(Noun):
    """One lifecycle rule, carried out by the store itself: after `days`, unfinished writes are abandoned, or blobs of
    `kind` (as in their metadata; empty for all) expire or move to the storage class `target`."""

    action: Action
    days: int = Field(ge=1)
    kind: str = ""
    target: str = ""


class Usage(Noun):
    """What of one kind was written into one bucket in one month (`YYYY-MM`, UTC): blobs, and bytes as stored."""

    bucket: str
    kind: str
    month: str
    blobs: int
    stored: int


class Problem(Noun):
    """Something `check` found wrong. `recording` and `key` are empty where the problem is of neither."""

    kind: str
    recording: str
    key: str
    detail: str
