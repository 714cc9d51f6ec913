"""Commands for the master keys of client-side encryption: keys generate, rotate, status."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from voxpersona.adapters.blobs.keyfile import stands_already
from voxpersona.adapters.blobs.keyring import Keyring, agree, is_marked
from voxpersona.adapters.blobs.rewrapping import Census, census, rewrap
from voxpersona.doors.cli.app import Json, app, opened
from voxpersona.doors.cli.console import Console
from voxpersona.errors import Code, Configuration
from voxpersona.wiring import House

group = typer.Typer(help="The master keys of client-side encryption.", no_args_is_help=True)
app.add_typer(group, name="keys")


@group.command()
def generate(
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to; else where VOXPERSONA_KEY_FILE says.")
    ] = None,
    wants_json: Json = False,
) -> None:
    """Make the key file of an archive that has none. An existing file is never overwritten."""
    with opened(wants_json=wants_json) as (house, console):
        path = output.expanduser().absolute() if output is not None else house.settings.key_file
        if path is None:
            raise _unnamed("it is not set, and no --output is given")
        if path.exists():
            raise stands_already(path)
        for name, blobs in house.buckets:
            if is_marked(blobs):
                reason = f"{name} is encrypted already: it needs the key file it was encrypted with, not a new one"
                raise Configuration(Code.MASTER_KEY_WRONG, reason, path=str(path), reason=reason)
        keyring = Keyring.generate(path)
        console.document({"path": str(keyring.path), "current": keyring.current.id})
        console.line(console.pick(f"{path}: key k1 made", f"{path}: ключ k1 создан"))
        if house.settings.key_file != path:
            console.line(
                console.pick(
                    f"To use it, set VOXPERSONA_KEY_FILE={path}; from then on everything new is encrypted.",
                    f"Чтобы включить, задайте VOXPERSONA_KEY_FILE={path}; с этого времени всё новое шифруется.",
                )
            )
        _warn(path, console)


@group.command()
def rotate(
    rewrap_only: Annotated[
        bool, typer.Option("--rewrap-only", help="Make no new key; go on where an earlier run was stopped.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wants_json: Json = False,
) -> None:
    """Make a new master key and wrap every data key by it. Blobs are not rewritten, old keys stay in the file."""
    with opened(wants_json=wants_json) as (house, console):
        keyring = _keyring(house)
        for _, blobs in house.buckets:
            agree(keyring, blobs)
        if not rewrap_only:
            keyring.rotate()
            for _, blobs in house.buckets:
                agree(keyring, blobs)
            current = keyring.current.id
            console.line(console.pick(f"{current} is the current key now", f"{current} — теперь текущий ключ"))
            _warn(keyring.path, console)
            if not yes and not _is_copied(console):
                console.document({"current": current, "rewrapped": None})
                console.line(_later(console))
                return
        done = {}
        for name, blobs in house.buckets:
            with console.progress(console.pick(f"re-wrapping {name}", f"перешифровка ключей {name}")) as told:
                done[name] = rewrap(blobs, keyring, told)
        console.document({"current": keyring.current.id, "rewrapped": done})
        for name, number in done.items():
            keys = console.count(number, "data key")
            console.line(
                console.pick(
                    f"{name}: {keys} re-wrapped by {keyring.current.id}",
                    f"{name}: перешифровано: {keys}, главный ключ {keyring.current.id}",
                )
            )


@group.command()
def status(wants_json: Json = False) -> None:
    """Which keys there are, and how many blobs of each bucket are plain or under which key."""
    with opened(wants_json=wants_json) as (house, console):
        keyring = house.keyring
        counted: dict[str, Census] = {}
        for name, blobs in house.buckets:
            with console.progress(console.pick(f"counting {name}", f"подсчёт {name}")) as told:
                counted[name] = census(blobs, told)
        console.document(_document(keyring, counted))
        _show_keys(keyring, console)
        for name, found in counted.items():
            _show_census(name, found, console)
        unfinished = keyring is not None and any(set(one.under) - {keyring.current.id} for one in counted.values())
        if unfinished:
            console.line(_later(console))


def _document(keyring: Keyring | None, counted: dict[str, Census]) -> dict[str, Any]:
    keys = [] if keyring is None else keyring.keys
    return {
        "path": None if keyring is None else str(keyring.path),
        "current": None if keyring is None else keyring.current.id,
        "keys": [{"id": key.id, "created_at": key.created_at.isoformat(), "check": key.check} for key in keys],
        "buckets": [
            {"bucket": name, "plain": found.plain, "under": dict(found.under), "damaged": found.damaged}
            for name, found in counted.items()
        ],
    }


def _show_keys(keyring: Keyring | None, console: Console) -> None:
    if keyring is None:
        console.line(
            console.pick(
                "No key file is set (VOXPERSONA_KEY_FILE): what is new is not encrypted.",
                "Файл ключей не задан (VOXPERSONA_KEY_FILE): новое не шифруется.",
            )
        )
        return
    console.line(str(keyring.path))
    for key in keyring.keys:
        mark = console.pick("  current", "  текущий") if key is keyring.current else ""
        console.line(f"  {key.id:<4} {key.created_at:%Y-%m-%d %H:%M} UTC  {key.check[:8]}{mark}")


def _show_census(name: str, found: Census, console: Console) -> None:
    parts = [f"{key}: {count}" for key, count in found.under.items()]
    parts += [console.pick(f"not encrypted: {found.plain}", f"не зашифровано: {found.plain}")] if found.plain else []
    parts += [console.pick(f"damaged: {found.damaged}", f"повреждено: {found.damaged}")] if found.damaged else []
    console.line(f"{name}  " + (", ".join(parts) or console.pick("empty", "пусто")))


def _keyring(house: House) -> Keyring:
    keyring = house.keyring
    if keyring is None:
        raise _unnamed("it is not set; `voxpersona keys generate` makes the first key")
    return keyring


def _unnamed(reason: str) -> Configuration:
    return Configuration(Code.SETTING_INVALID, reason, name="VOXPERSONA_KEY_FILE", reason=reason)


def _is_copied(console: Console) -> bool:
    """A person is asked before anything depends on the new key alone; a script has taken care of it."""
    if not sys.stdin.isatty():
        return True
    question = console.pick(
        "Is the copy made? Then everything is re-wrapped by the new key", "Копия сделана? Тогда всё перешифруется"
    )
    return typer.confirm(question, err=True)


def _warn(path: Path, console: Console) -> None:
    console.note(
        console.pick(
            f"BACK UP {path} NOW, to another machine or on paper. If this file is lost, everything encrypted with it "
            "is lost for good: nobody can bring it back, we neither. Do not keep the only copy beside the recordings.",
            f"СДЕЛАЙТЕ КОПИЮ {path} СЕЙЧАС: на другой машине или на бумаге. Если файл пропадёт, всё зашифрованное им "
            "пропадёт навсегда: вернуть его не сможет никто, и мы тоже. Не держите единственную копию рядом с "
            "записями.",
        )
    )


def _later(console: Console) -> str:
    return console.pick(
        "Blobs are still under an older key, and can be read. To finish: voxpersona keys rotate --rewrap-only",
        "Часть данных ещё под прежним ключом и читается. Завершить: voxpersona keys rotate --rewrap-only",
    )
