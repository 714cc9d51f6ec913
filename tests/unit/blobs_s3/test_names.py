"""Keys as names of objects, and names in headers."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpersona.adapters.blobs.keys import is_key
from voxpersona.adapters.blobs.s3.names import asked_prefix, disposition, key_of, object_name

KEYS = st.text(min_size=1, max_size=60).filter(is_key)


@given(KEYS)
def test_every_key_is_found_again_from_its_object(key: str) -> None:
    assert key_of(object_name(key)) == key


@given(KEYS, KEYS)
def test_no_two_keys_share_an_object(one: str, other: str) -> None:
    assert (object_name(one) == object_name(other)) == (one == other)


@given(KEYS)
def test_no_object_has_what_servers_stumble_over(key: str) -> None:
    assert not any(character < " " or character in "\\\x7f" for character in object_name(key))


@pytest.mark.parametrize("key", ["recordings/01J/original/a b.mp3", "записи/№5.mp3", "🎤/😀", "a+b&c=d?e#f", "~/.x"])
def test_an_ordinary_key_is_the_objects_name(key: str) -> None:
    assert object_name(key) == key


@pytest.mark.parametrize("name", ["folder/", "a//b", "", "/a", "a/../b", "100%.mp3", "a\\b", "x" * 901, "a%2e"])
def test_what_no_key_leads_to_is_no_blob(name: str) -> None:
    assert key_of(name) is None


@given(KEYS, st.data())
def test_a_prefix_asked_for_brings_every_key_of_it(key: str, data: st.DataObject) -> None:
    prefix = key[: data.draw(st.integers(0, len(key)))]
    asked = asked_prefix(prefix)
    assert asked is not None
    assert object_name(key).startswith(asked)


@pytest.mark.parametrize("prefix", ["/", "a//", "../", "a/./b", "a/../"])
def test_a_prefix_of_no_key_asks_nobody(prefix: str) -> None:
    assert asked_prefix(prefix) is None


@pytest.mark.parametrize("name", ["Интервью №5 «Отель».mp3", 'a"b\\c;d.mp3', "a\r\nSet-Cookie: x", "100%.mp3", "a.mp3"])
def test_a_download_has_its_true_name_and_no_way_out_of_the_header(name: str) -> None:
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith('attachment; filename="')
    plain, true = header.removeprefix('attachment; filename="').split("\"; filename*=UTF-8''")
    assert not set(plain) & set('"\\%')
    assert unquote(true) == name
