"""What tests need another process for: one that is killed, races, or lives in narrow circumstances.

    python -m tests.integration.blobs_process ACT ROOT ...

Answers are one JSON document on standard output.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from tests.builders_blobs import MIB, content_of, keys_of, some_bytes
from voxpersona.adapters import blobs as room
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.keys import digest
from voxpersona.errors import VoxPersonaError

if TYPE_CHECKING:
    from _typeshed import TraceFunction

CONTENT = some_bytes(3000)
PARTS = [CONTENT[:1000], CONTENT[1000:]]
METADATA = {"name": "Интервью.mp3"}
_ROOM = str(Path(room.__file__).parent)


def killed_key(number: int) -> str:
    return f"recordings/{number:04d}/original/x.mp3"


def kill(root: Path, act: str, how: str) -> None:
    """Do the act once for each line of the room that it runs, struck before that line; answer how many there were.

    Struck is `killed` by the kernel, or `interrupted` by an exception. Each time it is another key of the same store,
    so the leavings of the dead lie about for those who follow.
    """
    store = DirectoryBlobs(root)
    number, was_struck = 0, True
    while was_struck:
        number += 1
        key = killed_key(number)
        if act in ("delete", "put again", "mend"):
            store.put(key, PARTS, metadata=METADATA)
        if act == "mend":
            drop_facts(root, key)
        child = os.fork()
        if child == 0:
            _strike_at_line(number, how)
            try:
                store.delete(key) if act == "delete" else store.put(key, PARTS, metadata=METADATA)
            except KeyboardInterrupt:
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        was_struck = status in (signal.SIGKILL, 1 << 8)
        assert was_struck or status == 0
    _answer(number)


def drop_facts(root: Path, key: str) -> None:
    """Lose the sidecar of one blob, as a careless backup would."""
    name = digest(key)
    (root / ".voxpersona" / "facts" / name[:2] / f"{name}.json").unlink()


def race(root: Path, writer: str, keys: str) -> None:
    """Write to the same keys as others do; answer what came of each."""
    store = DirectoryBlobs(root)
    _start_together()
    outcomes: list[str] = []
    for number in range(int(keys)):
        try:
            store.put(f"race/{number}", [writer.encode() * 500], metadata={"writer": writer})
            outcomes.append("won")
        except VoxPersonaError as error:
            outcomes.append(str(error.code))
    _answer(outcomes)


def prune(root: Path, writer: str, rounds: str) -> None:
    """Put and delete in a folder where others do the same, so that it comes and goes."""
    store = DirectoryBlobs(root)
    _start_together()
    for _ in range(int(rounds)):
        store.put(f"deep/down/there/{writer}", [b"x"])
        store.delete(f"deep/down/there/{writer}")
    _answer("done")


def exchange(root: Path, rounds: str) -> None:
    """Exchange the bytes under one key all the time."""
    store = DirectoryBlobs(root)
    _start_together()
    for number in range(int(rounds)):
        store.put("exchanged", [b"%d" % (number % 2) * (1000 + number % 2)])
        store.delete("exchanged")
    _answer("done")


def full(root: Path) -> None:
    """On a disk of 2 MiB: what is refused leaves nothing, what stands can be put again, room made is used."""
    store = DirectoryBlobs(root / "store")
    store.put("small", [b"s" * 1000])
    answer: dict[str, object] = {"big": _code(lambda: store.put("a/big", [b"x" * MIB] * 4))}
    answer["left"] = _leftovers(root / "store")
    (root / "ballast").write_bytes(b"")
    _fill(root / "ballast")
    answer["other"] = _code(lambda: store.put("b/other", [b"y" * 10_000]))
    answer["again"] = _code(lambda: store.put("small", [b"s" * 1000]))
    answer["left full"] = _leftovers(root / "store")
    (root / "ballast").unlink()
    answer["after"] = _code(lambda: store.put("b/other", [b"y" * 10_000]))
    answer["keys"] = keys_of(store)
    _answer(answer)


def no_names(root: Path) -> None:
    """On a disk with room for a few names only: a put that fails at any of its names leaves nothing."""
    store = DirectoryBlobs(root / "store")
    codes: list[str] = []
    spare: list[Path] = []
    while os.statvfs(root).f_favail > 0:
        spare.append(root / f"spare{len(spare)}")
        spare[-1].touch()
    while not codes or codes[-1] != "done":
        codes.append(_code(lambda: store.put("a/b/c/d", [b"x"])))
        if codes[-1] != "done":
            assert _leftovers(root / "store") == [], codes
            assert keys_of(store) == []
        spare.pop().unlink()
    _answer(codes)


def limited(root: Path) -> None:
    """Where files may not grow over 1 MiB."""
    store = DirectoryBlobs(root)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    code = _code(lambda: store.put("a/big", [b"x" * MIB, b"x"]))
    _answer({"big": code, "left": _leftovers(root), "fits": _code(lambda: store.put("a/big", [b"x" * MIB]))})


def forbidden(root: Path) -> None:
    """Where we may read but not write, and then not even read."""
    store = DirectoryBlobs(root)
    store.put("a/b", [b"x"])
    _leave_root_behind(root)
    every = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for path in every:
        path.chmod(0o500)
    answer = {
        "put": _code(lambda: store.put("a/c", [b"y"])),
        "stat": _code(lambda: store.stat("a/b")),
        "absent": _code(lambda: store.stat("a/c")),
    }
    (root / "a").chmod(0)
    answer |= {
        "stat closed": _code(lambda: store.stat("a/b")),
        "read closed": _code(lambda: store.read("a/b")),
        "list closed": _code(lambda: keys_of(store)),
        "delete closed": _code(lambda: store.delete("a/b")),
    }
    for path in every:
        path.chmod(0o700)
    answer["after"] = content_of(store, "a/b").decode()
    _answer(answer)


def _strike_at_line(number: int, how: str) -> None:
    def strike() -> None:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt

    at_line(number, strike)


def at_line(number: int, act: Callable[[], object]) -> Callable[[], bool]:
    """From now on: do the act, once, before the line of that number that this thread runs in the room.

    Answers with a function that ends it and tells whether the line was reached.
    """
    left = number

    def traced(frame: FrameType, event: str, _: object) -> "TraceFunction | None":
        nonlocal left
        if not frame.f_code.co_filename.startswith(_ROOM):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                act()  # which is not traced itself
        return traced

    def end() -> bool:
        sys.settrace(None)
        return left <= 0

    sys.settrace(traced)
    return end


def _start_together() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def _code(act: Callable[[], object]) -> str:
    try:
        act()
    except VoxPersonaError as error:
        return f"{type(error).__name__} {error.code}"
    return "done"


def _leftovers(root: Path) -> list[str]:
    """Temporary files and sidecars without a blob."""
    ours = root / ".voxpersona"
    known = {json.loads(path.read_text())["key"]: path for path in (ours / "facts").glob("*/*.json")}
    orphans = [str(path) for key, path in known.items() if not (root / key).is_file()]
    folders = [str(path) for path in root.iterdir() if path != ours and path.is_dir() and not any(path.iterdir())]
    return [*map(str, (ours / "incoming").iterdir()), *orphans, *folders]


def _fill(path: Path) -> None:
    with path.open("ab", buffering=0) as ballast:
        for size in (4096, 1):
            with suppress(OSError):
                while True:
                    ballast.write(b"b" * size)
    assert os.statvfs(path).f_bavail == 0


def _leave_root_behind(root: Path) -> None:
    """Permissions bind nobody who is root."""
    if os.geteuid() == 0:
        for path in [root, *root.rglob("*")]:
            os.chown(path, 65534, 65534)
        os.setgid(65534)
        os.setuid(65534)


def _answer(content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")


if __name__ == "__main__":
    ACTS: dict[str, Callable[..., None]] = {
        act.__name__: act for act in (kill, race, prune, exchange, full, no_names, limited, forbidden)
    }
    ACTS[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
