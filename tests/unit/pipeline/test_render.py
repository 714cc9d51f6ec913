import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.builders_report import RECORDING, a_recording
from voxpersona.model import Building, Details, Finding, Quote, Report, Role, Scenario
from voxpersona.pipeline.render import escape, render_markdown, time_range
from voxpersona.pipeline.wording import wording

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _a_report(language: str = "en", *, quote: Quote | None = None, not_covered: tuple[str, ...] = ()) -> Report:
    said = quote or Quote(
        text="The breakfast was cold.", start=10.4, end=15.2, speaker="SPEAKER_01", role=Role.CLIENT, verified=True
    )
    return Report(
        recording=RECORDING,
        number=1,
        template="interview",
        version=4,
        language=language,
        title="Interview report",
        method="extractive",
        findings=(Finding(topic="breakfast", text="Breakfast: a complaint. 1 quote.", quotes=(said,)),),
        not_covered=not_covered,
    )


def _text(tokens: list[Token]) -> str:
    """The plain text that a reader sees; fails where anything became a link, an image, code or HTML."""
    seen = []
    for token in tokens:
        for child in token.children or []:
            assert child.type in ("text", "softbreak", "text_special"), child.type
            seen.append(child.content if child.type != "softbreak" else "\n")
        assert not token.type.startswith(("html", "fence", "code", "heading", "bullet", "ordered", "blockquote", "hr"))
    return "".join(seen)


class TestMarkdown:
    def test_an_english_report_is_written_like_this(self) -> None:
        details = Details(
            scenario=Scenario.INTERVIEW,
            building=Building.HOTEL,
            date=dt.date(2026, 11, 22),
            place="Seaview",
            speakers=2,
        )
        expected = """# Interview report

| | |
| --- | --- |
| Recording | interview.ogg |
| Scenario | interview |
| Date | 2026-11-22 |
| Place | Seaview |
| Building type | hotel |
| Speakers | 2 |
| Received | 2026-11-23 |
| Length | 01:00 |

## Findings

### 1. Breakfast: a complaint. 1 quote.

- “The breakfast was cold.”\u00a0— client, 00:10–00:16

## Topics not covered

- Parking
- Price and value

## Source

- Recording: “interview.ogg”, `abcdefghijkl`
- SHA-256: `0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f`
- Template: interview, version 4 (en)
- Written without a language model: sentences were found by key words and judged by a word list, which knows no irony. \
Listen to the quotes before relying on a judgement.
"""
        made = _a_report(not_covered=("Parking", "Price and value"))
        assert expected == render_markdown(made, a_recording(details=details))

    def test_a_russian_report_has_russian_marks_roles_and_dates(self) -> None:
        quote = Quote(text="Завтрак «шведский» остыл.", start=3605, end=3607.1, role=Role.CLIENT, verified=True)
        text = render_markdown(_a_report("ru", quote=quote), a_recording("Интервью.ogg"))
        assert "- «Завтрак „шведский“ остыл.»\u00a0— клиент, 1:00:05–1:00:08" in text
        assert "| Получена | 23.11.2026 |" in text
        assert "- Запись: «Интервью.ogg», `abcdefghijkl`" in text
        assert "## Темы, о которых не говорили" not in text

    def test_a_quote_that_is_not_verified_is_marked_and_has_no_time(self) -> None:
        text = render_markdown(_a_report(quote=Quote(text="Nobody said this.", start=1, end=2)), a_recording())
        assert "- “Nobody said this.”\u00a0— *not found in the transcript*" in text
        assert "00:01" not in text

    def test_a_report_by_a_model_names_the_model(self) -> None:
        made = _a_report().model_copy(update={"method": "qwen_2.5"})
        assert "- Written with a language model: qwen\\_2.5." in render_markdown(made, a_recording())

    def test_a_report_without_findings_says_so(self) -> None:
        made = _a_report().model_copy(update={"findings": ()})
        assert "Nothing was found that belongs to a topic of this template." in render_markdown(made, a_recording())

    @pytest.mark.parametrize("language", ["en", "ru"])
    def test_every_field_of_the_details_has_its_word(self, language: str) -> None:
        assert set(Details.model_fields) == set(wording(language).details)

    @pytest.mark.parametrize("language", ["en", "ru"])
    def test_every_role_scenario_and_building_has_its_word(self, language: str) -> None:
        words = wording(language)
        assert (set(Role), set(Scenario), set(Building)) == (
            set(words.roles),
            set(words.scenarios),
            set(words.buildings),
        )


class TestEscape:
    @pytest.mark.parametrize(
        "text",
        [
            "# heading",
            "- point",
            "+ point",
            "1. one",
            "2) two",
            "> said",
            "***",
            "---",
            "===",
            "~~~",
            "`code`",
            "[a](http://example.org)",
            "![a](b.png)",
            "<script>alert(1)</script>",
            "<http://example.org>",
            "a | b | c",
            "&lt;b&gt; &amp; &#33;",
            "snake_case_name *bold* ~~gone~~",
            "C:\\temp\\new",
            "ends with \\",
        ],
    )
    def test_what_looks_like_markup_is_shown_letter_by_letter(self, text: str) -> None:
        assert text == _text(MARKDOWN.parse(escape(text)))

    @settings(deadline=None)
    @given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=40))
    def test_any_text_is_shown_with_all_its_characters(self, text: str) -> None:
        flat = " ".join(text.split())
        assert flat == _text(MARKDOWN.parse(escape(flat)))

    def test_line_breaks_and_hidden_marks_cannot_be_smuggled_in(self) -> None:
        assert escape("a\n# b\u202e\u200b \r\n c") == "a \\# b c"

    def test_a_name_with_a_bar_stays_in_its_cell(self) -> None:
        text = render_markdown(_a_report(), a_recording("a | b.ogg"))
        (table,) = [token for token in MARKDOWN.parse(text) if token.type == "table_open"]
        cells = [token.content for token in MARKDOWN.parse(text) if token.type == "inline" and "b.ogg" in token.content]
        assert table.map is not None
        assert "a \\| b.ogg" in cells or "a | b.ogg" in cells


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [(0, 0.2, "00:00–00:01"), (10.4, 15.2, "00:10–00:16"), (59.9, 60, "00:59–01:00"), (3599.5, 3661, "59:59–1:01:01")],
)
def test_a_time_range_holds_the_whole_quote(start: float, end: float, shown: str) -> None:
    assert shown == time_range(start, end)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, "1 цитата"),
        (2, "2 цитаты"),
        (5, "5 цитат"),
        (11, "11 цитат"),
        (12, "12 цитат"),
        (21, "21 цитата"),
        (104, "104 цитаты"),
    ],
)
def test_russian_counts_take_the_right_form(count: int, shown: str) -> None:
    assert shown == wording("ru").quote_count(count)
