from collections import Counter
from pathlib import Path

import pytest

from voxpersona.errors import Code, Configuration
from voxpersona.model import Building, Details, Scenario
from voxpersona.templates import Kind, Template, fitting, load

GOOD = """---
name: arrival
version: 3
language: en
title: Arrival report
scenario: interview
topics:
  - key: taxi
    title: Taxi
    words: [taxi]
---
Look at the taxi.
"""


def _written(directory: Path, name: str, text: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def _refusal(directory: Path) -> Configuration:
    with pytest.raises(Configuration) as caught:
        load(directory)
    assert caught.value.code is Code.TEMPLATE_INVALID
    return caught.value


class TestPackaged:
    def test_every_scenario_has_a_template_in_both_languages(self) -> None:
        found = {(template.scenario, template.language) for template in load()}
        assert {(scenario, language) for scenario in Scenario for language in ("en", "ru")} == found

    def test_both_languages_of_a_template_look_for_the_same_topics_in_the_same_order(self) -> None:
        shapes: dict[str, set[tuple[object, ...]]] = {}
        for template in load():
            shape = tuple((topic.key, topic.kind, topic.buildings) for topic in template.topics)
            shapes.setdefault(template.name, set()).add((template.version, template.buildings, shape))
        assert {name: len(found) for name, found in shapes.items()} == {"interview": 1, "site-audit": 1}

    @pytest.mark.parametrize("building", list(Building))
    def test_every_building_type_has_topics_of_its_own(self, building: Building) -> None:
        for template in load():
            assert any(topic.buildings == (building,) for topic in template.topics)

    def test_no_word_stands_twice_in_one_list(self) -> None:
        for template in load():
            for topic in template.topics:
                for listed in (topic.words, topic.unless, topic.praise, topic.complaint):
                    assert [word for word, count in Counter(listed).items() if count > 1] == [], topic.key

    def test_a_wish_has_a_place_in_every_template(self) -> None:
        for template in load():
            assert sum(topic.kind is Kind.WISH for topic in template.topics) == 1

    def test_instructions_are_written_in_the_language_of_the_template(self) -> None:
        for template in load():
            letters = [letter for letter in template.text.lower() if letter.isalpha()]
            cyrillic = sum("а" <= letter <= "я" for letter in letters) / len(letters)
            assert (cyrillic > 0.95) == (template.language == "ru")
            assert len(template.text) > 1_500


class TestOwn:
    def test_a_template_of_the_user_stands_beside_the_packaged_ones(self, tmp_path: Path) -> None:
        _written(tmp_path, "arrival.md", GOOD)
        (own,) = [template for template in load(tmp_path) if template.name == "arrival"]
        assert (own.version, own.text, own.topics[0].words) == (3, "Look at the taxi.", ("taxi",))
        assert len(load(tmp_path)) == len(load()) + 1

    def test_a_template_of_the_user_wins_over_the_packaged_one_of_its_name_and_language(self, tmp_path: Path) -> None:
        _written(tmp_path, "mine.md", GOOD.replace("arrival", "interview"))
        found = {(template.name, template.language): template for template in load(tmp_path)}
        assert found["interview", "en"].title == "Arrival report"
        assert found["interview", "ru"].title == "Отчёт по интервью"
        assert len(found) == len(load())

    def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(self, tmp_path: Path) -> None:
        (tmp_path / "arrival.md").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
        assert any(template.name == "arrival" for template in load(tmp_path))

    def test_other_files_are_left_alone(self, tmp_path: Path) -> None:
        _written(tmp_path, "notes.txt", "no template")
        assert load() == load(tmp_path)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("old", "new", "line", "problem"),
        [
            ("---\nname", "name", 1, "front matter"),
            ("---\nLook", "Look", 1, "closing line"),
            ("version: 3", "version: three", 3, "version"),
            ("version: 3", "version: 0", 3, "version"),
            ("language: en", "language: english", 4, "language"),
            ("scenario: interview", "scenario: talk", 6, "scenario"),
            ("title: Arrival report\n", "", 2, "title"),
            ("words: [taxi]", "words: []", 10, "words"),
            ("words: [taxi]", "words: [taxi, no]", 10, "words.1"),
            ("words: [taxi]", "words: [taxi, ' ']", 10, "words.1"),
            ("words: [taxi]", "words: [taxi", 11, "YAML"),
            ("words: [taxi]", "words: [taxi]\n    colour: red", 11, "colour"),
            ("title: Taxi", "title: Taxi\n    title: Cab", 10, "title stands twice"),
            ("    words: [taxi]", "    words: [taxi]\n  - key: taxi\n    title: Cab\n    words: [cab]", 2, "taxi"),
            ("scenario: interview", "scenario: interview\ntext: here", 2, "text"),
            ("Look at the taxi.", " ", 12, "instructions"),
            ("scenario: interview", "scenario: interview\nbuildings: [castle]", 7, "buildings"),
        ],
    )
    def test_a_bad_file_is_named_with_its_line_and_what_is_wrong(
        self, tmp_path: Path, old: str, new: str, line: int, problem: str
    ) -> None:
        assert old in GOOD
        path = _written(tmp_path, "arrival.md", GOOD.replace(old, new, 1))
        refusal = _refusal(tmp_path)
        assert str(path) == refusal.facts["file"]
        assert problem in str(refusal.facts["problem"])
        assert line == refusal.facts["line"]
        assert str(path) in refusal.detail

    def test_a_topic_of_a_building_that_the_template_does_not_serve_is_refused(self, tmp_path: Path) -> None:
        text = GOOD.replace("topics:", "buildings: [hotel]\ntopics:").replace(
            "    words", "    buildings: [restaurant]\n    words"
        )
        _written(tmp_path, "arrival.md", text)
        assert "taxi" in str(_refusal(tmp_path).facts["problem"])

    def test_two_files_for_one_name_and_language_are_refused(self, tmp_path: Path) -> None:
        _written(tmp_path, "a.md", GOOD)
        path = _written(tmp_path, "b.md", GOOD)
        refusal = _refusal(tmp_path)
        assert str(path) == refusal.facts["file"]
        assert "a.md" in str(refusal.facts["problem"])

    def test_a_file_in_another_encoding_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "arrival.md").write_bytes(GOOD.replace("taxi", "такси").encode("cp1251"))
        assert "UTF-8" in str(_refusal(tmp_path).facts["problem"])

    def test_a_directory_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        assert str(tmp_path / "absent") == _refusal(tmp_path / "absent").facts["file"]

    def test_front_matter_cannot_name_a_python_object(self, tmp_path: Path) -> None:
        _written(tmp_path, "arrival.md", GOOD.replace("Arrival report", "!!python/object/apply:os.getcwd []"))
        assert "YAML" in str(_refusal(tmp_path).facts["problem"])


class TestFitting:
    def _names(self, details: Details, language: str, speakers: int, more: tuple[Template, ...] = ()) -> list[str]:
        chosen = fitting((*load(), *more), details, language, speakers=speakers)
        return [f"{template.name}.{template.language}" for template in chosen]

    @pytest.mark.parametrize(
        ("speakers", "name"), [(0, "site-audit"), (1, "site-audit"), (2, "interview"), (5, "interview")]
    )
    def test_an_unknown_scenario_is_told_from_the_number_of_speakers(self, speakers: int, name: str) -> None:
        assert [f"{name}.en"] == self._names(Details(), "en", speakers)

    def test_a_known_scenario_is_never_guessed(self) -> None:
        assert self._names(Details(scenario=Scenario.INTERVIEW), "en", 1) == ["interview.en"]
        assert self._names(Details(scenario=Scenario.SITE_AUDIT), "en", 3) == ["site-audit.en"]

    @pytest.mark.parametrize(("language", "chosen"), [("ru", "ru"), ("en", "en"), ("de", "en")])
    def test_the_transcripts_language_decides_and_english_stands_in(self, language: str, chosen: str) -> None:
        assert [f"interview.{chosen}"] == self._names(Details(), language, 2)

    def test_the_order_in_which_templates_come_does_not_matter(self) -> None:
        one = fitting(load(), Details(), "ru", speakers=2)
        assert one == fitting(tuple(reversed(load())), Details(), "ru", speakers=2)

    def test_a_template_for_another_building_is_left_out_and_unknown_buildings_fit_all(self) -> None:
        (model,) = fitting(load(), Details(), "en", speakers=2)
        topics = tuple(topic.model_copy(update={"buildings": ()}) for topic in model.topics)
        own = model.model_copy(update={"name": "spa", "buildings": (Building.HOTEL,), "topics": topics})
        assert self._names(Details(building=Building.RESTAURANT), "en", 2, (own,)) == ["interview.en"]
        assert self._names(Details(building=Building.HOTEL), "en", 2, (own,)) == ["interview.en", "spa.en"]
        assert self._names(Details(), "en", 2, (own,)) == ["interview.en", "spa.en"]
