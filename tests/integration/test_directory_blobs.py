"""What a blob directory promises beyond the port: kills, races, full disks, traps in the tree, damage, privacy."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import pytest

from tests.builders_blobs import MIB, content_of, keys_of, some_bytes
from tests.integration.blobs_process import CONTENT, METADATA, PARTS, at_line, drop_facts, killed_key
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.keys import digest
from voxpersona.errors import Code, Integrity, NotFound, Unavailable

REPOSITORY = Path(__file__).parents[2]
OURS = ".voxpersona"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def quick_root() -> Iterator[Path]:
    """In memory where the system has such a directory: a kill is no power cut, so no test of kills needs a disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as path:
        yield Path(path) / "store"


@pytest.fixture
def blobs(root: Path) -> DirectoryBlobs:
    return DirectoryBlobs(root)


def start(act: str, *arguments: object, before: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
    command = [*before, sys.executable, "-m", "tests.integration.blobs_process", act, *map(str, arguments)]
    return subprocess.Popen(command, cwd=REPOSITORY, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def answer(process: "subprocess.Popen[str]") -> Any:
    with process:
        came, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(came.splitlines()[-1])


def start_together(processes: "list[subprocess.Popen[str]]") -> None:
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def is_whole(blobs: DirectoryBlobs, key: str) -> bool:
    """False for an absent blob; one that stands is right in every respect."""
    try:
        facts = blobs.stat(key)
    except NotFound:
        return False
    assert (facts.size, facts.metadata) == (len(CONTENT), METADATA)
    assert content_of(blobs, key) == CONTENT
    return True


def refused(*calls: Callable[[], object]) -> tuple[Callable[[], object], ...]:
    return calls


def temporaries(root: Path) -> list[Path]:
    return list((root / OURS / "incoming").iterdir())


def sidecars(root: Path) -> list[Path]:
    return list((root / OURS / "facts").glob("*/*.json"))


# Kills


@pytest.mark.parametrize(
    ("act", "how"), [("put", "killed"), ("put", "interrupted"), ("put again", "killed"), ("mend", "killed")]
)
def test_a_put_struck_at_any_line_leaves_nothing_or_all_and_a_repeated_one_mends(
    quick_root: Path, act: str, how: str
) -> None:
    lines = answer(start("kill", quick_root, act, how))
    assert lines > 40
    blobs = DirectoryBlobs(quick_root)
    keys = [killed_key(number) for number in range(1, lines + 1)]
    if act != "mend":
        stood = [is_whole(blobs, key) for key in keys]
        assert keys_of(blobs) == [key for key, stands in zip(keys, stood, strict=True) if stands]
        if how == "killed":
            assert stood == sorted(stood)  # there is one moment at which a blob begins to be
        assert stood[-1]
        assert stood[0] is (act == "put again")
    for key in keys:
        blobs.put(key, PARTS, metadata=METADATA)
    assert all(is_whole(blobs, key) for key in keys)
    assert keys_of(blobs) == keys
    blobs.sweep(-10)
    assert (temporaries(quick_root), len(sidecars(quick_root))) == ([], lines)


@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_a_deletion_struck_at_any_line_leaves_all_or_nothing_and_a_repeated_one_ends_it(
    quick_root: Path, how: str
) -> None:
    lines = answer(start("kill", quick_root, "delete", how))
    assert lines > 40
    blobs = DirectoryBlobs(quick_root)
    keys = [killed_key(number) for number in range(1, lines + 1)]
    stood = [is_whole(blobs, key) for key in keys]
    assert stood == sorted(stood, reverse=True)
    assert (stood[0], stood[-1]) == (True, False)
    blobs.put(keys[-2], [b"other bytes"])
    assert content_of(blobs, keys[-2]) == b"other bytes"
    for key in keys:
        blobs.delete(key)
    assert keys_of(blobs) == []
    assert [path.name for path in quick_root.iterdir()] == [OURS]
    assert sidecars(quick_root) == []


def test_a_put_killed_from_outside_while_bytes_come_leaves_a_temporary_only(root: Path) -> None:
    DirectoryBlobs(root)
    code = (
        "import sys; from pathlib import Path; from voxpersona.adapters.blobs.directory import DirectoryBlobs\n"
        "def parts():\n"
        "    yield b'x' * 5000\n"
        "    print('going', flush=True); sys.stdin.readline(); yield b'y'\n"
        "DirectoryBlobs(Path(sys.argv[1])).put('a/b', parts())\n"
    )
    command = [sys.executable, "-c", code, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "going\n"
        assert DirectoryBlobs(root).sweep(-10) == 0  # its writer lives
        process.send_signal(signal.SIGKILL)
    blobs = DirectoryBlobs(root)
    assert keys_of(blobs) == []
    assert [path.stat().st_size for path in temporaries(root)] == [5000]
    assert blobs.sweep(3600) == 0
    assert blobs.sweep(-10) == 1
    assert temporaries(root) == []


def test_bytes_and_facts_are_on_the_disk_before_the_blob_has_a_name_and_the_name_before_the_answer(
    blobs: DirectoryBlobs, root: Path
) -> None:
    steps: list[tuple[str, str]] = []

    def profiled(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and function in (os.fsync, os.link, os.rename, os.mkdir):
            flushed = frame.f_locals["descriptor"] if function is os.fsync else None
            path = "" if flushed is None else str(Path(f"/proc/self/fd/{flushed}").readlink())
            steps.append((function.__name__, path.removeprefix(str(root)).lstrip("/")))

    sys.setprofile(profiled)
    try:
        blobs.put("recordings/x/a.json", [b"x"])
    finally:
        sys.setprofile(None)
    verbs = [verb for verb, _ in steps]
    rename, link = verbs.index("rename"), verbs.index("link")
    flushed_before_link = [path for verb, path in steps[:link] if verb == "fsync"]
    temporary, sidecar = [path for path in flushed_before_link if path.startswith(f"{OURS}/incoming/")]
    assert steps.index(("fsync", temporary)) < steps.index(("fsync", sidecar)) < rename
    assert steps[rename + 1][1].startswith(f"{OURS}/facts/")
    made_durable = [path for verb, path in steps[rename + 2 : link] if verb == "fsync"]
    assert made_durable == ["", "recordings"]
    assert steps[link + 1] == ("fsync", "recordings/x")


# Races


def test_of_four_processes_with_different_bytes_one_wins_each_key(root: Path) -> None:
    DirectoryBlobs(root)
    keys = 40
    processes = [start("race", root, writer, keys) for writer in "abcd"]
    start_together(processes)
    outcomes = [answer(process) for process in processes]
    blobs = DirectoryBlobs(root)
    winners = set()
    for number in range(keys):
        came = {writer: outcome[number] for writer, outcome in zip("abcd", outcomes, strict=True)}
        assert sorted(came.values()) == ["blob-conflict"] * 3 + ["won"]
        (winner,) = (writer for writer, outcome in came.items() if outcome == "won")
        assert blobs.stat(f"race/{number}").metadata == {"writer": winner}
        assert content_of(blobs, f"race/{number}") == winner.encode() * 500
        winners.add(winner)
    assert temporaries(root) == []
    assert len(sidecars(root)) == keys
    assert len(winners) > 1, "no race took place"


def test_a_put_survives_that_its_folder_is_pruned_under_it(root: Path) -> None:
    DirectoryBlobs(root)
    processes = [start("prune", root, writer, 60) for writer in "abc"]
    start_together(processes)
    assert [answer(process) for process in processes] == ["done"] * 3
    assert keys_of(DirectoryBlobs(root)) == []


def test_a_reader_never_sees_the_bytes_of_one_blob_with_the_facts_of_another(root: Path) -> None:
    blobs = DirectoryBlobs(root)
    process = start("exchange", root, 150)
    start_together([process])
    seen = set()
    while process.poll() is None:
        try:
            facts = blobs.stat("exchanged")
            seen.add(content_of(blobs, "exchanged"))  # verified against its hash
            assert facts.size in (1000, 1001)
        except NotFound:
            continue
    assert answer(process) == "done"
    assert seen <= {b"0" * 1000, b"1" * 1001}
    assert seen


def test_a_blob_exchanged_at_any_line_of_a_look_is_seen_whole_before_or_after(quick_root: Path) -> None:
    blobs, other = DirectoryBlobs(quick_root), DirectoryBlobs(quick_root)

    def exchange() -> None:
        other.delete("a/b")
        other.put("a/b", [b"new bytes"], metadata={"is": "new"})

    seen = set()
    number, was_reached = 0, True
    while was_reached:
        number += 1
        blobs.delete("a/b")
        blobs.put("a/b", [b"old"], metadata={"is": "old"})
        end = at_line(number, exchange)
        try:
            with suppress(NotFound):  # there was a moment without
                facts = blobs.stat("a/b")
                seen.add((facts.size, facts.metadata["is"], content_of(blobs, "a/b")))
        finally:
            was_reached = end()
    assert seen <= {(3, "old", b"old"), (3, "old", b"new bytes"), (9, "new", b"new bytes")}
    assert len(seen) == 3
    assert number > 40


def test_a_put_survives_that_its_folder_comes_and_goes_at_any_line(quick_root: Path) -> None:
    blobs, other = DirectoryBlobs(quick_root), DirectoryBlobs(quick_root)
    neighbour = "deep/down/neighbour"
    key = next(f"deep/down/{n}" for n in range(9) if digest(f"deep/down/{n}")[:2] != digest(neighbour)[:2])

    def come_and_go() -> None:
        other.put(neighbour, [b"x"])
        other.delete(neighbour)

    number, was_reached = 0, True
    while was_reached:
        number += 1
        end = at_line(number, come_and_go)
        try:
            blobs.put(key, PARTS, metadata=METADATA)
        finally:
            was_reached = end()
        assert is_whole(blobs, key)
        assert (quick_root / key).is_file()
        blobs.delete(key)
    assert number > 40


# A disk that is full, limited, read-only, gone


def on_a_small_disk(path: Path, options: str) -> tuple[str, ...]:
    """The start of a command that sees a tiny file system of its own at `path`."""
    mount = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    before = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)), "sh", "-c", mount, str(path))
    tried = subprocess.run([*before, "true"], capture_output=True, check=False) if shutil.which("unshare") else None
    if tried is None or tried.returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    return before


def test_a_full_disk_refuses_and_keeps_nothing_and_what_stands_can_be_put_again(tmp_path: Path) -> None:
    assert answer(start("full", tmp_path, before=on_a_small_disk(tmp_path, "size=2m"))) == {
        "big": "Unavailable no-space",
        "left": [],
        "other": "Unavailable no-space",
        "again": "done",
        "left full": [],
        "after": "done",
        "keys": ["b/other", "small"],
    }


def test_a_disk_that_takes_no_more_names_refuses_and_keeps_nothing(tmp_path: Path) -> None:
    codes = answer(start("no_names", tmp_path, before=on_a_small_disk(tmp_path, "size=2m,nr_inodes=400")))
    assert len(codes) >= 5  # the temporary, the facts, three folders
    assert set(codes[:-1]) == {"Unavailable no-space"}


def test_a_limit_on_file_size_counts_as_no_room(root: Path) -> None:
    assert answer(start("limited", root)) == {"big": "Unavailable no-space", "left": [], "fits": "done"}


def test_a_directory_we_may_not_enter_is_unavailable_and_not_empty() -> None:
    with TemporaryDirectory() as path:
        Path(path).chmod(0o711)
        unavailable = "Unavailable store-unavailable"
        assert answer(start("forbidden", Path(path) / "store")) == {
            "put": unavailable,
            "stat": "done",
            "absent": "NotFound blob-absent",
            "stat closed": unavailable,
            "read closed": unavailable,
            "list closed": unavailable,
            "delete closed": unavailable,
            "after": "x",
        }


@pytest.mark.parametrize("gone", [".", OURS])
def test_a_store_that_is_gone_as_a_whole_is_unavailable_and_not_empty(
    blobs: DirectoryBlobs, root: Path, gone: str
) -> None:
    blobs.put("a/b", [b"x"])
    (root / gone).rename(root.parent / "unmounted")
    for call in refused(
        lambda: blobs.stat("a/c"),
        lambda: blobs.read("a/c"),
        lambda: keys_of(blobs),
        lambda: blobs.delete("a/c"),
        lambda: blobs.put("a/c", [b"y"]),
    ):
        with pytest.raises(Unavailable) as caught:
            call()
        assert caught.value.code is Code.STORE_UNAVAILABLE


def test_a_root_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(Unavailable):
        DirectoryBlobs(tmp_path / "taken" / "store")


# Traps in the tree


@pytest.mark.parametrize("trap", ["folder", "leaf", "dangling", "pipe"])
def test_no_link_or_special_file_is_followed_out_of_the_root(blobs: DirectoryBlobs, root: Path, trap: str) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "b").write_bytes(b"secret")
    if trap == "folder":
        (root / "a").symlink_to(outside)
    else:
        (root / "a").mkdir()
        place = root / "a" / "b"
        traps: dict[str, Callable[[], None]] = {
            "leaf": lambda: place.symlink_to(outside / "b"),
            "dangling": lambda: place.symlink_to(outside / "new"),
            "pipe": lambda: os.mkfifo(place),
        }
        traps[trap]()
    for call in refused(
        lambda: blobs.stat("a/b"),
        lambda: blobs.read("a/b"),
        lambda: keys_of(blobs),
        lambda: blobs.delete("a/b"),
        lambda: blobs.put("a/b", [b"mine"]),
        lambda: blobs.put("a/b", [b"secret"]),
    ):
        with pytest.raises(Integrity) as caught:
            call()
        assert caught.value.code is Code.BLOB_CORRUPT
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"b": b"secret"}
    assert sidecars(root) == temporaries(root) == []


def test_a_link_in_place_of_our_own_folder_is_not_followed(blobs: DirectoryBlobs, root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (root / OURS / "incoming").rmdir()
    (root / OURS / "incoming").symlink_to(outside)
    with pytest.raises(Integrity):
        blobs.put("a", [b"x"])
    assert list(outside.iterdir()) == []


def test_the_root_itself_may_be_a_link(root: Path) -> None:
    (root.parent / "disk").mkdir()
    root.symlink_to(root.parent / "disk")
    blobs = DirectoryBlobs(root)
    blobs.put("a/b", [b"x"])
    assert (root.parent / "disk" / "a" / "b").read_bytes() == content_of(blobs, "a/b") == b"x"


# What stands on the disk


def test_a_blob_stands_under_its_own_key_and_is_private(root: Path) -> None:
    before = os.umask(0)
    try:
        blobs = DirectoryBlobs(root / "deeper")
        blobs.put("recordings/x/a.mp3", [b"x"], metadata=METADATA)
        blobs.put("recordings", [b"y"])
    finally:
        os.umask(before)
    assert (root / "deeper" / "recordings" / "x" / "a.mp3").read_bytes() == b"x"
    modes = {(stat.S_IFMT(mode), stat.S_IMODE(mode)) for mode in (one.stat().st_mode for one in root.rglob("*"))}
    assert modes == {(stat.S_IFDIR, 0o700), (stat.S_IFREG, 0o600)}


def test_names_of_255_bytes_and_keys_of_900_stand_as_they_are(blobs: DirectoryBlobs, root: Path) -> None:
    for key in ("n" * 255, "/".join(["щ" * 127] * 3) + "/" + "x" * 120):
        blobs.put(key, [b"x"])
        assert (root / key).is_file()


def test_a_folder_left_empty_goes_with_its_last_blob(blobs: DirectoryBlobs, root: Path) -> None:
    blobs.put("a/b/c", [b"x"])
    blobs.put("a/d", [b"x"])
    blobs.delete("a/b/c")
    assert sorted(path.name for path in (root / "a").iterdir()) == ["d"]


def test_two_instances_and_a_later_process_see_one_store(root: Path) -> None:
    one, two = DirectoryBlobs(root), DirectoryBlobs(root)
    facts = one.put("a/b", [b"x"], metadata=METADATA)
    assert two.stat("a/b") == facts
    assert [(listed.key, listed.stored) for listed in DirectoryBlobs(root).list()] == [("a/b", 1)]


def test_a_long_blob_passes_through_little_memory(blobs: DirectoryBlobs) -> None:
    tracemalloc.start()
    try:
        blobs.put("a", (bytes([number]) * MIB for number in range(48)))
        size = sum(len(came) for came in blobs.read("a"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 48 * MIB
    assert peak < 6 * MIB


def test_reads_that_are_given_up_hold_no_descriptors(blobs: DirectoryBlobs) -> None:
    blobs.put("a", [some_bytes(2 * MIB)])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        blobs.read("a")
        next(blobs.read("a"))
        next(iter(blobs.list()))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Damage


def damage(root: Path, key: str, how: str) -> None:
    path = root / key
    content = path.read_bytes()
    changed = {
        "flipped": content[:10] + bytes([content[10] ^ 4]) + content[11:],
        "cut": content[:-1],
        "grown": content + b"!",
        "emptied": b"",
    }
    path.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["flipped", "cut", "grown", "emptied"])
def test_a_damaged_blob_is_told_after_its_last_byte(blobs: DirectoryBlobs, root: Path, how: str) -> None:
    blobs.put("a/b", [CONTENT])
    damage(root, "a/b", how)
    came = b""

    def read_on() -> Iterator[None]:
        nonlocal came
        for part in blobs.read("a/b"):
            came += part
            yield

    with pytest.raises(Integrity) as caught:
        list(read_on())
    assert caught.value.code is Code.BLOB_CORRUPT
    assert came == (root / "a" / "b").read_bytes()
    assert keys_of(blobs) == ["a/b"]


@pytest.mark.parametrize("how", ["cut", "grown", "emptied"])
def test_a_blob_of_another_length_is_told_by_stat_and_not_put_over(blobs: DirectoryBlobs, root: Path, how: str) -> None:
    blobs.put("a/b", [CONTENT])
    damage(root, "a/b", how)
    stood = (root / "a" / "b").read_bytes()
    for call in refused(lambda: blobs.stat("a/b"), lambda: blobs.put("a/b", [CONTENT])):
        with pytest.raises(Integrity) as caught:
            call()
        assert caught.value.code is Code.BLOB_CORRUPT
    assert (root / "a" / "b").read_bytes() == stood


def test_a_range_of_a_blob_cut_short_is_told(blobs: DirectoryBlobs, root: Path) -> None:
    blobs.put("a/b", [CONTENT])
    damage(root, "a/b", "cut")
    assert b"".join(blobs.read("a/b", 100, 200)) == CONTENT[100:200]
    with pytest.raises(Integrity):
        list(blobs.read("a/b", 2990, 3000))


@pytest.mark.parametrize("aside", [False, True])
@pytest.mark.parametrize("loss", ["missing", "garbled", "another's"])
def test_lost_facts_are_told_and_mended_by_the_same_bytes(
    blobs: DirectoryBlobs, root: Path, aside: bool, loss: str
) -> None:
    key = "a/b"
    if aside:  # its key cannot be a path where a blob stands in the way
        blobs.put("a", [b"in the way"])
    others = sidecars(root)
    blobs.put(key, [CONTENT], metadata=METADATA)
    (sidecar,) = set(sidecars(root)) - set(others)
    if loss == "missing":
        drop_facts(root, key)
    else:
        sidecar.write_text("{" if loss == "garbled" else sidecar.read_text().replace('"a/b', '"a/c'))
    for call in refused(lambda: blobs.stat(key), lambda: blobs.read(key), lambda: blobs.put(key, [b"other"])):
        with pytest.raises(Integrity):
            call()
    assert blobs.put(key, PARTS, metadata=METADATA).sha256 == blobs.stat(key).sha256
    assert is_whole(blobs, key)


def test_a_blob_without_facts_is_listed_as_it_stands_but_not_a_hidden_stranger(
    blobs: DirectoryBlobs, root: Path
) -> None:
    facts = blobs.put("a/b", [CONTENT])
    drop_facts(root, "a/b")
    (root / "a" / ".DS_Store").write_bytes(b"not ours")
    (listed,) = blobs.list()
    assert (listed.key, listed.stored) == ("a/b", facts.size)


def test_damage_tells_nothing_a_person_gave(blobs: DirectoryBlobs, root: Path) -> None:
    blobs.put("a/b", [CONTENT], metadata={"name": "Иванова"})
    (sidecar,) = sidecars(root)
    sidecar.write_text(sidecar.read_text().replace('"size":3000', '"size":"Иванова"'))
    with pytest.raises(Integrity) as caught:
        blobs.stat("a/b")
    assert "Иванова" not in "".join(traceback.format_exception(caught.value))


# Sweeping


def test_sweeping_takes_what_is_old_and_dead_and_nothing_else(blobs: DirectoryBlobs, root: Path) -> None:
    blobs.put("a/b", [CONTENT], metadata=METADATA)
    blobs.put("a/c", [CONTENT])
    (root / "a" / "c").unlink()  # as a deletion that was killed half-way
    for name in ("old", "new"):
        (root / OURS / "incoming" / name).write_bytes(b"left")
    long_ago = time.time() - 7200
    for path in (*sidecars(root), root / OURS / "incoming" / "old"):
        os.utime(path, (long_ago, long_ago))
    assert blobs.sweep(3600) == 2
    assert [path.name for path in temporaries(root)] == ["new"]
    assert len(sidecars(root)) == 1
    assert is_whole(blobs, "a/b")


def test_sweeping_leaves_a_put_under_way_alone(blobs: DirectoryBlobs) -> None:
    def slow() -> Iterator[bytes]:
        yield PARTS[0]
        assert blobs.sweep(-10) == 0
        yield PARTS[1]

    blobs.put("a/b", slow(), metadata=METADATA)
    assert is_whole(blobs, "a/b")


def test_writers_of_many_keys_do_not_wait_for_each_other_for_ever(blobs: DirectoryBlobs) -> None:
    def write(number: int) -> None:
        for key in range(10):
            blobs.put(f"a/{key}", [b"same"])
            blobs.put(f"b{number}/{key}", [b"x"])

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    assert len(keys_of(blobs)) == 90
