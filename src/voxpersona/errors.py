"""What went wrong, named for what the caller should do next.

    VoxPersonaError
    ├── Rejected        tell the person; never retry
    ├── NotFound        there is no such thing (or it is not yours): say so
    ├── Forbidden       you may not: say so
    ├── Unavailable     something outside failed: retry with backoff
    ├── Integrity       our promise broke: stop, keep the bytes, wake a human
    └── Configuration   refuse to start; name the variable

An error carries a `Code` (stable, documented in docs/errors.md), an English `detail` for logs that never holds
anything a person said, and `facts` from which the doors make their sentences in Russian or English.
"""

from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """Every error the product can show. A test fails where one has no text in RU and EN or no line in the docs."""

    # Rejected
    EMPTY = "empty"
    NOT_AUDIO = "not-audio"
    NO_SOUND_STREAM = "no-sound-stream"
    SILENT = "silent"
    TRUNCATED = "truncated"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    TOO_SHORT = "too-short"
    NOT_A_FILE = "not-a-file"
    UNREADABLE = "unreadable"
    FORGOTTEN = "forgotten"
    BAD_DETAIL = "bad-detail"
    AMBIGUOUS_ID = "ambiguous-id"
    STAGE_UNKNOWN = "stage-unknown"
    BUSY_RECORDING = "busy-recording"
    IDLE_RECORDING = "idle-recording"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    TEXT_ABSENT = "text-absent"
    TEXT_AMBIGUOUS = "text-ambiguous"
    TEXT_UNTIMED = "text-untimed"
    SPEAKER_UNKNOWN = "speaker-unknown"
    CORRECTION_EMPTY = "correction-empty"
    CORRECTION_NEEDLESS = "correction-needless"
    CORRECTION_STALE = "correction-stale"
    CORRECTION_WAITING = "correction-waiting"
    CORRECTION_UNREADABLE = "correction-unreadable"
    VOICE_UNFIT = "voice-unfit"
    OUTPUT_BINARY = "output-binary"
    OUTPUT_EXISTS = "output-exists"
    # NotFound
    RECORDING_UNKNOWN = "recording-unknown"
    BLOB_ABSENT = "blob-absent"
    RESULT_ABSENT = "result-absent"
    VOICE_UNKNOWN = "voice-unknown"
    PATH_ABSENT = "path-absent"
    # Forbidden
    FORBIDDEN = "forbidden"
    # Unavailable
    STORE_UNAVAILABLE = "store-unavailable"
    STORE_UNREACHABLE = "store-unreachable"
    NO_SPACE = "no-space"
    LIBRARY_UNAVAILABLE = "library-unavailable"
    WORKER_RUNNING = "worker-running"
    TRANSCRIBER_UNAVAILABLE = "transcriber-unavailable"
    INDEX_UNAVAILABLE = "index-unavailable"
    # Integrity
    BLOB_CORRUPT = "blob-corrupt"
    BLOB_CONFLICT = "blob-conflict"
    RESULT_INVALID = "result-invalid"
    TRANSCRIBER_ANSWER = "transcriber-answer"
    INTERNAL = "internal"
    # Configuration
    SETTING_INVALID = "setting-invalid"
    SETTING_MISSING = "setting-missing"
    STORE_KEYS = "store-keys"
    STORE_CERTIFICATE = "store-certificate"
    STORE_CLOCK = "store-clock"
    STORE_REGION = "store-region"
    STORE_PERMISSION = "store-permission"
    STORE_BUCKET = "store-bucket"
    STORE_OTHER = "store-other"
    LIFECYCLE_UNSUPPORTED = "lifecycle-unsupported"
    MASTER_KEY_ABSENT = "master-key-absent"
    MASTER_KEY_WRONG = "master-key-wrong"
    KEY_FILE_EXISTS = "key-file-exists"
    MODEL_ABSENT = "model-absent"
    MODEL_ALTERED = "model-altered"
    DATA_DIRECTORY = "data-directory"
    DATABASE_NOT_EMPTY = "database-not-empty"
    LINK_UNSUPPORTED = "link-unsupported"
    TRANSCRIBER_REFUSED = "transcriber-refused"
    TRANSCRIBER_DEVICE = "transcriber-device"
    TEMPLATE_INVALID = "template-invalid"


def known_code(told: object) -> Code:
    """The code that was kept as this; INTERNAL for none, or one that this version of the program does not know."""
    try:
        return Code(told)  # type: ignore[arg-type]
    except ValueError:
        return Code.INTERNAL


Fact = str | int | float


class VoxPersonaError(Exception):
    """The root of everything we raise on purpose.

    `code` names the case, `detail` is an English line for the log, `facts` fill the sentence shown to a person.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, code: Code, detail: str, **facts: Fact) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.facts = facts


class Rejected(VoxPersonaError):
    """What was given cannot be taken. Tell the person, never retry."""


class NotFound(VoxPersonaError):
    """There is no such thing, or it is not yours: the same words for both."""


class Forbidden(VoxPersonaError):
    """You may not do this."""


class Unavailable(VoxPersonaError):
    """Something outside failed; the same call may succeed later."""

    retryable = True


class Integrity(VoxPersonaError):
    """Our promise broke: stop, keep the bytes, wake a human."""


class Configuration(VoxPersonaError):
    """The set-up is wrong: refuse to start and name the variable."""


def kind_of(code: Code) -> type[VoxPersonaError]:
    """The kind of an error of which only the code was kept, as in a failed run's row."""
    for kind, codes in _CODES.items():
        if code in codes:
            return kind
    raise ValueError(code)


_ALL = list(Code)


def _between(first: Code, last: Code) -> frozenset[Code]:
    return frozenset(_ALL[_ALL.index(first) : _ALL.index(last) + 1])


_CODES: dict[type[VoxPersonaError], frozenset[Code]] = {
    Rejected: _between(Code.EMPTY, Code.OUTPUT_EXISTS),
    NotFound: _between(Code.RECORDING_UNKNOWN, Code.PATH_ABSENT),
    Forbidden: _between(Code.FORBIDDEN, Code.FORBIDDEN),
    Unavailable: _between(Code.STORE_UNAVAILABLE, Code.INDEX_UNAVAILABLE),
    Integrity: _between(Code.BLOB_CORRUPT, Code.INTERNAL),
    Configuration: _between(Code.SETTING_INVALID, Code.TEMPLATE_INVALID),
}
