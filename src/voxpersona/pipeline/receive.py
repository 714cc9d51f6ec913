"""Receive: take a recording in so that "acknowledged" means "safe".

The order is the promise (docs/design.md, Durability): spool and hash -> fsync -> look whether it is sound -> put the
original, verified, and the manifest -> one transaction: row + start of the work -> acknowledge. A kill at any line
leaves either nothing, or unacknowledged blobs that the next delivery of the same bytes finds in their places.

Where store or database do not answer, the spool is the first durable home: the recording waits there as an entry, is
acknowledged as such, and `deliver` brings it into the archive later. A row stands only for what stands in the store.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from voxpersona.errors import Code, Rejected, Unavailable
from voxpersona.model import Details, MediaFacts, Original, Recording
from voxpersona.pipeline import layout
from voxpersona.pipeline.deliver import deliver
from voxpersona.pipeline.keep import keep
from voxpersona.pipeline.naming import new_recording_id, safe_name
from voxpersona.pipeline.spool import Spool, Spooled
from voxpersona.ports import Blobs, Library, Media

EXAMINED = 10.0
"""Seconds that a recording may last to be decoded whole before it is acknowledged. Of a longer one the beginning is
decoded and the structure looked at to the end: that it is safe must not wait for what it sounds like. The work on it
decodes everything and tells what it finds."""

_DELIVER_SECONDS = 10.0
"""How long others that wait may hold up a delivery before it."""


@dataclass(frozen=True)
class Receipt:
    """What became of one delivery. `is_duplicate`: the bytes or the delivery were here already.

    `is_spooled`: safe on our disk, not in the archive yet; `because` says what did not answer, where that was asked.
    """

    recording: Recording
    is_duplicate: bool
    is_spooled: bool = False
    because: Unavailable | None = None


@dataclass(frozen=True)
class Delivery:
    """One recording at the door: its bytes, the name it came with, and what is known of it.

    `source` names the delivery for ever; "{sha256}" in it is filled in once the bytes are known.
    `again` takes in what was forgotten before, as a new delivery. `accept_damaged` keeps a recording cut off short.
    """

    content: BinaryIO
    name: str
    source: str
    details: Details
    again: bool = False
    accept_damaged: bool = False


def receive(
    delivery: Delivery,
    *,
    spool: Spool,
    audio: Callable[[], Blobs],
    library: Callable[[], Library],
    media: Media,
) -> Receipt:
    """Keep a recording. Returns only when it is safe; raises Rejected for what cannot be taken.

    `audio` and `library` open store and database, or raise what hinders that. Unavailable that may pass is not told
    but waited out in the spool, while that has room: NO_SPACE.
    """
    with spool.incoming(delivery.content) as content:
        received_at = datetime.now(UTC)
        source = delivery.source.replace("{sha256}", content.sha256)
        if delivery.again:
            source = f"{source}#again-{received_at.isoformat()}"
        if spool.has_entries():
            deliver(spool, audio=audio, library=library, seconds=_DELIVER_SECONDS)
            waiting = spool.match(source, content.sha256)
            if waiting is not None and (entry := spool.came_again(waiting, source)) is not None:
                return Receipt(entry.recording, is_duplicate=True, is_spooled=True, because=spool.resting)
        standing, is_told, because = _known(source, content, library)
        if standing is not None:
            recording = standing.model_copy(update={"source": source})
        else:
            recording = _recording(delivery, content, source, received_at, media)
        because = because or spool.resting
        if because is None:
            try:
                is_new = standing is None  # asked just now; where that could not be, there is a reason to wait
                kept, is_new = keep(recording, content, audio=audio(), library=library(), is_new=is_new)
                return Receipt(kept, is_duplicate=not is_new)
            except Unavailable as error:
                because = _passing(error)
                spool.rest(because)
        if standing is not None and is_told:
            return Receipt(standing, is_duplicate=True)  # nothing new came with it: there is nothing to wait for
        entry, is_new = spool.keep(recording, content)
        if standing is not None:
            return Receipt(standing, is_duplicate=True)
        return Receipt(entry.recording, is_duplicate=not is_new, is_spooled=True, because=because)


def _known(
    source: str, content: Spooled, library: Callable[[], Library]
) -> tuple[Recording | None, bool, Unavailable | None]:
    """The recording that stands for it already, whether this very delivery is known, and why that could not be told."""
    try:
        opened = library()
        standing = opened.known(source, content.sha256)
        is_told = standing is not None and any(known.key == source for known in opened.sources(standing.id))
    except Unavailable as error:
        return None, False, _passing(error)
    return standing, is_told, None


def _passing(error: Unavailable) -> Unavailable:
    """The error where it may pass; raised where the same call fails again."""
    if not error.retryable:
        raise error
    return error


def _recording(delivery: Delivery, content: Spooled, source: str, received_at: datetime, media: Media) -> Recording:
    identity = new_recording_id(source)
    original = Original(
        name=delivery.name,
        key=layout.original(identity, safe_name(delivery.name)),
        sha256=content.sha256,
        bytes=content.size,
        media=_sound(delivery, content, media),
    )
    return Recording(id=identity, source=source, received_at=received_at, details=delivery.details, original=original)


def _sound(delivery: Delivery, spooled: Spooled, media: Media) -> MediaFacts:
    with spooled.path.open("rb") as content:
        facts = media.decode(content, name=delivery.name, most=EXAMINED)
    if facts.damage is not None and not delivery.accept_damaged:
        raise Rejected(Code.TRUNCATED, facts.damage, name=delivery.name, damage=facts.damage)
    return facts
