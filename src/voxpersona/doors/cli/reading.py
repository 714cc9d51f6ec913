"""Commands that read: list, show, ask, export, original, sound, link, status."""

import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from voxpersona.doors.cli.app import Identity, Json, app, opened
from voxpersona.doors.cli.console import Console, printable, size
from voxpersona.doors.cli.outside import waits_for
from voxpersona.doors.cli.taking import why
from voxpersona.doors.cli.voices import known_speakers
from voxpersona.doors.cli.waiting import show_waiting, spooled_word, waiting, waiting_json
from voxpersona.doors.output import write_output
from voxpersona.errors import Code, NotFound, Rejected
from voxpersona.model import Recording, Standing, State
from voxpersona.pipeline.export import Format
from voxpersona.pipeline.export import export as export_recording
from voxpersona.pipeline.play import play
from voxpersona.pipeline.render import clock, time_range
from voxpersona.pipeline.wording import wording
from voxpersona.wiring import House

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="PATH", help="Where to write; - is standard output.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def _told(recording: Recording) -> dict[str, Any]:
    return recording.details.model_dump(mode="json")


@app.command(name="list")
def list_recordings(wants_json: Json = False) -> None:
    """All recordings, newest first."""
    with opened(wants_json=wants_json) as (house, console):
        standings = _standings(house)
        waits = waiting(house, {recording.id for recording, _ in standings})
        told = [waiting_json(entry, console) for entry in waits]
        told += [_listed(recording, standing) for recording, standing in standings]
        console.document({"recordings": told})
        for entry in waits:
            show_waiting(entry, console)
        for recording, standing in standings:
            day = recording.received_at.astimezone().strftime("%Y-%m-%d %H:%M")
            length = clock(recording.original.media.seconds)
            console.line(
                f"{recording.id}  {day}  {length:>8}  {standing.state:<8}  {printable(recording.original.name)}"
            )
        if not standings and not waits:
            console.note(
                console.pick("Nothing here yet: voxpersona receive PATH", "Пока пусто: voxpersona receive PATH")
            )
            _hint_at_rebuild(house, console)


def _hint_at_rebuild(house: House, console: Console) -> None:
    """A database that knows nothing may have been lost, or be a new one beside a store that is full."""
    if house.may_be_rebuilt:
        console.note(
            console.pick(
                "If the store holds recordings already, `voxpersona rebuild` brings them back.",
                "Если в хранилище уже есть записи, их вернёт `voxpersona rebuild`.",
            )
        )


def _standings(house: House) -> list[tuple[Recording, Standing]]:
    """All recordings with where they stand, newest first; one forgotten while we look is left out."""
    found = []
    for recording in house.library.recordings():
        with suppress(NotFound):
            found.append((recording, house.journal.standing(recording.id)))
    return found


def _listed(recording: Recording, standing: Standing) -> dict[str, Any]:
    return {
        "id": recording.id,
        "name": recording.original.name,
        "state": standing.state,
        "received_at": recording.received_at.isoformat(),
        "seconds": recording.original.media.seconds,
        "bytes": recording.original.bytes,
        "sha256": recording.original.sha256,
        "details": _told(recording),
    }


@app.command()
def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In plain words, in English or Russian.")],
    wants_json: Json = False,
) -> None:
    """Ask the archive: an answer made of quotes, each with its recording and time, or an honest no."""
    if not question.strip():
        raise typer.BadParameter("ask something", param_hint="QUESTION")
    with opened(wants_json=wants_json) as (house, console):
        from voxpersona.pipeline.ask import ask as ask_archive

        answer = ask_archive(question, house.passages, house.embedder, house.library.attribution)
        console.document(
            {
                "question": question,
                "answer": answer.text,
                "found": answer.found,
                "citations": [citation.model_dump(mode="json") for citation in answer.citations],
            }
        )
        console.line(answer.text)
        if not answer.found:
            _say_what_was_searched(house, console)
        for number, citation in enumerate(answer.citations, 1):
            name = printable(house.library.recording(citation.recording).original.name)
            mark = f"  ({wording(console.language).corrected})" if citation.corrections else ""
            console.line(f"  [{number}] {citation.recording} {time_range(citation.start, citation.end)}  {name}{mark}")


def _say_what_was_searched(house: House, console: Console) -> None:
    """An archive that is empty or not worked through yet says nothing: that is no answer to the question."""
    standings = _standings(house)
    ready = sum(standing.state is State.READY for _, standing in standings)
    if ready < len(standings) or not standings:
        kept = console.count(len(standings), "recording")
        console.note(
            console.pick(
                f"Searched {ready} of {kept}; `voxpersona status` tells about the others.",
                f"Просмотрено записей: {ready} из {len(standings)}; об остальных расскажет `voxpersona status`.",
            )
        )
    if not standings:
        _hint_at_rebuild(house, console)


@app.command()
def export(
    identity: Identity,
    form: Annotated[Format, typer.Option("--format", help="What to write.")],
    output: Output = None,
    force: Force = False,
    wants_json: Json = False,
) -> None:
    """Write the transcript for other programs and people: subtitles, text, Markdown or DOCX with reports, JSON."""
    with opened(wants_json=wants_json) as (house, console):
        recording = house.library.recording(identity)
        attribution = house.library.attribution(recording.id)
        is_shown = output is None or str(output) == "-"
        if is_shown and not form.is_text and (console.wants_json or sys.stdout.isatty()):
            raise Rejected(Code.OUTPUT_BINARY, "not to be shown", form=form)
        dropped = house.library.transcript(recording.id, attribution.transcript).dropped
        content = export_recording(
            recording,
            attribution,
            house.library.reports(recording.id),
            form,
            dropped=dropped,
            known=known_speakers(attribution, house, console),
        )
        if output is None or is_shown:
            if console.wants_json:
                console.document({"id": recording.id, "format": form, "path": None, "text": content.decode()})
            else:
                sys.stdout.buffer.write(content)
            return
        path = write_output(output, [content], name=f"{recording.id}.{form}", force=force)
        console.document({"id": recording.id, "format": form, "path": str(path)})
        console.line(str(path))


@app.command()
def original(
    identity: Identity,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="File or directory to write to.")],
    force: Force = False,
    wants_json: Json = False,
) -> None:
    """Get the original back, byte for byte; its hash is checked on the way."""
    with opened(wants_json=wants_json) as (house, console):
        recording = house.library.recording(identity)
        kept = recording.original
        parts = house.audio.read(kept.key)
        if str(output) == "-" and not console.wants_json:
            for part in parts:
                sys.stdout.buffer.write(part)
            return
        path = write_output(output, parts, name=kept.key.rsplit("/", 1)[1], force=force)
        console.document({"id": recording.id, "path": str(path), "sha256": kept.sha256, "bytes": kept.bytes})
        console.line(f"{path}  ({size(kept.bytes)}, sha256 {kept.sha256[:12]}…)")


@app.command()
def sound(
    identity: Identity,
    output: Output = None,
    peaks: Annotated[bool, typer.Option("--peaks", help="The outline of the sound, as JSON, instead.")] = False,
    force: Force = False,
    wants_json: Json = False,
) -> None:
    """Get the sound as a browser plays it (M4A), or its peaks; made now unless it was before."""
    if output is None and not peaks:
        raise typer.BadParameter("name a file or directory", param_hint="--output")
    with opened(wants_json=wants_json) as (house, console):
        recording = house.library.recording(identity)
        with console.progress(console.pick("making the sound", "подготовка звука")) as told:
            playable = play(
                recording,
                library=house.library,
                media=house.media,
                audio=house.audio,
                archive=house.archive,
                scratch=house.scratch,
                on_progress=told,
            )
        made = playable.sound
        if peaks:
            outline = playable.peaks.model_dump_json()
            if output is None or str(output) == "-":
                sys.stdout.write(outline + "\n")
                return
            path = write_output(output, [outline.encode()], name=f"{recording.id}.peaks.json", force=force)
            console.document({"id": recording.id, "path": str(path)})
            console.line(str(path))
            return
        assert output is not None
        parts = house.archive.read(made.key)
        if str(output) == "-":
            if console.wants_json or sys.stdout.isatty():
                raise Rejected(Code.OUTPUT_BINARY, "not to be shown", form="m4a")
            for part in parts:
                sys.stdout.buffer.write(part)
            return
        path = write_output(output, parts, name=f"{recording.id}.m4a", force=force)
        console.document({"id": recording.id, "path": str(path), "sha256": made.sha256, "bytes": made.size})
        console.line(f"{path}  ({size(made.size)})")


@app.command()
def link(
    identity: Identity,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=10_080, help="How long it works.")] = 60,
    wants_json: Json = False,
) -> None:
    """A temporary address from which anybody who has it can download the recording, where the store can make one."""
    with opened(wants_json=wants_json) as (house, console):
        recording = house.library.recording(identity)
        original = recording.original
        address = house.audio.link(original.key, minutes * 60, original.name)
        console.document({"id": recording.id, "url": address, "minutes": minutes})
        console.line(address)
        console.note(
            console.pick(
                f"Works for {console.count(minutes, 'minute')}, for everybody who has it.",
                f"Действует, для каждого, у кого она есть: {console.count(minutes, 'minute')}.",
            )
        )


@app.command()
def status(wants_json: Json = False) -> None:
    """What is being worked on and how far it is, what failed and why, how much room is left."""
    with opened(wants_json=wants_json) as (house, console):
        standings = _standings(house)
        counts = {state.value: sum(standing.state is state for _, standing in standings) for state in State}
        engine = house.engine()
        has_worker, is_paused = engine.is_running(), engine.is_paused()
        kept = sum(recording.original.bytes for recording, _ in standings)
        waits = waiting(house, {recording.id for recording, _ in standings})
        now = datetime.now(UTC)
        unfinished = [(recording, standing) for recording, standing in standings if standing.state is not State.READY]
        console.document(
            {
                "worker": has_worker,
                "paused": is_paused,
                "counts": counts,
                "bytes": kept,
                "free_bytes": house.free_bytes(),
                "spooled": {
                    "recordings": len(waits),
                    "bytes": sum(entry.recording.original.bytes for entry in waits),
                    "refused": sum(entry.refused is not None for entry in waits),
                },
                "recordings": [
                    {
                        "id": recording.id,
                        "name": recording.original.name,
                        "state": standing.state,
                        "stage": standing.stage,
                        "share": standing.share,
                        "seconds_left": standing.seconds_left(now),
                        "overdue": standing.is_overdue(now, recording.original.media.seconds),
                        "failed_code": standing.failed_code,
                        "waiting": None if standing.waiting is None else standing.waiting.model_dump(mode="json"),
                        "attempts": {progress.stage: progress.attempts for progress in standing.stages},
                    }
                    for recording, standing in unfinished
                ],
            }
        )
        working = (
            console.pick("a worker is running", "worker работает")
            if has_worker
            else console.pick("no worker is running", "worker не запущен")
        )
        if is_paused:
            working += console.pick(
                "; paused: go on with `voxpersona resume`", "; пауза: продолжить — `voxpersona resume`"
            )
        console.line(f"{working}; {', '.join(f'{state} {count}' for state, count in counts.items())}")
        console.line(
            f"{size(kept)} {console.pick('kept', 'сохранено')}, {size(house.free_bytes())} "
            f"{console.pick('free', 'свободно')}"
        )
        if waits:
            console.line(f"{spooled_word(console)}: {len(waits)}")
        for entry in waits:
            show_waiting(entry, console)
        for recording, standing in unfinished:
            where = f"{standing.stage} {standing.share:.0%}" if standing.stage else console.pick("waiting", "ждёт")
            left = standing.seconds_left(now)
            if left is not None:
                where += console.pick(f", about {clock(left)} left", f", осталось около {clock(left)}")
            console.line(f"{recording.id}  {standing.state:<8}  {where}  {printable(recording.original.name)}")
            if standing.failed_code is not None:
                console.line(f"              {why(standing, console)}")
            if standing.waiting is not None:
                console.line(f"              {waits_for(standing.waiting, console)}")
            if standing.is_overdue(now, recording.original.media.seconds):
                console.line(
                    console.pick(
                        "              longer than it ever should take: restart the worker, "
                        f"or `voxpersona cancel {recording.id}`",
                        "              дольше, чем когда-либо нужно: перезапустите worker "
                        f"или `voxpersona cancel {recording.id}`",
                    )
                )
        if not standings:
            _hint_at_rebuild(house, console)
