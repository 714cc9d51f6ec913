"""Migrate: copy a bucket into another store, blob by blob, verified on the way. The source is not touched.

May be interrupted at any time and run again: what stands there already is compared by hash and skipped. Manifests go
last, so that a target that was left half-way never promises an original that it does not hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from voxpersona.errors import Integrity, NotFound
from voxpersona.model import BlobFacts, Listed, Problem
from voxpersona.pipeline import layout
from voxpersona.ports import Blobs, OnProgress


@dataclass
class Migration:
    """What became of one bucket: blobs and bytes copied, blobs found in place, blobs that could not be copied."""

    copied: int = 0
    size: int = 0
    skipped: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class _Content:
    """The bytes of a blob, read anew each time; a whole read is verified by its store."""

    blobs: Blobs
    key: str

    def __iter__(self) -> Iterator[bytes]:
        return self.blobs.read(self.key)


def migrate(source: Blobs, target: Blobs, *, on_progress: OnProgress, is_encrypted: bool = False) -> Migration:
    """Copy all that `source` lists; prints of voices only where the target `is_encrypted`. A blob that is damaged, or
    of which the target holds other bytes, becomes a problem and the others go on. Unavailable ends it: run it again."""
    listed = [one for one in _in_order(source) if is_encrypted or layout.kind(one.key) not in layout.BIOMETRIC]
    total = sum(one.stored for one in listed) or 1
    migration = Migration()
    done = 0
    for one in listed:
        try:
            facts = source.stat(one.key)
            if _stands(target, facts):
                migration.skipped += 1
            else:
                _copy(source, target, facts)
                migration.copied += 1
                migration.size += facts.size
        except NotFound:
            pass  # forgotten meanwhile
        except Integrity as error:
            owner = one.key.split("/")[1] if one.key.count("/") > 1 else ""
            migration.problems.append(Problem(kind=error.code, recording=owner, key=one.key, detail=error.detail))
        done += one.stored
        on_progress(done / total)
    return migration


def _in_order(source: Blobs) -> Sequence[Listed]:
    return sorted(source.list(), key=lambda one: layout.kind(one.key) == "manifest")


def _stands(target: Blobs, facts: BlobFacts) -> bool:
    try:
        standing = target.stat(facts.key)
    except NotFound:
        return False
    # Other bytes under the key: the put says so, with its own error.
    return (standing.sha256, standing.size) == (facts.sha256, facts.size)


def _copy(source: Blobs, target: Blobs, facts: BlobFacts) -> None:
    target.put(
        facts.key,
        _Content(source, facts.key),
        sha256=facts.sha256,
        size=facts.size,
        content_type=facts.content_type,
        metadata=facts.metadata,
    )
