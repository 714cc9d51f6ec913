"""Safe names and recording ids: a golden table, and laws that hold for every text."""

import re
import string
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voxpersona.pipeline.naming import LONGEST, new_recording_id, safe_name, voice_name

GOLDEN = {
    # Cyrillic and beyond
    "Интервью с гостем №5 (Отель «Заря»).MP3": "Intervyu_s_gostem_No5_Otel_Zarya.mp3",
    "Щукин объезд.ogg": "Shchukin_obezd.ogg",
    "Її ґанок, Жмеринка.wav": "Ii_ganok_Zhmerinka.wav",
    "и\u0306од.mp3": "yod.mp3",
    "日本語.wav": "RiBenYu.wav",
    "Ünïcödé ß.FLAC": "Unicode_ss.flac",
    "ｍｕｓｉｃ．ｍｐ３": "music.mp3",
    "Запись.аудио": "Zapis.audio",
    # extensions
    "voice message (1).m4a": "voice_message_1.m4a",
    "no extension": "no_extension",
    "archive.tar.GZ": "archive_tar.gz",
    "a.verylongextension": "a_verylongextension",
    "12.03.2024 - зал.ogg": "12_03_2024-zal.ogg",
    "file.mp3. ": "file.mp3",
    # nothing left
    "": "recording",
    " \t\n": "recording",
    "...": "recording",
    ".mp3": "recording.mp3",
    "---.ogg": "recording.ogg",
    "\u200f\u202e.wav": "recording.wav",
    # paths
    "../x": "x",
    "../../etc/passwd": "etc_passwd",
    "a/b": "a_b",
    "C:\\x": "C_x",
    "/absolute/x.mp3": "absolute_x.mp3",
    # hidden, options, devices
    ".hidden.mp3": "hidden.mp3",
    "-rf.ogg": "rf.ogg",
    "CON": "recording-CON",
    "NUL.txt": "recording-NUL.txt",
    "nul.tar.gz": "nul_tar.gz",
    "Com1.MP3": "recording-Com1.mp3",
    "CONCERT.mp3": "CONCERT.mp3",
    # traps for shells, terminals and eyes
    "$(rm -rf ~); `id` | x & y.wav": "rm-rf_id_x_y.wav",
    "a\nb\r\nc\0d\x1b[31m.mp3": "a_b_c_d_31m.mp3",
    "rec\u202e3pm.exe": "rec3pm.exe",
    "a\u200db\ufeff.mp3": "ab.mp3",
    "🎤 гость.ogg": "microphone_gost.ogg",
    "%2e%2e%2fx.mp3": "2e_2e_2fx.mp3",
    'it\'s "it".mp3': "its_it.mp3",
    "\udc80bad.mp3": "bad.mp3",
    # bounds
    "x" * 300 + ".MP3": "x" * 116 + ".mp3",
    "щ" * 100: "shch" * 30,
    "a" * 119 + "-b": "a" * 119,
}

IDS = ["ebeexfkgk45m", "9eg7wmsjk4ra", "jsyz6yh87bzr"]

ANYTHING = st.text(st.characters(), max_size=60)  # lone surrogates included
AWKWARD = st.text(st.sampled_from("aZ9._- /\\:'\"щь№😀\u202e\0\ncon.NUL~%é漢"), max_size=200)


@pytest.mark.parametrize(("name", "safe"), GOLDEN.items())
def test_a_name_becomes_this_safe_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.one_of(ANYTHING, AWKWARD))
@example("a" * 108 + ".verylongextension")
@example("con." + "x" * 200)
def test_every_name_becomes_a_safe_one_and_stays_it(name: str) -> None:
    safe = safe_name(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[a-z0-9]{1,10})?", safe)
    assert len(safe) <= LONGEST
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", safe)
    assert safe_name(safe) == safe


@given(ANYTHING, st.sampled_from(["ogg", "MP3", "m4a", "Webm"]))
def test_the_extension_survives_in_lower_case(stem: str, extension: str) -> None:
    assert safe_name(f"{stem}.{extension}").endswith(f".{extension.lower()}")


def test_a_voice_message_is_named_by_the_moment_it_came_in_utc() -> None:
    moscow = timezone(timedelta(hours=3))
    came = datetime(2026, 11, 23, 1, 2, 3, tzinfo=moscow)
    assert voice_name(came, "ogg") == voice_name(came.astimezone(UTC), ".OGG") == "voice-2026-11-22-220203.ogg"
    with pytest.raises(ValueError, match="zone"):
        voice_name(came.replace(tzinfo=None), "ogg")


def test_ids_are_what_they_always_were() -> None:
    """These ids stand in archives: if this fails, the same delivery would be taken in twice."""
    assert [new_recording_id(key) for key in ("telegram:1:2", "path:/записи/a.mp3", "")] == IDS


@given(ANYTHING)
def test_an_id_is_twelve_digits_of_crockford_and_always_the_same(source_key: str) -> None:
    identity = new_recording_id(source_key)
    assert len(identity) == 12
    assert set(identity) <= set(string.digits + string.ascii_lowercase) - set("ilou")
    assert new_recording_id(source_key) == identity


def test_different_sources_get_different_ids_that_use_every_digit_in_every_place() -> None:
    identities = {new_recording_id(f"telegram:{number}:{uuid.UUID(int=number)}") for number in range(3000)}
    assert len(identities) == 3000
    assert all(len({identity[place] for identity in identities}) == 32 for place in range(12))
