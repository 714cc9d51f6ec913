"""Commands that take in, do over and remove: receive, retry, forget."""

import datetime as dt
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from voxpersona.doors.cli.app import WRONG_USE, Identity, Json, app, opened
from voxpersona.doors.cli.console import Console, exit_code, printable, size
from voxpersona.doors.cli.waiting import SPOOLED, drop_waiting, one_waiting, spooled_word
from voxpersona.doors.cli.working import work_until_over
from voxpersona.doors.texts import explain, say
from voxpersona.errors import Code, NotFound, Rejected, VoxPersonaError, kind_of, known_code
from voxpersona.model import STAGES, Building, Details, Recording, Scenario, Stage, Standing, State, WorkOrder
from voxpersona.pipeline.correct import first_stage
from voxpersona.pipeline.forget import forget as forget_recording
from voxpersona.pipeline.receive import Delivery, Receipt
from voxpersona.pipeline.receive import receive as receive_delivery
from voxpersona.pipeline.render import clock
from voxpersona.pipeline.upkeep import LEFT_IN_SPOOL
from voxpersona.wiring import LANGUAGES, House


@dataclass
class _Outcome:
    """What became of all that was given to one `receive`."""

    receipts: list[Receipt] = field(default_factory=list)
    refused: list[tuple[str, VoxPersonaError]] = field(default_factory=list)


def _is_date(text: str | None) -> str | None:
    if text is not None:
        try:
            dt.date.fromisoformat(text)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r} is no date like 2026-11-23") from error
    return text


def _is_language(text: str | None) -> str | None:
    if text is not None and text not in LANGUAGES:
        raise typer.BadParameter(f"{text!r} is no language code that speech engines know, like en or ru")
    return text


Date = Annotated[str | None, typer.Option(help="Day of the recording, as 2026-11-23.", callback=_is_date)]
Language = Annotated[
    str | None, typer.Option(help="Language spoken, as en or ru; else found out.", callback=_is_language)
]
Wait = Annotated[bool, typer.Option("--wait", help="Return when all work on it is done.")]


@app.command()
def receive(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, directories, or - for standard input.")],
    name: Annotated[str | None, typer.Option(help="Name of what comes from standard input.")] = None,
    scenario: Annotated[Scenario | None, typer.Option(help="What kind of recording it is.")] = None,
    number: Annotated[str | None, typer.Option(help="Number of the interview or audit.")] = None,
    date: Date = None,
    employee: Annotated[str | None, typer.Option(help="Who recorded, or was heard as staff.")] = None,
    client: Annotated[str | None, typer.Option(help="The client it was made for, or with.")] = None,
    place: Annotated[str | None, typer.Option(help="Name of the hotel, restaurant or health centre.")] = None,
    building: Annotated[Building | None, typer.Option(help="Type of the building.")] = None,
    zone: Annotated[str | None, typer.Option(help="Part of the building.")] = None,
    city: Annotated[str | None, typer.Option(help="City.")] = None,
    language: Language = None,
    speakers: Annotated[int | None, typer.Option(min=1, max=20, help="How many people speak; else estimated.")] = None,
    accept_damaged: Annotated[
        bool, typer.Option("--accept-damaged", help="Keep recordings that are cut off short.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Take in anew what was forgotten before.")] = False,
    wait: Wait = False,
    wants_json: Json = False,
) -> None:
    """Keep recordings: hashed, verified, acknowledged; then transcribed, attributed, reported on and indexed."""
    if "-" in paths and name is None:
        raise typer.BadParameter("standard input has no name: give one with --name", param_hint="--name")
    if name is not None and "-" not in paths:
        raise typer.BadParameter("only names what comes from standard input (-)", param_hint="--name")
    told = {
        "scenario": scenario,
        "number": number or None,
        "date": date,
        "employee": employee or None,
        "client": client or None,
        "place": place or None,
        "building": building,
        "zone": zone or None,
        "city": city or None,
        "language": language,
        "speakers": speakers,
    }
    with opened(wants_json=wants_json) as (house, console):
        house.spool.sweep(LEFT_IN_SPOOL.total_seconds())
        details = Details.model_validate({key: _clean(value) for key, value in told.items()})
        outcome = _Outcome()
        for path in paths:
            for candidate in _candidates(path, outcome):
                _take(candidate, name, details, house, console, outcome, again=again, accept_damaged=accept_damaged)
        kept = [receipt for receipt in outcome.receipts if not receipt.is_spooled]
        recordings = list({receipt.recording.id: receipt.recording for receipt in kept}.values())
        finished = not (wait and recordings) or work_until_over(house, console, recordings)
        _tell(outcome, house, console, waited=wait)
        code = _code(outcome, house, waited=wait and finished)
        if code:
            raise typer.Exit(code)


def _clean(value: Any) -> Any:
    """Text as any database and any JSON can hold it."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _candidates(path: str, outcome: _Outcome) -> Iterator[str]:
    """The path itself, or every file below a directory, in order of name. What cannot be walked is refused."""
    if path == "-" or not Path(path).is_dir():
        yield path
        return

    def unreadable(error: OSError) -> None:
        reason = error.strerror or "unknown"
        refused = Rejected(Code.UNREADABLE, reason, path=str(error.filename), reason=reason)
        outcome.refused.append((str(error.filename), refused))

    for directory, below, files in os.walk(path, onerror=unreadable):
        below.sort()
        for file in sorted(files):
            yield str(Path(directory) / file)


def _take(
    path: str,
    name: str | None,
    details: Details,
    house: House,
    console: Console,
    outcome: _Outcome,
    *,
    again: bool,
    accept_damaged: bool,
) -> None:
    try:
        with _open(path) as content:
            known_as, source = _naming(path, name)
            delivery = Delivery(
                content=content,
                name=known_as,
                source=source,
                details=details,
                again=again,
                accept_damaged=accept_damaged,
            )
            receipt = receive_delivery(
                delivery,
                spool=house.spool,
                audio=lambda: house.intake,
                library=lambda: house.library,
                media=house.media,
            )
    except VoxPersonaError as error:
        outcome.refused.append((_clean(path), error))
        console.line(f"{console.pick('rejected', 'не принято')}  {printable(_clean(path))}")
        console.line(f"          {explain(error, console.language)}")
        return
    outcome.receipts.append(receipt)
    _acknowledge(receipt, known_as, console)
    told = details.model_dump(exclude_none=True)
    kept = receipt.recording.details.model_dump()
    if receipt.is_duplicate and any(kept[name] != value for name, value in told.items()):
        console.note(
            console.pick(
                f"{receipt.recording.id}: the details given now differ and were not taken over. To change them: "
                f"voxpersona forget {receipt.recording.id}, then receive it with --again.",
                f"{receipt.recording.id}: указанные сейчас сведения отличаются и не приняты. Чтобы изменить их: "
                f"voxpersona forget {receipt.recording.id}, затем receive с ключом --again.",
            )
        )


@contextmanager
def _open(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdin.buffer
        return
    shown = _clean(path)
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):  # opening a pipe or a device could wait for ever
            raise Rejected(Code.NOT_A_FILE, "neither file nor directory", path=shown)
        content = Path(path).open("rb")  # noqa: SIM115  # closed below; the try must not cover what the caller does
    except FileNotFoundError as error:
        raise NotFound(Code.PATH_ABSENT, "no such path", path=shown) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Rejected(Code.UNREADABLE, reason, path=shown, reason=reason) from error
    with content:
        yield content


def _naming(path: str, name: str | None) -> tuple[str, str]:
    """The name a recording is known by and its source key. Bytes that are no UTF-8 show as replacement marks."""
    if path == "-":
        assert name is not None
        return _clean(name), "stdin:{sha256}"
    absolute = os.fsencode(Path(path).resolve()).decode("utf-8", "replace")
    return os.fsencode(Path(path).name).decode("utf-8", "replace"), f"path:{{sha256}}:{absolute}"


def _acknowledge(receipt: Receipt, name: str, console: Console) -> None:
    recording, original = receipt.recording, receipt.recording.original
    if receipt.is_duplicate:
        console.line(
            f"{recording.id}  {console.pick('here already', 'уже есть')}  {printable(name)}"
            f"  =  {printable(original.name)}"
        )
        return
    facts = f"{clock(original.media.seconds)}, {size(original.bytes)}, sha256 {original.sha256[:12]}…"
    kept = spooled_word(console) if receipt.is_spooled else console.pick("kept", "сохранено")
    console.line(f"{recording.id}  {kept}  {printable(name)}  ({facts})")
    if original.media.damage:
        console.line(f"              {console.pick('damaged', 'повреждено')}: {original.media.damage}")


def _tell(outcome: _Outcome, house: House, console: Console, *, waited: bool) -> None:
    kept = [receipt.recording.id for receipt in outcome.receipts if not receipt.is_spooled]
    standings = {identity: house.journal.standing(identity) for identity in kept}
    console.document(
        {
            "recordings": [_receipt_json(receipt, standings.get(receipt.recording.id)) for receipt in outcome.receipts],
            "rejected": [
                {"path": path, "code": error.code, "reason": explain(error, console.language)}
                for path, error in outcome.refused
            ],
        }
    )
    for recording, standing in standings.items():
        if standing.state is State.READY and waited:
            console.line(f"{recording}  {console.pick('ready', 'готово')}: voxpersona show {recording}")
        elif standing.failed_code is not None:
            console.line(f"{recording}  {why(standing, console)}")
    if len(outcome.receipts) + len(outcome.refused) != 1:
        new = len({receipt.recording.id for receipt in outcome.receipts if not receipt.is_duplicate})
        here = sum(receipt.is_duplicate for receipt in outcome.receipts)
        console.line(
            console.pick(
                f"{new} kept, {here} here already, {len(outcome.refused)} rejected",
                f"сохранено {new}, уже было {here}, не принято {len(outcome.refused)}",
            )
        )
    _tell_of_spooled(outcome, console)
    if any(standing.state in (State.RECEIVED, State.WORKING) for standing in standings.values()):
        hint_at_worker(house, console)


def _tell_of_spooled(outcome: _Outcome, console: Console) -> None:
    """What waits is safe; why it waits, and who sees to it."""
    waiting = len({receipt.recording.id for receipt in outcome.receipts if receipt.is_spooled})
    if not waiting:
        return
    because = next((receipt.because for receipt in outcome.receipts if receipt.because is not None), None)
    if because is not None:
        console.note(explain(because, console.language))
    kept = console.count(waiting, "recording")
    console.note(
        console.pick(
            f"Safe, and waiting on this machine: {kept}. A running worker, or the next `receive`, brings them into the "
            "archive when it answers. Do not remove the data directory.",
            f"В сохранности, ждут на этой машине: {kept}. Работающий worker или следующий `receive` перенесёт их в "
            "архив, когда он ответит. Не удаляйте каталог данных.",
        )
    )


def hint_at_worker(house: House, console: Console) -> None:
    """Where nobody does the work, say how it gets done."""
    if not house.engine().is_running():
        console.note(
            console.pick(
                "Safe. No worker is running: start one with `voxpersona worker`, or add --wait.",
                "Сохранено. Обработка не запущена: запустите `voxpersona worker` или добавьте --wait.",
            )
        )


def _receipt_json(receipt: Receipt, standing: Standing | None) -> dict[str, Any]:
    recording = receipt.recording
    return {
        "id": recording.id,
        "name": recording.original.name,
        "state": SPOOLED if standing is None else standing.state,
        "sha256": recording.original.sha256,
        "bytes": recording.original.bytes,
        "duplicate_of": recording.id if receipt.is_duplicate else None,
        "failed": None
        if standing is None or standing.failed_code is None
        else {"stage": standing.stage, "code": standing.failed_code},
    }


def why(standing: Standing, console: Console) -> str:
    """One line on why a run failed, and what to do."""
    code = known_code(standing.failed_code)
    facts = {"reason": standing.failed_reason or "", "kind": standing.stage or ""}
    text = say(code, console.language, facts)
    return f"{console.pick('failed in', 'сбой на этапе')} {standing.stage}: {text}"


def _code(outcome: _Outcome, house: House, *, waited: bool) -> int:
    codes = [exit_code(type(error)) for _, error in outcome.refused]
    if waited:
        for receipt in outcome.receipts:
            if receipt.is_spooled:
                continue
            failed = house.journal.standing(receipt.recording.id).failed_code
            if failed is not None:
                codes.append(exit_code(kind_of(known_code(failed))))
    return max(codes, default=0)


@app.command()
def retry(
    identity: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Id of a recording, or a unique start of one.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="STAGE", help="First stage to do again; else the failed one, else all."),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="All whose run failed, except those that were cancelled.")
    ] = False,
    wait: Wait = False,
    wants_json: Json = False,
) -> None:
    """Do the work again, from a stage on. Results are versions: the old ones stay until the new ones stand."""
    if (identity is None) is not failed:
        raise typer.BadParameter("give the id of a recording, or --failed for all that failed", param_hint="ID")
    with opened(wants_json=wants_json) as (house, console):
        if start is not None and start not in STAGES:
            raise Rejected(Code.STAGE_UNKNOWN, "no such stage", stage=start)
        recordings = [house.library.recording(identity)] if identity is not None else _failed(house)
        orders = {recording.id: _restart(recording, start, house) for recording in recordings}
        if wait:
            work_until_over(house, console, recordings)
        standings = {identity: house.journal.standing(identity) for identity in orders}
        told = [
            {"id": identity, "run": order.run, "from": order.start, "state": standings[identity].state}
            for identity, order in orders.items()
        ]
        console.document({"recordings": told} if failed else told[0])
        for recording, order in orders.items():
            state = standings[recording].state
            console.line(f"{recording}  {console.pick('run', 'проход')} {order.run}, {order.start} …  {state}")
        if not orders:
            console.line(console.pick("Nothing has failed.", "Сбоев нет."))
        elif not wait:
            hint_at_worker(house, console)
        codes = [0]
        for standing in standings.values():
            if standing.failed_code is not None:
                console.note(why(standing, console))
                codes.append(exit_code(kind_of(known_code(standing.failed_code))))
        if max(codes):
            raise typer.Exit(max(codes))


def _failed(house: House) -> list[Recording]:
    """Those put aside: their run failed, and nobody wanted it so."""
    standings = [(recording, house.journal.standing(recording.id)) for recording in house.library.recordings()]
    return [
        recording
        for recording, standing in standings
        if standing.state is State.FAILED and standing.failed_code != Code.CANCELLED
    ]


def _restart(recording: Recording, start: str | None, house: House) -> WorkOrder:
    first = Stage(start) if start else _first_to_do(house.journal.standing(recording.id))
    return house.journal.restart(recording.id, first_stage(recording.id, first, library=house.library))


def _first_to_do(standing: Standing) -> Stage:
    return standing.stage if standing.state is State.FAILED and standing.stage else Stage.TRANSCRIBE


@app.command()
def forget(
    identity: Identity,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    spooled: Annotated[
        bool, typer.Option("--spooled", help="Only what waits on this machine for the store, or was refused by it.")
    ] = False,
    wants_json: Json = False,
) -> None:
    """Remove a recording and everything made from it, for good."""
    with opened(wants_json=wants_json) as (house, console):
        waits = one_waiting(house, identity) if spooled else None
        try:
            recording = None if waits else _to_forget(house, identity)
        except NotFound:
            waits, recording = one_waiting(house, identity), None
        entry = house.spool.entry(waits) if waits else None
        known = recording or (entry.recording if entry else None)
        name = printable(known.original.name if known else waits or "")
        whole = known.id if known else (waits or "").partition("-")[0]
        if not yes:
            _confirm(whole, identity, name, console)
        if waits is None or not drop_waiting(house, waits):
            remove(house, recording or house.library.recording(whole))
        console.document({"id": whole, "forgotten": True})
        console.line(f"{whole}  {console.pick('forgotten', 'удалено')}  {name}")


def _confirm(whole: str, identity: str, name: str, console: Console) -> None:
    """A person is asked; a script is believed when it names the whole id, never when it names a start of one."""
    if sys.stdin.isatty():
        question = console.pick(f"Remove {name} for good?", f"Удалить {name} навсегда?")
        if not typer.confirm(question, err=True):
            raise typer.Exit(WRONG_USE)
    elif identity != whole:
        raise typer.BadParameter("nobody is there to be asked: give the whole id, or add --yes", param_hint="ID")


def _to_forget(house: House, identity: str) -> Recording:
    """The recording, also one whose forgetting was interrupted."""
    try:
        return house.library.recording(identity)
    except NotFound:
        half = [recording for recording in house.library.half_forgotten() if recording.id.startswith(identity)]
        if len(half) != 1 or not identity:
            raise
        return half[0]


def remove(house: House, recording: Recording) -> None:
    """Forget one recording with the house's ports."""
    forget_recording(
        recording,
        library=house.library,
        journal=house.journal,
        engine=house.engine(),
        passages=house.passages,
        audio=house.audio,
        archive=house.archive,
        spool=house.spool,
    )
