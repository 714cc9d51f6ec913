"""The key file: the master keys of an archive, as JSON that a person can look at, copy and print.

    {"format": "voxpersona-keys/1", "keep": "...",
     "keys": [{"id": "k1", "created_at": "2026-11-23T10:00:00Z", "key": "<base64, 32 bytes>", "check": "<32 hex>"}]}

The last key is the current one. `check` is made of the key and finds a damaged or mistyped one. Written beside,
flushed, read back, then given its name: it is there whole or not at all. Nobody but its owner may read it.
"""

import base64
import fcntl
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from voxpersona.adapters.blobs.filesystem import flush_names
from voxpersona.adapters.blobs.streamed import KEY, NotAuthentic, expand
from voxpersona.errors import Code, Configuration

_FORMAT = "voxpersona-keys/1"
_KEEP = "Who has this file can read the archive; without it nobody ever can. Keep a copy in another place."
_LONGEST = 1 << 20
_CHECK_BYTES = 16


@dataclass(frozen=True)
class MasterKey:
    """One master key. What it is used for is never the secret itself but a key made of it for that purpose."""

    id: str
    created_at: datetime
    secret: bytes = field(repr=False)

    @cached_property
    def check(self) -> str:
        """32 hex digits that only this key has. They tell nothing of it and may be seen by anybody."""
        return expand(self.secret, b"voxpersona check", b"", _CHECK_BYTES).hex()

    def wrap(self, data_key: bytes) -> bytes:
        """The data key as it may be stored (AES-KW, RFC 3394): 8 bytes longer."""
        return aes_key_wrap(self._wrapping, data_key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key. NotAuthentic where this key did not wrap it so."""
        try:
            return aes_key_unwrap(self._wrapping, wrapped)
        except InvalidUnwrap as error:
            raise NotAuthentic from error

    def data_key(self, key: str, sha256: str) -> bytes:
        """A data key for just these bytes (hex SHA-256) under just this blob key: the same every time."""
        return hmac.digest(self._deriving, bytes.fromhex(sha256) + key.encode(), "sha256")

    @cached_property
    def _wrapping(self) -> bytes:
        return expand(self.secret, b"voxpersona wrap", b"")

    @cached_property
    def _deriving(self) -> bytes:
        return expand(self.secret, b"voxpersona data key", b"")


def new_key(number: int) -> MasterKey:
    """A fresh random key with the id `k<number>`."""
    return MasterKey(f"k{number}", datetime.now(UTC).replace(microsecond=0), secrets.token_bytes(KEY))


def load(path: Path) -> tuple[MasterKey, ...]:
    """The keys, oldest first, one at least. No such file: Configuration MASTER_KEY_ABSENT. Readable for others,
    damaged, or no key file at all: MASTER_KEY_WRONG."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise _wrong(path, "it is no file")
            if mode & 0o077:
                raise _wrong(path, f"others may read it; run: chmod 600 {path}")
            return _parse(path, os.read(descriptor, _LONGEST))
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        reason = f"there is no file {path}"
        raise Configuration(Code.MASTER_KEY_ABSENT, reason, reason=reason) from error
    except OSError as error:
        raise _wrong(path, error.strerror or "it cannot be read") from error


def create(path: Path, keys: Sequence[MasterKey]) -> None:
    """Write a new file. One that stands is never touched: KEY_FILE_EXISTS."""
    with _writing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _beside(path, keys) as temporary:
            try:
                os.link(temporary, path)
            except FileExistsError as error:
                raise stands_already(path) from error
            flush_names(path.parent)


def stands_already(path: Path) -> Configuration:
    """The refusal to make a key file where one is."""
    return Configuration(Code.KEY_FILE_EXISTS, f"{path} stands already", path=str(path))


def replace(path: Path, keys: Sequence[MasterKey]) -> None:
    """Put the keys in the place of those that stand: a reader finds the old ones or the new ones."""
    with _writing(path), _beside(path, keys) as temporary:
        temporary.rename(path)
        flush_names(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other writers of the file away. MASTER_KEY_WRONG where it cannot be opened."""
    with _writing(path):
        descriptor = _lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
        os.close(descriptor)  # replaced while we waited: what we have locked is not the file any more


@contextmanager
def _beside(path: Path, keys: Sequence[MasterKey]) -> Iterator[Path]:
    """The keys in a file of their own beside the path, on the disk and read back; gone at the end."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(_render(keys))
            opened.flush()
            os.fsync(descriptor)
        if load(temporary) != tuple(keys):
            raise _wrong(path, "the disk did not keep what was written")
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _wrong(path, f"it cannot be written: {error.strerror}") from error


class _Key(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: str
    created_at: AwareDatetime
    key: str
    check: str


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    format: str
    keys: tuple[_Key, ...]


def _render(keys: Sequence[MasterKey]) -> bytes:
    listed = [
        {
            "id": key.id,
            "created_at": key.created_at.isoformat(),
            "key": base64.b64encode(key.secret).decode(),
            "check": key.check,
        }
        for key in keys
    ]
    return json.dumps({"format": _FORMAT, "keep": _KEEP, "keys": listed}, indent=2).encode() + b"\n"


def _parse(path: Path, content: bytes) -> tuple[MasterKey, ...]:
    try:
        read = _File.model_validate_json(content)
    except ValidationError:
        raise _wrong(path, "it is damaged, or no key file") from None  # not chained: nothing of the content is shown
    if read.format != _FORMAT:
        raise _wrong(path, f"it is not of the format {_FORMAT}")
    keys = tuple(MasterKey(key.id, key.created_at, _secret(path, key)) for key in read.keys)
    if [key.id for key in keys] != [f"k{number}" for number in range(1, len(keys) + 1)] or not keys:
        raise _wrong(path, "its keys are not k1, k2 and so on: some are missing")
    for key, told in zip(keys, read.keys, strict=True):
        if key.check != told.check:
            raise _mistyped(path, told)
    return keys


def _secret(path: Path, told: _Key) -> bytes:
    try:
        secret = base64.b64decode(told.key, validate=True)
    except ValueError:
        raise _mistyped(path, told) from None  # not chained: nothing of the content is shown
    if len(secret) != KEY or base64.b64encode(secret).decode() != told.key:
        raise _mistyped(path, told)
    return secret


def _mistyped(path: Path, told: _Key) -> Configuration:
    return _wrong(path, f"the key {told.id[:8]} is damaged or mistyped")


def _wrong(path: Path, reason: str) -> Configuration:
    return Configuration(Code.MASTER_KEY_WRONG, f"{path}: {reason}", path=str(path), reason=reason)
