"""What the doctor looks at in the object store: the way there, the keys, and what can really be done in each bucket."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from voxpersona.doors.cli.console import Console, size
from voxpersona.doors.cli.look import Chain, Look
from voxpersona.errors import Code, Configuration, Integrity, Unavailable, VoxPersonaError
from voxpersona.wiring import House
from voxpersona.wiring.store import rules_of

_PATIENCE = 15.0  # seconds
_OURS = "doctor/"
_OVER = timedelta(hours=1)
_PLACES = ("audio", "main")
_BUCKETS = ("bucket audio", "bucket main")

_OF_THE_WHOLE_STORE = frozenset(
    {
        Code.STORE_UNREACHABLE,
        Code.STORE_UNAVAILABLE,
        Code.STORE_KEYS,
        Code.STORE_CERTIFICATE,
        Code.STORE_CLOCK,
        Code.NO_SPACE,
    }
)


def of_the_store(house: House, console: Console) -> Chain:
    settings = house.store_settings
    on = {} if settings is None else {"endpoint": settings.url}
    looks = [
        Look("keys", lambda: _keys(house, console)),
        Look("store", lambda: _store(house, console), needs=("disk",)),
        *_of_each_bucket("bucket", _bucket, house, console, needs=("store",)),
        Look("encryption", lambda: _encryption(house, console), needs=("keys", *_BUCKETS), about="store"),
        *_of_each_bucket("round trip", _round_trip, house, console, needs=("encryption", "scratch")),
        *_of_each_bucket("lifecycle", _lifecycle, house, console, needs=_BUCKETS),
        *_of_each_bucket("leftovers", _leftovers, house, console, needs=_BUCKETS),
    ]
    hung = Unavailable(Code.STORE_UNAVAILABLE, "no answer in time", reason="no answer in time", **on)
    return Chain(tuple(looks), hung, fatal=_OF_THE_WHOLE_STORE, patience=_PATIENCE)


def _of_each_bucket(
    what: str, look: Callable[[House, int, Console], str], house: House, console: Console, needs: tuple[str, ...]
) -> Iterator[Look]:
    for place, name in enumerate(_PLACES):
        yield Look(f"{what} {name}", partial(look, house, place, console), needs=needs, about="store")


def _keys(house: House, console: Console) -> str:
    keyring = house.keyring
    if keyring is None:
        return console.pick("none named", "не назван")
    return f"{keyring.path}: {', '.join(key.id for key in keyring.keys)}"


def _store(house: House, console: Console) -> str:
    """To open it is to check its address, TLS, keys, region and both buckets."""
    names = " + ".join(bucket.name for bucket in house.buckets_control)
    settings = house.store_settings
    if settings is None:
        return names
    place = f"{settings.url}: {names}"
    if settings.url.startswith("http://") and urlsplit(settings.url).hostname not in ("127.0.0.1", "localhost", "::1"):
        return console.pick(f"{place}, NOT encrypted on the way", f"{place}, по пути НЕ шифруется")
    return place


def _encryption(house: House, console: Console) -> str:
    """To open both buckets for everybody is to check that the master keys are those of the archive."""
    keyring = house.store.keyring
    if keyring is None:
        return console.pick("nothing is encrypted before it is stored", "до сохранения ничего не шифруется")
    key = keyring.current.id
    return console.pick(f"everything new is encrypted under {key}", f"всё новое шифруется ключом {key}")


def _bucket(house: House, place: int, console: Console) -> str:
    """What the store really does; a store that lies about something is worked around, and it is said here."""
    bucket = house.buckets_control[place]
    found = bucket.abilities()
    create_only = (
        console.pick("yes", "да") if found.create_only else console.pick("no, looked after by us", "нет, следим сами")
    )
    told = [
        f"{bucket.name}",
        found.server,
        console.pick(f"never overwrites: {create_only}", f"не перезаписывает: {create_only}"),
        console.pick(f"verifies uploads: {found.checksum}", f"сверяет загрузки: {found.checksum}"),
        console.pick(f"clock {found.clock_skew:+.0f} s", f"часы {found.clock_skew:+.0f} с"),
    ]
    if found.versioning:
        told.append(console.pick("versions kept", "версии хранятся"))
    free = bucket.free_bytes()
    if free is not None:
        told.append(console.pick(f"{size(free)} free", f"свободно {size(free)}"))
    return ", ".join(part for part in told if part)


def _round_trip(house: House, place: int, console: Console) -> str:
    """A real put, read and delete, through every wrapper. What a doctor left who was killed on the way goes too."""
    blobs = house.store.rooms[place].blobs
    for left in list(blobs.list(_OURS)):
        if left.written_at < datetime.now(UTC) - _OVER:
            blobs.delete(left.key)
    key = f"{_OURS}{uuid.uuid4().hex}"
    sent = uuid.uuid4().bytes
    try:
        blobs.put(key, [sent])
        if b"".join(blobs.read(key)) != sent:
            reason = "other bytes came back"
            raise Integrity(Code.BLOB_CORRUPT, reason, key=key, reason=reason)
    except VoxPersonaError:
        with suppress(VoxPersonaError):  # what went wrong first is what is told
            blobs.delete(key)
        raise
    blobs.delete(key)
    return console.pick("put, read and delete work", "запись, чтение и удаление работают")


def _lifecycle(house: House, place: int, console: Console) -> str:
    settings = house.store_settings
    bucket = house.buckets_control[place]
    standing = bucket.rules()
    wanted = () if settings is None else rules_of(settings, is_audio=place == 0)
    missing = [rule for rule in wanted if rule not in standing]
    if missing:
        reason = "they do not stand"
        raise Configuration(Code.LIFECYCLE_UNSUPPORTED, reason, bucket=bucket.name, count=len(missing), reason=reason)
    if not standing:
        return console.pick("nothing expires or moves", "ничего не истекает и не перемещается")
    return console.pick(f"rules that stand: {len(standing)}", f"действует правил: {len(standing)}")


def _leftovers(house: House, place: int, console: Console) -> str:
    found = house.buckets_control[place].unfinished()
    if not found:
        return console.pick("no unfinished writes", "незавершённых записей нет")
    room = size(sum(one.stored for one in found))
    return console.pick(
        f"unfinished writes: {len(found)}, {room}; `voxpersona storage sweep` drops the old ones",
        f"незавершённых записей: {len(found)}, {room}; старые удалит `voxpersona storage sweep`",
    )
