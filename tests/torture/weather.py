"""What goes wrong around the program during a phase. Each weather is over when its context ends."""

import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.servers.faults import Answer, Cut, Fault, FlipAnswer, LoseAnswer, Rewrite, Slow
from tests.torture.disk import Disk
from tests.torture.ground import POSTGRESQL, SQLITE, Ground
from tests.torture.programs import Running, Zygote

_LEASE = 30.0
_JUMPS = (-400 * 86_400, -86_400, -600, -60, 60, 600, 86_400, 400 * 86_400)


@dataclass
class Sky:
    """What weather and work share: the workers that live, those that are held up and not to be killed meanwhile, who
    starts programs, and which recordings kill whoever decodes them."""

    ground: Ground
    program: Zygote
    workers: dict[int, Running] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    stops: int = 0
    poison: list[str] = field(default_factory=list)


Weather = Callable[[Sky, random.Random], AbstractContextManager[None]]


@contextmanager
def _meanwhile(deed: Callable[[threading.Event], None]) -> Iterator[None]:
    """Something that goes on beside until the event is set; its errors come out at the end."""
    over = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        going = beside.submit(deed, over)
        try:
            yield
        finally:
            over.set()
        going.result()


@contextmanager
def _now_and_then(
    begin: Callable[[], None], end: Callable[[], None], rng: random.Random, longest: float = 4.0
) -> Iterator[None]:
    """It begins and ends, again and again."""

    def go_on(over: threading.Event) -> None:
        while not over.is_set():
            begin()
            over.wait(rng.uniform(1.0, longest))
            end()
            over.wait(rng.uniform(1.0, longest))

    with _meanwhile(go_on):
        yield


@contextmanager
def _calm(sky: Sky, rng: random.Random) -> Iterator[None]:
    yield


def _outage(sky: Sky, rng: random.Random) -> AbstractContextManager[None]:
    return _now_and_then(sky.ground.proxy.down, sky.ground.proxy.up, rng)


@dataclass
class _Sometimes(Fault):
    """Happens to a share of the requests."""

    share: float = 0.0
    rng: random.Random = field(default_factory=random.Random)

    def takes(self, method: str, target: str) -> bool:
        return super().takes(method, target) and self.rng.random() < self.share


@contextmanager
def _planned(sky: Sky, *faults: Fault) -> Iterator[None]:
    sky.ground.proxy.plan[:] = faults
    try:
        yield
    finally:
        sky.ground.proxy.plan.clear()
        sky.ground.proxy.seen.clear()


def _slow(sky: Sky, rng: random.Random) -> AbstractContextManager[None]:
    return _planned(sky, _Sometimes(Slow(40_000), times=None, share=0.5, rng=rng))


def _storm(sky: Sky, rng: random.Random) -> AbstractContextManager[None]:
    return _planned(sky, _Sometimes(Answer(503, "SlowDown"), times=None, share=0.25, rng=rng))


def _lies(sky: Sky, rng: random.Random) -> AbstractContextManager[None]:
    """It says 200 and has kept nothing, sends half, sends other bytes, tells of another size, does and does not say."""
    kept = Answer(200, headers=(("ETag", '"d41d8cd98f00b204e9800998ecf8427e"'),))
    return _planned(
        sky,
        _Sometimes(kept, "PUT", times=None, share=0.1, rng=rng),
        _Sometimes(LoseAnswer(), "PUT", times=None, share=0.1, rng=rng),
        _Sometimes(Cut(100), "GET", times=None, share=0.1, rng=rng),
        _Sometimes(FlipAnswer(10), "GET", r"/recordings/[^?]*$", times=None, share=0.1, rng=rng),
        _Sometimes(Rewrite((("Content-Length", "17"),)), "HEAD", times=None, share=0.1, rng=rng),
    )


def _restarts(sky: Sky, rng: random.Random) -> AbstractContextManager[None]:
    postgres = sky.ground.postgres
    assert postgres is not None
    return _now_and_then(lambda: postgres.stop(rng.choice(["fast", "immediate"])), postgres.start, rng, longest=6.0)


@contextmanager
def _zombies(sky: Sky, rng: random.Random) -> Iterator[None]:
    """A worker stops in whatever it does. On one database of many workers it is left until others have taken over, and
    wakes up to find that; alone, another one is started meanwhile and has to leave it its work."""
    shared = sky.ground.postgres is not None

    def go_on(over: threading.Event) -> None:
        while not over.wait(rng.uniform(0.5, 3.0)):
            slot, worker = rng.choice(sorted(sky.workers.items(), key=lambda one: one[0]) or [(-1, None)])
            if worker is None:
                continue
            sky.held.add(slot)
            try:
                worker.signal(signal.SIGSTOP)
                sky.stops += 1
                if not shared:
                    second = sky.program.start(sky.ground.environment, "worker", "--until-idle")
                    second.wait(3.0)
                    second.killed()
                over.wait(_LEASE + 4.0 if shared else rng.uniform(0.5, 2.0))
                worker.signal(signal.SIGCONT)
                over.wait(1.0)  # what does it do when it wakes?
            finally:
                sky.held.discard(slot)

    with _meanwhile(go_on):
        yield


@contextmanager
def _clock_jumps(sky: Sky, rng: random.Random) -> Iterator[None]:
    with sky.ground.clock() as clock, ExitStack() as later:
        before, sky.program = sky.program, clock.program
        later.callback(setattr, sky, "program", before)
        with _now_and_then(lambda: clock.set(rng.choice(_JUMPS)), lambda: clock.set(0), rng):
            yield


def _full(of: Callable[[Ground], Disk | None]) -> Weather:
    def weather(sky: Sky, rng: random.Random) -> AbstractContextManager[None]:
        disk, postgres = of(sky.ground), sky.ground.postgres
        assert disk is not None

        def empty() -> None:
            disk.empty()
            if postgres is not None and not postgres.is_running():
                postgres.start()  # it ends itself where it finds no room for its log, and its keeper starts it again

        return _now_and_then(disk.fill, empty, rng)

    return weather


@contextmanager
def _bad_transcriber(sky: Sky, rng: random.Random) -> Iterator[None]:
    sky.ground.speech.mood = rng
    try:
        yield
    finally:
        sky.ground.speech.mood = None


CALM = "kills only"
POISON = "a poison recording"
OUTAGE = "store down"
_FULL_DATA, _FULL_STORE, _FULL_DATABASE = "spool and data disk full", "store disk full", "database disk full"
ALL: Mapping[str, Weather] = {
    CALM: _calm,
    OUTAGE: _outage,
    "store slow": _slow,
    "503 storm": _storm,
    "store that lies": _lies,
    "database restarts": _restarts,
    "workers stopped and woken": _zombies,
    "clock jumps": _clock_jumps,
    _FULL_DATA: _full(lambda ground: ground.data_disk),
    _FULL_STORE: _full(lambda ground: ground.store_disk),
    _FULL_DATABASE: _full(lambda ground: ground.postgres_disk),
    "transcriber hangs, refuses, breaks off": _bad_transcriber,
    POISON: _calm,
}


def possible(ground: Ground) -> list[str]:
    """Which weathers there can be on this ground."""
    disks = {
        _FULL_DATA: ground.data_disk,
        _FULL_STORE: ground.store_disk,
        _FULL_DATABASE: ground.postgres_disk,
    }
    without = {name for name, disk in disks.items() if disk is None or not disk.can_fill}
    if ground.postgres is None:
        without.add("database restarts")
    return [name for name in ALL if name not in without]


__all__ = ["ALL", "CALM", "OUTAGE", "POISON", "POSTGRESQL", "SQLITE", "Sky", "Weather", "possible"]
