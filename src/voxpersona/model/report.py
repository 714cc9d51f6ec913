"""Report: findings written from one transcript by one version of one template."""

from pydantic import Field

from voxpersona.model.noun import Noun, is_empty
from voxpersona.model.recording import RecordingId

EXTRACTIVE = "extractive"
"""The method of a report that no model wrote."""


class Quote(Noun):
    """Words that stand in the transcript. `verified` is set by the machine that located them there, nobody else.

    `corrections` are the numbers of those by which people put some of these words, or their speaker, there.
    """

    text: str
    start: float
    end: float
    speaker: str | None = None
    role: str | None = None
    verified: bool = False
    corrections: tuple[int, ...] = Field(default=(), exclude_if=is_empty)


class Finding(Noun):
    """One statement with its quotes. `topic` is the template's topic key."""

    topic: str
    text: str
    quotes: tuple[Quote, ...]


class Report(Noun):
    """What one template made of one recording. `not_covered` lists the template's topics nobody spoke about."""

    format: int = 1
    recording: RecordingId
    number: int
    template: str
    version: int
    language: str
    title: str
    method: str
    """EXTRACTIVE, or the model's name."""
    findings: tuple[Finding, ...]
    not_covered: tuple[str, ...] = ()
