"""What the doors say beyond the codes: the doctor's remedies and reasons in plain words, in both languages."""

import re
import string

import pytest
from botocore.exceptions import SSLError

from voxpersona.adapters.blobs.s3.connection import Connection
from voxpersona.adapters.blobs.s3.edge import s3_errors
from voxpersona.doors.cli.console import Console
from voxpersona.doors.cli.look import Chain
from voxpersona.doors.cli.looks import chains, ground
from voxpersona.doors.phrases import spoken
from voxpersona.doors.remedies import REMEDIES, label, remedy
from voxpersona.errors import Code, Configuration, Unavailable
from voxpersona.settings import Settings
from voxpersona.wiring import House


@pytest.mark.parametrize("case", REMEDIES)
def test_every_remedy_has_both_languages_over_the_same_facts(case: tuple[str, str]) -> None:
    english, russian = REMEDIES[case]
    assert re.search("[а-яё]", russian)
    assert not re.search("[а-яё]", english)
    named = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, russian)]
    assert named[0] == named[1]


def _looked_at() -> list[Chain]:
    house, console = House(Settings()), Console(wants_json=True, language="en")
    return [ground(house, console), *chains(house, console)]


def test_every_look_has_a_russian_name_and_needs_what_is_looked_at_before() -> None:
    before: set[str] = set()
    for number, chain in enumerate(_looked_at()):
        here = set(before)
        for look in chain.looks:
            assert set(look.needs) <= here, look.name
            here.add(look.name)
            assert re.search("[а-яё]", label(look.name, "ru")) or look.name == "python"
        before = here if number == 0 else before


def test_every_remedy_is_about_something_that_is_looked_at() -> None:
    about = {look.about or look.name for chain in _looked_at() for look in chain.looks}
    assert {case[0] for case in REMEDIES} <= about


@pytest.mark.parametrize(
    ("reason", "english", "russian"),
    [
        ("unable to get local issuer certificate", "an authority that is not trusted here", "не доверяют"),
        ("hostname '10.0.0.1' doesn't match 'a.example'", "for 'a.example', not for 10.0.0.1", "не для 10.0.0.1"),
        ("others may read it; run: chmod 600 /k/keys.json", "run: chmod 600 /k/keys.json", "chmod 600 /k/keys.json"),
        ("/data/spool: No space left on device", "/data/spool: No space left", "/data/spool: на диске нет места"),
        (
            "the spool, where at most 7 MB may wait for the store",
            "at most 7 MB may wait for the store, which does not answer",
            "не больше 7 МБ",
        ),
        ("SlowDown (503)", "SlowDown (503)", "SlowDown (503)"),
    ],
)
def test_a_reason_is_told_plainly_and_keeps_what_it_names(reason: str, english: str, russian: str) -> None:
    assert english in spoken(reason, russian=False)
    assert russian in spoken(reason, russian=True)


def test_a_remedy_without_its_facts_gives_way_to_the_sentence_of_the_code() -> None:
    unnamed = Unavailable(Code.STORE_UNAVAILABLE, "the disk failed")
    assert "—" not in remedy("store", unnamed, "en")
    refused = Configuration(Code.STORE_PERMISSION, "refused", bucket="audio", doing="read a blob")
    assert "—" not in remedy("store", refused, "en")
    refused.facts["operation"] = "GetObject"
    assert "GetObject" in remedy("store", refused, "en")


def test_a_file_of_authorities_that_cannot_be_read_is_a_matter_of_the_certificate() -> None:
    connection = Connection("https://store.example", "key", "secret")
    error = OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /nowhere")
    with pytest.raises(Configuration) as caught, s3_errors(connection, "audio", doing="list the bucket"):
        raise SSLError(endpoint_url="https://store.example", error=error)
    assert caught.value.code is Code.STORE_CERTIFICATE
    assert "MINIO_CA_FILE" in spoken(str(caught.value.facts["reason"]), russian=False)
