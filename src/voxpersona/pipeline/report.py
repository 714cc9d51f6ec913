"""The verb report: findings with checked quotes, from one attributed transcript by one template.

Extractive: nothing is written that was not said, except the topic's title, a judgement of one or two words and the
number of quotes. The judgement comes from word lists (see `polarity`); the quotes say what it rests on.
"""

from collections.abc import Sequence

from voxpersona.errors import Code, Integrity
from voxpersona.model import EXTRACTIVE, Attribution, Building, Details, Finding, Quote, Report, Segment
from voxpersona.pipeline.polarity import Mark
from voxpersona.pipeline.quote import Sentence, locate, sentences
from voxpersona.pipeline.topics import Heard, Lens, buildings, gather, lenses
from voxpersona.pipeline.wording import COMPLAINT, MENTION, MIXED, PRAISE, SUGGESTION, wording
from voxpersona.templates import Template


def report(attribution: Attribution, details: Details, template: Template, *, number: int) -> Report:
    """Write the template's report on a recording, without a model; the same input gives the same report.

    Findings stand in the template's order of topics, their quotes in the order of time, every one located in the
    attributed segments. Where the building type is not known, it is told from what is spoken about.
    """
    spoken = sentences(attribution.segments)
    looked_for = lenses(template.topics)
    places = frozenset({details.building}) if details.building else buildings(spoken, looked_for)
    looked_for = tuple(lens for lens in looked_for if _concerns(lens, places))
    heard = gather(spoken, looked_for, template.scenario)
    return Report(
        recording=attribution.recording,
        number=number,
        template=template.name,
        version=template.version,
        language=template.language,
        title=template.title,
        method=EXTRACTIVE,
        findings=tuple(
            _finding(lens, heard[lens.topic.key], template, attribution.segments)
            for lens in looked_for
            if lens.topic.key in heard
        ),
        not_covered=tuple(
            lens.topic.title
            for lens in looked_for
            if lens.topic.key not in heard and places <= (set(lens.topic.buildings) or set(Building))
        ),
    )


def judgement(heard: Sequence[Heard]) -> str:
    """One word for all that was said about a topic: praise, complaint, mixed, suggestion or mention.

    A suggestion beside a complaint is part of the complaint; beside praise it makes the topic mixed.
    """
    marks = frozenset[Mark]().union(*(one.marks for one in heard))
    if Mark.PRAISE in marks:
        return PRAISE if marks == {Mark.PRAISE} else MIXED
    if Mark.COMPLAINT in marks:
        return COMPLAINT
    return SUGGESTION if Mark.SUGGESTION in marks else MENTION


def _concerns(lens: Lens, places: frozenset[Building]) -> bool:
    return not lens.topic.buildings or bool(places & set(lens.topic.buildings))


def _finding(lens: Lens, heard: Sequence[Heard], template: Template, segments: Sequence[Segment]) -> Finding:
    words = wording(template.language)
    said = words.judgements[template.scenario][judgement(heard)]
    count = words.quote_count(len(heard))
    return Finding(
        topic=lens.topic.key,
        text=f"{lens.topic.title}: {said}. {count[0].upper()}{count[1:]}.",
        quotes=tuple(_quote(one.sentence, segments) for one in heard),
    )


def _quote(sentence: Sentence, segments: Sequence[Segment]) -> Quote:
    """The sentence located where it was said: "Yes." stands in many places, and only one of them is meant."""
    first, *others = segments[sentence.segment :]
    nearby = [first, *(segment for segment in others if segment.start < sentence.end)]
    later = tuple(word for word in first.words if word.start >= sentence.start)
    if first.words and len(later) < len(first.words):
        text = " ".join(word.text for word in later)
        nearby[0] = first.model_copy(update={"words": later, "text": text})
    quote = locate(sentence.text, nearby)
    if quote is None or quote.text != sentence.text:
        raise Integrity(Code.INTERNAL, f"a sentence at {sentence.start:.2f} s does not stand where it was found")
    return quote.model_copy(update={"corrections": sentence.corrections})
