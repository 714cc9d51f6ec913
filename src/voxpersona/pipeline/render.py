"""A report as a document a client can be handed, in Markdown; and the small rules of writing that exports share."""

import datetime as dt
import math
import re
from collections.abc import Sequence

from voxpersona.model import (
    EXTRACTIVE,
    Building,
    Details,
    Finding,
    KnownSpeaker,
    Quote,
    Recording,
    Report,
    Scenario,
    Segment,
)
from voxpersona.pipeline.wording import Wording, wording

_NBSP = "\u00a0"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#&$^])")
_HIDDEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def render_markdown(report: Report, recording: Recording) -> str:
    """The report in its own language: what is known of the recording, findings with quotes, topics not covered, source.

    Whatever somebody said or typed is escaped: it is shown letter by letter and never becomes markup. A quote that
    is not verified is marked so and carries no time.
    """
    words = wording(report.language)
    parts = [f"# {escape(report.title)}", details_table(recording, words), f"## {words.findings}"]
    for number, finding in enumerate(report.findings, 1):
        parts += _finding(number, finding, words)
    if not report.findings:
        parts.append(words.no_findings)
    if report.not_covered:
        parts += [f"## {words.not_covered}", "\n".join(f"- {escape(title)}" for title in report.not_covered)]
    parts += [f"## {words.source}", _source(report, recording, words)]
    return "\n\n".join(parts) + "\n"


def details_table(recording: Recording, words: Wording) -> str:
    """A Markdown table of what is known about the recording."""
    rows = details_rows(recording, words)
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {escape(text)} |" for name, text in rows)])


def details_rows(recording: Recording, words: Wording) -> list[tuple[str, str]]:
    """Name and text of what is known about the recording; what is not known has no row."""
    rows = [(words.recording, recording.original.name)]
    rows += [(words.details[name], text) for name, text in known(recording.details, words)]
    rows.append((words.received, day(recording.received_at.date(), words)))
    rows.append((words.length, clock(math.ceil(recording.original.media.seconds))))
    return rows


def source_rows(recording: Recording, words: Wording) -> list[tuple[str, str]]:
    """By what the recording can be found again and proved."""
    return [(words.recording, f"{recording.original.name}, {recording.id}"), ("SHA-256", recording.original.sha256)]


def template_line(report: Report, words: Wording) -> str:
    return f"{words.template}: {report.template}, {words.version} {report.version} ({report.language})"


def method_line(report: Report, words: Wording) -> str:
    return words.extractive if report.method == EXTRACTIVE else f"{words.by_model}: {report.method}."


def known(details: Details, words: Wording) -> list[tuple[str, str]]:
    """The details that are known, by field name, each as a word of the language."""
    found: list[tuple[str, str]] = []
    for name in type(details).model_fields:
        value = getattr(details, name)
        if isinstance(value, Scenario):
            found.append((name, words.scenarios[value]))
        elif isinstance(value, Building):
            found.append((name, words.buildings[value]))
        elif isinstance(value, dt.date):
            found.append((name, day(value, words)))
        elif value is not None:
            found.append((name, str(value)))
    return found


def escape(text: str) -> str:
    """Text of others made harmless in Markdown: on one line, without invisible marks, no character of it markup."""
    escaped = _SPECIAL.sub(r"\\\1", flat(text))
    # Only at the beginning of a line do these open a list, a heading or a rule; and "://" makes a bare link.
    escaped = re.sub(r"^([-+=])", r"\\\1", escaped)
    escaped = re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", escaped)
    return escaped.replace("://", r"\://")


def flat(text: str) -> str:
    """Text of others on one line, without invisible marks and what no document may hold."""
    return " ".join(_HIDDEN.sub("", text).split())


def speaker_names(
    segments: Sequence[Segment], words: Wording | None, known: Sequence[KnownSpeaker] = ()
) -> list[str | None]:
    """Who speaks in each segment: the role, numbered where several speakers share it, else the speaker's label; before
    it the name where a person gave one.

    Without `words` the role stands as its plain English value; None where nothing is known.
    """
    sharing: dict[str, list[str | None]] = {}
    for segment in segments:
        if segment.role is not None:
            speakers = sharing.setdefault(segment.role, [])
            if segment.speaker not in speakers:
                speakers.append(segment.speaker)
    given = {one.speaker: flat(one.name) for one in known if one.name is not None}
    names: list[str | None] = []
    for segment in segments:
        if segment.role is None:
            names.append(given.get(segment.speaker or "", segment.speaker))
            continue
        role = segment.role if words is None else words.role(segment.role, segment.speaker)
        if segment.speaker in given:
            names.append(f"{given[segment.speaker]} ({role})")
            continue
        speakers = sharing[segment.role]
        names.append(role if len(speakers) == 1 else f"{role} {speakers.index(segment.speaker) + 1}")
    return names


def beside_name(segment: Segment, words: Wording) -> str:
    """What is to be known of a segment before it is read, written behind the name of who speaks; mostly nothing."""
    return f" [{words.overlapped}]" if segment.overlapped else ""


def likeness_lines(segments: Sequence[Segment], words: Wording, known: Sequence[KnownSpeaker]) -> list[str]:
    """Whom a speaker sounds like, as nobody has confirmed it; one line for each who sounds like somebody."""
    names = dict(zip((segment.speaker for segment in segments), speaker_names(segments, words, known), strict=True))
    lines = []
    for one in known:
        if one.sounds_like and one.speaker in names:
            alike = ", ".join(f"{flat(each.name)} ({each.score:.2f})" for each in one.sounds_like)
            lines.append(f"{names[one.speaker]} {words.sounds_like.format(names=alike)}")
    return lines


def clock(seconds: float) -> str:
    """`00:16`, from an hour on `1:02:03`; begun seconds are not counted."""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60:02}:{rest % 60:02}"


def time_range(start: float, end: float) -> str:
    """`00:10–00:16`: whole seconds that hold the whole range."""
    return f"{clock(math.floor(start))}–{clock(math.ceil(end))}"


def day(date: dt.date, words: Wording) -> str:
    return date.strftime("%d.%m.%Y") if words.language == "ru" else date.isoformat()


def _finding(number: int, finding: Finding, words: Wording) -> list[str]:
    lines = "\n".join(f"- {_quote(quote, words)}" for quote in finding.quotes)
    return [f"### {number}. {escape(finding.text)}", *([lines] if lines else [])]


def _quote(quote: Quote, words: Wording) -> str:
    said = escape(words.quoted(" ".join(quote.text.split())))
    if not quote.verified:
        return f"{said}{_NBSP}— *{words.unverified}*"
    who = escape(words.role(quote.role, quote.speaker))
    mark = f" *({words.corrected})*" if quote.corrections else ""
    return f"{said}{_NBSP}— {who}, {time_range(quote.start, quote.end)}{mark}"


def _source(report: Report, recording: Recording, words: Wording) -> str:
    original = recording.original
    opening, closing = words.marks
    return "\n".join(
        [
            f"- {words.recording}: {opening}{escape(original.name)}{closing}, `{recording.id}`",
            f"- SHA-256: `{original.sha256}`",
            f"- {escape(template_line(report, words))}",
            f"- {escape(method_line(report, words))}",
        ]
    )
