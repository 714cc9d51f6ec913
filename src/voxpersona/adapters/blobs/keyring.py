"""The master keys in use, and the mark by which an archive knows them again.

In every bucket stands, for each master key, `.voxpersona/keyring/k1.json` with the key's id and check value, nothing
secret. Each is written once, so of two key files that both claim an archive the second is refused by the put itself,
and a key that was rotated out of sight is missed by its mark. One blob for all keys could not say that: blobs are never
rewritten.
"""

import hashlib
import json
import threading
from pathlib import Path

from voxpersona.adapters.blobs.keyfile import MasterKey, create, load, locked, new_key, replace
from voxpersona.adapters.blobs.keys import OWN
from voxpersona.errors import Code, Configuration, Integrity, NotFound, VoxPersonaError
from voxpersona.ports import Blobs


class Keyring:
    """The keys of one key file. Keys added to the file by another process are found when they are needed."""

    def __init__(self, path: Path) -> None:
        """Configuration MASTER_KEY_ABSENT where the file is not there, MASTER_KEY_WRONG where it cannot be used."""
        self._path = path.resolve()  # rotation replaces the file itself, not a link to it
        self._keys = load(self._path)
        self._lock = threading.Lock()

    @classmethod
    def generate(cls, path: Path) -> "Keyring":
        """Write a new key file with one key, k1. KEY_FILE_EXISTS where one stands already, MASTER_KEY_WRONG where it
        cannot be written."""
        create(path.resolve(), [new_key(1)])
        return cls(path)

    def __repr__(self) -> str:
        return f"Keyring({self._path}: {', '.join(key.id for key in self._keys)})"

    @property
    def path(self) -> Path:
        return self._path

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        """Oldest first."""
        return self._keys

    @property
    def current(self) -> MasterKey:
        """The one that new blobs are encrypted under."""
        return self._keys[-1]

    def key(self, name: str) -> MasterKey:
        """The key with that id. Configuration MASTER_KEY_ABSENT where it is not in the file, not even by now."""
        for again in (False, True):
            if again:
                self._reload()
            for key in self._keys:
                if key.id == name:
                    return key
        reason = f"{name} is not in {self._path}"
        raise Configuration(Code.MASTER_KEY_ABSENT, reason, key=name, reason=reason)

    def rotate(self) -> MasterKey:
        """Add a key to the file and make it the current one; the old ones stay. Two rotations at once make two keys."""
        with locked(self._path):
            self._reload()
            added = new_key(len(self._keys) + 1)
            replace(self._path, [*self._keys, added])
            self._reload()
        return added

    def _reload(self) -> None:
        found = load(self._path)
        with self._lock:
            if found[: len(self._keys)] != self._keys:
                reason = "its keys were exchanged while the program was running"
                raise Configuration(Code.MASTER_KEY_WRONG, reason, path=str(self._path), reason=reason)
            self._keys = found


def agree(keyring: Keyring | None, blobs: Blobs) -> None:
    """See that the key file is this bucket's, before anything is written: call it at every start, on the store below
    the encryption. The bucket is marked with the keys it does not know yet.

    None is for an archive that is not to be encrypted. Configuration MASTER_KEY_ABSENT where the bucket knows a key
    that is not there, MASTER_KEY_WRONG where it knows another key of the same name.
    """
    if keyring is None:
        if is_marked(blobs):
            reason = "the archive is encrypted and no key file is named"
            raise Configuration(Code.MASTER_KEY_ABSENT, reason, reason=reason)
        return
    for key in keyring.keys:
        _mark(keyring, key, blobs)
    following = len(keyring.keys) + 1
    while is_marked(blobs, following):
        _mark(keyring, keyring.key(f"k{following}"), blobs)
        following += 1


def is_marked(blobs: Blobs, number: int = 1) -> bool:
    """Whether the bucket, seen below the encryption, knows the master key of that number."""
    try:
        blobs.stat(_marker(f"k{number}"))
    except NotFound:
        return False
    return True


def _mark(keyring: Keyring, key: MasterKey, blobs: Blobs) -> None:
    content = json.dumps({"id": key.id, "check": key.check}).encode()
    digest = hashlib.sha256(content).hexdigest()
    try:
        blobs.put(_marker(key.id), [content], sha256=digest, size=len(content), content_type="application/json")
    except Integrity as error:
        raise _stranger(keyring, key, error) from error


def _stranger(keyring: Keyring, key: MasterKey, error: Integrity) -> VoxPersonaError:
    if error.code is not Code.BLOB_CONFLICT:
        return error
    reason = f"the archive was encrypted with another key {key.id}"
    return Configuration(Code.MASTER_KEY_WRONG, reason, path=str(keyring.path), reason=reason)


def _marker(name: str) -> str:
    return f"{OWN}keyring/{name}.json"
