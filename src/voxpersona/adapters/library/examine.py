"""Whether an SQLite database can be written and is whole, found out on the file itself."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from voxpersona.adapters.library.edge import translated
from voxpersona.errors import Code, Integrity

_STEPS = 20_000
"""Of SQLite's machine between two looks at the clock: some milliseconds."""


def examine(path: Path, *, seconds: float) -> bool:
    """Commit a write that changes nothing, then look through the pages for at most that long.

    True where all were looked at. Integrity INTERNAL where the file is damaged; Unavailable LIBRARY_UNAVAILABLE where
    it cannot be written, or another program holds it locked for that long; NO_SPACE.
    """
    with translated(), closing(sqlite3.connect(path, timeout=seconds, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        mark = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute(f"PRAGMA user_version={int(mark)}")  # the same again is written all the same
        connection.execute("COMMIT")
        return _is_whole(connection, time.monotonic() + seconds)


def _is_whole(connection: sqlite3.Connection, until: float) -> bool:
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return False
        raise
    if told != "ok":
        reason = "database disk image is malformed"
        raise Integrity(Code.INTERNAL, f"database: {str(told).splitlines()[-1]}", reason=reason)
    return True
