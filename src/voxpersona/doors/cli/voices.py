"""Commands for known voices: voices name, compare, list, forget. Off unless VOXPERSONA_KNOWN_VOICES is set."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any

import typer

from voxpersona.doors.cli.app import Identity, Json, app, opened
from voxpersona.doors.cli.console import Console, printable
from voxpersona.doors.texts import explain
from voxpersona.errors import Code, Configuration, Unavailable
from voxpersona.model import Attribution, KnownSpeaker, KnownVoice, Recording
from voxpersona.pipeline.edits import label_of
from voxpersona.pipeline.hearing import heard
from voxpersona.pipeline.known_voices import checked_name, forget_voice, known_voices, name_voice, recognise, who
from voxpersona.ports import Sound
from voxpersona.wiring import House

group = typer.Typer(
    help="Voices that are known again: off unless VOXPERSONA_KNOWN_VOICES is set.", no_args_is_help=True
)
app.add_typer(group, name="voices")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As it is to be shown; quote it where it has blanks.")]


@group.command()
def name(
    identity: Identity,
    speaker: Annotated[
        str,
        typer.Argument(metavar="SPEAKER", help="The label, as `show` has it: SPEAKER_01; or a role that only one has."),
    ],
    name: Name,
    wants_json: Json = False,
) -> None:
    """Say who a speaker is. The print of the voice is kept encrypted, and suggests the name in later recordings."""
    with opened(wants_json=wants_json) as (house, console):
        _must_be_on(house)
        name = checked_name(name)  # before anything is decoded
        recording = house.library.recording(identity)
        attribution = house.library.attribution(recording.id)
        speaker = label_of(attribution, speaker, (), where=speaker)
        with console.progress(_listening(recording, console)) as told:
            voice = name_voice(
                attribution,
                speaker,
                name,
                project=house.settings.known_voices_project,
                sound=_opener(recording, house),
                printer=house.voice_printer,
                library=house.library,
                archive=house.archive,
                on_progress=told,
            )
        console.document(_told(voice))
        console.line(
            console.pick(
                f"{speaker} is {printable(voice.name)}. The voice is known now; `voxpersona voices forget` erases it.",
                f"{speaker}: {printable(voice.name)}. Голос теперь знаком; стереть: `voxpersona voices forget`.",
            )
        )


@group.command()
def compare(identity: Identity, wants_json: Json = False) -> None:
    """Compare the speakers of a recording with the voices that are known by now. New recordings are compared anyway."""
    with opened(wants_json=wants_json) as (house, console):
        _must_be_on(house)
        recording = house.library.recording(identity)
        attribution = house.library.attribution(recording.id)
        project = house.settings.known_voices_project
        with console.progress(_listening(recording, console)) as told:
            recognise(
                attribution,
                project=project,
                sound=_opener(recording, house),
                printer=house.voice_printer,
                library=house.library,
                archive=house.archive,
                on_progress=told,
            )
        found = who(attribution, project=project, archive=house.archive)
        console.document({"id": recording.id, "speakers": [one.model_dump(mode="json") for one in found]})
        for one in found:
            console.line(f"{one.speaker}: {known_as(one, console)}")
        if not found:
            console.line(console.pick("Nobody sounds familiar.", "Знакомых голосов нет."))


@group.command(name="list")
def list_voices(wants_json: Json = False) -> None:
    """Whose voices are known, in which project, and from which recording. Prints themselves are never shown."""
    with opened(wants_json=wants_json) as (house, console):
        voices = known_voices(house.archive)
        console.document({"voices": [_told(voice) for voice in voices]})
        for voice in voices:
            day = voice.named_at.astimezone().strftime("%Y-%m-%d %H:%M")
            where = f"{voice.recording} {voice.speaker}"
            console.line(f"{day}  {where}  {printable(voice.name)}  ({printable(voice.project)})")
        if not voices:
            console.note(console.pick("No voices are known.", "Знакомых голосов нет."))


@group.command()
def forget(
    name: Name,
    recording: Annotated[
        str | None, typer.Option("--recording", metavar="ID", help="Only what was named in this recording.")
    ] = None,
    wants_json: Json = False,
) -> None:
    """Erase a voice: its prints, the name wherever it was given, all suggestions. Works while it is off, too."""
    with opened(wants_json=wants_json) as (house, console):
        erased = forget_voice(
            name,
            project=house.settings.known_voices_project,
            archive=house.archive,
            recording=None if recording is None else house.library.recording(recording).id,
        )
        console.document({"erased": len(erased)})
        prints = console.count(len(erased), "print")
        console.line(console.pick(f"{prints} erased", f"стёрто: {prints}"))


def known_speakers(attribution: Attribution, house: House, console: Console) -> Sequence[KnownSpeaker]:
    """What is known of the speakers. Without the store a recording is shown all the same, and it is said what lacks."""
    try:
        return house.known_speakers(attribution)
    except Unavailable as error:
        console.note(explain(error, console.language))
        console.note(
            console.pick(
                "The names of speakers cannot be told without it.", "Без этого нельзя сказать, как зовут говорящих."
            )
        )
        return ()


def known_as(one: KnownSpeaker, console: Console) -> str:
    """Who a speaker is, as a person reads it."""
    if one.name is not None:
        return printable(one.name)
    alike = ", ".join(f"{printable(each.name)} ({each.score:.2f})" for each in one.sounds_like)
    return console.pick(f"sounds like {alike}, not confirmed", f"голос похож: {alike}, не подтверждено")


def _told(voice: KnownVoice) -> dict[str, Any]:
    return {
        "name": voice.name,
        "project": voice.project,
        "recording": voice.recording,
        "speaker": voice.speaker,
        "named_at": voice.named_at.isoformat(),
        "printer": voice.printer,
    }


def _must_be_on(house: House) -> None:
    """Biometric data is not made because somebody tried a command."""
    if not house.settings.known_voices:
        reason = "known voices are switched off"
        raise Configuration(Code.SETTING_MISSING, reason, name="VOXPERSONA_KNOWN_VOICES", reason=reason)


def _opener(recording: Recording, house: House) -> Callable[[], AbstractContextManager[Sound]]:
    return lambda: heard(recording, audio=house.audio, media=house.media, scratch=house.scratch)


def _listening(recording: Recording, console: Console) -> str:
    return console.pick(f"listening to {recording.id}", f"слушаю {recording.id}")
