"""Lifecycle rules as the store's XML, and back."""

from xml.etree import ElementTree as Xml

import pytest

from voxpersona.adapters.blobs.s3.rules import missing, name_of, rules_in, with_rules
from voxpersona.model import Action, Rule

ABANDON = Rule(action=Action.ABANDON, days=3)
EXPIRE = Rule(action=Action.EXPIRE, days=30, kind="report")
EXPIRE_ALL = Rule(action=Action.EXPIRE, days=400)
MOVE = Rule(action=Action.MOVE, days=90, kind="original", target="COLD")
MOVE_ALL = Rule(action=Action.MOVE, days=90, target="COLD")
ALL = [ABANDON, EXPIRE, EXPIRE_ALL, MOVE, MOVE_ALL]

SPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"

OF_OTHERS = b"""<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Rule><ID>theirs</ID><Filter><And><Prefix>logs/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>
    <Status>Disabled</Status><DelMarkerExpiration><Days>5</Days></DelMarkerExpiration></Rule>
  <Rule><ID>voxpersona-expire-report-7</ID><Filter><Tag><Key>kind</Key><Value>report</Value></Tag></Filter>
    <Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule>
</LifecycleConfiguration>"""


def made(document: bytes | None, rules: list[Rule]) -> bytes:
    written = with_rules(document, rules, below="recordings/")
    assert written is not None
    return written


def test_rules_that_were_written_are_read_back() -> None:
    assert list(rules_in(made(None, ALL))) == ALL


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            ABANDON,
            "<ID>voxpersona-abandon-3</ID><Filter><Prefix /></Filter><Status>Enabled</Status>"
            "<AbortIncompleteMultipartUpload><DaysAfterInitiation>3</DaysAfterInitiation>"
            "</AbortIncompleteMultipartUpload>",
        ),
        (
            EXPIRE,
            "<ID>voxpersona-expire-report-30</ID><Filter><Tag><Key>kind</Key><Value>report</Value></Tag></Filter>"
            "<Status>Enabled</Status><Expiration><Days>30</Days></Expiration>",
        ),
        (
            MOVE_ALL,
            "<ID>voxpersona-move-90-COLD</ID><Filter><Prefix>recordings/</Prefix></Filter><Status>Enabled</Status>"
            "<Transition><Days>90</Days><StorageClass>COLD</StorageClass></Transition>",
        ),
    ],
    ids=["abandon", "expire", "move"],
)
def test_a_rule_is_written_as_s3_has_it(rule: Rule, expected: str) -> None:
    head = '<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>'
    assert f"{head}{expected}</Rule></LifecycleConfiguration>" in made(None, [rule]).decode()


def test_every_element_is_in_the_name_space_of_s3() -> None:
    for element in Xml.fromstring(made(OF_OTHERS, ALL)).iter():
        assert element.tag.startswith(SPACE)


def test_a_rule_of_others_stays_word_by_word_and_ours_are_replaced() -> None:
    written = made(OF_OTHERS, [ABANDON])
    assert list(rules_in(written)) == [ABANDON]
    theirs = Xml.fromstring(written).find(f"{SPACE}Rule")
    assert theirs is not None
    assert [element.tag.removeprefix(SPACE) for element in theirs.iter()] == [
        *("Rule", "ID", "Filter", "And", "Prefix", "Tag", "Key", "Value", "Status", "DelMarkerExpiration", "Days")
    ]
    assert [text.strip() for text in theirs.itertext() if text.strip()] == [
        "theirs",
        "logs/",
        "a",
        "b",
        "Disabled",
        "5",
    ]


def test_without_our_rules_those_of_others_stay() -> None:
    assert rules_in(made(OF_OTHERS, [])) == ()
    assert b"theirs" in made(OF_OTHERS, [])


def test_nothing_left_is_no_document() -> None:
    assert with_rules(made(None, ALL), [], below="") is None
    assert with_rules(None, [], below="") is None


def test_a_rule_given_twice_is_written_once() -> None:
    assert rules_in(made(None, [EXPIRE, EXPIRE])) == (EXPIRE,)


def test_every_rule_has_a_name_of_its_own() -> None:
    several = [*ALL, Rule(action=Action.MOVE, days=90, kind="original", target="ICE")]
    several += [Rule(action=Action.EXPIRE, days=31, kind="report"), Rule(action=Action.EXPIRE, days=30, kind="piece")]
    assert len({name_of(rule) for rule in several}) == len(several)


def test_what_is_missing_is_told() -> None:
    assert missing(OF_OTHERS, [EXPIRE, Rule(action=Action.EXPIRE, days=7, kind="report")]) == (EXPIRE,)
    assert missing(None, ALL) == tuple(ALL)


@pytest.mark.parametrize(
    "body",
    [
        "<Status>Disabled</Status><Expiration><Days>7</Days></Expiration>",
        "<Status>Enabled</Status><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>",
        "<Status>Enabled</Status><Expiration><Days>many</Days></Expiration>",
        "<Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays>"
        "</NoncurrentVersionExpiration>",
    ],
    ids=["switched off", "by date", "no number", "of another verb"],
)
def test_a_rule_under_our_name_that_we_never_made_is_no_rule_of_ours(body: str) -> None:
    document = f"<LifecycleConfiguration><Rule><ID>voxpersona-x</ID>{body}</Rule></LifecycleConfiguration>".encode()
    assert rules_in(document) == ()
    assert with_rules(document, [], below="") is None


@pytest.mark.parametrize(
    "rule",
    [
        Rule(action=Action.ABANDON, days=1, kind="report"),
        Rule(action=Action.MOVE, days=1),
        Rule(action=Action.EXPIRE, days=1, target="COLD"),
    ],
    ids=["abandon a kind", "move nowhere", "expire somewhere"],
)
def test_a_rule_that_makes_no_sense_is_the_callers_mistake(rule: Rule) -> None:
    with pytest.raises(ValueError, match=r"kind|storage class"):
        with_rules(None, [rule], below="")
