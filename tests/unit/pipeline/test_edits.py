"""What a person asks for, found in the words as they are: one place, every place, or an edited export."""

import pytest

from tests.builders_report import a_conversation, a_recording
from tests.unit.pipeline.test_corrections import a_correction
from voxpersona.errors import Code, Rejected
from voxpersona.model import Attribution, Change, KnownSpeaker, Overlap, Segment, Suggestion
from voxpersona.pipeline import attribute
from voxpersona.pipeline.edits import give, mend, read_back
from voxpersona.pipeline.export import export

TALK = a_conversation("""
Q: How was the sushi?
A: The sushi was cold. I sent the sushi back!
Q: And the bill?
A: Smith's bill was right.
""")


def reads(changes: list[Change], talk: Attribution = TALK) -> list[str]:
    """Who says what once the changes are in."""
    numbered = a_correction(*changes, transcript=talk.transcript)
    corrected = attribute.correct(talk, [numbered], a_recording().details)
    assert corrected.unplaced == ()
    return [f"{segment.speaker}: {segment.text}" for segment in corrected.segments]


def refusal(code: Code, verb: object, *arguments: object, **told: object) -> Rejected:
    with pytest.raises(Rejected) as caught:
        verb(*arguments, **told)  # type: ignore[operator]  # any verb
    assert caught.value.code is code
    assert "sushi" not in f"{caught.value} {caught.value.facts}"
    return caught.value


class TestMend:
    def test_the_only_place_needs_no_time(self) -> None:
        assert reads(mend(TALK, "bill was", "invoice was"))[3] == "SPEAKER_01: Smith's invoice was right."

    def test_a_time_as_it_is_shown_chooses_the_segment(self) -> None:
        assert reads(mend(TALK, "sushi", "shchi", at=0.0))[:2] == [
            "SPEAKER_00: How was the shchi?",
            "SPEAKER_01: The sushi was cold. I sent the sushi back!",
        ]

    def test_the_time_of_the_word_chooses_among_several_of_a_segment(self) -> None:
        at = TALK.segments[1].words[7].start
        assert reads(mend(TALK, "sushi", "shchi", at=at))[1] == "SPEAKER_01: The sushi was cold. I sent the shchi back!"

    def test_several_places_are_told_with_their_times(self) -> None:
        error = refusal(Code.TEXT_AMBIGUOUS, mend, TALK, "sushi", "shchi")
        assert error.facts == {"count": 3, "times": "00:01, 00:02, 00:05"}

    def test_every_place_if_that_is_wanted(self) -> None:
        changes = mend(TALK, "sushi", "shchi", everywhere=True)
        assert len(changes) == 3
        assert reads(changes)[:2] == [
            "SPEAKER_00: How was the shchi?",
            "SPEAKER_01: The shchi was cold. I sent the shchi back!",
        ]

    def test_whole_words_only_and_what_is_around_them_stays(self) -> None:
        assert refusal(Code.TEXT_ABSENT, mend, TALK, "ill", "x")
        assert reads(mend(TALK, "Smith", "Smyth"))[3] == "SPEAKER_01: Smyth's bill was right."
        assert reads(mend(TALK, "cold", "gold"))[1] == "SPEAKER_01: The sushi was gold. I sent the sushi back!"

    def test_words_may_become_more_or_fewer(self) -> None:
        assert reads(mend(TALK, "And the bill?", "The bill?"))[2] == "SPEAKER_00: The bill?"
        assert (
            reads(mend(TALK, "was right", "was not quite right"))[3] == "SPEAKER_01: Smith's bill was not quite right."
        )

    def test_what_does_not_stand_at_that_time_is_refused(self) -> None:
        refusal(Code.TEXT_ABSENT, mend, TALK, "sushi", "shchi", at=9.0)
        refusal(Code.TEXT_ABSENT, mend, TALK, "Sushi", "shchi")

    def test_nothing_can_be_left_of_words(self) -> None:
        refusal(Code.CORRECTION_EMPTY, mend, TALK, "sushi", "  ")


class TestGive:
    @pytest.mark.parametrize("name", ["SPEAKER_01", "speaker_01", "client", "клиент"])
    def test_a_speaker_goes_by_label_or_role(self, name: str) -> None:
        assert reads(give(TALK, name, at=TALK.segments[2].start))[2] == "SPEAKER_01: And the bill?"

    def test_some_words_of_a_segment(self) -> None:
        assert reads(give(TALK, "SPEAKER_00", "I sent the sushi back!"))[1:3] == [
            "SPEAKER_01: The sushi was cold.",
            "SPEAKER_00: I sent the sushi back!",
        ]

    def test_who_has_the_words_already_is_given_nothing(self) -> None:
        assert give(TALK, "SPEAKER_00", at=0.0) == []

    def test_an_unknown_speaker_is_refused_with_the_known_ones(self) -> None:
        assert refusal(Code.SPEAKER_UNKNOWN, give, TALK, "Anna", at=0.0).facts["speakers"] == "SPEAKER_00, SPEAKER_01"

    def test_a_time_at_which_nobody_speaks_is_refused(self) -> None:
        refusal(Code.TEXT_ABSENT, give, TALK, "SPEAKER_01", at=900.0)

    def test_without_word_times_only_a_whole_segment_can_be_given(self) -> None:
        segments = (Segment(start=0.0, end=3.0, text="How was it? Cold.", speaker="SPEAKER_00", role="client"),)
        bare = TALK.model_copy(update={"segments": (*segments, TALK.segments[3])})
        refusal(Code.TEXT_UNTIMED, give, bare, "SPEAKER_01", "Cold.")
        assert reads(give(bare, "SPEAKER_01", at=1.0), bare)[0] == "SPEAKER_01: How was it? Cold."
        assert reads(mend(bare, "Cold", "Gold"), bare)[0] == "SPEAKER_00: How was it? Gold."


def _exported(form: str, talk: Attribution = TALK) -> str:
    return export(a_recording(), talk, (), form).decode()


def _read(text: str) -> list[Change]:
    return read_back(a_recording(), TALK, text.encode())


class TestReadBack:
    @pytest.mark.parametrize("form", ["txt", "json"])
    def test_what_was_not_edited_changes_nothing(self, form: str) -> None:
        assert _read(_exported(form)) == []
        assert _read("\ufeff" + _exported(form).replace("\n", "\r\n")) == []

    @pytest.mark.parametrize("form", ["txt", "json"])
    def test_texts_are_taken_as_they_were_edited(self, form: str) -> None:
        edited = _exported(form).replace("How was the sushi?", "How was the shchi?")
        assert reads(_read(edited))[0] == "SPEAKER_00: How was the shchi?"
        assert len(_read(edited)) == 1

    def test_a_speaker_is_taken_from_a_line(self) -> None:
        edited = _exported("txt").replace("interviewer: And the bill?", "client: And the till?")
        assert reads(_read(edited))[2] == "SPEAKER_01: And the till?"

    def test_a_speaker_is_taken_from_json(self) -> None:
        export = _exported("json")
        at = export.index("And the bill?")
        edited = export[:at] + export[at:].replace("SPEAKER_00", "SPEAKER_01", 1)
        assert reads(_read(edited))[2] == "SPEAKER_01: And the bill?"

    def test_an_unknown_speaker_is_told_by_its_line(self) -> None:
        error = refusal(Code.SPEAKER_UNKNOWN, _read, _exported("txt").replace("client: The", "waiter: The"))
        assert error.facts["where"] == "line 5"

    @pytest.mark.parametrize("form", ["txt", "json"])
    def test_another_version_is_stale(self, form: str) -> None:
        newer = TALK.model_copy(update={"number": 7})
        refusal(Code.CORRECTION_STALE, read_back, a_recording(), newer, _exported(form).encode())

    @pytest.mark.parametrize("form", ["txt", "json"])
    def test_another_recording_is_refused(self, form: str) -> None:
        other = a_recording().model_copy(update={"id": "bbbbbbbbbbbb"})
        error = refusal(Code.CORRECTION_UNREADABLE, read_back, other, TALK, _exported(form).encode())
        assert error.facts["reason"] == "it is of another recording"

    @pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"1\n00:00:01,000 --> 00:00:02,000\nsushi\n", b"{"])
    def test_what_is_no_export_is_refused(self, content: bytes) -> None:
        refusal(Code.CORRECTION_UNREADABLE, read_back, a_recording(), TALK, content)

    def test_a_line_that_is_missing_added_or_moved_is_told(self) -> None:
        lines = _exported("txt").splitlines(keepends=True)
        for edited, where in (
            ([*lines[:4], *lines[5:]], "line 5"),
            ([*lines, "[00:09] client: sushi\n"], "line 8"),
            (lines[:-1], "line 7"),
            ([*lines[:3], lines[3].replace("[00:00]", "[00:01]"), *lines[4:]], "line 4"),
        ):
            error = refusal(Code.CORRECTION_UNREADABLE, _read, "".join(edited))
            assert str(error.facts["reason"]).startswith(f"{where} is not what stood there")

    def test_a_segment_without_words_is_refused(self) -> None:
        error = refusal(Code.CORRECTION_EMPTY, _read, _exported("txt").replace("And the bill?", ""))
        assert error.facts["where"] == "line 6"

    def test_the_mark_that_a_person_corrected_does_not_hinder_the_next(self) -> None:
        once = attribute.correct(TALK, [a_correction(*mend(TALK, "cold", "gold"))], a_recording().details)
        edited = _exported("txt", once).replace("gold", "golden")
        (change,) = read_back(a_recording(), once, edited.encode())
        assert (change.was, change.now) == ("gold.", "golden.")

    def test_the_mark_that_several_speak_at_once_does_not_hinder_a_correction(self) -> None:
        at_once = Overlap(start=TALK.segments[2].start, end=TALK.segments[2].end)
        talk = attribute.correct(TALK.model_copy(update={"overlaps": (at_once,)}), (), a_recording().details)
        exported = _exported("txt", talk)
        assert "interviewer [overlapping speech]: And the bill?" in exported
        assert read_back(a_recording(), talk, exported.encode()) == []
        given = exported.replace("interviewer [over", "SPEAKER_01 [over")
        assert reads(read_back(a_recording(), talk, given.encode()), talk)[2] == "SPEAKER_01: And the bill?"
        named = exported.replace("interviewer [overlapping speech]", "SPEAKER_01")
        assert reads(read_back(a_recording(), talk, named.encode()), talk)[2] == "SPEAKER_01: And the bill?"

    def test_names_that_people_gave_and_whom_a_voice_sounds_like_do_not_hinder_a_correction(self) -> None:
        known = (
            KnownSpeaker(speaker="SPEAKER_00", name="Анна Петрова"),
            KnownSpeaker(speaker="SPEAKER_01", sounds_like=(Suggestion(name="Boris", score=0.9),)),
        )
        exported = export(a_recording(), TALK, (), "txt", known=known).decode()
        assert "] Анна Петрова (interviewer): And the bill?" in exported
        assert read_back(a_recording(), TALK, exported.encode(), known) == []
        for name in ("Анна Петрова (interviewer)", "анна петрова", "SPEAKER_00"):
            edited = exported.replace("client: Smith's", f"{name}: Smith's")
            assert reads(read_back(a_recording(), TALK, edited.encode(), known))[3].startswith("SPEAKER_00: Smith's")
        assert reads(give(TALK, "Анна Петрова", at=9.0, known=known))[3].startswith("SPEAKER_00: Smith's")
