"""The few fixed words of reports and exports, in English and Russian. Everything else in them was said by somebody."""

from collections.abc import Mapping
from dataclasses import dataclass

from voxpersona.model import Building, Role, Scenario

PRAISE, COMPLAINT, MIXED, MENTION, SUGGESTION = "praise", "complaint", "mixed", "mention", "suggestion"


@dataclass(frozen=True)
class Wording:
    """The words of one language. Details are named by the fields of the noun Details."""

    language: str
    roles: Mapping[Role, str]
    scenarios: Mapping[Scenario, str]
    buildings: Mapping[Building, str]
    details: Mapping[str, str]
    judgements: Mapping[Scenario, Mapping[str, str]]
    quotes: tuple[str, str, str]
    """For 1, for 2 to 4, for more; English uses the first and the last."""
    marks: tuple[str, str]
    unknown_speaker: str
    recording: str
    received: str
    length: str
    findings: str
    no_findings: str
    not_covered: str
    transcript: str
    reports: str
    source: str
    speaking: str
    page: tuple[str, str]
    """Around the page's number: `Page 1 of 2`."""
    template: str
    version: str
    unverified: str
    corrected: str
    overlapped: str
    """Beside who speaks, where somebody else does too."""
    extractive: str
    by_model: str
    sounds_like: str
    """Behind the name of a speaker; braces hold the `names`."""

    def quote_count(self, count: int) -> str:
        """`1 quote`, `2 цитаты`."""
        one, few, many = self.quotes
        if self.language == "ru":
            is_teen = count % 100 in range(11, 15)
            last = count % 10
            word = one if last == 1 and not is_teen else few if last in (2, 3, 4) and not is_teen else many
        else:
            word = one if count == 1 else many
        return f"{count} {word}"

    def role(self, role: str | None, speaker: str | None) -> str:
        """The role as a word; the bare speaker label where there is no role."""
        if role is None:
            return speaker or self.unknown_speaker
        return self.roles[Role(role)] if role in self.roles else role

    def quoted(self, text: str) -> str:
        """The text between the language's quotation marks; the same marks inside it become the inner ones."""
        opening, closing = self.marks
        inner = ("„", "“") if self.language == "ru" else ("‘", "’")
        text = text.replace(opening, inner[0]).replace(closing, inner[1])
        return f"{opening}{text}{closing}"


_EN = Wording(
    language="en",
    roles={
        Role.INTERVIEWER: "interviewer",
        Role.EMPLOYEE: "employee",
        Role.CLIENT: "client",
        Role.AUDITOR: "auditor",
        Role.OTHER: "other speaker",
    },
    scenarios={Scenario.INTERVIEW: "interview", Scenario.SITE_AUDIT: "site audit"},
    buildings={Building.HOTEL: "hotel", Building.RESTAURANT: "restaurant", Building.HEALTH_CENTRE: "health centre"},
    details={
        "scenario": "Scenario",
        "number": "Number",
        "date": "Date",
        "employee": "Employee",
        "client": "Client",
        "place": "Place",
        "building": "Building type",
        "zone": "Zone",
        "city": "City",
        "language": "Language",
        "speakers": "Speakers",
    },
    judgements={
        Scenario.INTERVIEW: {
            PRAISE: "praise",
            COMPLAINT: "a complaint",
            MIXED: "mixed",
            MENTION: "a mention without judgement",
            SUGGESTION: "a suggestion",
        },
        Scenario.SITE_AUDIT: {
            PRAISE: "a favourable note",
            COMPLAINT: "a remark",
            MIXED: "mixed",
            MENTION: "a mention without judgement",
            SUGGESTION: "a suggestion",
        },
    },
    quotes=("quote", "quotes", "quotes"),
    marks=("“", "”"),
    unknown_speaker="unknown speaker",
    recording="Recording",
    received="Received",
    length="Length",
    findings="Findings",
    no_findings="Nothing was found that belongs to a topic of this template.",
    not_covered="Topics not covered",
    transcript="Transcript",
    reports="Reports",
    source="Source",
    speaking="Who speaks, and how long",
    page=("page", "of"),
    template="Template",
    version="version",
    unverified="not found in the transcript",
    corrected="corrected by a person",
    overlapped="overlapping speech",
    extractive=(
        "Written without a language model: sentences were found by key words and judged by a word list, which knows"
        " no irony. Listen to the quotes before relying on a judgement."
    ),
    by_model="Written with a language model",
    sounds_like="sounds like {names}, not confirmed",
)

_RU = Wording(
    language="ru",
    roles={
        Role.INTERVIEWER: "интервьюер",
        Role.EMPLOYEE: "сотрудник",
        Role.CLIENT: "клиент",
        Role.AUDITOR: "аудитор",
        Role.OTHER: "другой участник",
    },
    scenarios={Scenario.INTERVIEW: "интервью", Scenario.SITE_AUDIT: "аудит объекта"},
    buildings={
        Building.HOTEL: "гостиница",
        Building.RESTAURANT: "ресторан",
        Building.HEALTH_CENTRE: "медицинский центр",
    },
    details={
        "scenario": "Сценарий",
        "number": "Номер",
        "date": "Дата",
        "employee": "Сотрудник",
        "client": "Клиент",
        "place": "Объект",
        "building": "Тип объекта",
        "zone": "Зона",
        "city": "Город",
        "language": "Язык",
        "speakers": "Участников",
    },
    judgements={
        Scenario.INTERVIEW: {
            PRAISE: "похвала",
            COMPLAINT: "жалоба",
            MIXED: "смешанная оценка",
            MENTION: "упоминание без оценки",
            SUGGESTION: "предложение",
        },
        Scenario.SITE_AUDIT: {
            PRAISE: "положительная оценка",
            COMPLAINT: "замечание",
            MIXED: "смешанная оценка",
            MENTION: "упоминание без оценки",
            SUGGESTION: "предложение",
        },
    },
    quotes=("цитата", "цитаты", "цитат"),
    marks=("«", "»"),
    unknown_speaker="неизвестный участник",
    recording="Запись",
    received="Получена",
    length="Длительность",
    findings="Находки",
    no_findings="Ничего, что относилось бы к темам этого шаблона, не найдено.",
    not_covered="Темы, о которых не говорили",
    transcript="Расшифровка",
    reports="Отчёты",
    source="Источник",
    speaking="Кто говорит и сколько",
    page=("стр.", "из"),
    template="Шаблон",
    version="версия",
    unverified="в расшифровке не найдено",
    corrected="исправлено человеком",
    overlapped="говорят одновременно",
    extractive=(
        "Составлено без языковой модели: предложения найдены по ключевым словам и оценены по списку слов, иронии он"
        " не понимает. Прежде чем полагаться на оценку, прослушайте цитаты."
    ),
    by_model="Составлено языковой моделью",
    sounds_like="— голос похож: {names}, не подтверждено",
)


def wording(language: str) -> Wording:
    """The words of a language: Russian for `ru`, English for every other."""
    return _RU if language == "ru" else _EN
