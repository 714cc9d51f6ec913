"""Answers are quotes that stand in the archive, or an honest no."""

import pytest

from tests.builders_search import a_recording_id, an_attribution, the_sample
from voxpersona.adapters.embedder.memory import HashingEmbedder
from voxpersona.adapters.index.memory import MemoryPassageIndex
from voxpersona.errors import Code, NotFound
from voxpersona.model import Answer, Attribution, RecordingId
from voxpersona.pipeline.ask import ask
from voxpersona.pipeline.passages import passages
from voxpersona.pipeline.quote import locate
from voxpersona.pipeline.stems import stems

HOTEL = """
interviewer: Понравился ли вам завтрак?
client: Нет, он был холодный оба дня.
interviewer: Как вам парковка?
client: Парковка тесная. Мы искали место полчаса.
"""


class Archive:
    """Attributions and the index over them, searched by words alone."""

    def __init__(self, *attributions: Attribution) -> None:
        self.embedder = HashingEmbedder(1024, stem=stems)  # few words share a place by accident
        self.index = MemoryPassageIndex(dimensions=self.embedder.dimensions, stem=stems)
        self.attributions = {attribution.recording: attribution for attribution in attributions}
        for attribution in attributions:
            pieces = passages(attribution, language="en")
            vectors = self.embedder.passages([piece.text for piece in pieces])
            self.index.upsert(attribution.recording, pieces, vectors)

    def find(self, recording: RecordingId) -> Attribution:
        if recording not in self.attributions:
            raise NotFound(Code.RESULT_ABSENT, "no attribution")
        return self.attributions[recording]

    def ask(self, question: str, *, recordings: list[RecordingId] | None = None, most: int = 5) -> Answer:
        return ask(question, self.index, self.embedder, self.find, recordings=recordings, most=most)


@pytest.fixture
def archive() -> Archive:
    return Archive(the_sample())


def test_the_breakfast_was_cold(archive: Archive) -> None:
    answer = archive.ask("What was wrong with the breakfast?")
    assert answer.found
    cold = next(one for one in answer.citations if "but the breakfast was cold on both days" in one.text)
    assert 6.7 <= cold.start < cold.end <= 16.1
    assert (cold.role, cold.recording) == ("client", the_sample().recording)
    assert f"[{answer.citations.index(cold) + 1}] client, 00:08: “The room was clean" in answer.text


@pytest.mark.parametrize(
    "question", ["What was wrong with the breakfast?", "How did the staff treat the guest?", "Что с парковкой?"]
)
def test_every_citation_stands_in_the_transcript(archive: Archive, question: str) -> None:
    answer = archive.ask(question)
    assert answer.citations
    for citation in answer.citations:
        quote = locate(citation.text, the_sample().segments)
        assert quote is not None
        assert (quote.text, quote.start, quote.end) == (citation.text, citation.start, citation.end)
        assert (quote.role, quote.speaker) == (citation.role, citation.speaker)
        assert citation.text in answer.text


def test_a_question_of_the_interviewer_is_no_answer_but_leads_to_it() -> None:
    answer = Archive(an_attribution(a_recording_id(), HOTEL)).ask("Что говорят о завтраке?")
    assert [citation.text for citation in answer.citations] == ["Нет, он был холодный оба дня."]
    assert answer.text == "[1] клиент, 00:02: «Нет, он был холодный оба дня.»"


def test_voices_nobody_told_apart_are_still_answered_from() -> None:
    attribution = an_attribution(a_recording_id(), HOTEL)
    nobody = [segment.model_copy(update={"speaker": None, "role": None}) for segment in attribution.segments]
    answer = Archive(attribution.model_copy(update={"segments": tuple(nobody)})).ask("Что говорят о завтраке?")
    assert answer.citations[0].text == "Нет, он был холодный оба дня."
    assert answer.text.startswith("[1] 00:02: «")


@pytest.mark.parametrize(
    ("question", "silence"),
    [
        ("How much does the parking cost?", "The archive does not say."),
        ("Is there a swimming pool?", "The archive does not say."),
        ("Сколько стоит парковка?", "В архиве об этом не сказано."),
        ("Есть ли бассейн?", "В архиве об этом не сказано."),
        ("", "The archive does not say."),
        ("???", "The archive does not say."),
    ],
)
def test_what_nobody_spoke_of_is_not_answered(archive: Archive, question: str, silence: str) -> None:
    answer = archive.ask(question)
    assert (answer.found, answer.text, answer.citations) == (False, silence, ())
    assert answer.question == question


def test_an_empty_archive_says_nothing() -> None:
    assert not Archive().ask("What was wrong with the breakfast?").found


def test_a_recording_forgotten_since_is_left_out(archive: Archive) -> None:
    archive.attributions.clear()
    assert not archive.ask("What was wrong with the breakfast?").found


def test_the_search_can_be_narrowed(archive: Archive) -> None:
    question = "What was wrong with the breakfast?"
    assert archive.ask(question, recordings=[the_sample().recording]).found
    assert not archive.ask(question, recordings=[a_recording_id(7)]).found


def test_no_more_is_cited_than_asked_for(archive: Archive) -> None:
    question = "What was wrong with the breakfast?"
    assert len(archive.ask(question).citations) > 1
    assert len(archive.ask(question, most=1).citations) == 1


def test_what_is_cited_is_the_current_attribution_not_what_was_indexed(archive: Archive) -> None:
    recording = the_sample().recording
    renamed = [segment.model_copy(update={"role": "employee"}) for segment in the_sample().segments]
    archive.attributions[recording] = the_sample().model_copy(update={"segments": tuple(renamed)})
    assert archive.ask("What was wrong with the breakfast?").citations[0].role == "employee"


def test_late_hours_are_told_with_hours() -> None:
    attribution = an_attribution(a_recording_id(), HOTEL)
    late = [
        segment.model_copy(update={"start": segment.start + 3600, "end": segment.end + 3600, "words": ()})
        for segment in attribution.segments
    ]
    answer = Archive(attribution.model_copy(update={"segments": tuple(late)})).ask("Какая парковка?")
    assert answer.text.startswith("[1] клиент, 1:00:")
