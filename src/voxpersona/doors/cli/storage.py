"""Commands for the keeper of the object store: storage policy, lifecycle, usage, sweep, migrate."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from voxpersona.adapters.blobs.s3.policy import minio_commands, policy_text, seaweedfs_commands
from voxpersona.adapters.blobs.s3.policy import policy as least_policy
from voxpersona.doors.cli.app import Json, answering, app, opened
from voxpersona.doors.cli.console import Console, exit_code, printable, size
from voxpersona.errors import Code, Configuration, Integrity
from voxpersona.model import Action, Rule
from voxpersona.pipeline.migrate import Migration
from voxpersona.pipeline.migrate import migrate as migrate_bucket
from voxpersona.pipeline.usage import usage as count_usage
from voxpersona.settings import read_policy_settings
from voxpersona.wiring import Room

_HOUR = 3600.0

group = typer.Typer(no_args_is_help=True, help="Look after the object store: rights, rules, room, moving house.")
app.add_typer(group, name="storage")


@group.command()
def policy(
    setup: Annotated[
        bool, typer.Option("--setup", help="With the rights to make buckets and set rules, for the first start.")
    ] = False,
    wants_json: Json = False,
) -> None:
    """Print the least a key needs to be allowed, and the commands that give it that."""
    with answering(wants_json=wants_json) as (_, console):
        settings = read_policy_settings()
        document = least_policy([settings.audio_bucket_name, settings.bucket_name], setup=setup)
        console.document(document)
        console.line(policy_text(document))
        user = settings.access_key.get_secret_value()
        path = "voxpersona-policy.json"
        console.note(
            console.pick(
                f"\nSave this as {path}. Then the administrator gives it to the key:",
                f"\nСохраните это в {path}. Затем администратор выдаёт права ключу:",
            )
        )
        url = settings.url if settings.endpoint else ""
        console.note(f"\nMinIO, Silo:\n\n{minio_commands(user=user, path=path, url=url)}")
        shell = console.pick("with MINIO_SECRET_KEY set in that shell", "в той оболочке задан MINIO_SECRET_KEY")
        console.note(f"\nSeaweedFS, {shell}:\n\n{seaweedfs_commands(user=user, path=path)}")


@group.command()
def lifecycle(
    apply: Annotated[bool, typer.Option("--apply", help="Make the configured rules stand now.")] = False,
    wants_json: Json = False,
) -> None:
    """Show which rules the settings ask for and which the store carries out."""
    with opened(wants_json=wants_json) as (house, console):
        told = []
        for room in house.store.rooms:
            if apply:
                room.bucket.apply(room.rules)
            standing = room.bucket.rules()
            told.append({"bucket": room.bucket.name, "configured": _plain(room.rules), "standing": _plain(standing)})
            console.line(room.bucket.name)
            for rule in dict.fromkeys([*room.rules, *standing]):
                console.line(f"  {_stands(rule, room, standing, console)}  {_sentence(rule, console)}")
            if not room.rules and not standing:
                console.line(console.pick("  nothing expires or moves", "  ничего не истекает и не перемещается"))
        console.document({"buckets": told})


def _plain(rules: Any) -> list[dict[str, Any]]:
    return [rule.model_dump(mode="json") for rule in rules]


def _stands(rule: Rule, room: Room, standing: Any, console: Console) -> str:
    if rule not in standing and rule.action is Action.ABANDON:
        return console.pick(
            "not applied (--apply does, but on MinIO, which has no such rule and drops them itself after a day: "
            "MINIO_API_STALE_UPLOADS_EXPIRY of the server)",
            "не применено (применит --apply; но не на MinIO: там такого правила нет, он сам удаляет их через день: "
            "MINIO_API_STALE_UPLOADS_EXPIRY сервера)",
        )
    if rule not in standing:
        return console.pick("not applied (--apply does)", "не применено (применит --apply)")
    if rule not in room.rules:
        return console.pick("standing, not configured", "действует, не настроено")
    return console.pick("standing", "действует")


def _sentence(rule: Rule, console: Console) -> str:
    what = rule.kind or console.pick("everything", "всё")
    days = console.count(rule.days, "day")
    return {
        Action.ABANDON: console.pick(
            f"unfinished uploads are dropped after {days}",
            f"незавершённые загрузки удаляются через {days}",
        ),
        Action.EXPIRE: console.pick(f"{what} expires after {days}", f"{what}: истекает через {days}"),
        Action.MOVE: console.pick(
            f"{what} moves to {rule.target} after {days}",
            f"{what}: переходит в {rule.target} через {days}",
        ),
    }[rule.action]


@group.command()
def usage(
    metrics: Annotated[
        bool, typer.Option("--metrics", help="As a Prometheus text file, for a collector of such files.")
    ] = False,
    wants_json: Json = False,
) -> None:
    """How much stands in the store: by bucket, kind and month, its growth, and the room left where the store tells."""
    with opened(wants_json=wants_json) as (house, console):
        counted = count_usage((room.bucket.name, room.stored) for room in house.store.rooms)
        free = {room.bucket.name: room.bucket.free_bytes() for room in house.store.rooms}
        if metrics:
            console.line(_metrics(counted, free).rstrip("\n"))
        console.document(_usage_document(counted, free))
        if not metrics:
            _show_usage(counted, free, console)


def _sum(counted: Any, *names: str) -> dict[tuple[str, ...], tuple[int, int]]:
    blobs: Counter[tuple[str, ...]] = Counter()
    stored: Counter[tuple[str, ...]] = Counter()
    for one in counted:
        place = tuple(getattr(one, name) for name in names)
        blobs[place] += one.blobs
        stored[place] += one.stored
    return {place: (blobs[place], stored[place]) for place in sorted(blobs)}


def _growth(counted: Any) -> list[dict[str, Any]]:
    total, months = 0, []
    for (month,), (blobs, stored) in _sum(counted, "month").items():
        total += stored
        months.append({"month": month, "blobs": blobs, "stored": stored, "total": total})
    return months


def _usage_document(counted: Any, free: dict[str, int | None]) -> dict[str, Any]:
    buckets = _sum(counted, "bucket")
    return {
        "buckets": [
            {"bucket": name, "blobs": blobs, "stored": stored, "free": room}
            for name, room in free.items()
            for blobs, stored in [buckets.get((name,), (0, 0))]
        ],
        "usage": [one.model_dump(mode="json") for one in counted],
        "growth": _growth(counted),
    }


def _show_usage(counted: Any, free: dict[str, int | None], console: Console) -> None:
    document = _usage_document(counted, free)
    kinds = _sum(counted, "bucket", "kind")
    for bucket in document["buckets"]:
        left = (
            ""
            if bucket["free"] is None
            else console.pick(f", {size(bucket['free'])} free", f", свободно {size(bucket['free'])}")
        )
        console.line(f"{bucket['bucket']}: {console.count(bucket['blobs'], 'blob')}, {size(bucket['stored'])}{left}")
        for (name, kind), (blobs, stored) in kinds.items():
            if name == bucket["bucket"]:
                console.line(f"  {kind:<12} {blobs:>8}  {size(stored):>10}")
    for month in document["growth"]:
        grown = f"{month['month']}  +{size(month['stored'])} ({console.count(month['blobs'], 'blob')})"
        console.line(f"{grown}, {console.pick('in all', 'всего')} {size(month['total'])}")


def _metrics(counted: Any, free: dict[str, int | None]) -> str:
    lines = ["# HELP voxpersona_store_bytes Bytes stored.", "# TYPE voxpersona_store_bytes gauge"]
    kinds = _sum(counted, "bucket", "kind")
    lines += [f'voxpersona_store_bytes{{bucket="{b}",kind="{k}"}} {stored}' for (b, k), (_, stored) in kinds.items()]
    lines += ["# HELP voxpersona_store_blobs Blobs stored.", "# TYPE voxpersona_store_blobs gauge"]
    lines += [f'voxpersona_store_blobs{{bucket="{b}",kind="{k}"}} {blobs}' for (b, k), (blobs, _) in kinds.items()]
    lines += ["# HELP voxpersona_store_free_bytes Room left.", "# TYPE voxpersona_store_free_bytes gauge"]
    lines += [
        f'voxpersona_store_free_bytes{{bucket="{name}"}} {room}' for name, room in free.items() if room is not None
    ]
    return "\n".join(lines) + "\n"


@group.command()
def sweep(
    older_than_hours: Annotated[
        float, typer.Option("--older-than-hours", min=1.0, help="Leave what was begun later; it may be under way.")
    ] = 24.0,
    wants_json: Json = False,
) -> None:
    """Drop writes that were begun and never completed. No blob is touched."""
    with opened(wants_json=wants_json) as (house, console):
        dropped = {room.bucket.name: room.bucket.abandon(older_than_hours * _HOUR) for room in house.store.rooms}
        console.document({"dropped": dropped})
        for name, count in dropped.items():
            console.line(console.pick(f"{name}: {count} dropped", f"{name}: удалено {count}"))


@group.command()
def migrate(
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Settings of the other store, in the form of .env.",
        ),
    ],
    wants_json: Json = False,
) -> None:
    """Copy the archive into another store, verified. Run it again to go on or to catch up; nothing here is changed."""
    with opened(wants_json=wants_json) as (house, console):
        target = house.other_store(to)
        if target.place == house.store.place:
            reason = "it names the store that is in use"
            raise Configuration(Code.SETTING_INVALID, reason, name=str(to), reason=reason)
        house.check_target(target)
        done = []
        for source, into in zip(house.store.rooms, target.rooms, strict=True):
            title = f"{source.bucket.name} -> {into.bucket.name}"
            with console.progress(title) as told:
                migration = migrate_bucket(
                    source.blobs, into.blobs, is_encrypted=target.keyring is not None, on_progress=told
                )
            done.append((source.bucket.name, into.bucket.name, migration))
            console.line(
                console.pick(
                    f"{title}: {migration.copied} copied ({size(migration.size)}), {migration.skipped} there already",
                    f"{title}: скопировано {migration.copied} ({size(migration.size)}), уже было {migration.skipped}",
                )
            )
        house.name_target(target)
        _conclude(done, console)


def _conclude(done: list[tuple[str, str, Migration]], console: Console) -> None:
    problems = [problem for _, _, migration in done for problem in migration.problems]
    console.document(
        {
            "ok": not problems,
            "buckets": [
                {"from": source, "to": into, "copied": one.copied, "bytes": one.size, "skipped": one.skipped}
                for source, into, one in done
            ],
            "problems": [problem.model_dump(mode="json") for problem in problems],
        }
    )
    for problem in problems:
        console.line(f"{problem.kind}  {problem.recording}  {printable(problem.key)}  {problem.detail}")
    if problems:
        raise typer.Exit(exit_code(Integrity))
    console.note(
        console.pick(
            "Everything is there. Put the settings of that file into .env to use it; the old store stays as it is.",
            "Всё на месте. Перенесите настройки из этого файла в .env; старое хранилище осталось как было.",
        )
    )
