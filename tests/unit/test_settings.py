"""The object store's settings: all of them, none of them, or a refusal that names the variable."""

from pathlib import Path

import pytest

from voxpersona.doors.phrases import spoken
from voxpersona.errors import Code, Configuration
from voxpersona.settings import (
    language_asked_for,
    read_policy_settings,
    read_settings,
    read_store_settings,
    store_settings_of,
)

WHOLE = {
    "MINIO_ENDPOINT": "store.example:9000",
    "MINIO_ACCESS_KEY": "auditor",
    "MINIO_SECRET_KEY": "hush-hush",
    "MINIO_BUCKET_NAME": "main",
    "MINIO_AUDIO_BUCKET_NAME": "audio",
}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of this machine, and no `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in WHOLE:
        monkeypatch.delenv(name, raising=False)


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def refusal() -> tuple[Code, str, str]:
    with pytest.raises(Configuration) as caught:
        read_store_settings()
    assert "hush-hush" not in repr(caught.value)
    assert caught.value.__cause__ is None  # it would quote the value
    return caught.value.code, str(caught.value.facts["name"]), str(caught.value.facts.get("reason", ""))


def test_without_any_there_is_no_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_store_settings() is None
    given(monkeypatch, MINIO_REGION="eu-west-1", MINIO_ENDPOINT="")  # of somebody's server, or left empty
    assert read_store_settings() is None


def test_all_five_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **WHOLE)
    settings = read_store_settings()
    assert settings is not None
    assert (settings.url, settings.bucket_name) == ("https://store.example:9000", "main")
    assert "hush-hush" not in repr(settings)


def test_a_hasty_one_is_the_same_store_with_less_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **WHOLE)
    store = read_store_settings()
    assert store is not None
    hasty = store.hasty()
    assert (hasty.connect_timeout, hasty.read_timeout, hasty.retry_seconds) == (2.0, 4.0, 8.0)
    less = {"connect_timeout", "read_timeout", "retry_seconds"}
    assert hasty.model_dump(exclude=less) == store.model_dump(exclude=less)
    quick = store.model_copy(update={"read_timeout": 1.0})
    assert quick.hasty().read_timeout == 1.0


@pytest.mark.parametrize("missing", WHOLE)
def test_half_a_set_up_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    given(monkeypatch, **{name: value for name, value in WHOLE.items() if name != missing})
    assert refusal()[:2] == (Code.SETTING_MISSING, missing)


def test_one_alone_is_half_a_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, MINIO_AUDIO_BUCKET_NAME="audio")
    missing = "MINIO_ENDPOINT, MINIO_ACCESS_KEY, MINIO_SECRET_KEY, MINIO_BUCKET_NAME"
    assert refusal()[:2] == (Code.SETTING_MISSING, missing)


def test_a_policy_needs_three_settings_and_names_those_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Configuration) as caught:
        read_policy_settings()
    assert caught.value.facts["name"] == "MINIO_ACCESS_KEY, MINIO_AUDIO_BUCKET_NAME, MINIO_BUCKET_NAME"
    given(monkeypatch, **{name: WHOLE[name] for name in ("MINIO_ACCESS_KEY", "MINIO_AUDIO_BUCKET_NAME")})
    with pytest.raises(Configuration) as caught:
        read_policy_settings()
    assert (caught.value.code, caught.value.facts["name"]) == (Code.SETTING_MISSING, "MINIO_BUCKET_NAME")
    given(monkeypatch, MINIO_BUCKET_NAME="main")
    assert read_policy_settings().bucket_name == "main"


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"MINIO_ENDPOINT": "a:1"}, "https://a:1"),
        ({"MINIO_ENDPOINT": "a:1", "MINIO_USE_SSL": "false"}, "http://a:1"),
        ({"MINIO_ENDPOINT": "http://a:1/"}, "http://a:1"),
        ({"MINIO_ENDPOINT": "https://a:1", "MINIO_USE_SSL": "true"}, "https://a:1"),
    ],
)
def test_tls_is_spoken_unless_it_is_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], url: str
) -> None:
    given(monkeypatch, **{**WHOLE, **values})
    settings = read_store_settings()
    assert settings is not None
    assert settings.url == url


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"MINIO_ENDPOINT": "http://a:1", "MINIO_USE_SSL": "true"}, "MINIO_ENDPOINT"),
        ({"MINIO_ENDPOINT": "ftp://a:1"}, "MINIO_ENDPOINT"),
        ({"MINIO_AUDIO_BUCKET_NAME": "main"}, "MINIO_AUDIO_BUCKET_NAME"),
        ({"MINIO_BUCKET_NAME": "UPPER"}, "MINIO_BUCKET_NAME"),
        ({"MINIO_AUDIO_BUCKET_NAME": "a"}, "MINIO_AUDIO_BUCKET_NAME"),
        ({"MINIO_AUDIO_BUCKET_NAME": "audio..one"}, "MINIO_AUDIO_BUCKET_NAME"),
        ({"MINIO_AUDIO_BUCKET_NAME": "10.0.0.1"}, "MINIO_AUDIO_BUCKET_NAME"),
        ({"MINIO_PART_SIZE_MB": "4"}, "MINIO_PART_SIZE_MB"),
        ({"MINIO_PART_SIZE_MB": "big"}, "MINIO_PART_SIZE_MB"),
        ({"MINIO_USE_SSL": "perhaps"}, "MINIO_USE_SSL"),
        ({"MINIO_MOVE_ORIGINALS_DAYS": "30"}, "MINIO_MOVE_ORIGINALS_TO"),
        ({"MINIO_MOVE_ORIGINALS_TO": "COLD"}, "MINIO_MOVE_ORIGINALS_TO"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], name: str
) -> None:
    given(monkeypatch, **{**WHOLE, **values})
    assert refusal()[:2] == (Code.SETTING_INVALID, name)


def test_another_store_is_read_from_its_file_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given(monkeypatch, **WHOLE)
    file = tmp_path / "other.env"
    file.write_text("".join(f"{name}={value}-2\n" for name, value in WHOLE.items()) + "VOXPERSONA_KEY_FILE=/k\n")
    settings, key_file = store_settings_of(file)
    assert settings is not None
    assert (settings.bucket_name, settings.endpoint, key_file) == ("main-2", "store.example:9000-2", Path("/k"))
    file.write_text("")
    assert store_settings_of(file) == (None, None)
    file.write_text("MINIO_ENDPOINT=x\n")
    with pytest.raises(Configuration) as caught:
        store_settings_of(file)
    assert str(caught.value.facts["name"]).startswith("MINIO_ACCESS_KEY, ")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "other.env"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Configuration) as caught:
        store_settings_of(file)
    assert caught.value.facts["name"] == str(file)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("VOXPERSONA_WORK_KEPT_DAYS", "0", "must be at least 1"),
        ("VOXPERSONA_THREADS", "257", "must be at most 256"),
        ("VOXPERSONA_TRANSCRIBER_TIMEOUT", "0", "must be more than 0"),
    ],
)
def test_a_number_out_of_range_is_told_the_range(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    given(monkeypatch, **{name: value})
    with pytest.raises(Configuration) as caught:
        read_settings()
    assert (caught.value.facts["name"], caught.value.facts["reason"]) == (name, reason)
    assert reason in spoken(reason, russian=False)
    assert spoken(reason, russian=True) != reason


@pytest.mark.parametrize(
    ("told", "keys"),
    [("", ()), ("one", ("one",)), ("one, two,,one ,three", ("one", "two", "three")), ("two words", ("two words",))],
)
def test_there_may_be_several_keys_for_the_transcription_server(
    monkeypatch: pytest.MonkeyPatch, told: str, keys: tuple[str, ...]
) -> None:
    given(monkeypatch, VOXPERSONA_TRANSCRIBER_KEY=told)
    assert read_settings().transcriber_keys == keys


@pytest.mark.parametrize("name", ["VOXPERSONA_KNOWN_VOICES", "VOXPERSONA_ENCRYPTED_ONLY"])
def test_what_needs_encryption_is_refused_without_a_key_file(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("VOXPERSONA_KEY_FILE", raising=False)
    given(monkeypatch, **{name: "true"})
    with pytest.raises(Configuration) as caught:
        read_settings()
    assert (caught.value.code, caught.value.facts["name"]) == (Code.SETTING_INVALID, name)
    assert "VOXPERSONA_KEY_FILE" in str(caught.value.facts["reason"])


def test_known_voices_say_how_to_get_a_key_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOXPERSONA_KEY_FILE", raising=False)
    given(monkeypatch, VOXPERSONA_KNOWN_VOICES="true")
    with pytest.raises(Configuration) as caught:
        read_settings()
    reason = str(caught.value.facts["reason"])
    assert "voxpersona keys generate" in spoken(reason, russian=False)
    assert "отпечатки голосов" in spoken(reason, russian=True)


def test_a_setting_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, VOXPERSONA_KEY_FILE="", VOXPERSONA_THREADS="")
    assert (read_settings().key_file, read_settings().threads) == (None, 0)


@pytest.mark.parametrize(
    ("asked", "locale", "expected"), [("ru", "en_GB", "ru"), ("en", "ru_RU", "en"), ("", "ru", "ru")]
)
def test_what_is_wrong_with_a_setting_can_be_told_in_the_language_that_is_set(
    monkeypatch: pytest.MonkeyPatch, asked: str, locale: str, expected: str
) -> None:
    given(monkeypatch, VOXPERSONA_LANGUAGE=asked, LC_ALL=locale, VOXPERSONA_THREADS="many")
    with pytest.raises(Configuration):
        read_settings()
    assert language_asked_for() == expected
