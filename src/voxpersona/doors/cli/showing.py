"""The command show: everything known about one recording."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from voxpersona.doors.cli.app import Identity, Json, app, opened
from voxpersona.doors.cli.console import Console, printable, size
from voxpersona.doors.cli.correcting import changed
from voxpersona.doors.cli.outside import waits_for
from voxpersona.doors.cli.taking import why
from voxpersona.doors.cli.voices import known_as, known_speakers
from voxpersona.doors.cli.waiting import one_waiting, show_waiting, waiting_json
from voxpersona.doors.texts import state_word
from voxpersona.errors import NotFound
from voxpersona.model import CLIPPED, Attribution, KnownSpeaker, Recording, Report, Segment, Standing, Transcript
from voxpersona.pipeline.render import beside_name, clock, known, time_range
from voxpersona.pipeline.wording import Wording, wording
from voxpersona.wiring import House

_GUESS = 0.5  # a language told with less confidence than this was guessed


@app.command()
def show(
    identity: Identity,
    as_heard: Annotated[
        bool, typer.Option("--as-heard", help="The words as the engine heard them, before any person corrected them.")
    ] = False,
    wants_json: Json = False,
) -> None:
    """One recording: details, state, transcript with times, speakers and roles, corrections, reports."""
    with opened(wants_json=wants_json) as (house, console):
        try:
            recording = house.library.recording(identity)
        except NotFound:
            entry = house.spool.entry(one_waiting(house, identity))
            if entry is None:
                raise
            console.document(waiting_json(entry, console))
            show_waiting(entry, console)
            return
        standing = house.journal.standing(recording.id)
        transcript, attribution = _words(house, recording)
        reports = house.library.reports(recording.id)
        found = () if attribution is None else known_speakers(attribution, house, console)
        who = {one.speaker: one for one in found}
        console.document(_document(recording, standing, transcript, attribution, reports, who, as_heard=as_heard))
        if console.wants_json:
            return
        words = wording(console.language)
        _show_head(recording, standing, _damage(recording, transcript), words, console)
        if transcript is not None:
            _show_transcript(transcript, attribution, who, words, console, as_heard=as_heard)
        for report in reports:
            _show_report(report, words, console)


def _words(house: House, recording: Recording) -> tuple[Transcript | None, Attribution | None]:
    """The attribution and the transcript whose words it gives away; None for what is not there yet."""
    attribution = None
    try:
        attribution = house.library.attribution(recording.id)
        return house.library.transcript(recording.id, attribution.transcript), attribution
    except NotFound:
        pass
    try:
        return house.library.transcript(recording.id), attribution
    except NotFound:
        return None, attribution


def _segments(transcript: Transcript, attribution: Attribution | None, *, as_heard: bool) -> tuple[Segment, ...]:
    return attribution.segments if attribution and not as_heard else transcript.segments


def _document(
    recording: Recording,
    standing: Standing,
    transcript: Transcript | None,
    attribution: Attribution | None,
    reports: Iterable[Report],
    known: Mapping[str, KnownSpeaker],
    *,
    as_heard: bool,
) -> dict[str, Any]:
    original = recording.original
    spoken = None
    if transcript is not None:
        spoken = {
            "language": transcript.language,
            "language_confidence": transcript.language_confidence,
            "spoken": [each.model_dump(mode="json") for each in transcript.spoken],
            "engine": transcript.engine,
            "segments": [
                segment.model_dump(mode="json") for segment in _segments(transcript, attribution, as_heard=as_heard)
            ],
            "dropped": [each.model_dump(mode="json") for each in transcript.dropped],
            "unheard": [gap.model_dump(mode="json") for gap in attribution.unheard] if attribution else [],
            "corrections": [each.model_dump(mode="json") for each in attribution.corrections] if attribution else [],
            "unplaced": [each.model_dump(mode="json") for each in attribution.unplaced] if attribution else [],
            "overlaps": [each.model_dump(mode="json") for each in attribution.overlaps] if attribution else [],
        }
    return {
        "id": recording.id,
        "state": standing.state,
        "received_at": recording.received_at.isoformat(),
        "details": recording.details.model_dump(mode="json"),
        "original": {
            "name": original.name,
            "sha256": original.sha256,
            "bytes": original.bytes,
            "seconds": original.media.seconds,
            "content_type": original.media.content_type,
            "damage": _damage(recording, transcript),
            "clipped": transcript.clipped if transcript else original.media.clipped,
        },
        "run": standing.run,
        "stages": [progress.model_dump(mode="json", exclude={"recording", "run"}) for progress in standing.stages],
        "failed": None
        if standing.failed_code is None
        else {"stage": standing.stage, "code": standing.failed_code, "reason": standing.failed_reason},
        "waiting": None if standing.waiting is None else standing.waiting.model_dump(mode="json"),
        "transcript": spoken,
        "speakers": [
            {**speaker.model_dump(mode="json"), **_known(known.get(speaker.label, KnownSpeaker(speaker=speaker.label)))}
            for speaker in (attribution.speakers if attribution else ())
        ],
        "reports": [report.model_dump(mode="json", exclude={"recording", "format"}) for report in reports],
    }


def _known(one: KnownSpeaker) -> dict[str, Any]:
    return one.model_dump(mode="json", exclude={"speaker"})


def _damage(recording: Recording, transcript: Transcript | None) -> str | None:
    """What is missing of the sound: found by the work on it, else when it came."""
    return (transcript.damage if transcript else None) or recording.original.media.damage


def _show_head(recording: Recording, standing: Standing, damage: str | None, words: Wording, console: Console) -> None:
    original = recording.original
    console.line(f"{recording.id}  {printable(original.name)}")
    console.line(f"  {original.media.content_type}, {clock(original.media.seconds)}, {size(original.bytes)}")
    console.line(f"  sha256 {original.sha256}")
    if damage:
        console.line(f"  {console.pick('damaged', 'повреждено')}: {damage}")
    for name, value in known(recording.details, words):
        console.line(f"  {words.details[name]}: {printable(value)}")
    console.line(f"  {console.pick('State', 'Состояние')}: {state_word(standing.state, console.language)}")
    if standing.failed_code is not None:
        console.line(f"  {why(standing, console)}")
    if standing.waiting is not None:
        console.line(f"  {waits_for(standing.waiting, console)}")


def _show_transcript(
    transcript: Transcript,
    attribution: Attribution | None,
    known: Mapping[str, KnownSpeaker],
    words: Wording,
    console: Console,
    *,
    as_heard: bool,
) -> None:
    sure = f"{transcript.language_confidence:.0%}"
    console.line(f"  {console.pick('Heard as', 'Распознано как')}: {transcript.language} ({sure})")
    if 0 < transcript.language_confidence < _GUESS:
        console.line(
            console.pick(
                "  ATTENTION: the language was guessed. If it is wrong, receive the recording with --language.",
                "  ВНИМАНИЕ: язык угадан. Если он неверен, примите запись с ключом --language.",
            )
        )
    if transcript.clipped >= CLIPPED:
        console.line(
            console.pick(
                "  ATTENTION: recorded too loudly, the sound is distorted. Next time turn the recorder down.",
                "  ВНИМАНИЕ: записано слишком громко, звук искажён. В следующий раз убавьте уровень записи.",
            )
        )
    console.line()
    for speaker in attribution.speakers if attribution else ():
        reasons = "; ".join(sorted({evidence.reason for evidence in speaker.evidence})[:3])
        role = words.role(speaker.role, speaker.label)
        console.line(f"  {speaker.label}: {role} ({speaker.confidence:.0%}), {clock(speaker.seconds)}  {reasons}")
        if speaker.label in known:
            console.line(f"    {known_as(known[speaker.label], console)}")
    console.line()
    for segment in _segments(transcript, attribution, as_heard=as_heard):
        who = segment.speaker or ""
        if who in known:
            who = printable(known[who].name or who)
        if segment.role:
            who += f" ({words.role(segment.role, segment.speaker)})"
        mark = f"  ({words.corrected})" if segment.corrections else ""
        name = f"{who}{beside_name(segment, words)}: " if who else ""  # the engine tells apart no speakers
        console.line(f"  [{clock(segment.start)}] {name}{segment.text}{mark}")
    if attribution is not None and attribution.corrections:
        _show_corrections(attribution, console)
    if transcript.dropped:
        texts = console.count(len(transcript.dropped), "text")
        console.line(
            console.pick(
                f"  Left out as invented by the engine: {texts}; --json shows them.",
                f"  Опущено как выдуманное движком: {texts}; --json покажет.",
            )
        )
    for gap in attribution.unheard if attribution else ():
        where = time_range(gap.start, gap.end)
        console.line(
            console.pick(
                f"  ATTENTION: [{where}] sounds like speech, but no words were understood. Listen to it.",
                f"  ВНИМАНИЕ: [{where}] похоже на речь, но слова не распознаны. Прослушайте это место.",
            )
        )


def _show_corrections(attribution: Attribution, console: Console) -> None:
    console.line()
    for correction in attribution.corrections:
        when = correction.at.astimezone().strftime("%Y-%m-%d %H:%M")
        console.line(f"  {console.pick('Corrected', 'Исправлено')}: {printable(correction.by)}, {when}")
        for change in sorted(correction.changes, key=lambda one: one.start):
            console.line(f"    {changed(change)}")
    for change in attribution.unplaced:
        console.line(
            console.pick(
                f"  ATTENTION: a correction has no place in what was heard anew. Correct it again: {changed(change)}",
                f"  ВНИМАНИЕ: исправлению нет места в том, что распознано заново. Исправьте снова: {changed(change)}",
            )
        )


def _show_report(report: Report, words: Wording, console: Console) -> None:
    console.line()
    console.line(f"  {report.title} ({report.template} v{report.version}, {report.method})")
    for finding in report.findings:
        console.line(f"  - {finding.text}")
        for quote in finding.quotes:
            seal = "" if quote.verified else console.pick("  NOT VERIFIED", "  НЕ ПРОВЕРЕНО")
            role = words.role(quote.role, quote.speaker)
            console.line(f"      [{time_range(quote.start, quote.end)}] {role}: {words.quoted(quote.text)}{seal}")
    if report.not_covered:
        console.line(f"  {words.not_covered}: {', '.join(report.not_covered)}")
