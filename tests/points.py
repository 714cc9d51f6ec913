"""Named points of the program at which tests kill it (tests/killer.py)."""

_STAGES = "voxpersona.pipeline.stages:PortStages"
_SAVE = "voxpersona.adapters.library.sql:SqlLibrary.save"
_RECEIVE = "voxpersona.pipeline.receive"

DIRECTORY_PUT = "voxpersona.adapters.blobs.directory:DirectoryBlobs.put"
S3_PUT = "voxpersona.adapters.blobs.s3.blobs:S3Blobs.put"
HEARD_HERE = "voxpersona.adapters.transcriber.faster_whisper:FasterWhisperTranscriber.transcribe"
HEARD_BY_SERVER = "voxpersona.adapters.transcriber.openai:OpenAITranscriber.transcribe"


def receive_points(put: str) -> list[str]:
    """Before anything was acknowledged: spooled, before the put, after the original, after the manifest, in the commit.
    `put` is what puts a blob."""
    return [
        f"{_RECEIVE}:_sound:call:1",
        f"{put}:call:1",
        f"{put}:return:1",
        f"{put}:return:2",
        "voxpersona.adapters.library.sql:SqlLibrary._insert:return:1",
    ]


COMMITTED = "voxpersona.adapters.library.sql:SqlLibrary.add:return:1"
"""A receive that has kept all and not said so."""


def receive_lines() -> list[str]:
    """The lines of `receive` and of what it calls, each as the nth that is reached there."""
    functions = {
        "receive:receive": 24,
        "receive:_known": 5,
        "receive:_recording": 8,
        "receive:_sound": 4,
        "spool:Spool.incoming": 18,
        "spool:Spool.keep": 20,
        "spool:Spool._write": 8,
        "keep:keep": 12,
        "keep:_put": 4,
        "keep:_manifest": 6,
        "keep:keep_source": 6,
        "deliver:deliver": 16,
    }
    return [
        f"voxpersona.pipeline.{name}:line:{number}" for name, most in functions.items() for number in range(1, most + 1)
    ]


def work_points(heard: str) -> dict[str, tuple[str, str | None]]:
    """Every begin, end, save and commit of the stages, each with the stage that is repeated for it. `heard` is what
    transcribes."""
    return {
        "planning": (f"{_STAGES}.plan:return:1", "transcribe"),
        "hearing a piece": (f"{_STAGES}.hear:call:1", "transcribe"),
        "piece heard, not yet kept": (f"{heard}:return:1", "transcribe"),
        "piece kept, not yet remembered": (f"{_STAGES}.hear:return:1", "transcribe"),
        "transcript in the bucket": (f"{_STAGES}.transcribe:return:1", "transcribe"),
        "transcript saved, not committed": (f"{_SAVE}:return:1", "transcribe"),
        "diarizing beside": (f"{_STAGES}.diarize:call:1", "transcribe"),
        "diarized, not yet remembered": (f"{_STAGES}.diarize:return:1", "transcribe"),
        "attributing": (f"{_STAGES}.attribute:call:1", "attribute"),
        "attribution in the bucket": (f"{_STAGES}.attribute:return:1", "attribute"),
        "attribution saved, not committed": (f"{_SAVE}:return:2", "attribute"),
        "reporting": (f"{_STAGES}.report:call:1", "report"),
        "report in the bucket": (f"{_STAGES}.report:return:1", "report"),
        "report saved, not committed": (f"{_SAVE}:return:3", "report"),
        "indexing": (f"{_STAGES}.index:call:1", "index"),
        "indexed, not yet remembered": (f"{_STAGES}.index:return:1", "index"),
        "tidying": (f"{_STAGES}.tidy:return:1", "index"),
        "all done, not yet told": ("voxpersona.adapters.library.journal:SqlJournal.ready:call:1", None),
    }
