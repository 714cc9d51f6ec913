"""Results as JSON documents in the bucket: written once, read back as the noun they were."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from voxpersona.errors import Code, Integrity, NotFound
from voxpersona.model import RecordingId
from voxpersona.model.noun import Noun
from voxpersona.pipeline import layout
from voxpersona.ports import Blobs, Library

N = TypeVar("N", bound=Noun)

JSON = "application/json"
MARKDOWN = "text/markdown; charset=utf-8"


def bytes_of(noun: Noun) -> bytes:
    """A noun as a document: always the same bytes for the same noun."""
    return noun.model_dump_json().encode()


def write(blobs: Blobs, key: str, content: bytes, content_type: str = JSON) -> None:
    """Put one small document."""
    digest = hashlib.sha256(content).hexdigest()
    metadata = {"kind": layout.kind(key)}
    blobs.put(key, [content], sha256=digest, size=len(content), content_type=content_type, metadata=metadata)


def read(blobs: Blobs, key: str, noun: type[N]) -> N:
    """The noun that stands under the key. NotFound BLOB_ABSENT; not readable as that noun: Integrity."""
    content = b"".join(blobs.read(key))
    try:
        return noun.model_validate_json(content)
    except ValidationError as error:
        # Not the validation error's text: it quotes what was said.
        raise Integrity(Code.RESULT_INVALID, f"{key} is no {noun.__name__}", key=key) from error


def made_for(
    recording: RecordingId, blobs: Blobs, key: str, noun: type[N], make: Callable[[], N], *, library: Library
) -> N:
    """As `made_once`, for a document of a recording: where that was forgotten meanwhile nothing is left of it.

    Looked at after it was written, because `forget` hides first and lists then: one of the two sees the other.
    NotFound RECORDING_UNKNOWN.
    """
    made = made_once(blobs, key, noun, make)
    try:
        library.recording(recording)
    except NotFound:
        blobs.delete(key)
        raise
    return made


def made_once(blobs: Blobs, key: str, noun: type[N], make: Callable[[], N]) -> N:
    """What stands under the key, or what `make` makes, put there first.

    A step that is repeated after a crash finds its result here and pays nothing twice. Two makers at once: the
    first put wins and both return it.
    """
    try:
        return read(blobs, key, noun)
    except NotFound:
        pass
    return first_of(blobs, key, make())


def first_of(blobs: Blobs, key: str, made: N) -> N:
    """Put it, unless another one stands under the key: then that one. For what costs nothing to make: one request."""
    try:
        write(blobs, key, bytes_of(made))
    except Integrity as conflict:
        if conflict.code is not Code.BLOB_CONFLICT:
            raise
        return read(blobs, key, type(made))
    return made
