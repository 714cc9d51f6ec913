"""Adopt: make a recording of an original that has neither manifest nor row, as a receive killed between its two puts
leaves behind, or a manifest that was lost together with the database."""

import re

from voxpersona.errors import Code, Integrity
from voxpersona.model import Details, Original, Recording
from voxpersona.pipeline.blob_source import proven_source
from voxpersona.pipeline.holdings import Holding
from voxpersona.pipeline.receive import EXAMINED
from voxpersona.ports import Blobs, Media

_ID = re.compile(r"[0-9a-z]{12}")


def adopt(held: Holding, *, audio: Blobs, media: Media) -> Recording:
    """The recording as its bytes and their metadata tell it; what was said about it at the door is not known any more.

    Every byte is read and compared with the hash that the store recorded. Integrity where it differs, or there is not
    exactly one original under an id of ours; Rejected where no decoder can use it.
    """
    if len(held.originals) != 1 or not _ID.fullmatch(held.recording):
        raise Integrity(Code.RESULT_INVALID, f"{len(held.originals)} originals, one was expected", key=held.recording)
    (key,) = held.originals
    facts = audio.stat(key)
    name = facts.metadata.get("name") or key.rsplit("/", 1)[1]
    with proven_source(audio, key) as source:
        found = media.decode(source, name=name, most=EXAMINED)
    return Recording(
        id=held.recording,
        source=facts.metadata.get("source") or f"store:{key}",
        received_at=facts.written_at,
        details=Details(),
        original=Original(name=name, key=key, sha256=facts.sha256, bytes=facts.size, media=found),
    )
