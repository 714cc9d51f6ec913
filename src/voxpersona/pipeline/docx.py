"""A transcript and its reports as a DOCX document that a client can be handed.

Importing this loads python-docx, which takes a third of a second: `export` imports it when it is asked for.
The same input gives the same bytes.
"""

import io
import math
import zipfile
from collections.abc import Iterable, Sequence

from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from voxpersona.model import Attribution, KnownSpeaker, Quote, Recording, Report
from voxpersona.pipeline.render import (
    beside_name,
    clock,
    details_rows,
    flat,
    likeness_lines,
    method_line,
    source_rows,
    speaker_names,
    template_line,
    time_range,
)
from voxpersona.pipeline.wording import Wording, wording

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_INK = RGBColor(0x22, 0x22, 0x22)
_ACCENT = RGBColor(0x1F, 0x3A, 0x5F)
_PALE = RGBColor(0x66, 0x66, 0x66)
_FONT = "Calibri"
_TIME_WIDTH = Cm(1.9)
_WIDTHS = (Cm(3.5), Cm(13.0))
_LOCALES = {"ru": "ru-RU", "en": "en-GB"}
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def render_docx(
    recording: Recording,
    attribution: Attribution,
    reports: Sequence[Report],
    words: Wording,
    known: Sequence[KnownSpeaker] = (),
) -> bytes:
    """What is known of the recording, the reports, each in its own language, the transcript with times and who speaks,
    and the source; pages are numbered. Whatever somebody said or typed is text there and never markup."""
    document = Document()
    _set_up(document, recording, words)
    document.add_paragraph(flat(recording.original.name), "Title")
    _table(document, details_rows(recording, words))
    for report in reports:
        _report(document, report, wording(report.language))
    _transcript(document, attribution, words, known)
    document.add_heading(words.source, 1)
    _table(document, source_rows(recording, words))
    return _bytes(document)


def _report(document: DocxDocument, report: Report, words: Wording) -> None:
    document.add_heading(flat(report.title), 1)
    document.add_heading(words.findings, 2)
    for number, finding in enumerate(report.findings, 1):
        document.add_heading(f"{number}. {flat(finding.text)}", 3)
        for quote in finding.quotes:
            _quote(document, quote, words)
    if not report.findings:
        document.add_paragraph(words.no_findings)
    if report.not_covered:
        document.add_heading(words.not_covered, 2)
        for title in report.not_covered:
            document.add_paragraph(flat(title), "List Bullet")
    for line in (template_line(report, words), method_line(report, words)):
        _pale(document.add_paragraph(style="Body Text"), flat(line))


def _quote(document: DocxDocument, quote: Quote, words: Wording) -> None:
    paragraph = document.add_paragraph(style="Quote")
    paragraph.add_run(words.quoted(flat(quote.text)))
    if quote.verified:
        who = flat(words.role(quote.role, quote.speaker))
        _pale(paragraph, f"\u00a0— {who}, {time_range(quote.start, quote.end)}{_mark_of(quote.corrections, words)}")
    else:
        _pale(paragraph, f"\u00a0— {words.unverified}")


def _transcript(
    document: DocxDocument, attribution: Attribution, words: Wording, known: Sequence[KnownSpeaker]
) -> None:
    document.add_heading(words.transcript, 1)
    names = [name or words.unknown_speaker for name in speaker_names(attribution.segments, words, known)]
    spoken: dict[str, float] = {}
    for segment, name in zip(attribution.segments, names, strict=True):
        spoken[name] = spoken.get(name, 0.0) + segment.end - segment.start
    if spoken:
        who = "; ".join(f"{flat(name)} ({clock(math.ceil(seconds))})" for name, seconds in spoken.items())
        _pale(document.add_paragraph(style="Body Text"), f"{words.speaking}: {who}")
    for line in likeness_lines(attribution.segments, words, known):
        _pale(document.add_paragraph(style="Body Text"), line)
    before = None
    for segment, name in zip(attribution.segments, names, strict=True):
        if not (text := flat(segment.text)):
            continue
        paragraph = document.add_paragraph(style="List Continue")
        _pale(paragraph, f"{clock(segment.start)}\t")
        if name != before:
            paragraph.paragraph_format.space_before = Pt(6)
            paragraph.add_run(f"{flat(name)}: ").bold = True
        if beside := beside_name(segment, words):
            _pale(paragraph, f"{beside.strip()} ")
        paragraph.add_run(text)
        if segment.corrections:
            _pale(paragraph, _mark_of(segment.corrections, words))
        before = name


def _mark_of(corrections: Sequence[int], words: Wording) -> str:
    return f" ({words.corrected})" if corrections else ""


def _table(document: DocxDocument, rows: Iterable[tuple[str, str]]) -> None:
    """Two columns: what, and what it is. No header row, as there is nothing to say above them."""
    table = document.add_table(rows=0, cols=2, style="Table Grid")
    table.autofit = False
    for column, width in zip(table.columns, _WIDTHS, strict=True):
        column.width = width
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        border = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", "BFBFBF")):
            border.set(qn(f"w:{name}"), value)
        borders.append(border)
    table._tbl.tblPr.append(borders)
    for name, text in rows:
        cells = table.add_row().cells
        for cell, width in zip(cells, _WIDTHS, strict=True):
            cell.width = width
            cell.paragraphs[0].paragraph_format.space_after = Pt(2)
            cell.paragraphs[0].paragraph_format.space_before = Pt(2)
        cells[0].paragraphs[0].add_run(name).bold = True
        cells[1].paragraphs[0].add_run(flat(text))


def _pale(paragraph: Paragraph, text: str) -> Run:
    run = paragraph.add_run(text)
    run.font.color.rgb = _PALE
    run.font.size = Pt(9)
    run.italic = False
    return run


def _set_up(document: DocxDocument, recording: Recording, words: Wording) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin, section.right_margin = Cm(2.5), Cm(2.0)
    section.top_margin, section.bottom_margin = Cm(2.0), Cm(2.0)
    _styles(document, words)
    _footer(section.footer.paragraphs[0], recording, words)
    told = document.core_properties
    told.title = flat(recording.original.name)[:255]  # what the format allows
    told.author, told.last_modified_by, told.comments = "VoxPersona", "VoxPersona", ""
    told.language = _LOCALES[words.language]
    told.created = told.modified = recording.received_at.replace(microsecond=0)


def _styles(document: DocxDocument, words: Wording) -> None:
    sizes = {"Normal": 10.5, "Title": 20, "Heading 1": 15, "Heading 2": 12, "Heading 3": 11, "Quote": 10.5}
    for name, size in sizes.items():
        style = document.styles[name]
        assert isinstance(style, ParagraphStyle)
        style.font.name, style.font.size = _FONT, Pt(size)
        style.font.color.rgb = _INK if name in ("Normal", "Quote") else _ACCENT
        # The template's headings name theme fonts, which would win.
        for fonts in style.element.iter(qn("w:rFonts")):
            for kind in ("ascii", "hAnsi", "eastAsia", "cs"):
                fonts.attrib.pop(qn(f"w:{kind}Theme"), None)
                fonts.set(qn(f"w:{kind}"), _FONT)
    for language in document.styles.element.iter(qn("w:lang")):  # so that spelling is looked at in the right one
        language.set(qn("w:val"), _LOCALES[words.language])
    quote, said = document.styles["Quote"], document.styles["List Continue"]
    assert isinstance(quote, ParagraphStyle)
    assert isinstance(said, ParagraphStyle)
    quote.paragraph_format.left_indent = Cm(0.8)
    quote.paragraph_format.space_after = Pt(4)
    said.paragraph_format.left_indent = _TIME_WIDTH
    said.paragraph_format.first_line_indent = -_TIME_WIDTH
    said.paragraph_format.tab_stops.add_tab_stop(_TIME_WIDTH)
    said.paragraph_format.space_after = Pt(3)
    for close in list(said.element.iter(qn("w:contextualSpacing"))):  # it would drop the spaces between paragraphs
        close.getparent().remove(close)


def _footer(paragraph: Paragraph, recording: Recording, words: Wording) -> None:
    page, of = words.page
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _pale(paragraph, f"{recording.id} · {page} ")
    _field(paragraph, "PAGE")
    _pale(paragraph, f" {of} ")
    _field(paragraph, "NUMPAGES")


def _field(paragraph: Paragraph, instruction: str) -> None:
    """A number that the reader's program works out; until then 1. Each part in a run of its own, as some programs drop
    the look of a number otherwise."""
    asked = OxmlElement("w:instrText")
    asked.set(qn("xml:space"), "preserve")
    asked.text = instruction
    _mark(paragraph, "begin")
    _pale(paragraph, "")._r.append(asked)
    _mark(paragraph, "separate")
    _pale(paragraph, "1")
    _mark(paragraph, "end")


def _mark(paragraph: Paragraph, kind: str) -> None:
    mark = OxmlElement("w:fldChar")
    mark.set(qn("w:fldCharType"), kind)
    _pale(paragraph, "")._r.append(mark)


def _bytes(document: DocxDocument) -> bytes:
    """The document packed without the time of packing."""
    saved, packed = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            target.writestr(
                zipfile.ZipInfo(part.filename, _ZIP_EPOCH), source.read(part), compress_type=zipfile.ZIP_DEFLATED
            )
    return packed.getvalue()
