import io
import subprocess
import sys
import zipfile

import pytest
from docx import Document
from docx.document import Document as DocxDocument
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_report import RECORDING, a_conversation, a_recording, a_segment, an_attribution
from voxpersona.model import Attribution, Building, Details, Report, Role, Scenario
from voxpersona.pipeline.export import Format, export
from voxpersona.pipeline.report import report
from voxpersona.templates import load

ENGLISH = """
Q: How was the breakfast?
A: The breakfast was cold on both days. The staff at the reception were very friendly.
Q: I am sorry.
"""
RUSSIAN = """
Q: Как вам завтрак?
A: Завтрак был холодный оба дня. Персонал очень приветливый.
Q: Простите.
"""
DETAILS = Details(scenario=Scenario.INTERVIEW, building=Building.HOTEL, place="Sea View", client="A. Guest")


def _report_on(talk: Attribution, language: str = "en") -> Report:
    (template,) = [one for one in load() if (one.name, one.language) == ("interview", language)]
    return report(talk, DETAILS, template, number=1)


def _opened(content: bytes) -> DocxDocument:
    return Document(io.BytesIO(content))


def _exported(talk: Attribution, language: str = "en", details: Details = DETAILS) -> DocxDocument:
    return _opened(export(a_recording(details=details), talk, (_report_on(talk, language),), "docx"))


def _headings(document: DocxDocument) -> list[str]:
    return [one.text for one in document.paragraphs if one.style is not None and one.style.name == "Heading 1"]


def _lines(document: DocxDocument, style: str) -> list[str]:
    return [one.text for one in document.paragraphs if one.style is not None and one.style.name == style]


def _rows(document: DocxDocument, table: int) -> dict[str, str]:
    return {row.cells[0].text: row.cells[1].text for row in document.tables[table].rows}


def test_it_holds_details_report_transcript_and_source_in_english() -> None:
    document = _exported(a_conversation(ENGLISH))
    assert _lines(document, "Title") == ["interview.ogg"]
    assert _headings(document) == ["Interview report", "Transcript", "Source"]
    assert _rows(document, 0) == {
        "Recording": "interview.ogg",
        "Scenario": "interview",
        "Client": "A. Guest",
        "Place": "Sea View",
        "Building type": "hotel",
        "Received": "2026-11-23",
        "Length": "01:00",
    }
    assert _rows(document, 1) == {"Recording": f"interview.ogg, {RECORDING}", "SHA-256": "0f" * 32}
    assert _lines(document, "List Continue") == [
        "00:00\tinterviewer: How was the breakfast?",
        "00:02\tclient: The breakfast was cold on both days. The staff at the reception were very friendly.",
        "00:08\tinterviewer: I am sorry.",
    ]
    assert any(
        line.startswith("Who speaks, and how long: interviewer (00:03); client (00:06)") for line in _all(document)
    )


def test_findings_carry_their_quotes_with_role_and_time() -> None:
    talk = a_conversation(ENGLISH)
    written = _report_on(talk)
    document = _exported(talk)
    assert written.findings
    findings = _lines(document, "Heading 3")
    assert findings == [f"{number}. {one.text}" for number, one in enumerate(written.findings, 1)]
    quotes = _lines(document, "Quote")
    assert len(quotes) == sum(len(one.quotes) for one in written.findings)
    assert any("The breakfast was cold on both days." in quote and "client, 00:" in quote for quote in quotes)


def test_headings_and_roles_are_russian_where_russian_is_spoken() -> None:
    document = _exported(a_conversation(RUSSIAN), "ru")
    assert _headings(document)[-2:] == ["Расшифровка", "Источник"]
    assert _rows(document, 0)["Тип объекта"] == "гостиница"
    assert _lines(document, "List Continue")[0] == "00:00\tинтервьюер: Как вам завтрак?"
    assert any("Завтрак был холодный" in quote and "клиент, 00:" in quote for quote in _lines(document, "Quote"))
    languages = {one.get(qn("w:val")) for one in document.styles.element.iter(qn("w:lang"))}
    assert languages == {"ru-RU"}


def test_every_page_says_its_number_and_of_what_it_is_one() -> None:
    footer = _exported(a_conversation(ENGLISH)).sections[0].footer.paragraphs[0]
    assert footer.text == f"{RECORDING} · page 1 of 1"
    fields = [one.text for one in footer._p.iter(qn("w:instrText"))]
    assert fields == ["PAGE", "NUMPAGES"]


def test_one_who_goes_on_speaking_is_named_once() -> None:
    spoken = [a_segment("One.", 0.0, Role.CLIENT, "SPEAKER_00"), a_segment("Two.", 2.0, Role.CLIENT, "SPEAKER_00")]
    document = _opened(export(a_recording(), an_attribution(spoken), (), "docx"))
    assert _lines(document, "List Continue") == ["00:00\tclient: One.", "00:02\tTwo."]


def test_where_several_speak_at_once_it_is_told_before_what_is_said() -> None:
    spoken = [a_segment("One.", 0.0, Role.CLIENT, "SPEAKER_00"), a_segment("Two.", 2.0, Role.CLIENT, "SPEAKER_00")]
    spoken = [segment.model_copy(update={"overlapped": True}) for segment in spoken]
    document = _opened(export(a_recording(), an_attribution(spoken), (), "docx"))
    assert _lines(document, "List Continue") == [
        "00:00\tclient: [overlapping speech] One.",
        "00:02\t[overlapping speech] Two.",
    ]


def test_an_unverified_quote_has_no_time() -> None:
    talk = a_conversation(ENGLISH)
    written = _report_on(talk)
    quote = written.findings[0].quotes[0].model_copy(update={"verified": False})
    finding = written.findings[0].model_copy(update={"quotes": (quote,)})
    altered = written.model_copy(update={"findings": (finding,)})
    document = _opened(export(a_recording(), talk, (altered,), "docx"))
    (line,) = _lines(document, "Quote")
    assert line.endswith("— not found in the transcript")


def test_nothing_said_is_a_document_all_the_same() -> None:
    document = _opened(export(a_recording(), an_attribution([]), (), "docx"))
    assert _headings(document) == ["Transcript", "Source"]


def test_the_same_gives_the_same_bytes_and_none_of_them_is_of_today() -> None:
    talk = a_conversation(ENGLISH)
    first, second = (export(a_recording(), talk, (_report_on(talk),), "docx") for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as packed:
        assert {part.date_time for part in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    told = _opened(first).core_properties
    assert (told.author, told.title) == ("VoxPersona", "interview.ogg")
    assert told.created is not None
    assert told.created.year == 2026


def test_where_a_recording_came_from_and_is_kept_is_not_told() -> None:
    content = export(a_recording(), a_conversation(ENGLISH), (), "docx")
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        whole = b"".join(packed.read(part) for part in packed.namelist())
    assert b"path:made-by-a-test" not in whole
    assert b"/original/" not in whole


@settings(deadline=None, max_examples=25)
@given(st.text(min_size=1, max_size=40).filter(str.strip), st.text(max_size=300))
@pytest.mark.filterwarnings("error")
def test_whatever_was_said_or_typed_is_shown_as_text(said: str, name: str) -> None:
    visible = [word for word in said.split() if word.isprintable()]
    spoken = an_attribution([a_segment(said, 0.0, Role.CLIENT, "SPEAKER_00")])
    document = _opened(export(a_recording(name, Details(place=said, client="<b>&")), spoken, (), "docx"))
    assert _rows(document, 0)["Client"] == "<b>&"
    shown = " ".join(_lines(document, "List Continue"))
    assert all(word in shown for word in visible)


def _all(document: DocxDocument) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs]


def test_only_docx_is_no_text() -> None:
    assert [form for form in Format if not form.is_text] == [Format.DOCX]


def test_what_writes_it_is_loaded_only_when_asked_for() -> None:
    code = "import sys, voxpersona.doors.cli.reading; print('docx' in sys.modules or 'lxml' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "False"
