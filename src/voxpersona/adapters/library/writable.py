"""Texts that no database of ours can keep: PostgreSQL refuses NUL, UTF-8 has no halves of surrogate pairs.

SQLite would take a NUL; it is refused there too, so that an archive can move from one to the other.
"""

from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticSerializationError

from voxpersona.errors import Code, Integrity, Rejected
from voxpersona.model import Attribution, Recording, Report, Transcript
from voxpersona.model.noun import Noun

_REASON = "a text holds a NUL or half a surrogate pair"


def is_writable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def writable(text: str) -> str:
    """The text with what cannot be kept written out (`\\x00`, `\\udc80`): for messages, never for what was said."""
    return text if is_writable(text) else text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def refuse_unwritable_source(source: str) -> None:
    """Rejected BAD_DETAIL."""
    if not is_writable(source):
        raise Rejected(Code.BAD_DETAIL, _REASON, reason=_REASON)


def refuse_unwritable_recording(recording: Recording) -> None:
    """Rejected BAD_DETAIL."""
    if not _is_writable_noun(recording):
        raise Rejected(Code.BAD_DETAIL, _REASON, reason=_REASON)


def is_writable_result(result: Transcript | Attribution | Report) -> bool:
    """Whether a library can hold it."""
    return _is_writable_noun(result)


def refuse_unwritable_result(result: Transcript | Attribution | Report) -> None:
    """Integrity RESULT_INVALID: whoever made the result must not let such a text through."""
    if not _is_writable_noun(result):
        key = f"{type(result).__name__.lower()} {result.number} of {result.recording}"
        raise Integrity(Code.RESULT_INVALID, f"{key}: {_REASON}", key=key)


def _is_writable_noun(noun: Noun) -> bool:
    try:
        document = noun.model_dump_json()
    except PydanticSerializationError:
        return False
    # An escaped backslash before "u0000" looks alike: then every text is looked at.
    return "\\u0000" not in document or all(is_writable(text) for text in _texts(noun.model_dump()))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
