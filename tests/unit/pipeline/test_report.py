from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builders_report import a_conversation, a_segment, an_attribution
from voxpersona.model import Attribution, Building, Details, Report, Role, Scenario
from voxpersona.pipeline import lexicon
from voxpersona.pipeline.polarity import Judge, Mark, clauses, entries, general, reply, tokens
from voxpersona.pipeline.report import report
from voxpersona.pipeline.stems import stem, words
from voxpersona.pipeline.wording import MENTION, wording
from voxpersona.templates import Template, load

TEMPLATES = {(template.name, template.language): template for template in load()}
CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "report_gold.yaml").read_text(encoding="utf-8"))

SAMPLE = """
Q: Good afternoon, and thank you for joining us today. Could you please tell me how your stay at the hotel was?
A: It was mostly good, thank you. The room was clean and quiet, but the breakfast was cold on both days and the wireless internet kept dropping.
Q: I am really sorry to hear that. How did the staff at the front desk treat you during your visit?
A: They were very friendly. Anna helped me with a late check out on Sunday, and I would give them five out of five.
Q: That is wonderful. Was there anything else you would like us to improve before your next trip?
A: The parking area is too small. We drove around for half an hour on Friday evening before we found a place.
Q: I understand. Would you recommend our hotel to your friends or your colleagues?
A: Yes, I would, as long as you fix the breakfast and the internet connection.
Q: Thank you so much for your time. We will send you a summary of this interview by email.
A: You are welcome. Have a nice day, goodbye.
"""  # noqa: E501 - one line is one turn


def _stems(phrase: str) -> str:
    if phrase.startswith("="):
        return phrase
    return " ".join(stem(word) for word in words(phrase))


def _report(
    attribution: Attribution, template: str = "interview", language: str = "en", building: Building | None = None
) -> Report:
    return report(attribution, Details(building=building), TEMPLATES[template, language], number=1)


def _judgements(made: Report, template: Template) -> dict[str, str]:
    names = {said: name for name, said in wording(made.language).judgements[template.scenario].items()}
    titles = {topic.key: topic.title for topic in template.topics}
    return {
        finding.topic: names[finding.text.removeprefix(f"{titles[finding.topic]}: ").split(".")[0]]
        for finding in made.findings
    }


def _of_script(script: str, template: str = "interview", language: str = "en") -> dict[str, str]:
    made = _report(a_conversation(script), template, language, Building.HOTEL)
    return _judgements(made, TEMPLATES[template, language])


def _of_case(case: dict[str, Any]) -> tuple[Report, dict[str, str]]:
    template = TEMPLATES[case["scenario"], case["language"]]
    made = report(a_conversation(case["script"]), Details(building=Building(case["building"])), template, number=1)
    return made, _judgements(made, template)


def _scores(cases: list[dict[str, Any]]) -> tuple[float, float]:
    """Precision and recall of (topic, judgement) pairs; mere mentions are left out on both sides."""
    right = found = wanted = 0
    for case in cases:
        pairs = {pair for pair in _of_case(case)[1].items() if pair[1] != MENTION}
        gold = set(case["gold"].items())
        right, found, wanted = right + len(pairs & gold), found + len(pairs), wanted + len(gold)
    return right / found, right / wanted


class TestSampleInterview:
    def test_every_fact_of_the_sample_is_found_with_its_judgement(self) -> None:
        expected = {
            "room": "praise",
            "breakfast": "complaint",
            "internet": "complaint",
            "staff": "praise",
            "check-in-out": "praise",
            "parking": "complaint",
            "recommendation": "mixed",
        }
        found = _judgements(_report(a_conversation(SAMPLE)), TEMPLATES["interview", "en"])
        assert expected == {topic: found.get(topic) for topic in expected}

    def test_a_short_answer_is_quoted_under_the_topic_of_its_question(self) -> None:
        (finding,) = [one for one in _report(a_conversation(SAMPLE)).findings if one.topic == "recommendation"]
        assert [quote.text for quote in finding.quotes] == [
            "Yes, I would, as long as you fix the breakfast and the internet connection."
        ]

    def test_a_finding_says_title_judgement_and_count_and_nothing_else(self) -> None:
        texts = {finding.topic: finding.text for finding in _report(a_conversation(SAMPLE)).findings}
        assert texts["breakfast"] == "Breakfast and food: a complaint. 2 quotes."
        assert texts["parking"] == "Parking: a complaint. 1 quote."

    def test_topics_nobody_spoke_about_are_listed_and_only_those_of_the_building(self) -> None:
        made = _report(a_conversation(SAMPLE))
        assert made.not_covered == ("Price and value",)
        assert "Making an appointment" in _report(a_conversation(SAMPLE), building=Building.HEALTH_CENTRE).not_covered

    def test_the_report_names_its_template_and_method(self) -> None:
        made = _report(a_conversation(SAMPLE))
        assert (
            made.template,
            made.version,
            made.language,
            made.title,
            made.method,
            made.number,
        ) == ("interview", 1, "en", "Interview report", "extractive", 1)

    def test_the_same_transcript_gives_the_same_report(self) -> None:
        assert _report(a_conversation(SAMPLE)) == _report(a_conversation(SAMPLE))


class TestQuotes:
    @pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
    def test_every_quote_stands_letter_by_letter_in_the_words_at_its_times(self, case: dict[str, Any]) -> None:
        spoken = a_conversation(case["script"]).segments
        made, _ = _of_case(case)
        assert made.findings
        for finding in made.findings:
            assert finding.quotes
            for quote in finding.quotes:
                assert quote.verified
                said = [
                    word
                    for segment in spoken
                    for word in segment.words
                    if segment.speaker == quote.speaker and quote.start <= word.start and word.end <= quote.end
                ]
                assert quote.text == " ".join(word.text for word in said)
                assert (said[0].start, said[-1].end) == (quote.start, quote.end)

    @pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
    def test_nothing_the_interviewer_said_is_ever_quoted(self, case: dict[str, Any]) -> None:
        made, _ = _of_case(case)
        roles = {quote.role for finding in made.findings for quote in finding.quotes}
        assert Role.INTERVIEWER not in roles

    def test_an_interviewers_own_judgement_is_no_evidence(self) -> None:
        script = "Q: I hear the breakfast was terrible and the room dirty.\nA: I only had a coffee at the airport."
        assert "room" not in _of_script(script)
        script = "Q: The parking is awful, is it not? Was the room clean?\nA: I was asleep."
        assert _of_script(script).get("parking") is None

    def test_an_auditors_report_takes_nothing_from_bystanders(self) -> None:
        script = "W: The reception is clean.\nE: The kitchen is filthy, believe me.\nW: The lift is broken."
        found = _of_script(script, "site-audit")
        assert found == {"reception": "praise", "cleanliness": "praise", "equipment": "complaint"}

    def test_a_sentence_said_twice_is_quoted_at_both_its_times(self) -> None:
        script = "A: The breakfast was cold. I said so. The breakfast was cold.\nQ: I see.\nA: The breakfast was cold."
        (finding,) = _report(a_conversation(script), building=Building.HOTEL).findings
        assert [quote.start for quote in finding.quotes] == [0.5, 3.3, 6.5]

    def test_a_sentence_cut_in_two_segments_is_quoted_whole(self) -> None:
        spoken = [
            a_segment("The breakfast was", 1.0, Role.CLIENT, "SPEAKER_01"),
            a_segment("cold on both days.", 2.2, Role.CLIENT, "SPEAKER_01"),
        ]
        (finding,) = _report(an_attribution(spoken), building=Building.HOTEL).findings
        assert [quote.text for quote in finding.quotes] == ["The breakfast was cold on both days."]
        assert (finding.quotes[0].start, finding.quotes[0].end) == (1.0, 3.8)

    def test_segments_without_words_are_quoted_with_the_times_of_the_segment(self) -> None:
        spoken = [a_segment("Hello. The breakfast was cold.", 3.0, Role.CLIENT, "SPEAKER_00")]
        bare = [spoken[0].model_copy(update={"words": ()})]
        (finding,) = _report(an_attribution(bare), building=Building.HOTEL).findings
        assert ("The breakfast was cold.", 3.0, spoken[0].end) == (
            finding.quotes[0].text,
            finding.quotes[0].start,
            finding.quotes[0].end,
        )

    def test_speech_without_a_role_is_evidence_unless_it_asks(self) -> None:
        spoken = [a_segment("Was the breakfast cold?", 0.0), a_segment("The breakfast was cold.", 4.0)]
        (finding,) = _report(an_attribution(spoken), building=Building.HOTEL).findings
        assert [quote.text for quote in finding.quotes] == ["The breakfast was cold."]


class TestNothingToReport:
    @pytest.mark.parametrize("language", ["en", "ru"])
    def test_silence_gives_no_findings_and_every_topic_of_the_building_as_not_covered(self, language: str) -> None:
        made = _report(an_attribution([]), language=language, building=Building.HOTEL)
        template = TEMPLATES["interview", language]
        expected = [topic.title for topic in template.topics if Building.HOTEL in (topic.buildings or list(Building))]
        assert made.findings == ()
        assert expected == list(made.not_covered)

    def test_in_an_unknown_building_only_what_every_building_has_is_called_not_covered(self) -> None:
        titles = {topic.title for topic in TEMPLATES["interview", "en"].topics if not topic.buildings}
        assert titles == set(_report(an_attribution([])).not_covered)

    def test_greetings_and_thanks_are_about_nothing(self) -> None:
        script = "Q: Good morning.\nA: Good morning. Nice to meet you.\nQ: Goodbye.\nA: Have a nice day, goodbye."
        assert _of_script(script) == {}


class TestAnswers:
    @pytest.mark.parametrize(
        ("question", "said", "topic", "judgement"),
        [
            ("Would you recommend us?", "Yes.", "recommendation", "praise"),
            ("Would you recommend us?", "Well, probably not.", "recommendation", "complaint"),
            ("Would you recommend us?", "I would not recommend it.", "recommendation", "complaint"),
            ("Did you have any problems with the internet?", "No, none.", "internet", "praise"),
            ("Did you have any problems with the internet?", "Yes.", "internet", "complaint"),
            ("Was the room clean?", "No.", "cleanliness", "complaint"),
            ("How was the breakfast?", "Cold.", "breakfast", "complaint"),
            ("How was the breakfast?", "Well. Everything was fine.", "breakfast", "praise"),
            ("How many of you used the parking?", "There were three of us.", "parking", "mention"),
            ("Anything we should improve?", "A kettle in each corridor.", "wishes", "suggestion"),
            ("Anything we should improve?", "No, nothing.", "wishes", "mention"),
        ],
    )
    def test_an_answer_belongs_to_its_question(self, question: str, said: str, topic: str, judgement: str) -> None:
        assert judgement == _of_script(f"Q: {question}\nA: {said}").get(topic)

    @pytest.mark.parametrize(
        ("question", "said", "topic", "judgement"),
        [
            ("Порекомендуете нас?", "Конечно.", "recommendation", "praise"),
            ("Порекомендуете нас?", "Ну, вряд ли.", "recommendation", "complaint"),
            ("Были проблемы с интернетом?", "Нет.", "internet", "praise"),
            ("В номере было чисто?", "Да, очень.", "cleanliness", "praise"),
            ("Как завтрак?", "Остывший.", "breakfast", "complaint"),
            ("Как вам персонал?", "Не очень вежливый.", "staff", "complaint"),
            ("Что нам улучшить?", "Поставьте чайник в коридоре.", "wishes", "suggestion"),
        ],
    )
    def test_a_russian_answer_belongs_to_its_question(
        self, question: str, said: str, topic: str, judgement: str
    ) -> None:
        assert judgement == _of_script(f"Q: {question}\nA: {said}", language="ru").get(topic)

    def test_they_goes_on_about_what_was_spoken_of_and_a_new_subject_does_not(self) -> None:
        script = "Q: How were the staff?\nA: I met two of them. They were rude. Dogs bark. The room was lovely."
        assert _of_script(script) == {"staff": "complaint", "room": "praise"}


class TestPolarity:
    @pytest.mark.parametrize(
        ("text", "marks"),
        [
            ("the room was clean", {Mark.PRAISE}),
            ("the room was not clean", {Mark.COMPLAINT}),
            ("the room wasn't very clean", {Mark.COMPLAINT}),
            ("it was not bad", {Mark.PRAISE}),
            ("there was no soap", {Mark.COMPLAINT}),
            ("there were no problems", {Mark.PRAISE}),
            ("we didn't have to wait", {Mark.PRAISE}),
            ("the bed was too soft", {Mark.COMPLAINT}),
            ("the lobby was nice too", {Mark.PRAISE}),
            ("not only clean", {Mark.PRAISE}),
            ("a kettle would be nice", {Mark.SUGGESTION}),
            ("I would like to pay", set()),
            ("good morning", set()),
            ("we arrived on Friday", set()),
            ("в номере чисто", {Mark.PRAISE}),
            ("в номере не чисто", {Mark.COMPLAINT}),
            ("совсем не шумно", {Mark.PRAISE}),
            ("мыла нет", {Mark.COMPLAINT}),
            ("нет мыла", {Mark.COMPLAINT}),
            ("замечаний нет", {Mark.PRAISE}),
            ("нарушений не выявлено", {Mark.PRAISE}),
            ("проблем не было", {Mark.PRAISE}),
            ("не было полотенец", {Mark.COMPLAINT}),
            ("без проблем", {Mark.PRAISE}),
            ("слишком далеко", {Mark.COMPLAINT}),
            ("хотелось бы чайник", {Mark.SUGGESTION}),
            ("добрый день", set()),
            ("мы приехали в пятницу", set()),
        ],
    )
    def test_clauses_are_judged_with_negation(self, text: str, marks: set[Mark]) -> None:
        assert marks == general().marks(tokens(text))

    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("clean and quiet, but the breakfast was cold", 2),
            ("good; however, it was far", 2),
            ("чисто, но шумно", 2),
            ("номер чистый, а завтрак холодный", 2),
            ("не только чисто", 1),
            ("yes, as long as you fix it", 2),
            ("clean and quiet", 1),
        ],
    )
    def test_a_contrast_divides_a_sentence(self, text: str, parts: int) -> None:
        assert parts == len(clauses(tokens(text)))

    def test_a_negation_does_not_reach_over_a_comma(self) -> None:
        assert {Mark.PRAISE} == general().marks(tokens("I do not know, clean it was"))

    def test_a_topics_own_words_win_over_the_general_list(self) -> None:
        assert {Mark.COMPLAINT} == general().marks(tokens("cold"))
        assert {Mark.PRAISE} == Judge(praise=["cold"]).marks(tokens("cold"))

    def test_an_exact_form_leaves_its_inflections_alone(self) -> None:
        judge = Judge(complaint=["=cooling"])
        assert {Mark.COMPLAINT} == judge.marks(tokens("cooling"))
        assert set() == judge.marks(tokens("cooled"))

    @pytest.mark.parametrize(
        ("text", "sign", "rest"),
        [
            ("Yes, I would, as long as", Mark.PRAISE, ["as", "long", "as"]),
            ("No.", Mark.COMPLAINT, []),
            ("Well, yes", Mark.PRAISE, []),
            ("Нет, конечно.", Mark.COMPLAINT, []),
            ("No one was rude", None, ["no", "one", "was", "rude"]),
            ("I would not recommend it", None, ["i", "would", "not", "recommend", "it"]),
        ],
    )
    def test_yes_and_no_are_read_off_the_beginning(self, text: str, sign: Mark | None, rest: list[str]) -> None:
        found = reply(tokens(text))
        assert (sign, rest) == (found.sign, [token.word for token in found.rest if token.word])

    def test_no_stem_praises_and_complains_at_once(self) -> None:
        """ "пятен" (stains) and "пять" (five) have one stem: such words need the exact form."""
        lists = [lexicon.PRAISE, lexicon.COMPLAINT, lexicon.SUGGESTION, lexicon.NEGATION, lexicon.ABSENCE]
        stems = [{_stems(entry) for entry in entries(listed)} for listed in lists]
        assert [first & second for first, second in combinations(stems, 2) if first & second] == []
        for template in load():
            for topic in template.topics:
                assert not {_stems(entry) for entry in topic.praise} & {_stems(entry) for entry in topic.complaint}

    def test_irony_is_out_of_reach(self) -> None:
        """A limit, not a wish: whoever lifts it may turn this round."""
        assert {Mark.PRAISE} <= general().marks(tokens("Oh great, cold soup again, just wonderful"))


class TestGold:
    def test_tuned_conversations_stay_as_well_understood_as_they_are(self) -> None:
        """Measured 0.94 and 0.97. The word lists were mended on these: a floor against harm, no claim of quality."""
        precision, recall = _scores([case for case in CASES if case["tuned"]])
        assert precision >= 0.92
        assert recall >= 0.94

    def test_fresh_conversations_stay_as_well_understood_as_they_are(self) -> None:
        """Measured 0.77 and 0.59 on four never looked at while mending: what to expect of words alone."""
        fresh = [case for case in CASES if not case["tuned"]]
        precision, recall = _scores(fresh)
        assert len(fresh) == 4
        assert precision >= 0.75
        assert recall >= 0.55

    def test_the_building_type_is_told_from_what_is_spoken_about(self) -> None:
        for case in CASES:
            template = TEMPLATES[case["scenario"], case["language"]]
            own = {topic.key: topic.buildings for topic in template.topics}
            made = report(a_conversation(case["script"]), Details(), template, number=1)
            kept = [finding.topic for finding in made.findings if own[finding.topic]]
            fitting = [key for key in kept if Building(case["building"]) in own[key]]
            assert 2 * len(fitting) > len(kept), case["name"]

    def test_every_scenario_language_and_building_is_in_the_gold(self) -> None:
        seen = {(case["scenario"], case["language"]) for case in CASES}
        assert {(scenario.value, language) for scenario in Scenario for language in ("en", "ru")} == seen
        assert {building.value for building in Building} == {case["building"] for case in CASES}
