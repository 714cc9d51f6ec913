import io
import json
import re
from dataclasses import dataclass
from html import unescape
from itertools import pairwise, zip_longest

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_report import a_conversation, a_recording, a_segment, an_attribution
from voxpersona.errors import Code, Rejected
from voxpersona.model import (
    Attribution,
    Details,
    Doubt,
    Dropped,
    KnownSpeaker,
    Overlap,
    Report,
    Role,
    Segment,
    Suggestion,
    Word,
)
from voxpersona.pipeline.cues import LINE, LINES, READING
from voxpersona.pipeline.export import Export, Format, export
from voxpersona.pipeline.report import report
from voxpersona.templates import load

TEXTS = [form for form in Format if form.is_text]
TALK = """
Q: How was the breakfast?
A: It was cold on both days, and the coffee machine in the hall has been out of order since the very first morning.
Q: I am sorry.
"""


@dataclass(frozen=True)
class Shown:
    """A cue as another program reads it."""

    start: int
    end: int
    lines: tuple[str, ...]
    voice: str | None = None

    @property
    def words(self) -> list[str]:
        return " ".join(self.lines).split()


def _milliseconds(stamp: str, point: str) -> int:
    match = re.fullmatch(rf"(\d{{2,}}):([0-5]\d):([0-5]\d){re.escape(point)}(\d{{3}})", stamp)
    assert match, stamp
    hours, minutes, seconds, rest = map(int, match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def _timing(line: str, point: str) -> tuple[int, int]:
    start, end = line.split(" --> ")
    return _milliseconds(start, point), _milliseconds(end, point)


def read_srt(text: str) -> list[Shown]:
    """A strict reader: counter from 1, times with a comma, text, blank line."""
    found: list[Shown] = []
    for number, block in enumerate(text.rstrip("\n").split("\n\n") if text else [], 1):
        counter, timing, *lines = block.split("\n")
        assert counter == str(number)
        found.append(Shown(*_timing(timing, ","), tuple(lines)))
    return found


def read_vtt(text: str) -> list[Shown]:
    """A strict reader of what the specification calls a WebVTT file of cue text and voice spans."""
    header, *blocks = text.rstrip("\n").split("\n\n")
    assert header == "WEBVTT"
    found: list[Shown] = []
    for block in blocks:
        timing, *lines = block.split("\n")
        payload = "\n".join(lines)
        assert "-->" not in payload
        voice = re.fullmatch(r"<v ([^<>\n]+)>([^<>]*)</v>", payload)
        said = voice[2] if voice else payload
        assert "<" not in said
        assert re.sub(r"&(amp|lt|gt);", "", said).count("&") == 0
        lines_said = tuple(unescape(said).split("\n"))
        found.append(Shown(*_timing(timing, "."), lines_said, unescape(voice[1]) if voice else None))
    return found


def _export(
    attribution: Attribution, form: str, reports: tuple[Report, ...] = (), details: Details | None = None
) -> str:
    return export(a_recording(details=details), attribution, reports, form).decode()


def _report_on(attribution: Attribution) -> Report:
    (template,) = [one for one in load() if (one.name, one.language) == ("interview", "en")]
    return report(attribution, Details(), template, number=1)


class TestSubtitles:
    def test_srt_is_written_like_this(self) -> None:
        expected = """1
00:00:00,500 --> 00:00:02,100
How was the breakfast?

2
00:00:02,500 --> 00:00:09,220
It was cold on both days, and the coffee
machine in the hall has been out of

3
00:00:09,300 --> 00:00:11,700
order since the very first morning.

4
00:00:12,100 --> 00:00:13,300
I am sorry.
"""
        assert expected == _export(a_conversation(TALK), "srt")

    def test_vtt_is_written_like_this(self) -> None:
        expected = """WEBVTT

00:00:00.500 --> 00:00:02.100
<v interviewer>How was the breakfast?</v>

00:00:02.500 --> 00:00:09.220
<v client>It was cold on both days, and the coffee
machine in the hall has been out of</v>

00:00:09.300 --> 00:00:11.700
<v client>order since the very first morning.</v>

00:00:12.100 --> 00:00:13.300
<v interviewer>I am sorry.</v>
"""
        assert expected == _export(a_conversation(TALK), "vtt")

    def test_markup_in_words_is_escaped_in_vtt(self) -> None:
        spoken = [a_segment("R&D said <b>no</b> --> yes", 1.0, Role.CLIENT, "SPEAKER_00")]
        text = _export(an_attribution(spoken), "vtt")
        assert "<v client>R&amp;D said &lt;b&gt;no&lt;/b&gt; --&gt; yes</v>" in text
        assert read_vtt(text)[0].words == ["R&D", "said", "<b>no</b>", "-->", "yes"]

    def test_two_speakers_of_one_role_keep_apart(self) -> None:
        spoken = [
            a_segment("One.", 0.0, Role.CLIENT, "SPEAKER_01"),
            a_segment("Two.", 2.0, Role.CLIENT, "SPEAKER_02"),
            a_segment("Three.", 4.0, None, "SPEAKER_03"),
            a_segment("Four.", 6.0),
        ]
        voices = [shown.voice for shown in read_vtt(_export(an_attribution(spoken), "vtt"))]
        assert voices == ["client 1", "client 2", "SPEAKER_03", None]

    def test_hours_are_always_written(self) -> None:
        spoken = [a_segment("Late.", 36_000.5)]
        assert "10:00:00,500 --> 10:00:01,200" in _export(an_attribution(spoken), "srt")

    def test_a_pause_begins_a_new_cue(self) -> None:
        early, late = a_segment("Wait here.", 0.0), a_segment("Thank you.", 9.0)
        both = early.model_copy(update={"words": early.words + late.words, "end": late.end})
        starts = [shown.start for shown in read_srt(_export(an_attribution([both]), "srt"))]
        assert starts == [0, 9_000]

    def test_a_segment_without_word_times_is_one_cue_with_every_word(self) -> None:
        text = "one two three four five six seven eight nine ten " * 4
        bare = a_segment(text, 1.0).model_copy(update={"words": ()})
        (shown,) = read_srt(_export(an_attribution([bare]), "srt"))
        assert text.split() == shown.words
        assert all(len(line) <= LINE for line in shown.lines)

    def test_what_was_said_fast_stays_until_it_can_be_read(self) -> None:
        text = "Everything was fine, thank you very much indeed."  # 48 characters: 2.83 s
        fast = _said_in(text, 1.0, 1.5)
        (shown,) = read_srt(_export(an_attribution([fast]), "srt"))
        assert (shown.start, shown.end) == (1_000, 3_824)

    def test_it_goes_when_the_next_one_comes(self) -> None:
        fast = _said_in("Everything was fine, thank you very much indeed.", 1.0, 1.5)
        after = _said_in("And you?", 2.0, 2.4)
        shown = read_srt(_export(an_attribution([fast, after]), "srt"))
        assert [(one.start, one.end) for one in shown] == [(1_000, 1_920), (2_000, 2_700)]

    @pytest.mark.parametrize(("form", "empty"), [("srt", ""), ("vtt", "WEBVTT\n")])
    def test_nothing_said_gives_an_empty_but_valid_file(self, form: str, empty: str) -> None:
        assert empty == _export(an_attribution([]), form)
        assert (read_srt if form == "srt" else read_vtt)(empty) == []


def _said_in(text: str, start: float, end: float) -> Segment:
    """A segment whose words are said evenly between the two times."""
    said = text.split()
    step = (end - start) / len(said)
    spoken = tuple(
        Word(start=start + n * step, end=start + (n + 1) * step, text=word, confidence=0.9)
        for n, word in enumerate(said)
    )
    return Segment(start=start, end=end, text=text, words=spoken, confidence=0.9)


@st.composite
def _spoken(draw: st.DrawFn) -> list[Segment]:
    """Segments in order of time, words gapless or not, some of no length, some segments without words."""
    letters = st.text(alphabet="abcdefgh.,?!&<>-'яблкоё0123456789", min_size=1, max_size=50)
    at = draw(st.floats(0, 20_000))
    made: list[Segment] = []
    for _ in range(draw(st.integers(0, 5))):
        words: list[Word] = []
        start = at
        for text in draw(st.lists(letters, min_size=1, max_size=30)):
            begun = at + draw(st.sampled_from([0.0, 0.0, 0.0, 0.02, 0.5, 3.0]))
            at = begun + draw(st.sampled_from([0.0, 0.0004, 0.12, 0.4, 0.9]))
            words.append(Word(start=begun, end=at, text=text, confidence=0.5))
        role = draw(st.sampled_from([None, *Role]))
        text = " ".join(word.text for word in words)
        kept = tuple(words) if draw(st.booleans()) else ()
        made.append(Segment(start=start, end=at, text=text, words=kept, speaker="SPEAKER_00", role=role))
        at += draw(st.sampled_from([0.0, 0.001, 0.3, 60.0]))
    return made


class TestSubtitleLaws:
    @settings(deadline=None, max_examples=60)
    @given(_spoken())
    def test_no_word_is_lost_doubled_or_moved(self, spoken: list[Segment]) -> None:
        said = [word for segment in spoken for word in segment.text.split()]
        attribution = an_attribution(spoken)
        assert said == [word for shown in read_vtt(_export(attribution, "vtt")) for word in shown.words]
        arrows = [word.replace("-->", "→") for word in said]
        assert arrows == [word for shown in read_srt(_export(attribution, "srt")) for word in shown.words]

    @settings(deadline=None, max_examples=60)
    @given(_spoken())
    def test_cues_ascend_and_never_overlap(self, spoken: list[Segment]) -> None:
        shown = read_srt(_export(an_attribution(spoken), "srt"))
        assert all(one.start < one.end for one in shown)
        assert all(one.end <= following.start for one, following in pairwise(shown))
        assert [(one.start, one.end) for one in shown] == [
            (one.start, one.end) for one in read_vtt(_export(an_attribution(spoken), "vtt"))
        ]

    @settings(deadline=None, max_examples=60)
    @given(_spoken())
    def test_a_cue_can_be_read_unless_the_next_one_comes(self, spoken: list[Segment]) -> None:
        shown = read_srt(_export(an_attribution(spoken), "srt"))
        for one, following in zip_longest(shown, shown[1:]):
            letters = len(" ".join(one.lines))
            is_pushed = following is not None and following.start - one.end <= 80
            assert is_pushed or (one.end - one.start) * READING >= letters * 1000

    @settings(deadline=None, max_examples=60)
    @given(_spoken())
    def test_a_cue_of_timed_words_fits_two_lines(self, spoken: list[Segment]) -> None:
        timed = [segment for segment in spoken if segment.words]
        for shown in read_srt(_export(an_attribution(timed), "srt")):
            assert len(shown.lines) <= LINES
            assert all(len(line) <= LINE or " " not in line for line in shown.lines)

    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, 10**8), st.integers(1, 5))
    def test_times_are_the_words_times_to_the_millisecond(self, start: int, count: int) -> None:
        words = tuple(
            Word(start=(start + 9_000 * n) / 1000, end=(start + 9_000 * n + 800) / 1000, text=f"w{n}.", confidence=1)
            for n in range(count)
        )
        segment = Segment(start=words[0].start, end=words[-1].end, text=" ".join(w.text for w in words), words=words)
        shown = read_srt(_export(an_attribution([segment]), "srt"))
        assert [(start + 9_000 * n, start + 9_000 * n + 800) for n in range(count)] == [
            (one.start, one.end) for one in shown
        ]


class TestText:
    def test_txt_has_time_role_and_words_of_every_segment(self) -> None:
        lines = _export(a_conversation(TALK), "txt").splitlines()
        assert lines[0] == "interview.ogg"
        assert lines[1].startswith("abcdefghijkl")
        assert lines[3] == "[00:00] interviewer: How was the breakfast?"
        assert lines[5] == "[00:12] interviewer: I am sorry."

    def test_roles_are_named_in_the_language_spoken(self) -> None:
        talk = a_conversation("Q: Как завтрак?\nA: Остыл.")
        assert "[00:00] интервьюер: Как завтрак?" in _export(talk, "txt")
        assert "[00:00] interviewer: Как завтрак?" in _export(talk, "txt", details=Details(language="en"))

    def test_md_holds_details_reports_and_transcript(self) -> None:
        talk = a_conversation(TALK)
        text = _export(talk, "md", (_report_on(talk),))
        headings = [line for line in text.splitlines() if line.startswith("#")]
        assert headings[:4] == ["# interview.ogg", "## Reports", "### Interview report", "#### Findings"]
        assert headings[-1] == "## Transcript"
        assert "**interviewer**, 00:12–00:14: I am sorry." in text

    def test_md_escapes_what_was_said(self) -> None:
        spoken = [a_segment("# not a *heading*", 0.0, Role.CLIENT, "SPEAKER_00")]
        assert "**client**, 00:00–00:02: \\# not a \\*heading\\*" in _export(an_attribution(spoken), "md")

    def test_where_several_speak_at_once_it_is_told_beside_the_name(self) -> None:
        english, russian = _at_once("Q: Was it cold?\nA: Yes."), _at_once("Q: Было холодно?\nA: Да.")
        assert "[00:00] interviewer: Was it cold?" in _export(english, "txt")
        assert "client [overlapping speech]: Yes." in _export(english, "txt")
        assert "клиент [говорят одновременно]: Да." in _export(russian, "txt")
        assert "**client \\[overlapping speech\\]**, 00:02–00:03: Yes." in _export(english, "md")
        assert "overlapping" not in _export(english, "srt") + _export(english, "vtt")


def _at_once(script: str) -> Attribution:
    """Its last segment is spoken while somebody else speaks."""
    talk = a_conversation(script)
    last = talk.segments[-1]
    marked = (*talk.segments[:-1], last.model_copy(update={"overlapped": True}))
    return talk.model_copy(update={"segments": marked, "overlaps": (Overlap(start=last.start, end=last.end),)})


class TestKnownSpeakers:
    """The name that a person gave, and whom a voice sounds like: the one stands for the other nowhere."""

    KNOWN = (
        KnownSpeaker(speaker="SPEAKER_00", name="Анна <Петрова>"),
        KnownSpeaker(speaker="SPEAKER_01", sounds_like=(Suggestion(name="Boris & Co", score=0.914),)),
    )

    def _shown(self, form: str, language: str = "en") -> str:
        recording = a_recording(details=Details(language=language))
        return export(recording, a_conversation(TALK), (), form, known=self.KNOWN).decode()

    def test_a_name_stands_before_the_role(self) -> None:
        assert "] Анна <Петрова> (interviewer): " in self._shown("txt")
        assert "] Анна <Петрова> (интервьюер): " in self._shown("txt", "ru")
        assert "**Анна \\<Петрова\\> (interviewer)**, " in self._shown("md")
        assert "<v Анна &lt;Петрова&gt; (interviewer)>" in self._shown("vtt")

    @pytest.mark.parametrize("form", ["txt", "md"])
    def test_a_suggestion_is_told_as_one_and_names_nobody(self, form: str) -> None:
        lines = [line for line in self._shown(form).splitlines() if "Boris" in line]
        assert [line.replace("\\", "") for line in lines] == ["client sounds like Boris & Co (0.91), not confirmed"]
        (russian,) = [line for line in self._shown(form, "ru").splitlines() if "Boris" in line]
        assert russian.replace("\\", "") == "клиент — голос похож: Boris & Co (0.91), не подтверждено"

    @pytest.mark.parametrize("form", ["srt", "vtt"])
    def test_subtitles_tell_no_suggestion(self, form: str) -> None:
        assert "Boris" not in self._shown(form)

    def test_json_tells_both_with_the_speaker(self) -> None:
        first, second = json.loads(self._shown("json"))["transcript"]["speakers"]
        assert (first["name"], first["sounds_like"]) == ("Анна <Петрова>", [])
        assert (second["name"], second["sounds_like"]) == (None, [{"name": "Boris & Co", "score": 0.914}])

    def test_docx_has_the_name_and_the_suggestion(self) -> None:
        content = export(a_recording(), a_conversation(TALK), (), "docx", known=self.KNOWN)
        lines = [paragraph.text for paragraph in Document(io.BytesIO(content)).paragraphs]
        assert any("Анна <Петрова> (" in line for line in lines)
        assert [line for line in lines if "Boris" in line] == [line for line in lines if "Boris & Co (0.91)" in line]


class TestJson:
    def test_json_has_the_documented_shape(self) -> None:
        talk = a_conversation(TALK)
        document = json.loads(_export(talk, "json", (_report_on(talk),)))
        assert list(document) == ["format", "version", "recording", "transcript", "reports"]
        assert (document["format"], document["version"]) == ("voxpersona-export", 1)
        assert list(document["recording"]) == [
            "id",
            "name",
            "sha256",
            "bytes",
            "received_at",
            "seconds",
            "content_type",
            "details",
        ]
        assert list(document["transcript"]) == [
            *("number", "transcript", "diarizer", "method", "speakers", "segments"),
            *("overlaps", "dropped", "corrections"),
        ]
        first = document["transcript"]["segments"][0]
        assert {"start", "end", "text", "speaker", "role", "confidence", "overlapped", "words"} == set(first)
        assert {"start", "end", "text", "confidence"} == set(first["words"][0])
        assert first["role"] == "interviewer"

    def test_json_comes_back_with_nothing_lost(self) -> None:
        talk = a_conversation(TALK)
        reports = (_report_on(talk),)
        document = Export.model_validate_json(_export(talk, "json", reports))
        assert (talk.segments, reports) == (document.transcript.segments, document.reports)
        told = [one.model_dump(exclude={"name", "sounds_like"}) for one in document.transcript.speakers]
        assert told == [one.model_dump() for one in talk.speakers]

    def test_json_tells_where_several_speak_at_once(self) -> None:
        talk = _at_once(TALK)
        told = json.loads(_export(talk, "json"))["transcript"]
        assert [segment["overlapped"] for segment in told["segments"]] == [False, False, True]
        assert told["overlaps"] == [{"start": talk.segments[-1].start, "end": talk.segments[-1].end}]

    def test_json_tells_what_was_dropped_and_no_other_form_does(self) -> None:
        thanks = Dropped(start=9.0, end=9.9, text="Thanks for watching!", reason=Doubt.PHANTOM)
        for form in Format:
            text = export(a_recording(), a_conversation(TALK), (), form, dropped=(thanks,))
            assert (b"watching" in text) is (form is Format.JSON)
        shown = json.loads(export(a_recording(), a_conversation(TALK), (), "json", dropped=(thanks,)))
        assert shown["transcript"]["dropped"] == [
            {"start": 9.0, "end": 9.9, "text": "Thanks for watching!", "reason": "phantom"}
        ]

    def test_russian_stands_in_json_as_it_is_written(self) -> None:
        assert "Остыл." in _export(a_conversation("A: Остыл."), "json")

    def test_where_a_recording_came_from_and_is_kept_is_not_told(self) -> None:
        for form in TEXTS:
            text = _export(a_conversation(TALK), form)
            assert "path:made-by-a-test" not in text
            assert "/original/" not in text


def test_an_unknown_form_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Rejected) as caught:
        _export(an_attribution([]), "pdf")
    assert caught.value.code is Code.BAD_DETAIL
    assert caught.value.facts["allowed"] == "srt, vtt, txt, md, json, docx"


@pytest.mark.parametrize("form", TEXTS)
def test_lines_end_with_a_line_feed(form: Format) -> None:
    text = _export(a_conversation(TALK), form)
    assert "\r" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
