"""Where everything stands in the two buckets (docs/design.md, Storage). Keys are written once and never moved."""

from voxpersona.model import RecordingId


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


KINDS = ("original", "manifest", "piece", "voices", "transcript", "roles", "report", "other")
"""What a blob can be, by where it stands: the `kind` in its metadata, for usage figures and lifecycle rules."""

_BY_FOLDER = {"pieces": "piece", "reports": "report", "manifest.json": "manifest"}


def kind(key: str) -> str:
    """What stands under the key: one of KINDS."""
    parts = key.split("/")
    if len(parts) < 3 or parts[0] != "recordings":
        return "other"
    named = _BY_FOLDER.get(parts[2], parts[2])
    return named if named in KINDS else "other"


def everything(recording: RecordingId) -> str:
    """Prefix of all that belongs to a recording, the same in both buckets."""
    return f"recordings/{recording}/"
