"""What a person asks to be put right, as changes of the words they saw: one place, every place, or an edited export.

Errors quote nothing that was said or typed: they name the time or the line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from voxpersona.errors import Code, Rejected
from voxpersona.model import Attribution, Change, KnownSpeaker, Recording, Segment
from voxpersona.pipeline.corrections import change, differences, texts
from voxpersona.pipeline.export import Export, language_of
from voxpersona.pipeline.render import beside_name, clock, flat, speaker_names
from voxpersona.pipeline.wording import wording

_SHOWN = 1.0
"""Seconds that a time as it is shown may stand for."""
_MOST_TOLD = 8


@dataclass(frozen=True)
class _Spot:
    """Words `[first, last)` of a segment, of whose text they hold the letters `[begin, stop)`."""

    segment: Segment
    first: int
    last: int
    begin: int
    stop: int

    @property
    def start(self) -> float:
        return self.segment.words[self.first].start if self.segment.words else self.segment.start

    @property
    def end(self) -> float:
        return self.segment.words[self.last - 1].end if self.segment.words else self.segment.end

    @property
    def is_whole(self) -> bool:
        return (self.first, self.last) == (0, len(texts(self.segment)))


def mend(
    attribution: Attribution, was: str, now: str, *, at: float | None = None, everywhere: bool = False
) -> list[Change]:
    """Other words in place of some that stand `at` about that time; without it, in the only place where they stand, or
    in every one. Whole words, letter by letter.

    Rejected TEXT_ABSENT, TEXT_AMBIGUOUS; CORRECTION_EMPTY where nothing would be left.
    """
    if not now.strip():
        raise Rejected(Code.CORRECTION_EMPTY, "no words", where="--is")
    found: dict[int, list[_Spot]] = {}
    for spot in _spots(attribution, was, at, everywhere=everywhere):
        found.setdefault(id(spot.segment), []).append(spot)
    changes = []
    for spots in found.values():
        segment, first, last = spots[0].segment, spots[0].first, spots[-1].last
        whole = " ".join(texts(segment))
        begin, stop = _letters(segment, first, last)
        text = whole[begin:stop]
        for spot in reversed(spots):
            text = text[: spot.begin - begin] + " ".join(now.split()) + text[spot.stop - begin :]
        changes += (
            differences(_part(segment, first, last), text)
            if segment.words
            else differences(segment, whole[:begin] + text + whole[stop:])
        )
    return changes


def give(
    attribution: Attribution,
    speaker: str,
    was: str = "",
    *,
    at: float | None = None,
    everywhere: bool = False,
    known: Sequence[KnownSpeaker] = (),
) -> list[Change]:
    """Words, or without them the whole segment that is shown `at` that time, to another speaker: by label, by the
    role where only one has it, or by the name that a person gave.

    Rejected SPEAKER_UNKNOWN, TEXT_ABSENT, TEXT_AMBIGUOUS, TEXT_UNTIMED.
    """
    label = label_of(attribution, speaker, known, where="--speaker")
    spots = _spots(attribution, was, at, everywhere=everywhere) if was.strip() else [_segment_at(attribution, at)]
    for spot in spots:
        if not spot.segment.words and not spot.is_whole:
            raise Rejected(Code.TEXT_UNTIMED, "its words have no times", time=clock(spot.start))
    return [
        _given(attribution, spot.segment, label, spot.first, spot.last)
        for spot in spots
        if spot.segment.speaker != label
    ]


def read_back(
    recording: Recording, attribution: Attribution, content: bytes, known: Sequence[KnownSpeaker] = ()
) -> list[Change]:
    """What was changed in an export (`txt` or `json`) of these very words: texts and speakers of segments. `known` are
    the names that people gave to speakers, as the export has them.

    Rejected CORRECTION_UNREADABLE where it is no such export, or has other segments; CORRECTION_STALE where it is of
    another version; SPEAKER_UNKNOWN; CORRECTION_EMPTY where a segment is left without words.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable("it is no UTF-8 text") from error
    read = _from_json if text.lstrip().startswith("{") else _from_text
    given, mended = [], []
    for line, segment, speaker, said in read(recording, attribution, text, known):
        if not said.strip():
            raise Rejected(Code.CORRECTION_EMPTY, "no words", where=line)
        if speaker != (segment.speaker or ""):
            label = label_of(attribution, speaker, known, where=line)
            given.append(_given(attribution, segment, label, 0, len(texts(segment))))
        mended += differences(segment, said)
    return [*given, *mended]  # speakers first: they are found by the words as they stood


_Line = tuple[str, Segment, str, str]
"""What to call it, the segment, who is to say it now, and what."""


def _from_json(
    recording: Recording, attribution: Attribution, text: str, _known: Sequence[KnownSpeaker]
) -> Iterator[_Line]:
    try:
        export = Export.model_validate_json(text)
    except ValidationError:
        raise _unreadable("is no export of this program") from None  # its message quotes what was said
    _refuse_other(recording, attribution, export.recording.id, export.transcript.number)
    segments = attribution.segments
    for number, (segment, edited) in enumerate(zip(segments, export.transcript.segments, strict=False), 1):
        if (segment.start, segment.end) != (edited.start, edited.end):
            raise _moved(f"segment {number}")
        if segment.text.strip():
            yield f"segment {number}", segment, edited.speaker or "", edited.text
    if len(segments) != len(export.transcript.segments):
        raise _moved(f"segment {min(len(segments), len(export.transcript.segments)) + 1}")


_HEAD = re.compile(r"(?P<id>\S+)  sha256 \S+  version (?P<version>[0-9]{1,9})")
_HEAD_LINES = 3


def _from_text(
    recording: Recording, attribution: Attribution, text: str, known: Sequence[KnownSpeaker]
) -> Iterator[_Line]:
    lines = text.splitlines()
    head = _HEAD.fullmatch(lines[1].strip()) if len(lines) >= _HEAD_LINES else None
    begin = next((at for at, line in enumerate(lines) if not line.strip()), len(lines)) + 1
    if head is None:
        raise _unreadable("is no export of this program")
    _refuse_other(recording, attribution, head["id"], int(head["version"]))
    words = wording(language_of(recording, attribution))
    names = [name or words.unknown_speaker for name in speaker_names(attribution.segments, words, known)]
    shown = [one for one in zip(attribution.segments, names, strict=True) if one[0].text.strip()]
    body = [(f"line {at}", line) for at, line in enumerate(lines[begin:], begin + 1) if line.strip()]
    for (where, line), (segment, name) in zip(body, shown, strict=False):
        stamp = f"[{clock(int(segment.start))}] "
        if not line.startswith(stamp):
            raise _moved(where)
        typed, beside = line[len(stamp) :], beside_name(segment, words)
        as_it_was = f"{name}{beside}:"
        if typed.startswith(as_it_was):
            yield where, segment, segment.speaker or "", typed[len(as_it_was) :]
            continue
        speaker, colon, said = typed.partition(":")
        label = label_of(attribution, speaker.removesuffix(beside) if colon else "", known, where=where)
        yield where, segment, label, said
    if len(body) != len(shown):
        raise _moved(body[len(shown)][0] if len(body) > len(shown) else f"line {len(lines) + 1}")


def _refuse_other(recording: Recording, attribution: Attribution, identity: str, version: int) -> None:
    if identity != recording.id:
        raise _unreadable("it is of another recording")
    if version != attribution.number:
        raise Rejected(Code.CORRECTION_STALE, "it is of another version", id=recording.id)


def _unreadable(reason: str) -> Rejected:
    return Rejected(Code.CORRECTION_UNREADABLE, reason, reason=reason)


def _moved(where: str) -> Rejected:
    return _unreadable(f"{where} is not what stood there: lines were added, removed or given another time")


def _labels(attribution: Attribution, known: Sequence[KnownSpeaker]) -> Mapping[str, str]:
    """Every name a speaker may be called by, in small letters, with the label: the label, the role with its number
    where several have it, in either language, and what a person called them, with and without the role."""
    labels: dict[str, str] = {}
    for words in (None, wording("en"), wording("ru")):
        for told in ((), known):
            names = speaker_names(attribution.segments, words, told)
            for segment, name in zip(attribution.segments, names, strict=True):
                if segment.speaker is not None:
                    labels |= {segment.speaker.casefold(): segment.speaker, (name or "").casefold(): segment.speaker}
    spoken = set(labels.values())
    return labels | {flat(one.name).casefold(): one.speaker for one in known if one.name and one.speaker in spoken}


def label_of(attribution: Attribution, speaker: str, known: Sequence[KnownSpeaker], *, where: str) -> str:
    """The label of whoever is called so. Rejected SPEAKER_UNKNOWN, which names `where` that was written."""
    labels = _labels(attribution, known)
    try:
        return labels[" ".join(speaker.split()).casefold()]
    except KeyError:
        told = ", ".join(sorted(set(labels.values())))
        raise Rejected(Code.SPEAKER_UNKNOWN, "no such speaker", where=where, speakers=told) from None


def _given(attribution: Attribution, segment: Segment, label: str, first: int, last: int) -> Change:
    voice = max((one for one in attribution.segments if one.speaker == label), key=lambda one: one.end - one.start)
    same = change(segment, first, last, now=" ".join(texts(segment)[first:last]))
    return same.model_copy(update={"speaker": label, "voice": (voice.start, voice.end)})


def _spots(attribution: Attribution, was: str, at: float | None, *, everywhere: bool) -> list[_Spot]:
    """Where the words stand: one place, or every place. Rejected TEXT_ABSENT, TEXT_AMBIGUOUS."""
    wanted = " ".join(was.split())
    found = [spot for segment in attribution.segments for spot in _in_segment(segment, wanted)] if wanted else []
    if at is not None:
        found = [spot for spot in found if _is_at(spot.segment, at)]
        if len(found) > 1 and not everywhere:
            found = [spot for spot in found if spot.start < at + _SHOWN and at < spot.end] or found
    if not found:
        raise Rejected(Code.TEXT_ABSENT, "these words do not stand there")
    if len(found) > 1 and not everywhere:
        raise _ambiguous(found)
    return found


def _segment_at(attribution: Attribution, at: float | None) -> _Spot:
    """The segment that is shown with that time, else the one that lasts then."""
    spoken = [segment for segment in attribution.segments if segment.text.strip()]
    shown = [segment for segment in spoken if at is not None and clock(segment.start) == clock(at)]
    found = shown or [segment for segment in spoken if at is not None and segment.start <= at < segment.end]
    spots = [_Spot(segment, 0, len(texts(segment)), 0, len(" ".join(texts(segment)))) for segment in found]
    if not spots:
        raise Rejected(Code.TEXT_ABSENT, "nobody speaks at that time")
    if len(spots) > 1:
        raise _ambiguous(spots)
    return spots[0]


def _ambiguous(spots: Sequence[_Spot]) -> Rejected:
    times = ", ".join(clock(spot.start) for spot in spots[:_MOST_TOLD]) + (" …" if len(spots) > _MOST_TOLD else "")
    return Rejected(Code.TEXT_AMBIGUOUS, f"{len(spots)} places", count=len(spots), times=times)


def _is_at(segment: Segment, at: float) -> bool:
    return segment.start < at + _SHOWN and at < segment.end


def _in_segment(segment: Segment, wanted: str) -> Iterator[_Spot]:
    words = texts(segment)
    text = " ".join(words)
    before = r"(?<!\w)" if wanted[0].isalnum() else ""
    behind = r"(?!\w)" if wanted[-1].isalnum() else ""
    for match in re.finditer(before + re.escape(wanted) + behind, text):
        begin, stop = match.span()
        first = len(text[:begin].split(" ")) - 1
        yield _Spot(segment, first, first + len(text[begin:stop].split(" ")), begin, stop)


def _letters(segment: Segment, first: int, last: int) -> tuple[int, int]:
    """Where the words `[first, last)` stand in the segment's text."""
    words = texts(segment)
    begin = sum(len(word) + 1 for word in words[:first])
    return begin, begin + len(" ".join(words[first:last]))


def _part(segment: Segment, first: int, last: int) -> Segment:
    return segment.model_copy(update={"words": segment.words[first:last]})
