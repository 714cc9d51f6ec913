"""What a container says about its own length."""

from dataclasses import dataclass

SLOPPY = 64
"""Bytes a header may promise too many: some writers count their own header in."""


@dataclass(frozen=True)
class Shape:
    """`seconds`: the length the container declares, None where it does not say.

    `slack`: by how many seconds the decoded sound may be shorter without anything being missing; None where the two
    cannot be compared (edit lists, encoder delay, guesses). `cut`: the bytes end before the container says they do.
    """

    seconds: float | None = None
    slack: float | None = None
    cut: bool = False


def damage_of(shape: Shape, *, seconds: float, paused: float, lost: float, gave_up: bool) -> str | None:
    """One English line on what is missing, or None.

    `seconds`: length with the silence (`paused`) that was put in for pauses and gaps; `lost`: seconds undecodable;
    `gave_up`: the decoder could not go on to the end.
    """
    held = seconds - paused
    total = max(seconds, held + lost)
    lines = []
    declared = shape.seconds or 0.0
    if shape.cut and declared - held < 0.01:
        lines.append(f"ends in the middle of its data, holds {held:.1f} s")
    elif shape.cut or (shape.slack is not None and declared - held > shape.slack):
        digits = 1 if declared - held >= 0.1 else 2
        lines.append(f"declares {declared:.{digits}f} s, holds {held:.{digits}f} s")
    elif gave_up:
        lines.append(f"cannot be read beyond {held:.1f} s")
    if lost > 0.01 * total:
        lines.append(f"{lost:.1f} s of {total:.1f} s could not be decoded")
    return "; ".join(lines) or None
