"""Commands that look after what is kept: worker, check, reindex, version."""

import platform
from importlib.metadata import version as installed
from typing import Annotated

import typer

from voxpersona import __version__
from voxpersona.doors.cli.app import Json, app, opened
from voxpersona.doors.cli.console import exit_code, printable
from voxpersona.doors.cli.taking import remove
from voxpersona.doors.cli.working import stop_on_signals
from voxpersona.errors import Integrity, NotFound
from voxpersona.pipeline.check import check as check_archive
from voxpersona.pipeline.index import index

_SWEEP_SECONDS = 24 * 3600


@app.command()
def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Return when there is nothing left to do.")] = False,
    wants_json: Json = False,
) -> None:
    """Do the work: transcribe, attribute, report, index. One per data directory; stop it with Ctrl-C at any time."""
    with opened(wants_json=wants_json) as (house, console):
        house.stages  # noqa: B018  # opens every room: a missing model refuses here, not in the middle of a recording
        engine = house.engine()
        stopped = stop_on_signals(engine, console)
        for recording in house.library.half_forgotten():
            remove(house, recording)
        console.note(console.pick("Working; stop with Ctrl-C.", "Работаю; остановить: Ctrl-C."))
        engine.run(until=house.idle if until_idle else None)
        console.document({"stopped": stopped.is_set(), "idle": house.idle()})


@app.command()
def check(
    read: Annotated[bool, typer.Option("--read", help="Read every byte and compare every hash.")] = False,
    wants_json: Json = False,
) -> None:
    """Prove the archive whole: rows against bytes, both ways. Changes nothing."""
    with opened(wants_json=wants_json) as (house, console):
        with console.progress(console.pick("checking", "проверка")) as told:
            problems = check_archive(
                library=house.library,
                journal=house.journal,
                passages=house.passages,
                audio=house.audio,
                archive=house.archive,
                read=read,
                on_progress=told,
            )
        console.document({"ok": not problems, "problems": [problem.model_dump(mode="json") for problem in problems]})
        for problem in problems:
            console.line(f"{problem.kind}  {problem.recording}  {printable(problem.key)}  {problem.detail}")
        count = len(house.library.recordings())
        recordings = f"{count} recording{'' if count == 1 else 's'}"
        if problems:
            found = len(problems)
            console.line(console.pick(f"{found} problems in {recordings}", f"проблем: {found}, записей: {count}"))
            raise typer.Exit(exit_code(Integrity))
        how = (
            console.pick("every byte read", "прочитан каждый байт")
            if read
            else console.pick(
                "sizes and presence; --read reads every byte", "размеры и наличие; --read прочитает каждый байт"
            )
        )
        console.line(console.pick(f"whole: {recordings} ({how})", f"всё цело: записей {count} ({how})"))


@app.command()
def reindex(wants_json: Json = False) -> None:
    """Build the search index anew from the saved transcripts."""
    with opened(wants_json=wants_json) as (house, console):
        recordings = house.library.recordings()
        embedder = house.embedder
        house.passages.clear()
        done = 0
        with console.progress(console.pick("indexing", "индексация")) as told:
            for place, recording in enumerate(recordings, 1):
                try:
                    attribution = house.library.attribution(recording.id)
                except NotFound:
                    continue  # not transcribed yet: its own run will index it
                language = house.library.transcript(recording.id, attribution.transcript).language
                index(recording, attribution, embedder, house.passages, language=language, on_progress=lambda _: None)
                done += 1
                told(place / len(recordings))
        console.document({"recordings": done, "passages": sum(house.passages.counts().values())})
        console.line(console.pick(f"{done} recordings indexed", f"проиндексировано записей: {done}"))


@app.command()
def version(wants_json: Json = False) -> None:
    """The program's version and those of what it stands on."""
    parts = {name: installed(name) for name in ("dbos", "sqlalchemy", "faster-whisper", "av", "lancedb", "onnxruntime")}
    with opened(wants_json=wants_json) as (_, console):
        console.document({"version": __version__, "python": platform.python_version(), "parts": parts})
        console.line(f"voxpersona {__version__} (Python {platform.python_version()})")
        for name, number in parts.items():
            console.line(f"  {name} {number}")
