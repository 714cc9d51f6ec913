"""Where everything stands in the two buckets (docs/design.md, Storage). Keys are written once and never moved."""

import hashlib
import re

from voxpersona.model import Likeness, RecordingId, Stage, State
from voxpersona.ports import Made


def original(recording: RecordingId, safe_name: str) -> str:
    """Audio bucket: the bytes as they came."""
    return f"recordings/{recording}/original/{safe_name}"


def manifest(recording: RecordingId) -> str:
    """Audio bucket: enough to bring the recording back into an empty database."""
    return f"recordings/{recording}/manifest.json"


def piece(recording: RecordingId, settings: str, index: int) -> str:
    """Main bucket: text of one piece; `settings` is the digest of everything that changes it."""
    return f"recordings/{recording}/pieces/{settings}/{index:05d}.json"


def voices(recording: RecordingId, settings: str) -> str:
    """Main bucket: who spoke when; `settings` is the digest of everything that changes it."""
    return f"recordings/{recording}/voices/{settings}.json"


def sound(recording: RecordingId, settings: str) -> str:
    """Main bucket: the recording as a browser plays it; `settings` is the digest of everything that changes it."""
    return f"recordings/{recording}/sound/{settings}.m4a"


def peaks(recording: RecordingId, settings: str) -> str:
    """Main bucket: the outline of that sound."""
    return f"recordings/{recording}/peaks/{settings}.json"


def transcript(recording: RecordingId, number: int) -> str:
    """Main bucket."""
    return f"recordings/{recording}/transcript/{number}.json"


def roles(recording: RecordingId, number: int) -> str:
    """Main bucket."""
    return f"recordings/{recording}/roles/{number}.json"


def report(recording: RecordingId, template: str, number: int) -> str:
    """Main bucket."""
    return f"recordings/{recording}/reports/{template}/{number}.json"


def report_text(recording: RecordingId, template: str, number: int) -> str:
    """Main bucket: the same report as a person reads it."""
    return f"recordings/{recording}/reports/{template}/{number}.md"


def run(recording: RecordingId, number: int, state: State) -> str:
    """Main bucket: how a run ended. A run that went on after its failure and ended well has one of each; the first
    thing known of it from its key alone is that it ended well."""
    return f"recordings/{recording}/runs/{number}{'' if state is State.READY else '.failed'}.json"


def source(recording: RecordingId, key: str) -> str:
    """Audio bucket: a source key under which a recording came again."""
    return f"recordings/{recording}/sources/{_digest(key)}.json"


FORGOTTEN = "forgotten/"
"""Prefix of all that tells of forgotten deliveries, in the main bucket."""


def forgotten(key: str) -> str:
    """Main bucket: a source key whose recording was forgotten; it stays when everything else goes."""
    return f"{FORGOTTEN}{_digest(key)}.json"


KNOWN_VOICES = "known-voices/"
"""Prefix of all prints of voices that were named, in the main bucket; of each recording they have a folder."""

LIKENESSES = "likenesses/"
"""Prefix of all that tells which speaker sounds like one of those; of each recording they have a folder."""


def known_voices(recording: RecordingId) -> str:
    """Prefix of the voices that are known from a recording."""
    return f"{KNOWN_VOICES}{recording}/"


def known_voice(recording: RecordingId, identity: str) -> str:
    """Main bucket: the print of a named voice, by its own made-up identity: a key is not encrypted."""
    return f"{KNOWN_VOICES}{recording}/{identity}.json"


def likenesses(recording: RecordingId) -> str:
    """Prefix of what tells whom the speakers of a recording sound like."""
    return f"{LIKENESSES}{recording}/"


def likeness(one: Likeness) -> str:
    """Main bucket: that a speaker sounds like a known voice."""
    whose = f"{_digest(f'{one.transcript}|{one.diarizer}')[:16]}-{one.speaker}"
    return f"{LIKENESSES}{one.recording}/{whose}/{one.origin}/{one.voice}.json"


def voice_of(likeness: str) -> str:
    """The key of the known voice that a likeness points to, told by its key alone."""
    return KNOWN_VOICES + "/".join(likeness.split("/")[-2:])


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def result(recording: RecordingId, made: Made) -> str:
    """Main bucket: the document of a saved result."""
    stage, number, template = made
    if stage is Stage.TRANSCRIBE:
        return transcript(recording, number)
    return roles(recording, number) if stage is Stage.ATTRIBUTE else report(recording, template, number)


def made(key: str) -> Made | None:
    """The result whose document stands under the key; None for everything else."""
    folder, below = _below(key)
    number = _number(below[-1]) if below else None
    if number is None:
        return None
    if folder in _RESULTS and len(below) == 1:
        return _RESULTS[folder], number, ""
    return (Stage.REPORT, number, below[0]) if folder == "reports" and len(below) == 2 else None


def ended(key: str) -> tuple[int, State] | None:
    """The number of the run whose end stands under the key, and whether it ended well; None for everything else."""
    folder, below = _below(key)
    if folder != "runs" or len(below) != 1:
        return None
    has_failed = below[0].endswith(".failed.json")
    number = _number(below[0].replace(".failed.json", ".json") if has_failed else below[0])
    return None if number is None else (number, State.FAILED if has_failed else State.READY)


def _below(key: str) -> tuple[str, list[str]]:
    """The folder of a recording that the key is in, and what comes below it."""
    parts = key.split("/")[2:]
    return (parts[0], parts[1:]) if parts else ("", [])


_RESULTS = {"transcript": Stage.TRANSCRIBE, "roles": Stage.ATTRIBUTE}
_NUMBERED = re.compile(r"([1-9][0-9]{0,8})\.json")


def _number(name: str) -> int | None:
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found else None


KINDS = (
    "original",
    "manifest",
    "source",
    "piece",
    "voices",
    "sound",
    "peaks",
    "transcript",
    "roles",
    "report",
    "run",
    "forgotten",
    "known-voice",
    "likeness",
    "other",
)
"""What a blob can be, by where it stands: the `kind` in its metadata, for usage figures and lifecycle rules."""

BIOMETRIC = ("known-voice", "likeness")
"""Kinds that are kept encrypted, or not at all."""

_BY_PREFIX = {FORGOTTEN: "forgotten", KNOWN_VOICES: "known-voice", LIKENESSES: "likeness"}
_BY_FOLDER = {
    "pieces": "piece",
    "reports": "report",
    "runs": "run",
    "sources": "source",
    "manifest.json": "manifest",
}


def kind(key: str) -> str:
    """What stands under the key: one of KINDS."""
    for prefix, named in _BY_PREFIX.items():
        if key.startswith(prefix):
            return named
    parts = key.split("/")
    if len(parts) < 3 or parts[0] != "recordings":
        return "other"
    named = _BY_FOLDER.get(parts[2], parts[2])
    return named if named in KINDS else "other"


def everything(recording: RecordingId) -> str:
    """Prefix of all that belongs to a recording, the same in both buckets."""
    return f"recordings/{recording}/"
