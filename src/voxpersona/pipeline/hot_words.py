"""What a recording's details let expect to be said in it: names the engine would otherwise spell by ear."""

from collections.abc import Sequence

from voxpersona.model import Details

_LONGEST = 400
"""Letters of all of them together: what Whisper has room for beside what it hears, in Russian too."""


def hot_words(details: Details, told: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the details, people first, then what was `told` for all recordings; none twice, as many as fit."""
    names = (details.employee, details.client, details.place, details.zone, details.city, *told)
    found: dict[str, str] = {}
    room = _LONGEST
    for name in names:
        plain = " ".join((name or "").split())
        if plain and plain.casefold() not in found and len(plain) <= room:
            found[plain.casefold()] = plain
            room -= len(plain)
    return tuple(found.values())
