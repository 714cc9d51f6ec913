"""One run of the torture over one database: recordings are delivered and worked on while everything is killed.

All choices (who is killed where and when, which weather, which recording comes twice) are drawn from the seed, in the
same order each time; what they meet depends on the machine's timing too.
"""

import random
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.points import COMMITTED, HEARD_BY_SERVER, S3_PUT, receive_lines, receive_points, work_points
from tests.torture.checker import Acknowledged, Evidence, Verdict, examine, rows
from tests.torture.ground import AT_ONCE, Ground
from tests.torture.programs import Running
from tests.torture.recordings import Recorded, record
from tests.torture.weather import ALL, CALM, POISON, Sky, possible

RECEIVE_POINTS = [*receive_points(S3_PUT), COMMITTED, *receive_lines()]
WORK_POINTS = [point for point, _ in work_points(HEARD_BY_SERVER).values()]

_KILLS_A_PHASE = 20
_DUPLICATES = 0.2
_BACKLOG, _BACKLOG_OF_MANY = 12, 30
"""So many recordings may wait for the workers before the next is delivered; of many workers on one database, each one
killed leaves its recording waiting until its lease has run out."""
_POINT_LIFE = 8.0
_LONGEST_CHECK = 300.0
_LIFE, _LIFE_AFTERWARDS = 5.0, 12.0
"""Seconds that a worker lives at most; longer once there were enough kills and only the rest is to be done."""
_LONGEST_COMMAND = 60.0
_LONGEST_DRAIN = 900.0
_LONGEST_POISON = 240.0
_POISONED = "by the poison"
_BY_POISON = f"worker {_POISONED}"
_MOST_DEATHS = 10
"""The way of a recording and what is done beside it may each crash four times before it is put aside."""


@dataclass
class Told:
    """What a run of the torture has come to."""

    kills: int = 0
    killed: dict[str, int] = field(default_factory=dict)
    """The kills by what died, and whether at a named point or at any time."""
    seconds: float = 0.0
    phases: list[dict[str, object]] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    """How often a delivery was refused, by the reason's code, and could be repeated."""
    retried: int = 0
    duplicates: int = 0
    problems: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)


def _add(counts: dict[str, int], what: str) -> None:
    counts[what] = counts.get(what, 0) + 1


@dataclass
class _Phase:
    name: str
    share: int
    """How many recordings are delivered."""
    kills: int = 1
    """How many it takes at least: its part of those that are left when it begins."""
    over: threading.Event = field(default_factory=threading.Event)
    has_delivered: threading.Event = field(default_factory=threading.Event)


class Torture:
    def __init__(
        self, ground: Ground, *, seed: int, kills: int, recordings: int, workers: int, tell: Callable[[str], None]
    ) -> None:
        self._ground = ground
        self._seed = seed
        self._kills = kills
        self._workers = workers
        self._say = tell
        self._sky = Sky(ground, ground.program)
        self._turn = threading.Lock()
        self._told = Told()
        self._worker_ends = 0
        self._acknowledged: dict[str, Acknowledged] = {}
        """By path of what was delivered."""
        self._numbers = iter(range(1_000_000))
        self._left: deque[Recorded] = deque()
        self._wanted = recordings
        self._poisoned_before = 0

    def run(self) -> Told:
        began = time.monotonic()
        phases = self._phases()
        for number, phase in enumerate(phases, 1):
            rng = self._drawn(f"phase {number}")
            self._retry_failed()
            before, acknowledged, begun = self._told.kills, len(self._acknowledged), time.monotonic()
            phase.kills = max(1, (self._kills - before) // (len(phases) - number + 1))
            if phase.name == POISON:
                self._poison(rng)
            with self._working(phase, number), self._delivering(phase, number), ALL[phase.name](self._sky, rng):
                self._until_over(phase, before)
            self._revive(phase)
            done = {
                "phase": phase.name,
                "kills": self._told.kills - before,
                "acknowledged": len(self._acknowledged) - acknowledged,
                "seconds": round(time.monotonic() - begun, 1),
            }
            self._told.phases.append(done)
            self._say(
                f"  {number}/{len(phases)} {phase.name}: {done['kills']} kills, "
                f"{done['acknowledged']} acknowledged, {done['seconds']} s"
            )
        self._drain()
        self._told.verdict = self._judged()
        self._told.seconds = round(time.monotonic() - began, 1)
        return self._told

    def _drawn(self, what: str) -> random.Random:
        return random.Random(f"{self._seed} {what}")

    def _phases(self) -> list[_Phase]:
        """Every weather there is, in any order, again and again until there are enough; a short run has some."""
        rng, names = self._drawn("phases"), possible(self._ground)
        if self._ground.postgres is not None and self._kills < 100:
            names.remove(POISON)  # each of its four crashes is found out about by a lease of half a minute running out
        count = max(min(len(names), self._kills // 4), self._kills // _KILLS_A_PHASE, 1)
        chosen: list[str] = []
        while len(chosen) < count:
            chosen += rng.sample(names, len(names))
        return [
            _Phase(name, share=self._wanted * (at + 1) // count - self._wanted * at // count)
            for at, name in enumerate(chosen[:count])
        ]

    def _until_over(self, phase: _Phase, before: int) -> None:
        """Until there were enough kills and deliveries, or it took too long."""
        patience = time.monotonic() + 60.0 + 6.0 * phase.kills + (_LONGEST_POISON if phase.name == POISON else 0.0)
        while time.monotonic() < patience:
            enough = self._told.kills - before >= phase.kills and phase.has_delivered.is_set()
            if enough and not self._is_poison_at_work():
                return
            time.sleep(0.1)

    # -- deliveries --------------------------------------------------------------------------------------------------

    @contextmanager
    def _delivering(self, phase: _Phase, number: int) -> Iterator[None]:
        rng = self._drawn(f"deliveries {number}")
        with ThreadPoolExecutor(1) as beside:
            going = beside.submit(self._deliver, phase, rng)
            try:
                yield
            finally:
                phase.over.set()
            going.result()

    def _deliver(self, phase: _Phase, rng: random.Random) -> None:
        share = [*(self._left.popleft() for _ in range(len(self._left)))]
        share += [record(next(self._numbers), self._ground.inbox, rng) for _ in range(phase.share)]
        for at, recorded in enumerate(share):
            most = _BACKLOG if self._ground.postgres is None else _BACKLOG_OF_MANY
            while self._open_runs() >= most and not phase.over.wait(0.3):
                pass
            if phase.over.is_set():
                self._left.extend(share[at:])
                return
            if not self._deliver_one(recorded, phase, rng):
                self._left.append(recorded)
        phase.has_delivered.set()
        while not phase.over.wait(1.0):
            # Nothing is left to be worked on, and there were not enough kills yet: senders do not know that.
            if self._acknowledged and self._open_runs() == 0:
                known = rng.choice(sorted(self._known.items()))[1]
                self._send(known, rng)

    @property
    def _known(self) -> dict[str, Recorded]:
        with self._turn:
            return {
                path: Recorded(self._ground.inbox / path, one.sha256, one.bytes)
                for path, one in self._acknowledged.items()
            }

    def _deliver_one(self, recorded: Recorded, phase: _Phase, rng: random.Random) -> bool:
        """Send it until it is acknowledged, as a sender does; then sometimes once more. False where it was refused
        again and again: another day."""
        for _ in range(4):
            if self._send(recorded, rng):
                break
            if phase.over.wait(0.3):
                return False
        else:
            return False
        if rng.random() < _DUPLICATES:
            again = recorded
            if rng.random() < 0.5:
                again = Recorded(
                    recorded.path.with_name(f"copy-of-{recorded.path.name}"), recorded.sha256, recorded.bytes
                )
                shutil.copyfile(recorded.path, again.path)
            self._told.duplicates += 1
            if not self._send(again, rng):
                self._left.append(again)
        return True

    def _send(self, recorded: Recorded, rng: random.Random | None) -> bool:
        """One delivery, perhaps killed. Whether it was acknowledged."""
        fate = 1.0 if rng is None else rng.random()
        point = rng.choice(RECEIVE_POINTS) if rng is not None and fate < 0.25 else None
        running = self._start("receive", str(recorded.path), "--scenario", "interview", "--json", point=point)
        running.wait(rng.uniform(0.02, 0.5) if rng is not None and 0.25 <= fate < 0.5 else _LONGEST_COMMAND)
        self._count(running, "receive", point)
        told = running.document
        if running.code == 0 and told:
            (received,) = told["recordings"]
            acknowledged = Acknowledged(received["id"], recorded.sha256, recorded.bytes)
            with self._turn:
                before = self._acknowledged.setdefault(recorded.path.name, acknowledged)
            if before != acknowledged:
                self._told.problems.append(f"{recorded.path.name} was acknowledged as {before.id} and {received['id']}")
            return True
        if not running.was_killed:
            refused = [one["code"] for one in (told or {}).get("rejected", [])]
            code = refused or [(told or {}).get("error", {}).get("code", f"exit {running.code}")]
            _add(self._told.refusals, str(code[0]))
        return False

    # -- work --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _working(self, phase: _Phase, number: int) -> Iterator[None]:
        with ThreadPoolExecutor(self._workers) as beside:
            going = [
                beside.submit(self._work, slot, phase, self._drawn(f"work {number} {slot}"))
                for slot in range(self._workers)
            ]
            try:
                yield
            finally:
                phase.over.set()
            for each in going:
                each.result()

    def _work(self, slot: int, phase: _Phase, rng: random.Random) -> None:
        """Worker after worker, each killed: at a point, or at any time."""
        while not phase.over.is_set():
            longest = _LIFE if self._told.kills < self._kills else _LIFE_AFTERWARDS
            if rng.random() < 0.4:
                point: str | None = f"{rng.choice(WORK_POINTS).rsplit(':', 1)[0]}:{rng.randrange(1, 4)}"
                running, life = self._start("worker", "--until-idle", point=point), _POINT_LIFE
            else:
                point = None
                running, life = self._start("worker"), rng.uniform(0.3, longest)
            self._sky.workers[slot] = running
            until = time.monotonic() + life
            while running.wait(0.1) is None and (slot in self._sky.held or time.monotonic() < until):
                pass
            self._sky.workers.pop(slot, None)
            self._count(running, "worker", point)
            with self._turn:
                self._worker_ends += 1
            if not running.was_killed:
                phase.over.wait(0.3)  # idle, or what it needs is away

    def _start(self, *arguments: str, point: str | None = None) -> Running:
        poison = self._sky.poison if arguments[0] == "worker" else ()
        return self._sky.program.start(self._ground.environment, *arguments, point=point, poison=poison)

    def _count(self, running: Running, who: str, point: str | None) -> None:
        """Kill it if it still lives; note how it died."""
        where = "at any time"
        if running.code is None:
            running.killed()
        elif running.was_killed:
            where = "at a point" if point else _POISONED
        if running.was_killed:
            with self._turn:
                self._told.kills += 1
                _add(self._told.killed, f"{who} {where}")

    # -- what the database says --------------------------------------------------------------------------------------

    def _ask(self, query: str) -> list[tuple[object, ...]]:
        """Empty where it does not answer now."""
        try:
            return rows(self._ground.kept_at, query)
        except Exception:  # noqa: BLE001  # restarted, locked, its disk full or not made yet: any of two drivers' errors
            return []

    def _open_runs(self) -> int:
        found = self._ask("SELECT count(*) FROM run WHERE state NOT IN ('ready', 'failed')")
        return int(str(found[0][0])) if found else 0

    def _state(self, identity: str) -> str:
        """Of its newest run."""
        found = self._ask(f"SELECT state FROM run WHERE recording_id = '{identity}' ORDER BY number DESC LIMIT 1")
        return str(found[0][0]) if found else ""

    # -- poison ------------------------------------------------------------------------------------------------------

    def _poison(self, rng: random.Random) -> None:
        """A recording whose decoding kills the worker, acknowledged before the storm."""
        recorded = record(next(self._numbers), self._ground.inbox, rng)
        while not self._send(recorded, None):
            time.sleep(0.5)
        self._poisoned_before = self._told.killed.get(_BY_POISON, 0)
        self._sky.poison = [self._acknowledged[recorded.path.name].id]

    def _is_poison_at_work(self) -> bool:
        return bool(self._sky.poison) and self._state(self._sky.poison[0]) not in ("failed", "ready")

    def _revive(self, phase: _Phase) -> None:
        """It must have been put aside; without the poison it can be done after all."""
        if phase.name != POISON:
            return
        (identity,), self._sky.poison = self._sky.poison, []
        state = self._state(identity)
        if state != "failed":
            deaths = self._told.killed.get(_BY_POISON, 0) - self._poisoned_before
            if deaths > _MOST_DEATHS:
                self._told.problems.append(f"{identity}: the poison killed {deaths} workers and was not put aside")
            self._say(f"  the poison killed {deaths} workers so far: its turn came too seldom")
            return
        self._command("retry", identity, "--json")

    # -- the end -----------------------------------------------------------------------------------------------------

    def _command(self, *arguments: str, seconds: float = _LONGEST_COMMAND) -> Running:
        running = self._start(*arguments)
        if running.wait(seconds) is None:
            running.killed()
        return running

    def _retry_failed(self) -> int:
        """Do again what was given up; how many."""
        told = self._command("retry", "--failed", "--json").document
        count = len(told["recordings"]) if told and "recordings" in told else 0
        self._told.retried += count
        return count

    def _drain(self) -> None:
        """All faults have ended: deliver what was refused, and let the workers finish."""
        begun = time.monotonic()
        until = begun + _LONGEST_DRAIN
        while time.monotonic() < until:
            for _ in range(len(self._left)):
                recorded = self._left.popleft()
                if not self._send(recorded, None):
                    self._left.append(recorded)
            ended = self._command("worker", "--until-idle", "--json", seconds=max(1.0, until - time.monotonic()))
            if ended.code == 0 and not self._left and not self._retry_failed() and not self._open_runs():
                break
        else:
            self._told.problems.append("the workers did not come to an end")
        # Where the last kill came between two notes, the next worker's upkeep makes them agree, as any upkeep does.
        self._command("worker", "--until-idle", "--json", seconds=_LONGEST_CHECK)
        self._say(f"  calm: the rest done in {time.monotonic() - begun:.0f} s")

    def _judged(self) -> Verdict:
        checked = self._command("check", "--read", "--json", seconds=_LONGEST_CHECK)
        verdict = examine(
            Evidence(
                keeper=self._ground.server.keeper,
                audio=self._ground.audio,
                main=self._ground.main,
                database=self._ground.kept_at,
                acknowledged=list(self._acknowledged.values()),
                paid=self._ground.speech.paid,
                interruptions=self._worker_ends + self._sky.stops + self._told.retried,
                checked=checked.document,
                at_once=AT_ONCE,
            )
        )
        verdict.problems += self._told.problems
        return verdict


__all__ = ["CALM", "Told", "Torture"]
