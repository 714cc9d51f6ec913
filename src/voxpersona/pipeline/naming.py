"""Names that every store, file system and shell can carry. The true name stands in the manifest, letter by letter."""

import re
import unicodedata
import uuid
from datetime import UTC, datetime

from anyascii import anyascii

from voxpersona.model import RecordingId

LONGEST = 120
"""Bytes of a safe name; all of them are ASCII."""

_NAMELESS = "recording"
_LONGEST_EXTENSION = 10
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that are devices to Windows, whatever extension follows."""

_DROPPED = re.compile(r"['`\"]")
"""Transliteration writes the soft and the hard sign so: Интервью is Intervyu, not Interv_yu."""
_APART = re.compile(r"[^A-Za-z0-9-]+")
_DASHED = re.compile(r"[_-]*-[_-]*")

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u."""
_NAMESPACE = uuid.UUID("027c46ca-f56e-4846-8999-33ec15148309")
"""Of source keys. Never change it: the ids of everything that was ever received follow from it."""


def safe_name(name: str) -> str:
    """The name in `[A-Za-z0-9._-]`, 120 bytes at most, never empty, with its extension in lower case.

    Other scripts are transliterated; nothing in it is a path, hidden, an option or a device. There is at most one dot,
    the one before the extension. A safe name comes out as it is.
    """
    composed = unicodedata.normalize("NFKC", name)
    plain = _DROPPED.sub("", anyascii("".join(map(_visible, composed)))).rstrip(" .")
    stem, dot, ending = plain.rpartition(".")
    extension = ending.lower()
    if not dot or not _is_extension(extension):
        stem, extension = plain, ""
    stem = _reduced(stem) or _NAMELESS
    if stem.lower() in _RESERVED:
        stem = f"{_NAMELESS}-{stem}"
    suffix = f".{extension}" if extension else ""
    return stem[: LONGEST - len(suffix)].rstrip("_-") + suffix


def voice_name(received_at: datetime, extension: str) -> str:
    """The name of a voice message, which has none: the time it came, in UTC. The time must know its zone."""
    if received_at.tzinfo is None:
        raise ValueError("a time without a zone names no moment")
    return safe_name(f"voice-{received_at.astimezone(UTC):%Y-%m-%d-%H%M%S}.{extension.lstrip('.')}")


def new_recording_id(source_key: str) -> RecordingId:
    """The id that a delivery gets, always the same for the same source key: 60 bits of its UUID version 5."""
    # A path that is not Unicode has lone surrogates, which have no UTF-8.
    name = source_key.encode(errors="backslashreplace").decode()
    bits = uuid.uuid5(_NAMESPACE, name).int  # the lowest 60 bits are all of the hash
    return RecordingId("".join(_DIGITS[bits >> shift & 31] for shift in range(55, -5, -5)))


def _is_extension(ending: str) -> bool:
    return ending.isalnum() and len(ending) <= _LONGEST_EXTENSION


def _reduced(stem: str) -> str:
    """Letters, digits and single separators; a dash wins over its neighbours: `a - b` is `a-b`."""
    return _DASHED.sub("-", _APART.sub("_", stem)).strip("_-")


def _visible(character: str) -> str:
    """The character; a blank for a control character (a line break parts words), nothing for an invisible mark."""
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category in ("Cf", "Cs", "Mn", "Me") else character
