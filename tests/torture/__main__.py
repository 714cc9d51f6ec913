"""Torture the real program: real S3 server, both databases, kills everywhere, every kind of bad day.

    KILLS=1000 RECORDINGS=500 SEED=7 DATABASE=both SERVER=minio python -m tests.torture

KILLS and RECORDINGS are of all databases together. The last line is the sum; the exit code is 0 where nothing was
lost, altered or there twice, and nothing else was wrong.
"""

import json
import os
import secrets
import shutil
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.servers.postgres import binaries
from tests.torture.disk import NOT_POSSIBLE, move_into_own_namespace
from tests.torture.driver import Told, Torture
from tests.torture.ground import POSTGRESQL, SQLITE, ground

_RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
_WORKERS = {SQLITE: 1, POSTGRESQL: 2}
_MOST_SHOWN = 20


def main() -> int:
    move_into_own_namespace()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    kills = int(os.environ.get("KILLS", "1000"))
    recordings = int(os.environ.get("RECORDINGS", str(max(kills // 2, 8))))
    seed = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
    store = os.environ.get("SERVER", "minio")
    databases = _databases(os.environ.get("DATABASE", "both"))
    print(f"seed {seed}, {kills} kills, {recordings} recordings, {store}, {' and '.join(databases)}")
    every: dict[str, Told] = {}
    for at, database in enumerate(databases):
        part = [whole * (at + 1) // len(databases) - whole * at // len(databases) for whole in (kills, recordings)]
        every[database] = _torture(database, store, seed, *part)
    _keep(every, seed, store)
    print(_line(list(every.values())))
    return 0 if all(told.verdict.is_clean for told in every.values()) else 1


def _databases(named: str) -> list[str]:
    if named != "both":
        return [named]
    if binaries() is None:
        print("PostgreSQL IS NOT TORTURED HERE: none on this machine")
        return [SQLITE]
    return [SQLITE, POSTGRESQL]


def _torture(database: str, store: str, seed: int, kills: int, recordings: int) -> Told:
    base = Path(tempfile.mkdtemp(prefix="tort-"))
    is_clean = False
    try:
        with ground(database, store, base) as stage:
            if not stage.data_disk.can_fill:
                print(NOT_POSSIBLE)
            torture = Torture(
                stage, seed=seed, kills=kills, recordings=recordings, workers=_WORKERS[database], tell=print
            )
            told = torture.run()
            is_clean = told.verdict.is_clean
            if not is_clean and database == SQLITE:
                shutil.copytree(
                    Path(stage.kept_at).parent, base / "logs" / "data", ignore=shutil.ignore_patterns("*.pcm")
                )
    finally:
        if is_clean:
            shutil.rmtree(base, ignore_errors=True)
        else:
            print(f"what the programs said is kept in {base / 'logs'}")
    _show(database, told)
    return told


def _show(database: str, told: Told) -> None:
    verdict = told.verdict
    wrong = [*verdict.lost, *verdict.altered, *verdict.twice, *verdict.problems]
    for line in wrong[:_MOST_SHOWN]:
        print(f"  WRONG: {line}")
    if len(wrong) > _MOST_SHOWN:
        print(f"  WRONG: and {len(wrong) - _MOST_SHOWN} more")
    refused = ", ".join(f"{count} {code}" for code, count in told.refusals.items())
    print("  killed: " + ", ".join(f"{count} {how}" for how, count in told.killed.items()))
    print(
        f"  {told.duplicates} duplicates, {told.retried} runs put aside and retried, {verdict.paid_again} pieces paid "
        f"for again, {verdict.orphans} orphans, {verdict.unfinished} unfinished uploads, refused: {refused or 'none'}"
    )
    print(f"{database} in {told.seconds / 60:.1f} min: {_line([told])}")


def _line(every: list[Told]) -> str:
    verdicts = [told.verdict for told in every]
    steps, again = sum(one.steps for one in verdicts), sum(one.again for one in verdicts)
    return (
        f"{sum(told.kills for told in every)} kills, {sum(one.recordings for one in verdicts)} recordings: "
        f"{sum(len(one.lost) for one in verdicts)} lost, {sum(len(one.altered) for one in verdicts)} altered, "
        f"{sum(len(one.twice) for one in verdicts)} twice, {100 * again / max(steps, 1):.1f} % steps repeated"
    )


def _keep(every: dict[str, Told], seed: int, store: str) -> None:
    """The figures, for docs/durability.md."""
    target = os.environ.get("RESULTS", str(_RESULTS / "torture.json"))
    if not target:
        return
    document = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "server": store,
        "databases": {database: asdict(told) for database, told in every.items()},
    }
    Path(target).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
