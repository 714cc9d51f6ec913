"""What may be a key and what may be metadata, the same for every store."""

import hashlib
from collections.abc import Mapping

from voxpersona.errors import Code, Integrity

LONGEST = 900
"""Bytes of UTF-8 in a key."""

_FORBIDDEN = frozenset("\0\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
"""NUL and everything that Unicode calls a line break."""


def check_key(key: str) -> tuple[str, ...]:
    """The key's segments. Integrity INTERNAL where it is none: keys are made by us, so a bad one is our fault."""
    segments = tuple(key.split("/"))
    if any(segment in ("", ".", "..") for segment in segments):
        raise Integrity(Code.INTERNAL, "a blob key has an empty or a relative segment")
    if not _FORBIDDEN.isdisjoint(key):
        raise Integrity(Code.INTERNAL, "a blob key has a NUL or a line break")
    if len(_utf8(key, "key")) > LONGEST:
        raise Integrity(Code.INTERNAL, f"a blob key is longer than {LONGEST} bytes")
    return segments


def is_key(key: str) -> bool:
    """Whether a blob may stand under it."""
    try:
        check_key(key)
    except Integrity:
        return False
    return True


def check_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """A copy of the metadata. Integrity INTERNAL where a name or value holds NUL or a lone surrogate."""
    kept = dict(metadata or {})
    for text in (*kept, *kept.values()):
        _utf8(text, "metadata")
        if "\0" in text:
            raise Integrity(Code.INTERNAL, "blob metadata holds a NUL")
    return kept


def digest(key: str) -> str:
    """A name of fixed length for the key: hex SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Not chained: that error holds the text itself, which may name a person.
        raise Integrity(Code.INTERNAL, f"a blob {what} is not Unicode text") from None
