"""What the pipeline needs from the world. Narrow, defined by their user; each comment is the contract.

One colour: every port is synchronous. All adapters but the HTTP ones block (decoder, models, SQLite, LanceDB), the
engine runs steps in threads, and an asynchronous door calls a verb in a thread. No sync and async twins.

Common to all: errors are those of `errors.py`, vendor exceptions stop at the adapter (`raise ... from`). "Absent" is
NotFound, "could not tell" is Unavailable; they are never confused. No method returns None to mean failure.
Adapters take plain arguments and know no settings.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias

from voxpersona.model import (
    Abilities,
    Attribution,
    BlobFacts,
    Hit,
    Listed,
    MediaFacts,
    Passage,
    Peaks,
    PieceText,
    Recording,
    RecordingId,
    Report,
    Rule,
    Run,
    Source,
    Stage,
    Standing,
    State,
    Transcript,
    Turn,
    Unfinished,
    WorkOrder,
)

if TYPE_CHECKING:  # most commands look at rows and blobs only, and numpy takes longer to import than they do
    import numpy as np
    from numpy.typing import NDArray

RATE = 16_000
"""Samples per second of every waveform inside the house; mono float32 in [-1, 1]."""

Floats: TypeAlias = "NDArray[np.float32]"
Made = tuple[Stage, int, str]
"""Names a saved result without loading it: the stage that makes such, the run, a report's template (else empty)."""

OnProgress = Callable[[float], None]
"""Told the share done, 0..1, never falling; may be called often, costs little."""


class Blobs(Protocol):
    """Immutable bytes under a key. One instance is one bucket.

    Keys are `/`-separated, non-empty UTF-8 segments of at most 255 bytes without `.`, `..`, NUL or line breaks, 900
    bytes at most; anything else is Integrity before a byte is written. A key is no folder of another (`a` and `a/b`):
    not every store can hold both, so a put of the second may be refused. The first segment `.voxpersona` is the
    adapters' own: what they keep there is never listed.
    """

    def put(
        self,
        key: str,
        content: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> BlobFacts:
        """Write a blob once, streaming, with flat memory; return what stands there.

        `content` that can be iterated more than once (a list, not an iterator) is, where that saves a copy or a new
        try: to hash it before it is sent, to send it again, to go on with an interrupted put. It must yield the same
        bytes each time.

        When it returns, the bytes are durable (fsynced, or acknowledged by the store) and verified against what was
        sent. Nothing is visible under the key before that, and nothing at all after an error or a kill.
        Idempotent: the same bytes under the same key again is no error (the facts of the first put come back).
        Other bytes under a taken key: Integrity BLOB_CONFLICT, and what stood there is untouched.
        `sha256` (hex) and `size`, where given, must match what `content` yields, else Integrity BLOB_CORRUPT.
        `metadata`: names of `[a-z0-9-]`, values any Unicode without NUL, 600 bytes of UTF-8 in all (what every
        store can hold, and its encrypted form too). `kind` is what lifecycle rules go by.
        No room: Unavailable NO_SPACE.
        """

    def stat(self, key: str) -> BlobFacts:
        """What is known of the blob. NotFound BLOB_ABSENT."""

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes `[start, end)` in order, in parts of at most 1 MiB. NotFound BLOB_ABSENT, told at the call,
        not at the first part. A range beyond the end yields what there is, possibly nothing. `start` is not negative.
        A read of the whole blob is verified against its recorded hash: a difference raises Integrity BLOB_CORRUPT
        after the last part; shorter than recorded raises it too."""

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """Every blob whose key starts with `prefix`, ascending by key (code points)."""

    def delete(self, key: str) -> None:
        """Remove the blob. Idempotent: an absent key is no error."""

    def link(self, key: str, seconds: int, name: str) -> str:
        """A temporary URL that downloads the blob under the (Unicode) name. NotFound BLOB_ABSENT.
        Where the store cannot: Configuration LINK_UNSUPPORTED."""

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        """Replace the blob's metadata; its bytes, hash and content type stay. A reader sees the old or the new.
        NotFound BLOB_ABSENT."""


class Bucket(Protocol):
    """The place behind a `Blobs` as its keeper sees it: set-up, abilities, rules and leftovers. Moves no blobs."""

    @property
    def name(self) -> str:
        """As a person knows it: the bucket's name, or the directory."""

    def prepare(self) -> None:
        """See that the bucket is there and may be used; make it where it is missing. Safe when several processes do it
        at once. What is wrong is told by its own code: Configuration STORE_KEYS, STORE_CERTIFICATE, STORE_CLOCK,
        STORE_REGION, STORE_PERMISSION, STORE_BUCKET; Unavailable STORE_UNREACHABLE, NO_SPACE."""

    def abilities(self) -> Abilities:
        """Probe what the store really does, with temporary keys below `.voxpersona/probe/`. Takes about a second."""

    def unfinished(self) -> Sequence[Unfinished]:
        """Writes begun and never completed, oldest first."""

    def abandon(self, older_than_seconds: float) -> int:
        """Remove unfinished writes begun that long ago. How many. Writes under way elsewhere are younger: choose so."""

    def rules(self) -> Sequence[Rule]:
        """The lifecycle rules of ours that stand; none where the store has no such thing."""

    def apply(self, rules: Sequence[Rule]) -> None:
        """Make these the rules of ours; rules of others stay. Configuration LIFECYCLE_UNSUPPORTED where it cannot."""

    def free_bytes(self) -> int | None:
        """Room left; None where the store does not tell."""


class Sound(Protocol):
    """A decoded recording that can be read at any place with flat memory."""

    @property
    def seconds(self) -> float: ...

    @property
    def sides(self) -> "Floats | None":
        """How loud each of the two channels is, in decibels under full scale every 10 ms, shape (steps, 2), where they
        carry different voices, as those of a recorded call do; None of every other recording."""

    def read(self, start: float, end: float) -> Floats:
        """The samples of `[start, end)` in seconds, clipped to the recording; shape (samples,), RATE Hz; channels
        are mixed."""


class Media(Protocol):
    """The decoder."""

    def decode(
        self, source: BinaryIO, *, name: str, target: Path | None = None, most: float | None = None
    ) -> MediaFacts:
        """Decode the first audio stream of a seekable source to the end, with flat memory, and tell what it is.

        With `target`, the decoded sound is written there (format private to the adapter; read it with `sound`),
        complete or not at all. `name` is for messages only; the format is found out from the bytes.
        Rejected: EMPTY, NOT_AUDIO (bytes no decoder knows), NO_SOUND_STREAM (video or pictures only), ENCRYPTED,
        TOO_SHORT (nothing or under 0.1 s decoded), SILENT (no sample above -60 dBFS), DAMAGED (the decoder gave up
        before anything useful). A recording cut off short of what its container declares is no error here:
        `MediaFacts.damage` says so and the caller decides.

        With `most`, of a recording longer than so many seconds, whose container declares its length and whether it is
        whole, only the beginning may be decoded; `MediaFacts.examined` says how much. What comes later is not judged
        then, and so it is not called SILENT.
        """

    @property
    def playable_name(self) -> str:
        """Form and recipe of what `playable` makes, and every setting that changes it: part of the key under which it
        is kept."""

    def playable(self, source: BinaryIO, *, name: str, target: Path, on_progress: OnProgress) -> Peaks:
        """Write the recording to `target` as a browser plays it, complete or not at all, with flat memory; returns its
        outline: 8192 stretches at most, each at least a hundredth of a second long.

        It is AAC in MP4, as long as the recording, every place of it can be jumped to before all of it was fetched, and
        speech is as loud as in every other. Two channels stay two where they carry different voices, else one is made.
        The same recording gives the same bytes. Rejected as `decode`; no room: Unavailable NO_SPACE.
        """

    def sound(self, target: Path) -> Sound:
        """Open what `decode` wrote. NotFound PATH_ABSENT; a file it did not write or not wholly: Integrity."""


class Transcriber(Protocol):
    """Speech to text, one piece at a time (a few minutes)."""

    @property
    def name(self) -> str:
        """Engine, model and every setting that changes the text: part of the key under which pieces are kept."""

    def transcribe(
        self, sound: Floats, *, language: str | None, words: Sequence[str] = (), on_progress: OnProgress
    ) -> PieceText:
        """Text of one piece with words, times (seconds from the piece's start, ascending, inside the piece) and
        confidences. `language` is an ISO 639-1 code, None to detect; an engine that finds several in one piece tells
        where each is spoken. A piece without speech gives no segments.
        `words` are names and terms that may be said, the most important first: a hint to how they are spelt, of which
        an engine may take as many as it can, and never text by itself.
        Text is never dropped silently: what the adapter takes for invented where nobody spoke stands in `dropped`,
        with its reason, and not in the segments; what cannot be had raises Unavailable TRANSCRIBER_UNAVAILABLE (down,
        timed out, throttled), Configuration TRANSCRIBER_REFUSED (key, model name) or Integrity TRANSCRIBER_ANSWER
        (an answer that makes no sense)."""


class Diarizer(Protocol):
    """Who spoke when."""

    @property
    def name(self) -> str:
        """Model (with the start of its sha256) and recipe version."""

    def diarize(self, sound: Sound, *, speakers: int | None, on_progress: OnProgress) -> Sequence[Turn]:
        """Turns in order of their start, labels `SPEAKER_00`, `SPEAKER_01`, ... by first appearance, one numbering over
        the whole recording, in bounded memory. Turns of one speaker never overlap; those of several do where they are
        surely heard at once. `speakers` fixes their number, None estimates it. Nobody speaking gives no turns."""


class VoicePrinter(Protocol):
    """What voices sound like, as vectors that are near each other where the voice is the same. Biometric: what makes
    use of them keeps them encrypted, or not at all."""

    @property
    def name(self) -> str:
        """Model (with its whole sha256) and recipe version: prints of different names are never compared."""

    @property
    def alike(self) -> float:
        """The cosine of two prints from which on they may be of one voice; below it they are not."""

    def prints(self, sound: Sound, turns: Sequence[Turn], *, on_progress: OnProgress) -> Mapping[str, Floats]:
        """For each speaker of the turns a print, a unit vector of always the same length, made of a minute of the
        speech at most, with flat memory. A speaker with too little speech to tell has none. Turns may overlap, be in
        any order and reach beyond the sound."""


class Embedder(Protocol):
    """Text to vectors for search."""

    @property
    def name(self) -> str:
        """Model and version: vectors of different names are never compared."""

    @property
    def dimensions(self) -> int: ...

    def passages(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, shape (len(texts), dimensions)."""

    def query(self, text: str) -> Floats:
        """Unit vector, shape (dimensions,)."""


class PassageIndex(Protocol):
    """Hybrid search over passages. Derived: it can be rebuilt from the archive at any time."""

    def upsert(self, recording: RecordingId, passages: Sequence[Passage], vectors: Floats) -> None:
        """Make these the recording's passages, all or none visible, replacing any it had. Idempotent. Durable."""

    def delete(self, recording: RecordingId) -> None:
        """Forget the recording's passages. Idempotent."""

    def search(
        self, question: str, vector: Floats, *, limit: int, recordings: Sequence[RecordingId] | None = None
    ) -> Sequence[Hit]:
        """The best passages by meaning (vector) and by stemmed words (RU and EN), fused, best first, none twice.
        `recordings` narrows the search to these. An empty index gives no hits."""

    def counts(self) -> Mapping[RecordingId, int]:
        """How many passages of each recording are indexed."""

    def clear(self) -> None:
        """Drop everything, also a damaged index; afterwards it is empty and usable."""


class Library(Protocol):
    """The relational memory: recordings, results, runs. Every method is one transaction."""

    def known(self, source: str, sha256: str) -> Recording | None:
        """The recording that already stands for these bytes or this delivery; None for a new one.
        A forgotten delivery whose bytes stand nowhere: Rejected FORGOTTEN."""

    def add(self, recording: Recording) -> tuple[Recording, bool]:
        """Keep the recording's row, its source key and the start of its first run in ONE commit.

        Returns the recording that stands and whether it is new. The same source key or the same bytes again gives
        the one that stands and False, starts nothing, and remembers the source key. Safe when several processes add
        the same at once. A forgotten source: Rejected FORGOTTEN.
        """

    def recording(self, identity: str) -> Recording:
        """By id or unique prefix of one. NotFound RECORDING_UNKNOWN, Rejected AMBIGUOUS_ID."""

    def recordings(self) -> Sequence[Recording]:
        """All, newest first."""

    def save(self, result: Transcript | Attribution | Report) -> int:
        """Save a result and make it the current one of its kind; returns its database id. Idempotent by recording,
        number (and template for reports). Refuses results of a forgotten recording with NotFound."""

    def correct(self, corrected: Attribution) -> WorkOrder:
        """Save an attribution that people corrected, open the run of its number, and start its work from attribute on,
        in ONE commit; it is current once that run ended well. Rejected CORRECTION_STALE where a run of that number or a
        later one stands, BUSY_RECORDING while another run is under way; then nothing is kept. NotFound as `save`."""

    def transcript(self, recording: RecordingId, number: int | None = None) -> Transcript:
        """That of the run `number`, or the current one: of the newest run that ended well, else the newest there is.
        NotFound RESULT_ABSENT."""

    def attribution(self, recording: RecordingId, number: int | None = None) -> Attribution:
        """As `transcript`."""

    def reports(self, recording: RecordingId, number: int | None = None) -> Sequence[Report]:
        """The current one of each template, or those of the run `number`, by template name; possibly none."""

    def made(self, recording: RecordingId) -> Set[Made]:
        """Which results of a recording are saved, of whatever run; none of a forgotten one."""

    def forget(self, recording: RecordingId) -> None:
        """Hide the recording from every read at once and mark its source keys forgotten. Idempotent."""

    def half_forgotten(self) -> Sequence[Recording]:
        """Those hidden by `forget` and not yet erased: something was interrupted."""

    def erase(self, recording: RecordingId) -> None:
        """Remove the rows of a forgotten recording, its results and runs; its source keys stay, marked. Idempotent."""

    def sources(self, recording: RecordingId | None = None) -> Sequence[Source]:
        """Every source key that ever named a recording, or this one, forgotten ones too, by key."""

    def remember(self, sources: Iterable[Source]) -> None:
        """Keep source keys that are not known yet, as told; those that are known stay as they are."""

    def restore(
        self,
        recording: Recording,
        runs: Sequence[Run] = (),
        results: Sequence[Transcript | Attribution | Report] = (),
        work: WorkOrder | None = None,
    ) -> Recording:
        """Bring a recording back in ONE commit: its row, its source key, runs that are over, their results, and the
        start of `work`. What stands already is not touched; only what is missing is added.

        Returns the recording that stands: another one where these bytes are kept under another id; then nothing is
        added. `work` is started only where no run of its number or a later one stands and none is
        open. A recording without any run gets `work`, or its first one. Where its own source key was forgotten it
        comes back half forgotten: hidden, and no work is started. A result that no library could ever have held (a
        report on nothing, one that contradicts itself) is left out; `made` tells. Other bytes under the same id:
        Integrity BLOB_CONFLICT.
        """


class Journal(Protocol):
    """How far each run is. Written by the engine and the stages, read by everybody.

    One instance is one worker. Whatever writes (but progress) on a run that another one claimed since is refused with
    Rejected SUPERSEDED, and nothing is changed: a worker that was paused, taken for dead and wakes up can do no harm.
    """

    def claim(self, order: WorkOrder) -> State:
        """From now on this worker alone writes on the run; returns the state in which it was found.
        NotFound RECORDING_UNKNOWN where there is no such run."""

    def begin(self, order: WorkOrder, stage: Stage) -> None:
        """The stage's work starts (again): counts one attempt; the stages before it are over.
        NotFound RECORDING_UNKNOWN where the recording was forgotten meanwhile."""

    def progress(self, order: WorkOrder, stage: Stage, share: float) -> None:
        """Share done, 0..1; a smaller one than was told before changes nothing, and losing one loses nothing. From
        whatever worker: parts of a run are done by several. Rejected SUPERSEDED where the run is over."""

    def wait(self, order: WorkOrder, code: str, reason: str, until: datetime) -> None:
        """The run waits for something outside, told by an error's code and reason, and tries it again at `until`. Told
        again, it waits since the first time. Lasts until `go_on`, `begin`, `ready` or `fail`. From whatever worker, as
        `progress`. Rejected SUPERSEDED where the run is over."""

    def go_on(self, order: WorkOrder) -> None:
        """What was to be tried again by now did what it should: nothing is waited for any more, but what another part
        of the run is to try later. From whatever worker."""

    def close(self, run: Run) -> None:
        """The run's stages are over as its document tells, which stands in the bucket now; `ready` or `fail` follows.
        Nothing happens where it was erased."""

    def ready(self, order: WorkOrder) -> None:
        """The run is over, all its stages with it, and its results stand."""

    def fail(self, order: WorkOrder, stage: Stage, code: str, reason: str) -> None:
        """The run ended without success; older results stay current."""

    def standing(self, recording: RecordingId) -> Standing:
        """NotFound RECORDING_UNKNOWN."""

    def ended(self, recording: RecordingId) -> Sequence[Run]:
        """How each run that is over ended, by number; none of a forgotten or unknown recording."""

    def restart(self, recording: RecordingId, start: Stage) -> WorkOrder:
        """Open a new run from a stage on; its row and the start of its work are ONE commit. Rejected BUSY_RECORDING
        while another run is under way."""

    def open_orders(self) -> Sequence[WorkOrder]:
        """Runs that are not over, oldest first, with the stage each began at; none of forgotten recordings."""


class Engine(Protocol):
    """Durable execution of work orders: by one worker on a database of this machine, by any number on a shared one."""

    def run(self, *, until: Callable[[], bool] | None = None) -> None:
        """Do all work that is or becomes due, until `until()` holds (asked a few times a second) or `stop` is called.
        Unavailable WORKER_RUNNING where only one may and another process does it already."""

    def cancel(self, order: WorkOrder) -> None:
        """Stop the order's work at its next step, in whatever process; nothing happens where it is over."""

    def stop(self) -> None:
        """Ask `run` to drain and return. May be called from a signal handler; the second call leaves at once."""

    def is_running(self) -> bool:
        """Whether some process does the work now."""

    def pause(self) -> None:
        """Begin no more work, in whatever process; what is under way goes on to its end. Lasts until `resume`."""

    def resume(self) -> None:
        """Begin work again."""

    def is_paused(self) -> bool: ...
