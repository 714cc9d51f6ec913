"""The life of a key file by the real program: made, used, rotated, missed, exchanged."""

import json
from pathlib import Path

import pytest

from tests.program import SAMPLE, Program
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.ports import Blobs

NAME = "Интервью с Анной.ogg"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "safe" / "keys.json"


@pytest.fixture
def program(tmp_path: Path, keys: Path) -> Program:
    """Encrypting, over an archive that is empty yet."""
    plain = Program(tmp_path / "data")
    assert plain.json("keys", "generate", "--output", str(keys)) == {"path": str(keys), "current": "k1"}
    return Program(tmp_path / "data", VOXPERSONA_KEY_FILE=str(keys))


@pytest.fixture
def encrypted(program: Program, keys: Path) -> Program:
    """Over an archive with three blobs in its audio bucket."""
    program.json("check")  # makes the store and marks it
    blobs = audio_of(program, keys)
    for number in range(3):
        blobs.put(f"recordings/{number}/original/a.mp3", [b"said"], metadata={"kind": "original", "name": NAME})
    return program


def audio_of(program: Program, keys: Path) -> Blobs:
    below = DirectoryBlobs(program.data / "store" / "audio")
    return EncryptingBlobs(below, Keyring(keys), plain=below)


def under(program: Program) -> dict[str, int]:
    """How many blobs of the audio bucket are under which key, as `keys status` tells."""
    found = program.json("keys", "status")["buckets"][0]
    assert (found["plain"], found["damaged"]) == (0, 0)
    return dict(found["under"])


def rotated(program: Program, *more: str) -> tuple[str, list[int]]:
    """The current key afterwards, and how many data keys of either bucket were re-wrapped."""
    told = program.json("keys", "rotate", *more)
    return told["current"], [*told["rewrapped"].values()]


def test_what_is_received_is_encrypted_and_comes_back(program: Program, tmp_path: Path) -> None:
    content = SAMPLE.read_bytes()
    kept, back = tmp_path / NAME, tmp_path / "back.ogg"
    kept.write_bytes(content)
    program.json("receive", str(kept))
    identity = program.json("list")["recordings"][0]["id"]
    program.json("original", identity, "--output", str(back))
    assert back.read_bytes() == content
    stored = [path.read_bytes() for path in (program.data / "store").rglob("*") if path.is_file()]
    assert any(len(content) < len(one) < len(content) + 1000 for one in stored)
    assert all(content[:64] not in one and "Анной".encode() not in one for one in stored)


def test_a_key_file_is_made_for_its_owner_with_a_warning_and_never_again(encrypted: Program, keys: Path) -> None:
    assert keys.stat().st_mode & 0o777 == 0o600
    before = keys.read_bytes()
    again = encrypted.run("keys", "generate")
    assert again.code == 7
    assert "exists already and was left as it is" in again.err
    assert "name another path in --output" in again.err
    assert "backup" not in again.err
    assert keys.read_bytes() == before
    fresh = encrypted.run("keys", "generate", "--output", str(keys.with_name("other.json")))
    assert (fresh.code, "encrypted already" in fresh.err) == (7, True)
    assert [*keys.parent.iterdir()] == [keys]


def test_making_and_rotating_say_to_back_up(tmp_path: Path, keys: Path) -> None:
    program = Program(tmp_path / "data", VOXPERSONA_KEY_FILE=str(keys))
    for command in ("generate", "rotate"):
        outcome = program.run("keys", command)
        assert outcome.code == 0, outcome
        assert f"BACK UP {keys} NOW" in outcome.err
    russian = Program(tmp_path / "data", VOXPERSONA_KEY_FILE=str(keys), VOXPERSONA_LANGUAGE="ru")
    assert "СДЕЛАЙТЕ КОПИЮ" in russian.run("keys", "rotate").err


def test_rotation_rewraps_everything_and_the_old_copy_is_refused(encrypted: Program, keys: Path) -> None:
    old = keys.read_bytes()
    assert under(encrypted) == {"k1": 3}
    assert rotated(encrypted) == ("k2", [3, 0])
    assert under(encrypted) == {"k2": 3}
    assert rotated(encrypted, "--rewrap-only") == ("k2", [0, 0])
    assert b"".join(audio_of(encrypted, keys).read("recordings/1/original/a.mp3")) == b"said"
    forgotten = Program(encrypted.data).run("check")
    assert (forgotten.code, "VOXPERSONA_KEY_FILE is not set" in forgotten.err, "k1" in forgotten.err) == (
        7,
        True,
        False,
    )
    keys.write_bytes(old)
    assert "k2 is not in" in encrypted.run("check").err
    assert encrypted.json("check", code=7)["error"]["code"] == "master-key-absent"


def test_another_key_file_or_none_is_refused(encrypted: Program, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    Program(tmp_path / "elsewhere").json("keys", "generate", "--output", str(other))
    stranger = Program(encrypted.data, VOXPERSONA_KEY_FILE=str(other))
    assert stranger.json("check", code=7)["error"]["code"] == "master-key-wrong"
    assert Program(encrypted.data).json("check", code=7)["error"]["code"] == "master-key-absent"
    other.chmod(0o644)
    assert "chmod 600" in stranger.json("check", code=7)["error"]["message"]


def test_status_tells_the_keys_and_no_secret(encrypted: Program, keys: Path) -> None:
    secret = json.loads(keys.read_text())["keys"][0]["key"]
    told = encrypted.json("keys", "status")
    assert (told["current"], [key["id"] for key in told["keys"]]) == ("k1", ["k1"])
    shown = encrypted.run("keys", "status")
    assert "k1" in shown.out
    assert "current" in shown.out
    assert secret not in json.dumps(told) + shown.out + shown.err


def test_without_a_key_file_status_says_that_nothing_is_encrypted(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    assert program.json("keys", "status")["current"] is None
    assert "VOXPERSONA_KEY_FILE" in program.run("keys", "status").out
    assert program.json("keys", "rotate", code=7)["error"]["code"] == "setting-invalid"
    assert program.json("keys", "generate", code=7)["error"]["code"] == "setting-invalid"
