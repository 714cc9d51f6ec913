"""The verb export: a transcript and its reports in the forms other programs and people read.

The JSON document is stable; a change that breaks a reader raises `version`:

    {"format": "voxpersona-export", "version": 1,
     "recording": {id, name, sha256, bytes, received_at, seconds, content_type, details},
     "transcript": {number, transcript, diarizer, method, speakers: [...],
                    segments: [{start, end, text, speaker, role, confidence, overlapped,
                                words: [{start, end, text, confidence}]}],
                    overlaps: [{start, end}], dropped: [{start, end, text, reason}],
                    corrections: [{number, by, at, transcript, changes: [{start, end, was, now, ...}]}]},
     "reports": [...]}

Times are seconds from the start of the recording. `details`, `speakers`, the segments and the reports have the fields
of the nouns of those names, a speaker also the `name` that a person gave and whom the voice `sounds_like`
[{name, score}]; `overlaps` is where several speak at once, which `overlapped` segments touch; `dropped` is what was
taken for invented by the engine. What people corrected carries the numbers of the corrections: a word `correction`, a
segment and a quote `corrections`, each left out where there is none; `was` of a change is what stood there before.
Where the recording came from (its source key) and where it is kept stay at home.
"""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from voxpersona.errors import Code, Rejected
from voxpersona.model import (
    Attribution,
    Correction,
    Details,
    Dropped,
    KnownSpeaker,
    Overlap,
    Recording,
    Report,
    Segment,
    Speaker,
    Suggestion,
)
from voxpersona.model.noun import Noun
from voxpersona.pipeline.cues import Cue, cues
from voxpersona.pipeline.render import (
    beside_name,
    clock,
    details_table,
    escape,
    likeness_lines,
    render_markdown,
    speaker_names,
    time_range,
)
from voxpersona.pipeline.wording import Wording, wording


class Format(StrEnum):
    SRT = "srt"
    VTT = "vtt"
    TXT = "txt"
    MD = "md"
    JSON = "json"
    DOCX = "docx"

    @property
    def is_text(self) -> bool:
        """Whether the bytes are UTF-8 text, which a terminal can show."""
        return self is not Format.DOCX


class ExportedRecording(Noun):
    id: str
    name: str
    sha256: str
    bytes: int
    received_at: dt.datetime
    seconds: float
    content_type: str
    details: Details


class ExportedSpeaker(Speaker):
    """With what is known of who it is."""

    name: str | None = None
    sounds_like: tuple[Suggestion, ...] = ()


class ExportedTranscript(Noun):
    """`number` is the attribution's, `transcript` the number of the transcript whose words these are."""

    number: int
    transcript: int
    diarizer: str
    method: str
    speakers: tuple[ExportedSpeaker, ...]
    segments: tuple[Segment, ...]
    overlaps: tuple[Overlap, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    corrections: tuple[Correction, ...] = ()


class Export(Noun):
    """The JSON document."""

    format: Literal["voxpersona-export"] = "voxpersona-export"
    version: Literal[1] = 1
    recording: ExportedRecording
    transcript: ExportedTranscript
    reports: tuple[Report, ...]


def export(
    recording: Recording,
    attribution: Attribution,
    reports: Sequence[Report],
    form: str,
    *,
    dropped: Sequence[Dropped] = (),
    known: Sequence[KnownSpeaker] = (),
) -> bytes:
    """The bytes of one export; text is UTF-8, its lines ended by LF. An unknown form: Rejected BAD_DETAIL.

    `srt` and `vtt` hold every word of the transcript once, in order; `txt` adds times and roles; `md` reports and
    transcript, and so does `docx` as a document for a client; `json` everything, and `dropped`, which is the
    transcript's, stands in no other form. Of `known` speakers all show the names, but `srt`, which shows nobody's, and
    all but the subtitles whom the others sound like.
    """
    try:
        wanted = Format(form)
    except ValueError as error:
        allowed = ", ".join(Format)
        raise Rejected(Code.BAD_DETAIL, f"no export form {form!r}", name="format", allowed=allowed) from error
    words = wording(language_of(recording, attribution))
    if wanted is Format.DOCX:
        from voxpersona.pipeline.docx import render_docx  # takes a third of a second: only where it is wanted

        return render_docx(recording, attribution, reports, words, known)
    return _text(recording, attribution, reports, wanted, words, dropped, known).encode()


def _text(
    recording: Recording,
    attribution: Attribution,
    reports: Sequence[Report],
    form: Format,
    words: Wording,
    dropped: Sequence[Dropped],
    known: Sequence[KnownSpeaker],
) -> str:
    match form:
        case Format.SRT:
            return _srt(attribution.segments)
        case Format.VTT:
            return _vtt(attribution.segments, known)
        case Format.TXT:
            return _txt(recording, attribution, words, known)
        case Format.MD:
            return _md(recording, attribution.segments, reports, words, known)
        case _:
            return _json(recording, attribution, reports, dropped, known)


def _srt(segments: Sequence[Segment]) -> str:
    """SubRip. It has no escapes; only the arrow, which would end a cue's text for some readers, is written as one."""
    blocks = []
    for number, cue in enumerate(cues(segments), 1):
        text = "\n".join(cue.lines).replace("-->", "→")
        blocks.append(f"{number}\n{_stamp(cue.start, ',')} --> {_stamp(cue.end, ',')}\n{text}\n")
    return "\n".join(blocks)


def _vtt(segments: Sequence[Segment], known: Sequence[KnownSpeaker]) -> str:
    """WebVTT, https://www.w3.org/TR/webvtt1/ (cue text and voice spans)."""
    names = speaker_names(segments, None, known)
    blocks = ["WEBVTT\n"]
    for cue in cues(segments):
        blocks.append(f"{_stamp(cue.start, '.')} --> {_stamp(cue.end, '.')}\n{_voice(cue, names)}\n")
    return "\n".join(blocks)


def _voice(cue: Cue, names: Sequence[str | None]) -> str:
    text = "\n".join(_vtt_escape(line) for line in cue.lines)
    name = names[cue.segment]
    return text if name is None else f"<v {_vtt_escape(name)}>{text}</v>"


def _vtt_escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _txt(recording: Recording, attribution: Attribution, words: Wording, known: Sequence[KnownSpeaker]) -> str:
    """`edits.read_back` reads it: a head that ends with an empty line and tells of which version the words are, and a
    line for each segment."""
    segments = attribution.segments
    names = speaker_names(segments, words, known)
    of = f"{recording.id}  sha256 {recording.original.sha256}  version {attribution.number}"
    lines = [
        f"[{clock(int(segment.start))}] {name or words.unknown_speaker}{beside_name(segment, words)}:"
        f" {' '.join(segment.text.split())}"
        for segment, name in zip(segments, names, strict=True)
        if segment.text.strip()
    ]
    head = [" ".join(recording.original.name.split()), of, *likeness_lines(segments, words, known), ""]
    return "\n".join([*head, *lines]) + "\n"


def _md(
    recording: Recording,
    segments: Sequence[Segment],
    reports: Sequence[Report],
    words: Wording,
    known: Sequence[KnownSpeaker],
) -> str:
    parts = [f"# {escape(recording.original.name)}", details_table(recording, words)]
    if reports:
        parts.append(f"## {words.reports}")
        # A report is a document of its own; inside this one its headings stand two levels lower.
        parts += [_lowered(render_markdown(report, recording)) for report in reports]
    parts.append(f"## {words.transcript}")
    parts += [escape(line) for line in likeness_lines(segments, words, known)]
    names = speaker_names(segments, words, known)
    parts += [
        f"**{escape((name or words.unknown_speaker) + beside_name(segment, words))}**,"
        f" {time_range(segment.start, segment.end)}: {escape(segment.text)}"
        + (f" *({words.corrected})*" if segment.corrections else "")
        for segment, name in zip(segments, names, strict=True)
        if segment.text.strip()
    ]
    return "\n\n".join(parts) + "\n"


def _lowered(markdown: str) -> str:
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in markdown.rstrip().split("\n"))


def _json(
    recording: Recording,
    attribution: Attribution,
    reports: Sequence[Report],
    dropped: Sequence[Dropped],
    known: Sequence[KnownSpeaker],
) -> str:
    original = recording.original
    found = {one.speaker: one for one in known}
    document = Export(
        recording=ExportedRecording(
            id=recording.id,
            name=original.name,
            sha256=original.sha256,
            bytes=original.bytes,
            received_at=recording.received_at,
            seconds=original.media.seconds,
            content_type=original.media.content_type,
            details=recording.details,
        ),
        transcript=ExportedTranscript(
            number=attribution.number,
            transcript=attribution.transcript,
            diarizer=attribution.diarizer,
            method=attribution.method,
            speakers=tuple(_speaker(one, found.get(one.label)) for one in attribution.speakers),
            segments=attribution.segments,
            overlaps=attribution.overlaps,
            dropped=tuple(dropped),
            corrections=attribution.corrections,
        ),
        reports=tuple(reports),
    )
    return document.model_dump_json(indent=2) + "\n"


def _speaker(one: Speaker, known: KnownSpeaker | None) -> ExportedSpeaker:
    told = {} if known is None else {"name": known.name, "sounds_like": known.sounds_like}
    return ExportedSpeaker.model_validate({**dict(one), **told})


def language_of(recording: Recording, attribution: Attribution) -> str:
    """The language of headings and roles: as told, else Russian where most letters are Cyrillic."""
    if recording.details.language is not None:
        return recording.details.language
    letters = [letter for segment in attribution.segments for letter in segment.text.lower() if letter.isalpha()]
    cyrillic = sum(1 for letter in letters if "а" <= letter <= "я" or letter == "ё")
    return "ru" if 2 * cyrillic > len(letters) else "en"


def _stamp(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"
