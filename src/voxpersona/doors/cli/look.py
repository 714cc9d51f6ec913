"""What a look of the doctor is."""

from collections.abc import Callable
from dataclasses import dataclass

from voxpersona.errors import Code, VoxPersonaError


@dataclass(frozen=True)
class Look:
    """One thing to look at. Where a look it `needs` went wrong it is left out: one cause, one sentence."""

    name: str
    look: Callable[[], str]
    needs: tuple[str, ...] = ()
    about: str = ""
    """Under what doors/remedies.py has its sentences; empty for its own name."""


@dataclass(frozen=True)
class Chain:
    """Looks that follow one another, beside other chains. `hung` is what it means when one of them never returns;
    after an error of the `fatal` codes the rest of the chain could only say the same."""

    looks: tuple[Look, ...]
    hung: VoxPersonaError
    fatal: frozenset[Code] = frozenset()
    patience: float = 30.0
    """Seconds that one look may take. What needs nobody else is only slow where the machine is."""
