"""Rotation: every data key under the new master key, no blob rewritten, killed and gone on with."""

from pathlib import Path

import pytest

from tests.builders_blobs import content_of, some_bytes
from tests.builders_encrypted import Locked
from tests.hostile import Fault, FaultyBlobs
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.blobs.rewrapping import Census, census, rewrap
from voxpersona.errors import Code, Configuration, Integrity, Unavailable

KEYS = [f"recordings/{number}/original/a.mp3" for number in range(7)]
METADATA = {"kind": "original", "name": "Интервью.mp3"}


@pytest.fixture
def locked(tmp_path: Path) -> Locked:
    made = Locked(tmp_path)
    for key in KEYS:
        made.blobs.put(key, [some_bytes(1000)], metadata=METADATA)
    made.below.put("plain", [b"x"])
    return made


def all_read(locked: Locked) -> bool:
    fresh = EncryptingBlobs(locked.below, Keyring(locked.keyring.path), plain=locked.below)
    return (
        all(content_of(fresh, key) == some_bytes(1000) and fresh.stat(key).metadata == METADATA for key in KEYS)
        and content_of(fresh, "plain") == b"x"
    )


def test_after_rotation_everything_is_under_the_new_key_and_no_byte_was_rewritten(locked: Locked) -> None:
    before = {key: (content_of(locked.below, key), locked.below.stat(key).sha256) for key in KEYS}
    locked.keyring.rotate()
    assert census(locked.below) == Census(plain=1, under={"k1": 7}, damaged=0)
    told: list[float] = []
    assert rewrap(locked.below, locked.keyring, told.append) == 7
    assert census(locked.below) == Census(plain=1, under={"k2": 7}, damaged=0)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert {key: (content_of(locked.below, key), locked.below.stat(key).sha256) for key in KEYS} == before
    assert all_read(locked)
    assert rewrap(locked.below, locked.keyring) == 0


def test_both_keys_are_read_before_it_is_finished(locked: Locked) -> None:
    locked.keyring.rotate()
    locked.blobs.put("new", [b"x"])
    assert census(locked.below).under == {"k1": 7, "k2": 1}
    assert all_read(locked)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("call", [1, 4, 7])
def test_a_rotation_that_breaks_off_is_gone_on_with(locked: Locked, call: int, after: bool) -> None:
    locked.keyring.rotate()
    faulty = FaultyBlobs(locked.below, [Fault("relabel", call=call, after=after)])
    with pytest.raises(Unavailable):
        rewrap(faulty, locked.keyring)
    assert all_read(locked)
    done = call if after else call - 1
    assert census(locked.below).under.get("k2", 0) == done
    assert rewrap(locked.below, locked.keyring) == 7 - done
    assert census(locked.below).under == {"k2": 7}
    assert all_read(locked)


def test_a_second_rotation_takes_along_what_the_first_left(locked: Locked) -> None:
    locked.keyring.rotate()
    with pytest.raises(Unavailable):
        rewrap(FaultyBlobs(locked.below, [Fault("relabel", call=3)]), locked.keyring)
    locked.keyring.rotate()
    assert census(locked.below).under == {"k1": 5, "k2": 2}
    rewrap(locked.below, locked.keyring)
    assert census(locked.below).under == {"k3": 7}
    assert all_read(locked)


def test_a_blob_under_an_unknown_key_is_named_and_holds_up_no_other(locked: Locked, tmp_path: Path) -> None:
    stranger = Keyring.generate(tmp_path / "stranger.json")
    for _ in range(3):
        stranger.rotate()
    EncryptingBlobs(locked.below, stranger, plain=locked.below).put("a-strange-one", [b"x"])
    locked.keyring.rotate()
    with pytest.raises(Configuration) as caught:
        rewrap(locked.below, locked.keyring)
    assert (caught.value.code, caught.value.facts["key"]) == (Code.MASTER_KEY_ABSENT, "k4")
    assert census(locked.below).under == {"k2": 7, "k4": 1}


def test_a_damaged_seal_is_named_left_as_it_is_and_holds_up_no_other(locked: Locked) -> None:
    seal = locked.below.stat(KEYS[0]).metadata["sealed"]
    spoilt = {
        **locked.below.stat(KEYS[0]).metadata,
        "sealed": seal[:-9] + ("A" if seal[-9] != "A" else "E") + seal[-8:],
    }
    locked.below.relabel(KEYS[0], spoilt)
    locked.below.relabel(KEYS[1], {"sealed": "nonsense"})
    locked.keyring.rotate()
    with pytest.raises(Integrity) as caught:
        rewrap(locked.below, locked.keyring)
    assert (caught.value.code, caught.value.facts["key"]) == (Code.BLOB_CORRUPT, KEYS[0])
    assert locked.below.stat(KEYS[0]).metadata == spoilt
    assert census(locked.below) == Census(plain=1, under={"k1": 1, "k2": 5}, damaged=1)


def test_a_blob_deleted_under_way_is_passed_over(locked: Locked) -> None:
    locked.keyring.rotate()

    class Shrinking(FaultyBlobs):
        def stat(self, key: str):  # type: ignore[no-untyped-def]  # as the inner one
            if key == KEYS[2]:
                locked.below.delete(KEYS[2])
            return super().stat(key)

    assert rewrap(Shrinking(locked.below), locked.keyring) == 6
    assert census(locked.below).under == {"k2": 6}
