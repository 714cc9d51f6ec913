"""What may be a key and what may be metadata, the same for every store."""

import hashlib
import re
from collections.abc import Mapping

from voxpersona.errors import Code, Integrity

LONGEST = 900
"""Bytes of UTF-8 in a key."""

LONGEST_SEGMENT = 255
"""Bytes of UTF-8 between two slashes: what file systems and most object stores can hold."""

MOST_METADATA = 600
"""Bytes of UTF-8 in all names and values. Stores hold 2 KB of ASCII; this much fits percent-encoded and encrypted."""

SEALED = "sealed"
"""The metadata of the encrypting wrapper, and of nobody else: what it has to tell of a blob, encrypted. ASCII that need
not be escaped; does not count among the others."""

MOST_SEALED = 1700
"""Characters of it. With names, `kind` and 250 bytes of an adapter's own that is under 2 KB, as every store counts."""

OWN = ".voxpersona/"
"""Where adapters and wrappers keep what is theirs."""

_METADATA_NAME = re.compile(r"[a-z0-9-]{1,40}")

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
    if any(len(segment.encode()) > LONGEST_SEGMENT for segment in segments):
        raise Integrity(Code.INTERNAL, f"a segment of a blob key is longer than {LONGEST_SEGMENT} bytes")
    return segments


def is_key(key: str) -> bool:
    """Whether a blob may stand under it."""
    try:
        check_key(key)
    except Integrity:
        return False
    return True


def check_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """A copy of the metadata. Integrity INTERNAL where it is not as the port says."""
    kept = dict(metadata or {})
    for name, text in kept.items():
        if not _METADATA_NAME.fullmatch(name):
            raise Integrity(Code.INTERNAL, "a name of blob metadata is not of [a-z0-9-], 40 at most")
        if "\0" in text:
            raise Integrity(Code.INTERNAL, "blob metadata holds a NUL")
    lengths = {name: len(name) + len(_utf8(text, "metadata")) for name, text in kept.items()}
    if lengths.pop(SEALED, 0) > len(SEALED) + MOST_SEALED or sum(lengths.values()) > MOST_METADATA:
        raise Integrity(Code.INTERNAL, f"blob metadata is longer than {MOST_METADATA} bytes")
    return kept


def is_own(key: str) -> bool:
    """Whether it is one of those that adapters keep for themselves and never list."""
    return key.startswith(OWN)


def digest(key: str) -> str:
    """A name of fixed length for the key: hex SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Not chained: that error holds the text itself, which may name a person.
        raise Integrity(Code.INTERNAL, f"a blob {what} is not Unicode text") from None
