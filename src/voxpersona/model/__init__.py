"""The nouns: frozen, no I/O, no vendor. docs/vocabulary.md has one line for each."""

from voxpersona.model.answer import Answer, Citation, Hit, Passage
from voxpersona.model.attribution import Attribution, Evidence, Gap, Role, Speaker, Turn, Voices
from voxpersona.model.blob import BlobFacts, Problem
from voxpersona.model.recording import (
    STAGES,
    Building,
    Details,
    Manifest,
    MediaFacts,
    Original,
    Progress,
    Recording,
    RecordingId,
    Scenario,
    Stage,
    Standing,
    State,
    WorkOrder,
)
from voxpersona.model.report import Finding, Quote, Report
from voxpersona.model.transcript import Piece, PieceText, Segment, Transcript, Word

__all__ = [
    "STAGES",
    "Answer",
    "Attribution",
    "BlobFacts",
    "Building",
    "Citation",
    "Details",
    "Evidence",
    "Finding",
    "Gap",
    "Hit",
    "Manifest",
    "MediaFacts",
    "Original",
    "Passage",
    "Piece",
    "PieceText",
    "Problem",
    "Progress",
    "Quote",
    "Recording",
    "RecordingId",
    "Report",
    "Role",
    "Scenario",
    "Segment",
    "Speaker",
    "Stage",
    "Standing",
    "State",
    "Transcript",
    "Turn",
    "Voices",
    "Word",
    "WorkOrder",
]
