"""Where the errors of SQLAlchemy and SQLite end.

Only the driver's own first line is passed on, never SQLAlchemy's text (it carries the statement's parameters) nor
PostgreSQL's DETAIL lines (they quote rows): both hold what people said.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from voxpersona.errors import Code, Integrity, Unavailable, VoxPersonaError


class Clash(Integrity):
    """A unique or foreign key refused the write: another process was there first, or the result contradicts itself."""


@contextmanager
def translated() -> Iterator[None]:
    """Within this, vendor errors become ours."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _ours(error.orig) from error
    except sa.exc.TimeoutError as error:
        reason = "all connections are busy"
        raise Unavailable(Code.LIBRARY_UNAVAILABLE, f"database: {reason}", reason=reason) from error
    except sqlite3.Error as error:
        raise _ours(error) from error


def _ours(error: BaseException | None) -> VoxPersonaError:
    kind = type(error)
    names = {parent.__name__ for parent in kind.__mro__}
    if "IntegrityError" in names:
        reason = f"the database refused a row ({kind.__name__})"
        return Clash(Code.INTERNAL, reason, reason=reason)
    if "DataError" in names:
        reason = f"the database refused a value ({kind.__name__})"
        return Integrity(Code.INTERNAL, reason, reason=reason)
    reason = (str(error).splitlines() or [kind.__name__])[0]
    if "disk is full" in reason or "No space left" in reason:
        return Unavailable(Code.NO_SPACE, f"database: {reason}", where="database")
    if kind is sqlite3.DatabaseError:  # itself, no subclass: "malformed", "not a database"
        return Integrity(Code.INTERNAL, f"database: {reason}", reason=reason)
    return Unavailable(Code.LIBRARY_UNAVAILABLE, f"database: {reason}", reason=reason)
