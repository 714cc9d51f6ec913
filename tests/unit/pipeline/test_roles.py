"""Roles by rules, against talks a person has labelled."""

import pytest

from tests.builders_talk import a_talk
from tests.role_talks import INTERVIEW, NOTHING, SITE_AUDIT, TALKS, Talk
from voxpersona.model import Details, Role, Speaker
from voxpersona.pipeline.attribute import attribute


def cast_of(script: str, details: Details) -> dict[str, Speaker]:
    """Speakers by the letter the script calls them."""
    transcript, turns = a_talk(script)
    letters = dict.fromkeys(line.strip()[0] for line in script.strip().splitlines())
    result = attribute(transcript, turns, details, number=1, diarizer="by hand")
    return dict(zip(letters, result.speakers, strict=True))


@pytest.mark.parametrize("talk", TALKS, ids=[talk.name for talk in TALKS])
def test_the_roles_are_those_a_person_gives(talk: Talk) -> None:
    assert {letter: speaker.role for letter, speaker in cast_of(talk.script, talk.details).items()} == talk.roles


@pytest.mark.parametrize("talk", TALKS, ids=[talk.name for talk in TALKS])
def test_evidence_stands_in_the_transcript_at_its_time(talk: Talk) -> None:
    transcript, turns = a_talk(talk.script)
    result = attribute(transcript, turns, talk.details, number=1, diarizer="by hand")
    for speaker in result.speakers:
        for line in speaker.evidence:
            heard = [word for segment in result.segments for word in segment.words if segment.start <= line.start]
            spoken = [word.text for word in heard if line.start <= word.start and word.end <= line.end]
            assert " ".join(spoken) == line.text
            assert line.reason
            voice = {segment.speaker for segment in result.segments if segment.start <= line.start < segment.end}
            assert (voice == {speaker.label}) != line.reason.startswith("is asked")
        assert [line.start for line in speaker.evidence] == sorted(line.start for line in speaker.evidence)


@pytest.mark.parametrize("talk", TALKS, ids=[talk.name for talk in TALKS])
def test_confidence_is_a_share_and_other_is_never_sure(talk: Talk) -> None:
    for speaker in cast_of(talk.script, talk.details).values():
        assert 0 <= speaker.confidence <= 0.95
        if speaker.role is Role.OTHER:
            assert speaker.confidence <= 0.3
            assert not speaker.evidence


def test_every_clear_role_has_evidence() -> None:
    for talk in TALKS:
        for letter, speaker in cast_of(talk.script, talk.details).items():
            if speaker.role in (Role.INTERVIEWER, Role.EMPLOYEE, Role.CLIENT):
                assert speaker.evidence, (talk.name, letter)


def test_more_signs_make_a_role_surer() -> None:
    short = "A: How was your stay?\nB: The room was all right I think."
    long = short + "\nA: And would you come back?\nB: We stayed three nights, our room was quiet and I loved the pool."
    assert cast_of(short, INTERVIEW)["B"].confidence < cast_of(long, INTERVIEW)["B"].confidence


def test_a_lone_teller_is_placed_with_little_confidence() -> None:
    speaker = cast_of("A: We stayed here for two nights. Our room was cold.", NOTHING)["A"]
    assert speaker.role is Role.CLIENT
    assert speaker.confidence <= 0.6


ANSWER = "A: How are things here? What would you change?\nB: It is fine, more or less, I would say."


def test_details_decide_where_the_words_do_not_but_never_loudly() -> None:
    staff = cast_of(ANSWER, INTERVIEW.model_copy(update={"employee": "Anna"}))["B"]
    guest = cast_of(ANSWER, INTERVIEW.model_copy(update={"employee": "Anna", "client": "Mr. Lee"}))["B"]
    nobody = cast_of(ANSWER, INTERVIEW)["B"]
    assert [staff.role, guest.role, nobody.role] == [Role.EMPLOYEE, Role.CLIENT, Role.OTHER]
    assert max(staff.confidence, guest.confidence) <= 0.4


def test_words_outweigh_the_details() -> None:
    script = ANSWER + "\nB: We stayed for a week, our room was quiet, and I loved the breakfast."
    assert cast_of(script, INTERVIEW.model_copy(update={"employee": "Anna"}))["B"].role is Role.CLIENT


def test_words_of_a_guest_inside_a_question_make_nobody_a_guest() -> None:
    script = """
        A: What do people ask you most often here?
        B: Is my room ready? Where is my booking? Was our table reserved? Can I change my appointment?
        B: And I work here alone until our guests have all arrived.
        A: How do you find the time?
    """
    assert cast_of(script, NOTHING)["B"].role is Role.EMPLOYEE


def test_a_site_audit_has_no_interviewer() -> None:
    roles = {speaker.role for speaker in cast_of(ANSWER, SITE_AUDIT).values()}
    assert Role.INTERVIEWER not in roles


def test_short_notes_without_i_or_we_are_dictation() -> None:
    notes = "A: Коридор, второй этаж. Ковролин чистый. Лампа у лифта мигает. Дверь номера двести пять поцарапана."
    told = "A: Мы жили на втором этаже. Мне мешала лампа. Я просил её починить. Нам никто не ответил."
    assert cast_of(notes, NOTHING)["A"].role is Role.AUDITOR
    assert cast_of(told, NOTHING)["A"].role is not Role.AUDITOR


def test_what_somebody_is_asked_tells_whom_one_asks() -> None:
    reply = "B: Nothing special really, it was all right, perhaps a bit too long for me."
    guest = cast_of(f"A: How was your stay? Did you enjoy the pool?\n{reply}", NOTHING)["B"]
    staff = cast_of(f"A: How was your shift? How do you handle complaints?\n{reply}", NOTHING)["B"]
    assert (guest.role, staff.role) == (Role.CLIENT, Role.EMPLOYEE)
