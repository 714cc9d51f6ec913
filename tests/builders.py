"""Plain builders of the nouns with sensible defaults. Say only what the test is about."""

import datetime as dt
import hashlib

from voxpersona.model import (
    Attribution,
    Building,
    Details,
    Evidence,
    Finding,
    MediaFacts,
    Original,
    Quote,
    Recording,
    RecordingId,
    Report,
    Role,
    Scenario,
    Segment,
    Speaker,
    Transcript,
    Word,
)

RECEIVED = dt.datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=dt.UTC)
LINES = ("Здравствуйте, вас устроил номер?", "Всё было хорошо, только душно.")


def details(
    *,
    scenario: Scenario | None = Scenario.INTERVIEW,
    number: str | None = "17",
    date: dt.date | None = dt.date(2026, 3, 14),
    employee: str | None = "Анна Петрова",
    client: str | None = "Mr. Müller",
    place: str | None = "Отель «Волна»",
    building: Building | None = Building.HOTEL,
    zone: str | None = "ресепшен",
    city: str | None = "Сочи",
    language: str | None = "ru",
    speakers: int | None = 2,
) -> Details:
    return Details(
        scenario=scenario,
        number=number,
        date=date,
        employee=employee,
        client=client,
        place=place,
        building=building,
        zone=zone,
        city=city,
        language=language,
        speakers=speakers,
    )


def a_media_facts(*, seconds: float = 61.25, damage: str | None = None) -> MediaFacts:
    return MediaFacts(
        seconds=seconds,
        container="mov,mp4,m4a",
        codec="aac",
        rate=48_000,
        channels=1,
        content_type="audio/mp4",
        peak=0.7,
        damage=damage,
    )


def a_recording(
    number: int = 1,
    *,
    identity: str | None = None,
    source: str | None = None,
    content: bytes | None = None,
    name: str = "Интервью 17.m4a",
    received_at: dt.datetime | None = None,
    told: Details | None = None,
    media: MediaFacts | None = None,
) -> Recording:
    """Recordings of different numbers share nothing: neither id, nor delivery, nor bytes; higher ones came later."""
    key = RecordingId(identity if identity is not None else f"rec{number:09d}")
    body = content if content is not None else f"bytes of {number}".encode()
    return Recording(
        id=key,
        source=source if source is not None else f"path:/in/{number}.m4a",
        received_at=received_at if received_at is not None else RECEIVED + dt.timedelta(minutes=number),
        details=told if told is not None else details(),
        original=Original(
            name=name,
            key=f"recordings/{key}/original/intervyu-17.m4a",
            sha256=hashlib.sha256(body).hexdigest(),
            bytes=len(body),
            media=media if media is not None else a_media_facts(),
        ),
    )


def a_segment(text: str, *, start: float = 0.0, speaker: str | None = None, role: str | None = None) -> Segment:
    """Half a second for each word, no gaps."""
    words = tuple(
        Word(start=start + place / 2, end=start + (place + 1) / 2, text=word, confidence=0.9)
        for place, word in enumerate(text.split())
    )
    end = words[-1].end if words else start
    return Segment(start=start, end=end, text=text, words=words, confidence=0.9, speaker=speaker, role=role)


def a_transcript(
    recording: RecordingId, number: int = 1, *, lines: tuple[str, ...] = LINES, engine: str = "memory"
) -> Transcript:
    """A line every ten seconds."""
    segments = tuple(a_segment(line, start=10.0 * place) for place, line in enumerate(lines))
    return Transcript(
        recording=recording,
        number=number,
        language="ru",
        engine=engine,
        seconds=10.0 * max(1, len(lines)),
        segments=segments,
    )


def an_attribution(
    recording: RecordingId, number: int = 1, *, transcript: int | None = None, lines: tuple[str, ...] = LINES
) -> Attribution:
    """Two voices in turn: the interviewer begins, the client answers."""
    voices = (("SPEAKER_00", Role.INTERVIEWER), ("SPEAKER_01", Role.CLIENT))
    segments = tuple(
        a_segment(line, start=10.0 * place, speaker=voices[place % 2][0], role=voices[place % 2][1].value)
        for place, line in enumerate(lines)
    )
    speakers = tuple(
        Speaker(
            label=label,
            role=role,
            confidence=0.8,
            seconds=sum(spoken.end - spoken.start for spoken in segments if spoken.speaker == label),
            evidence=tuple(
                Evidence(start=spoken.start, end=spoken.end, text=spoken.text, reason="speaks first")
                for spoken in segments[:1]
                if spoken.speaker == label
            ),
        )
        for label, role in voices
    )
    return Attribution(
        recording=recording,
        number=number,
        transcript=transcript if transcript is not None else number,
        diarizer="memory",
        method="rules",
        speakers=speakers,
        segments=segments,
    )


def a_report(
    recording: RecordingId,
    number: int = 1,
    *,
    template: str = "interview",
    version: int = 1,
    title: str = "Отчёт по интервью",
    quote: str = LINES[1],
) -> Report:
    spoken = Quote(text=quote, start=10.0, end=12.5, speaker="SPEAKER_01", role="client", verified=True)
    return Report(
        recording=recording,
        number=number,
        template=template,
        version=version,
        language="ru",
        title=title,
        method="extractive",
        findings=(Finding(topic="room", text="В номере душно.", quotes=(spoken,)),),
        not_covered=("breakfast",),
    )
