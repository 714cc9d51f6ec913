"""Commands that look after what is kept: worker, check, rebuild, reindex, version."""

import platform
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version as installed
from typing import Annotated, Any

import typer

from voxpersona import __version__
from voxpersona.doors.cli.app import Json, app, opened
from voxpersona.doors.cli.chores import Chores
from voxpersona.doors.cli.console import Console, exit_code, printable
from voxpersona.doors.cli.taking import hint_at_worker
from voxpersona.doors.cli.working import stop_on_signals
from voxpersona.doors.texts import explain
from voxpersona.errors import Integrity, NotFound, Unavailable
from voxpersona.pipeline.check import Kind
from voxpersona.pipeline.check import check as check_archive
from voxpersona.pipeline.index import index_current
from voxpersona.pipeline.rebuild import rebuild as rebuild_archive
from voxpersona.pipeline.repair import Seen
from voxpersona.pipeline.repair import repair as repair_archive
from voxpersona.ports import OnProgress
from voxpersona.wiring import House

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two looks for a store that does not answer."""


@app.command()
def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Return when there is nothing left to do.")] = False,
    wants_json: Json = False,
) -> None:
    """Do the work: transcribe, attribute, report, index. One per data directory; stop it with Ctrl-C at any time."""
    with opened(wants_json=wants_json) as (house, console):
        engine = house.engine()
        stopped = stop_on_signals(engine, console)
        if until_idle:
            _tidy_store(house)
        else:
            _tidy_store_once_it_answers(house, console, stopped)
        if not stopped.is_set():
            house.stages  # noqa: B018  # opens every room: a missing model refuses here, not in the middle of a recording
            console.note(console.pick("Working; stop with Ctrl-C.", "Работаю; остановить: Ctrl-C."))
            with Chores(house) as chores:

                def is_done() -> bool:
                    chores.begin()
                    return until_idle and chores.is_idle() and house.idle()

                engine.run(until=is_done)
        console.document({"stopped": stopped.is_set(), "idle": house.idle()})


def _tidy_store_once_it_answers(house: House, console: Console, stopped: threading.Event) -> None:
    """The services of a machine start in any order, and one that ends at once would have to be started by hand."""
    pause = _SHORTEST_PAUSE
    while not stopped.is_set():
        try:
            _tidy_store(house)
        except Unavailable as error:
            if not error.retryable:
                raise
            if pause == _SHORTEST_PAUSE:
                console.note(explain(error, console.language))
                console.note(
                    console.pick(
                        "Waiting for the store; stop with Ctrl-C.", "Жду, пока хранилище ответит; остановить: Ctrl-C."
                    )
                )
            stopped.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return


def _tidy_store(house: House) -> None:
    """The configured rules stand. Configuration LIFECYCLE_UNSUPPORTED."""
    for room in house.store.rooms:
        if room.rules:
            room.bucket.apply(room.rules)


@app.command()
def check(
    read: Annotated[bool, typer.Option("--read", help="Read every byte and compare every hash.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended; nothing is deleted.")] = False,
    wants_json: Json = False,
) -> None:
    """Prove the archive whole: rows against bytes, both ways. Changes nothing, unless told to repair."""
    with opened(wants_json=wants_json) as (house, console):
        with console.progress(console.pick("checking", "проверка")) as told:
            found = _repaired(house, told, read=read) if repair else _checked(house, told, read=read)
        found = [_with_cause(seen, house) for seen in found]
        left = sum(not seen.repaired for seen in found)
        console.document({"ok": not left, "problems": [_problem_json(seen) for seen in found]})
        for seen in found:
            _show_problem(seen, console)
        if left < len(found):
            mended = console.count(len(found) - left, "problem")
            console.line(console.pick(f"{mended} repaired", f"исправлено: {mended}"))
            if not house.idle():
                hint_at_worker(house, console)
        _sum_up(left, len(house.library.recordings()), console, read=read)
        if left:
            raise typer.Exit(exit_code(Integrity))


def _with_cause(seen: Seen, house: House) -> Seen:
    """An original that is gone may have been let go by a rule that the settings ask for."""
    problem, store = seen.problem, house.store_settings
    if problem.kind != Kind.BLOB_MISSING or store is None or store.expire_originals_days is None:
        return seen
    detail = f"{problem.detail}; the store's rule of MINIO_EXPIRE_ORIGINALS_DAYS may have removed it"
    return replace(seen, problem=problem.model_copy(update={"detail": detail}))


def _show_problem(seen: Seen, console: Console) -> None:
    problem = seen.problem
    mended = console.pick("  [repaired]", "  [исправлено]") if seen.repaired else ""
    console.line(f"{problem.kind}  {problem.recording}  {printable(problem.key)}  {problem.detail}{mended}")


def _sum_up(left: int, count: int, console: Console, *, read: bool) -> None:
    recordings = console.count(count, "recording")
    if left:
        problems = console.count(left, "problem")
        console.line(console.pick(f"{problems} in {recordings}", f"{problems}; всего {recordings}"))
        return
    how = (
        console.pick("every byte read", "прочитан каждый байт")
        if read
        else console.pick(
            "sizes and presence; --read reads every byte", "размеры и наличие; --read прочитает каждый байт"
        )
    )
    console.line(console.pick(f"whole: {recordings} ({how})", f"всё цело: {recordings} ({how})"))


def _checked(house: House, told: OnProgress, *, read: bool) -> Sequence[Seen]:
    problems = check_archive(
        library=house.library,
        journal=house.journal,
        passages=house.passages,
        audio=house.audio,
        archive=house.archive,
        read=read,
        on_progress=told,
        buckets=house.buckets_control,
        spool=house.spool,
    )
    return [Seen(problem) for problem in problems]


def _repaired(house: House, told: OnProgress, *, read: bool) -> Sequence[Seen]:
    return repair_archive(
        library=house.library,
        journal=house.journal,
        passages=house.passages,
        embedder=lambda: house.embedder,
        media=house.media,
        audio=house.audio,
        archive=house.archive,
        read=read,
        on_progress=told,
        buckets=house.buckets_control,
        spool=house.spool,
    )


def _problem_json(seen: Seen) -> dict[str, Any]:
    return {**seen.problem.model_dump(mode="json"), "repaired": seen.repaired}


@app.command()
def rebuild(wants_json: Json = False) -> None:
    """Bring database and index back from the store alone. What stands already is not touched; may be repeated."""
    with opened(wants_json=wants_json) as (house, console):
        with console.progress(console.pick("rebuilding", "восстановление")) as told:
            rebuilt = rebuild_archive(
                library=house.library,
                journal=house.journal,
                passages=house.passages,
                embedder=house.embedder,
                audio=house.audio,
                archive=house.archive,
                on_progress=told,
            )
        problems = rebuilt.problems
        console.document(
            {
                "ok": not problems,
                "recordings": rebuilt.recordings,
                "forgotten": rebuilt.forgotten,
                "indexed": rebuilt.indexed,
                "problems": [_problem_json(Seen(problem)) for problem in problems],
            }
        )
        for problem in problems:
            _show_problem(Seen(problem), console)
        recordings, left = console.count(rebuilt.recordings, "recording"), console.count(len(problems), "problem")
        console.line(
            console.pick(
                f"{recordings} in all, newly searchable: {rebuilt.indexed}; forgotten for good: "
                f"{rebuilt.forgotten}; {left}",
                f"всего {recordings}, заново доступно для поиска: {rebuilt.indexed}; удалено навсегда: "
                f"{rebuilt.forgotten}; {left}",
            )
        )
        if not house.idle():
            hint_at_worker(house, console)
        if problems:
            raise typer.Exit(exit_code(Integrity))


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
                with suppress(NotFound):  # not transcribed yet: its own run will index it
                    index_current(
                        recording,
                        library=house.library,
                        embedder=embedder,
                        passages=house.passages,
                        on_progress=lambda _: None,
                    )
                    done += 1
                told(place / len(recordings))
        console.document({"recordings": done, "passages": sum(house.passages.counts().values())})
        indexed = console.count(done, "recording")
        console.line(console.pick(f"{indexed} indexed", f"проиндексировано: {indexed}"))


@app.command("migrate-db")
def migrate_db(wants_json: Json = False) -> None:
    """Move the library from the SQLite file into the PostgreSQL database of VOXPERSONA_DATABASE_URL."""
    with opened(wants_json=wants_json) as (house, console):
        with console.progress(console.pick("moving", "перенос")) as told:
            moved = house.move_database(on_progress=told)
        kept = len(house.library.recordings())
        console.document({"moved": moved is not None, "recordings": kept})
        recordings = console.count(kept, "recording")
        if moved is None:
            console.line(console.pick(f"Moved before; there: {recordings}.", f"Уже перенесено; там: {recordings}."))
            return
        console.line(
            console.pick(
                f"Moved: {recordings}. The old file stays beside, closed; work that was not over goes on with "
                "`voxpersona worker`.",
                f"Перенесено: {recordings}. Старый файл остаётся рядом закрытым; незаконченная работа продолжится "
                "с `voxpersona worker`.",
            )
        )


@app.command()
def version(wants_json: Json = False) -> None:
    """The program's version and those of what it stands on."""
    parts = {name: installed(name) for name in ("dbos", "sqlalchemy", "faster-whisper", "av", "lancedb", "onnxruntime")}
    with opened(wants_json=wants_json) as (_, console):
        console.document({"version": __version__, "python": platform.python_version(), "parts": parts})
        console.line(f"voxpersona {__version__} (Python {platform.python_version()})")
        for name, number in parts.items():
            console.line(f"  {name} {number}")
