"""Rotation's second half: data keys of a whole bucket wrapped by the current master key, their blobs not touched."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.blobs.sealed import Seal, damaged, labelled, open_facts, seal_of
from voxpersona.adapters.blobs.streamed import NotAuthentic
from voxpersona.errors import Configuration, Integrity, NotFound, VoxPersonaError
from voxpersona.model import BlobFacts
from voxpersona.ports import Blobs, OnProgress


@dataclass(frozen=True)
class Census:
    """How many blobs of a bucket are plain, how many are under each master key, by its id, and how many do not tell."""

    plain: int
    under: Mapping[str, int]
    damaged: int


def census(blobs: Blobs, on_progress: OnProgress = lambda _: None) -> Census:
    """Count the blobs of the bucket, seen below the encryption."""
    found: Counter[str] = Counter()
    plain = 0
    trouble: list[VoxPersonaError] = []
    for blob in _walk(blobs, on_progress, trouble):
        try:
            seal = seal_of(blob)
        except Integrity as error:
            trouble.append(error)
            continue
        if seal is None:
            plain += 1
        else:
            found[seal.master] += 1
    return Census(plain, {name: found[name] for name in sorted(found, key=lambda name: int(name[1:]))}, len(trouble))


def rewrap(blobs: Blobs, keyring: Keyring, on_progress: OnProgress = lambda _: None) -> int:
    """Wrap the data keys of all blobs of the bucket, seen below the encryption, by the current master key; how many.

    What is under it already is left alone, so a run that was killed is gone on with by another. A blob that cannot be
    re-wrapped does not keep the others from it; the first such error is raised at the end: Configuration
    MASTER_KEY_ABSENT, Integrity BLOB_CORRUPT. Blobs deleted meanwhile are passed over. A `relabel` of the same blob at
    the very moment may be lost: the port has no compare-and-swap.
    """
    current, done = keyring.current.id, 0
    trouble: list[VoxPersonaError] = []
    for blob in _walk(blobs, on_progress, trouble):
        try:
            seal = seal_of(blob)
            if seal is not None and seal.master != current:
                _rewrap(blobs, keyring, blob, seal)
                done += 1
        except NotFound:
            continue
        except (Configuration, Integrity) as error:
            trouble.append(error)
    if trouble:
        raise trouble[0]
    return done


def _rewrap(blobs: Blobs, keyring: Keyring, blob: BlobFacts, seal: Seal) -> None:
    try:
        data_key = keyring.key(seal.master).unwrap(seal.wrapped)
        open_facts(data_key, blob.key, seal.facts, blob.metadata)
    except NotAuthentic as error:
        raise damaged(blob.key) from error
    master = keyring.current
    blobs.relabel(blob.key, labelled(Seal(master.id, master.wrap(data_key), seal.facts), blob.metadata))


def _walk(blobs: Blobs, on_progress: OnProgress, trouble: list[VoxPersonaError]) -> Iterator[BlobFacts]:
    """The facts of every blob. Where a store tells Integrity instead, that goes into `trouble`."""
    count = sum(1 for _ in blobs.list())
    for place, listed in enumerate(blobs.list(), 1):
        try:
            yield blobs.stat(listed.key)
        except NotFound:
            continue
        except Integrity as error:
            trouble.append(error)
        finally:
            on_progress(min(1.0, place / max(1, count)))
