"""The key file and the keys in it: never overwritten, never readable for others, damage found, secrets never shown."""

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders_blobs import keys_of
from voxpersona.adapters.blobs.keyfile import MasterKey
from voxpersona.adapters.blobs.keyring import Keyring, agree, is_marked
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.blobs.streamed import NotAuthentic
from voxpersona.errors import Code, Configuration


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "archive.json"


def refused(path: Path, code: Code = Code.MASTER_KEY_WRONG) -> Configuration:
    with pytest.raises(Configuration) as caught:
        Keyring(path)
    assert caught.value.code is code
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)
    return caught.value


def edit(path: Path, **changes: object) -> None:
    document = json.loads(path.read_text())
    document["keys"][0].update(changes)
    path.write_text(json.dumps(document))


def test_a_new_file_holds_one_key_for_its_owner_alone(path: Path) -> None:
    keyring = Keyring.generate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [key.id for key in keyring.keys] == [keyring.current.id] == ["k1"]
    assert len(keyring.current.secret) == 32
    assert Keyring(path).keys == keyring.keys
    assert [*path.parent.iterdir()] == [path]


def test_two_files_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = (Keyring.generate(tmp_path / name).current for name in ("a", "b"))
    assert one.secret != other.secret
    assert one.check != other.check


def test_a_file_that_stands_is_never_overwritten(path: Path) -> None:
    Keyring.generate(path)
    before = path.read_bytes()
    with pytest.raises(Configuration) as caught:
        Keyring.generate(path)
    assert caught.value.code is Code.KEY_FILE_EXISTS
    assert path.read_bytes() == before
    assert [*path.parent.iterdir()] == [path]


def test_a_file_that_is_not_there_is_absent(path: Path) -> None:
    error = refused(path, Code.MASTER_KEY_ABSENT)
    assert str(path) in str(error.facts["reason"])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o644])
def test_a_file_that_others_may_open_is_refused_with_the_remedy(path: Path, mode: int) -> None:
    Keyring.generate(path)
    path.chmod(mode)
    assert f"chmod 600 {path}" in str(refused(path).facts["reason"])


def test_a_directory_is_no_key_file(tmp_path: Path) -> None:
    refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"format": "voxpersona-keys/1", "keys": []}'])
def test_what_is_no_key_file_is_refused(path: Path, content: bytes) -> None:
    Keyring.generate(path)
    path.write_bytes(content)
    refused(path)


def test_a_file_of_another_format_is_refused(path: Path) -> None:
    Keyring.generate(path)
    path.write_text(path.read_text().replace("voxpersona-keys/1", "voxpersona-keys/2"))
    assert "voxpersona-keys/1" in str(refused(path).facts["reason"])


def test_every_mistyped_letter_of_a_key_is_found(path: Path) -> None:
    written = base64.b64encode(Keyring.generate(path).current.secret).decode()
    for at in range(43):
        other = "A" if written[at] != "A" else "B"
        edit(path, key=written[:at] + other + written[at + 1 :])
        assert "k1" in str(refused(path).facts["reason"])
    edit(path, key=written)
    Keyring(path)


@pytest.mark.parametrize("key", ["", "AAAA", "not base64!", base64.b64encode(bytes(33)).decode()])
def test_a_key_of_another_length_is_refused(path: Path, key: str) -> None:
    Keyring.generate(path)
    edit(path, key=key)
    refused(path)


def test_a_damaged_check_value_is_found(path: Path) -> None:
    check = Keyring.generate(path).current.check
    edit(path, check=check[:-1] + ("0" if check[-1] != "0" else "1"))
    refused(path)


def test_a_file_that_misses_a_key_is_refused(path: Path) -> None:
    Keyring.generate(path).rotate()
    document = json.loads(path.read_text())
    del document["keys"][0]
    path.write_text(json.dumps(document))
    refused(path)


def test_rotation_adds_a_key_and_keeps_the_old_ones(path: Path) -> None:
    keyring = Keyring.generate(path)
    first = keyring.current
    second = keyring.rotate()
    assert (second.id, keyring.current) == ("k2", second)
    assert keyring.keys == Keyring(path).keys == (first, second)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*path.parent.iterdir()] == [path]


def test_rotations_at_once_lose_no_key(path: Path) -> None:
    Keyring.generate(path)
    keyrings = [Keyring(path) for _ in range(4)]
    threads = [threading.Thread(target=keyring.rotate) for keyring in keyrings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Keyring(path)
    assert [key.id for key in found.keys] == ["k1", "k2", "k3", "k4", "k5"]
    assert len({key.secret for key in found.keys}) == 5


def test_a_link_to_the_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    Keyring.generate(path)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    Keyring(link).rotate()
    assert link.is_symlink()
    assert Keyring(path).current.id == "k2"


def test_a_key_added_by_another_process_is_found_when_it_is_needed(path: Path) -> None:
    running = Keyring.generate(path)
    added = Keyring(path).rotate()
    assert running.current.id == "k1"
    assert running.key("k2") == added
    assert running.current == added


def test_a_key_that_is_not_in_the_file_is_named(path: Path) -> None:
    with pytest.raises(Configuration) as caught:
        Keyring.generate(path).key("k7")
    assert (caught.value.code, caught.value.facts["key"]) == (Code.MASTER_KEY_ABSENT, "k7")


def test_keys_exchanged_under_a_running_program_are_refused(path: Path, tmp_path: Path) -> None:
    running = Keyring.generate(path)
    Keyring.generate(tmp_path / "other")
    (tmp_path / "other").replace(path)
    calls: list[Callable[[], object]] = [lambda: running.key("k2"), running.rotate]
    for call in calls:
        with pytest.raises(Configuration) as caught:
            call()
        assert caught.value.code is Code.MASTER_KEY_WRONG
    assert len(Keyring(path).keys) == 1


def test_a_wrapped_key_opens_only_with_the_key_that_wrapped_it(path: Path) -> None:
    keyring = Keyring.generate(path)
    first, second = keyring.current, keyring.rotate()
    wrapped = first.wrap(b"d" * 32)
    assert first.unwrap(wrapped) == b"d" * 32
    with pytest.raises(NotAuthentic):
        second.unwrap(wrapped)
    for at in range(len(wrapped)):
        with pytest.raises(NotAuthentic):
            first.unwrap(wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :])


def test_a_data_key_is_for_one_content_under_one_key_and_one_master_key(path: Path) -> None:
    keyring = Keyring.generate(path)
    first, second = keyring.current, keyring.rotate()
    made = [
        first.data_key("a", "00" * 32),
        first.data_key("b", "00" * 32),
        first.data_key("a", "01" * 32),
        second.data_key("a", "00" * 32),
    ]
    assert len({*made, first.secret, second.secret}) == 6
    assert first.data_key("a", "00" * 32) == made[0]


def shows(text: str, key: MasterKey) -> bool:
    forms = (key.secret.hex(), base64.b64encode(key.secret).decode(), repr(key.secret), str(list(key.secret)))
    return any(form in text for form in forms)


def test_no_secret_is_shown(path: Path) -> None:
    keyring = Keyring.generate(path)
    key = keyring.current
    key.wrap(b"d" * 32)
    assert not shows(f"{keyring!r} {keyring} {key!r} {key} {keyring.keys} {key.check}", key)
    assert shows(path.read_text(), key)  # the check can fail
    edit(path, check="0" * 32)
    assert not shows(repr(vars(refused(path))), key)
    edit(path, id=["k1"])
    error = refused(path)
    assert not shows(f"{error!r} {error.__cause__!r}", key)


# The mark in a bucket


def test_an_archive_is_marked_with_nothing_secret_and_nothing_listed(path: Path) -> None:
    blobs, keyring = MemoryBlobs(), Keyring.generate(path)
    agree(keyring, blobs)
    keyring.rotate()
    agree(keyring, blobs)
    agree(keyring, blobs)
    assert keys_of(blobs) == []
    for key in keyring.keys:
        content = b"".join(blobs.read(f".voxpersona/keyring/{key.id}.json")).decode()
        assert json.loads(content) == {"id": key.id, "check": key.check}
        assert not shows(content, key)


def test_another_key_file_is_refused_and_nothing_is_written(path: Path, tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    agree(Keyring.generate(path), blobs)
    stranger = Keyring.generate(tmp_path / "other.json")
    stranger.rotate()
    with pytest.raises(Configuration) as caught:
        agree(stranger, blobs)
    assert caught.value.code is Code.MASTER_KEY_WRONG
    assert caught.value.facts["path"] == str(tmp_path / "other.json")
    assert not is_marked(blobs, 2)


def test_an_old_copy_of_the_key_file_misses_the_newer_key(path: Path) -> None:
    blobs, keyring = MemoryBlobs(), Keyring.generate(path)
    copy = path.read_bytes()
    keyring.rotate()
    agree(keyring, blobs)
    path.write_bytes(copy)
    with pytest.raises(Configuration) as caught:
        agree(Keyring(path), blobs)
    assert (caught.value.code, caught.value.facts["key"]) == (Code.MASTER_KEY_ABSENT, "k2")


def test_two_copies_that_were_rotated_apart_do_not_share_an_archive(path: Path, tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    Keyring.generate(path)
    apart = tmp_path / "copy.json"
    apart.touch(mode=0o600)
    apart.write_bytes(path.read_bytes())
    for copy in (path, apart):
        Keyring(copy).rotate()
    agree(Keyring(path), blobs)
    with pytest.raises(Configuration) as caught:
        agree(Keyring(apart), blobs)
    assert caught.value.code is Code.MASTER_KEY_WRONG


def test_an_encrypted_archive_is_not_opened_without_a_key_file(path: Path) -> None:
    blobs = MemoryBlobs()
    agree(None, blobs)
    agree(Keyring.generate(path), blobs)
    with pytest.raises(Configuration) as caught:
        agree(None, blobs)
    assert caught.value.code is Code.MASTER_KEY_ABSENT
