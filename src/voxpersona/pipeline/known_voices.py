"""Known voices: a speaker whom a person named once is recognised later, and suggested; never named by itself.

A print is biometric, so all of this is off unless asked for, and as little is kept as will do. It stands in the main
bucket alone, which is encrypted whenever any of it is written: the prints of voices that a person named, and that a
speaker of another recording sounds like one of them. The name stands in the print's document and nowhere else; what
points to a print that is gone says nothing. Prints of speakers whom nobody named are compared and dropped.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from voxpersona.errors import Code, Integrity, NotFound, Rejected
from voxpersona.model import (
    Attribution,
    KnownSpeaker,
    KnownVoice,
    Likeness,
    RecordingId,
    Suggestion,
    Turn,
)
from voxpersona.model.noun import Noun
from voxpersona.pipeline import documents, layout
from voxpersona.ports import Blobs, Library, OnProgress, Sound, VoicePrinter

N = TypeVar("N", bound=Noun)

LONGEST_NAME = 120
"""Letters."""


def name_voice(
    attribution: Attribution,
    speaker: str,
    name: str,
    *,
    project: str,
    sound: Callable[[], AbstractContextManager[Sound]],
    printer: VoicePrinter,
    library: Library,
    archive: Blobs,
    on_progress: OnProgress,
) -> KnownVoice:
    """Keep that a speaker bears that name, and the print of the voice. What the same speaker was named before goes;
    the same name again changes nothing.

    `archive` must be encrypted. Rejected SPEAKER_UNKNOWN; VOICE_UNFIT where the name is none, or too little
    is spoken to tell the voice by; NotFound RECORDING_UNKNOWN where it was forgotten meanwhile: nothing is left then.
    """
    name = checked_name(name)
    labels = sorted(one.label for one in attribution.speakers)
    if speaker not in labels:
        told = ", ".join(labels)
        raise Rejected(Code.SPEAKER_UNKNOWN, "no such speaker", where=speaker, speakers=told)
    before = [
        one
        for one in _voices(archive, attribution.recording)
        if _is_of(one, attribution, speaker) and one.project == project
    ]
    for one in before:
        if (one.name, one.printer) == (name, printer.name):
            return one
    with sound() as opened:
        prints = printer.prints(opened, _turns(attribution, speaker), on_progress=on_progress)
    if speaker not in prints:
        reason = f"{speaker} speaks too little to be known again"
        raise Rejected(Code.VOICE_UNFIT, reason, reason=reason)
    voice = KnownVoice(
        identity=uuid.uuid4().hex,
        project=project,
        name=name,
        printer=printer.name,
        vector=_rounded(prints[speaker]),
        recording=attribution.recording,
        transcript=attribution.transcript,
        diarizer=attribution.diarizer,
        speaker=speaker,
        named_at=datetime.now(UTC),
    )
    key = layout.known_voice(voice.recording, voice.identity)
    documents.made_for(voice.recording, archive, key, KnownVoice, lambda: voice, library=library)
    erase(before, archive)
    return voice


def checked_name(name: str) -> str:
    """A name as it may be kept: one line. Rejected VOICE_UNFIT."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        reason = f"a name is one line of at most {LONGEST_NAME} letters"
        raise Rejected(Code.VOICE_UNFIT, reason, reason=reason)
    return name


def recognise(
    attribution: Attribution,
    *,
    project: str,
    sound: Callable[[], AbstractContextManager[Sound]],
    printer: VoicePrinter,
    library: Library,
    archive: Blobs,
    on_progress: OnProgress,
) -> None:
    """Keep whom the speakers sound like, of those who are known in the project now. Idempotent.

    `archive` must be encrypted. The sound is opened only where there is anybody to compare with. A print that cannot
    be read is passed over: `check` tells of it.
    """
    known = [one for one in _voices(archive) if (one.project, one.printer) == (project, printer.name)]
    if not known:
        return
    with sound() as opened:
        prints = printer.prints(opened, _turns(attribution), on_progress=on_progress)
    for speaker, vector in prints.items():
        for voice, score in _nearest(_rounded(vector), known):
            if score >= printer.alike:
                likeness = Likeness(
                    recording=attribution.recording,
                    transcript=attribution.transcript,
                    diarizer=attribution.diarizer,
                    speaker=speaker,
                    origin=voice.recording,
                    voice=voice.identity,
                    score=min(1.0, round(score, 4)),
                )
                _keep(likeness, library, archive)


def who(attribution: Attribution, *, project: str, archive: Blobs) -> Sequence[KnownSpeaker]:
    """What is known of the attribution's speakers: names that were given to them, else whom they sound like."""
    named = list(_voices(archive, attribution.recording))
    likenesses = list(_read(archive, layout.likenesses(attribution.recording), Likeness))
    found = []
    for label in (speaker.label for speaker in attribution.speakers):
        given = [one for one in named if one.project == project and _is_of(one, attribution, label)]
        if given:
            newest = max(given, key=lambda one: one.named_at)
            found.append(KnownSpeaker(speaker=label, name=newest.name))
        elif alike := _suggestions([one for one in likenesses if _is_of(one, attribution, label)], project, archive):
            found.append(KnownSpeaker(speaker=label, sounds_like=alike))
    return found


def known_voices(archive: Blobs) -> Sequence[KnownVoice]:
    """All that are kept, of every project, oldest first; those that cannot be read are left out."""
    return sorted(_voices(archive), key=lambda one: one.named_at)


def forget_voice(
    name: str, *, project: str, archive: Blobs, recording: RecordingId | None = None
) -> Sequence[KnownVoice]:
    """Erase what is known of a voice, with the name wherever it was given and all suggestions; what was erased.

    `recording` narrows it to what was named there. May be called again on one that was interrupted. NotFound
    VOICE_UNKNOWN. Where a print cannot be read, so that nobody can tell whose it is, all others of that name go first,
    then its Integrity is raised.
    """
    wanted = " ".join(name.split())
    unreadable: list[Integrity] = []
    voices = [one for one in _voices(archive, recording, unreadable) if (one.name, one.project) == (wanted, project)]
    erase(voices, archive)
    _sweep(archive)  # an earlier one may have been interrupted
    if unreadable:
        raise unreadable[0]
    if not voices:
        raise NotFound(Code.VOICE_UNKNOWN, "no such voice", project=project)
    return voices


def erase(voices: Sequence[KnownVoice], archive: Blobs) -> None:
    """Remove prints, and with them their names, and whatever was made of them."""
    _erase({layout.known_voice(voice.recording, voice.identity) for voice in voices}, archive)


def erase_of(recording: RecordingId, archive: Blobs) -> None:
    """Remove every voice that is known from a recording, all that was made of those, and whom its speakers sound like:
    a print is made of the recording and goes with it. Idempotent; nothing is read, so damage does not hinder it."""
    _erase({one.key for one in archive.list(layout.known_voices(recording))}, archive)
    for key in [one.key for one in archive.list(layout.likenesses(recording))]:
        archive.delete(key)


def _turns(attribution: Attribution, speaker: str | None = None) -> list[Turn]:
    """Where the speakers, or this one, are heard: labels of an attribution are its own, not the diarizer's."""
    return [
        Turn(start=one.start, end=one.end, speaker=one.speaker)
        for one in attribution.segments
        if one.speaker is not None and speaker in (None, one.speaker)
    ]


def _rounded(vector: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(float(each), 6) for each in vector)


def _nearest(heard: Sequence[float], known: Sequence[KnownVoice]) -> Iterator[tuple[KnownVoice, float]]:
    """Of everybody who is known the print that is nearest, with its cosine."""
    best: dict[str, tuple[KnownVoice, float]] = {}
    for voice in known:
        score = sum(ours * theirs for ours, theirs in zip(heard, voice.vector, strict=True))
        if voice.name not in best or score > best[voice.name][1]:
            best[voice.name] = voice, score
    return iter(best.values())


def _keep(likeness: Likeness, library: Library, archive: Blobs) -> None:
    key = layout.likeness(likeness)
    documents.made_for(likeness.recording, archive, key, Likeness, lambda: likeness, library=library)
    try:
        # After it was written, because erasing lists again when the print is gone: one of the two sees the other.
        archive.stat(layout.known_voice(likeness.origin, likeness.voice))
    except NotFound:
        archive.delete(key)


def _erase(prints: Set[str], archive: Blobs) -> None:
    """By their keys. What points to them goes first: whoever is killed here finds them again by the prints."""
    if not prints:
        return
    for key in [one.key for one in archive.list(layout.LIKENESSES) if layout.voice_of(one.key) in prints]:
        archive.delete(key)
    for key in prints:
        archive.delete(key)
    _sweep(archive)  # what was found out meanwhile


def _sweep(archive: Blobs) -> None:
    """Remove what points to a print that is gone. Nothing is read."""
    pointing = [one.key for one in archive.list(layout.LIKENESSES)]
    standing = {one.key for one in archive.list(layout.KNOWN_VOICES)}  # second: a younger print is seen, too
    for key in pointing:
        if layout.voice_of(key) not in standing:
            archive.delete(key)


def _voices(
    archive: Blobs, recording: RecordingId | None = None, unreadable: list[Integrity] | None = None
) -> Iterator[KnownVoice]:
    """All, or those from one recording; what cannot be read is left out, and told in `unreadable`."""
    prefix = layout.KNOWN_VOICES if recording is None else layout.known_voices(recording)
    yield from _read(archive, prefix, KnownVoice, unreadable)


def _read(archive: Blobs, prefix: str, noun: type[N], unreadable: list[Integrity] | None = None) -> Iterator[N]:
    for listed in [*archive.list(prefix)]:
        try:
            yield documents.read(archive, listed.key, noun)
        except NotFound:
            pass  # erased while we looked
        except Integrity as error:
            if unreadable is not None:
                unreadable.append(error)


def _suggestions(likenesses: Sequence[Likeness], project: str, archive: Blobs) -> tuple[Suggestion, ...]:
    """The names come from the prints: one that is erased has none."""
    best: dict[str, float] = {}
    for one in likenesses:
        with suppress(NotFound, Integrity):
            voice = documents.read(archive, layout.known_voice(one.origin, one.voice), KnownVoice)
            if voice.project == project:
                best[voice.name] = max(one.score, best.get(voice.name, one.score))
    found = (Suggestion(name=name, score=score) for name, score in best.items())
    return tuple(sorted(found, key=lambda one: (-one.score, one.name)))


def _is_of(one: KnownVoice | Likeness, attribution: Attribution, speaker: str) -> bool:
    whose = one.recording, one.transcript, one.diarizer, one.speaker
    return whose == (attribution.recording, attribution.transcript, attribution.diarizer, speaker)
