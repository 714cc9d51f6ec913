"""Known voices on memory adapters, over an encrypted archive: named, suggested, never by themselves, erased."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.rooms import TURNS, Rooms
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.diarizer.memory import ScriptedPrinter
from voxpersona.adapters.media.memory import memory_recording
from voxpersona.errors import Code, Integrity, NotFound, Rejected
from voxpersona.model import Attribution, KnownSpeaker, KnownVoice, Recording, Stage, Suggestion
from voxpersona.pipeline import layout
from voxpersona.pipeline.check import check
from voxpersona.pipeline.forget import forget
from voxpersona.pipeline.hearing import heard
from voxpersona.pipeline.known_voices import forget_voice, known_voices, name_voice, recognise, who
from voxpersona.pipeline.migrate import migrate
from voxpersona.pipeline.rebuild import rebuild
from voxpersona.ports import Sound, VoicePrinter

ANNA, BORIS = "Анна Петрова", "Boris"
HERS, HIS, NEAR_HERS = (1.0, 0.0), (0.0, 1.0), (0.96, 0.28)


def printer_of(second: tuple[float, float], *, name: str = "scripted") -> ScriptedPrinter:
    """Of every recording: the interviewer has always the same voice, SPEAKER_01 the one that is told."""
    ways = {"SPEAKER_00": HIS, "SPEAKER_01": second}
    return ScriptedPrinter([(turn.start, turn.end, ways[turn.speaker]) for turn in TURNS], name=name)


class Archive:
    """Rooms with an encrypted archive, and what is done there with voices."""

    def __init__(self, scratch: Path) -> None:
        self.stored = MemoryBlobs()
        encrypting = EncryptingBlobs(self.stored, Keyring.generate(scratch / "keys.json"), plain=self.stored)
        self.rooms = Rooms(scratch, archive=encrypting)
        self.project = "default"
        self.opened = 0

    def recording(self, number: int, voice: tuple[float, float] = HERS) -> Recording:
        """Received and worked on with known voices switched on."""
        self.rooms.printer = printer_of(voice)
        receipt = self.rooms.receive(
            memory_recording(10.0, salt=str(number)), source=f"path:{{sha256}}:/visit/{number}.ogg"
        )
        self.rooms.engine.run()
        return receipt.recording

    def attribution(self, recording: Recording) -> Attribution:
        return self.rooms.library.attribution(recording.id)

    def name(self, recording: Recording, speaker: str, name: str, *, printer: VoicePrinter | None = None) -> KnownVoice:
        return name_voice(
            self.attribution(recording),
            speaker,
            name,
            project=self.project,
            sound=self.sound(recording),
            printer=printer or printer_of(HERS),
            library=self.rooms.library,
            archive=self.rooms.archive,
            on_progress=lambda _: None,
        )

    def compare(self, recording: Recording, printer: VoicePrinter) -> None:
        recognise(
            self.attribution(recording),
            project=self.project,
            sound=self.sound(recording),
            printer=printer,
            library=self.rooms.library,
            archive=self.rooms.archive,
            on_progress=lambda _: None,
        )

    def who(self, recording: Recording) -> list[KnownSpeaker]:
        return list(who(self.attribution(recording), project=self.project, archive=self.rooms.archive))

    def forget(self, name: str, *, recording: Recording | None = None) -> int:
        found = forget_voice(
            name,
            project=self.project,
            archive=self.rooms.archive,
            recording=None if recording is None else recording.id,
        )
        return len(found)

    def forget_recording(self, recording: Recording) -> None:
        rooms = self.rooms
        forget(
            recording,
            library=rooms.library,
            journal=rooms.journal,
            engine=rooms.engine,
            passages=rooms.passages,
            audio=rooms.audio,
            archive=rooms.archive,
        )

    def sound(self, recording: Recording) -> Callable[[], AbstractContextManager[Sound]]:
        def opened() -> AbstractContextManager[Sound]:
            self.opened += 1
            return heard(recording, audio=self.rooms.audio, media=self.rooms.media, scratch=self.rooms.scratch)

        return opened

    def kept(self) -> list[str]:
        """Of everything that is kept of voices."""
        return [
            one.key for prefix in (layout.KNOWN_VOICES, layout.LIKENESSES) for one in self.rooms.archive.list(prefix)
        ]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def anna(score: float) -> KnownSpeaker:
    return KnownSpeaker(speaker="SPEAKER_01", sounds_like=(Suggestion(name=ANNA, score=score),))


class TestNamedAndSuggested:
    def test_a_named_speaker_has_the_name_in_that_recording(self, archive: Archive) -> None:
        first = archive.recording(1)
        archive.name(first, "SPEAKER_01", ANNA)
        assert archive.who(first) == [KnownSpeaker(speaker="SPEAKER_01", name=ANNA)]

    def test_the_same_voice_in_a_later_recording_is_suggested_and_not_named(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        assert archive.who(archive.recording(2, NEAR_HERS)) == [anna(0.96)]

    def test_a_stranger_is_nobody(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        assert archive.who(archive.recording(2, (0.8, 0.6))) == []

    def test_a_person_confirms_with_the_same_command(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        second = archive.recording(2, NEAR_HERS)
        archive.name(second, "SPEAKER_01", ANNA, printer=printer_of(NEAR_HERS))
        assert archive.who(second) == [KnownSpeaker(speaker="SPEAKER_01", name=ANNA)]
        assert archive.who(archive.recording(3, NEAR_HERS)) == [anna(1.0)]  # by the nearer of two prints, once

    def test_everybody_who_is_near_is_suggested_the_nearest_first(self, archive: Archive) -> None:
        first = archive.recording(1)
        archive.name(first, "SPEAKER_01", ANNA)
        archive.name(first, "SPEAKER_00", "Her sister", printer=printer_of(HERS))
        sister = ScriptedPrinter([(0.0, 10.0, (0.9, 0.436))])
        archive.rooms.printer = sister
        archive.name(archive.recording(2), "SPEAKER_01", "Her sister", printer=sister)
        (found,) = archive.who(archive.recording(3, NEAR_HERS))[1:]
        assert [one.name for one in found.sounds_like] == ["Her sister", ANNA]

    def test_naming_anew_takes_the_place_of_the_name_before(self, archive: Archive) -> None:
        first = archive.recording(1)
        archive.name(first, "SPEAKER_01", BORIS)
        second = archive.recording(2)
        assert archive.who(second)[0].sounds_like[0].name == BORIS
        archive.name(first, "SPEAKER_01", ANNA)
        assert archive.who(first) == [KnownSpeaker(speaker="SPEAKER_01", name=ANNA)]
        assert archive.who(second) == []
        assert [one.name for one in known_voices(archive.rooms.archive)] == [ANNA]

    def test_the_same_name_again_changes_nothing(self, archive: Archive) -> None:
        first = archive.recording(1)
        voice = archive.name(first, "SPEAKER_01", ANNA)
        second = archive.recording(2)
        assert archive.name(first, "SPEAKER_01", f"  {ANNA} ") == voice
        assert archive.who(second) == [anna(1.0)]

    def test_an_earlier_recording_is_compared_on_request(self, archive: Archive) -> None:
        early = archive.recording(1, NEAR_HERS)
        archive.name(archive.recording(2), "SPEAKER_01", ANNA)
        assert archive.who(early) == []
        for _ in range(2):
            archive.compare(early, printer_of(NEAR_HERS))
            assert archive.who(early) == [anna(0.96)]

    def test_a_name_stays_where_the_same_words_are_given_to_speakers_again_as_by_a_correction(
        self, archive: Archive
    ) -> None:
        first = archive.recording(1)
        archive.name(first, "SPEAKER_01", ANNA)
        archive.rooms.journal.restart(first.id, Stage.ATTRIBUTE)
        archive.rooms.engine.run()
        assert archive.attribution(first).number == 2
        assert archive.who(first) == [KnownSpeaker(speaker="SPEAKER_01", name=ANNA)]

    def test_after_another_transcription_a_name_is_a_suggestion_again(self, archive: Archive) -> None:
        first = archive.recording(1)
        archive.name(first, "SPEAKER_01", ANNA)
        archive.rooms.journal.restart(first.id, Stage.TRANSCRIBE)
        archive.rooms.engine.run()
        assert archive.attribution(first).number == 2
        assert archive.who(first) == [anna(1.0)]

    def test_nobody_is_listened_to_where_nobody_is_known(self, archive: Archive) -> None:
        archive.compare(archive.recording(1), printer_of(HERS))
        assert (archive.opened, archive.kept()) == (0, [])

    def test_a_rebuilt_archive_knows_it_all(self, archive: Archive, tmp_path: Path) -> None:
        first = archive.recording(1)
        archive.name(first, "SPEAKER_01", ANNA)
        second = archive.recording(2, NEAR_HERS)
        anew = Rooms(tmp_path / "anew", audio=archive.rooms.audio, archive=archive.rooms.archive)
        rebuilt = rebuild(
            library=anew.library,
            journal=anew.journal,
            passages=anew.passages,
            embedder=anew.embedder,
            audio=anew.audio,
            archive=anew.archive,
            on_progress=lambda _: None,
        )
        assert (rebuilt.recordings, rebuilt.problems) == (2, [])
        archive.rooms = anew
        assert archive.who(first) == [KnownSpeaker(speaker="SPEAKER_01", name=ANNA)]
        assert archive.who(second) == [anna(0.96)]

    def test_roles_can_be_given_anew_where_the_original_is_gone(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        second = archive.recording(2)
        archive.rooms.audio.delete(second.original.key)
        archive.rooms.journal.restart(second.id, Stage.ATTRIBUTE)
        archive.rooms.engine.run()
        assert archive.attribution(second).number == 2
        assert archive.who(second) == [anna(1.0)]


class TestApart:
    def test_voices_of_another_project_are_neither_compared_nor_shown(self, archive: Archive) -> None:
        first = archive.recording(1)
        archive.project = "elsewhere"
        archive.name(first, "SPEAKER_01", ANNA)
        archive.project = "default"
        second = archive.recording(2)
        assert archive.who(first) == archive.who(second) == []
        with pytest.raises(NotFound) as caught:
            archive.forget(ANNA)
        assert caught.value.code is Code.VOICE_UNKNOWN
        assert len(archive.kept()) == 1

    def test_naming_in_one_project_leaves_the_name_of_another_alone(self, archive: Archive) -> None:
        first = archive.recording(1)
        archive.name(first, "SPEAKER_01", BORIS)
        archive.project = "elsewhere"
        archive.name(first, "SPEAKER_01", ANNA)
        assert archive.who(first) == [KnownSpeaker(speaker="SPEAKER_01", name=ANNA)]
        archive.project = "default"
        assert archive.who(first) == [KnownSpeaker(speaker="SPEAKER_01", name=BORIS)]

    def test_prints_of_another_model_are_never_compared(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA, printer=printer_of(HERS, name="another"))
        assert archive.who(archive.recording(2)) == []


class TestRefused:
    def test_a_speaker_who_is_not_there(self, archive: Archive) -> None:
        with pytest.raises(Rejected) as caught:
            archive.name(archive.recording(1), "SPEAKER_07", ANNA)
        assert caught.value.code is Code.SPEAKER_UNKNOWN
        assert archive.kept() == []

    @pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\x07b", "a\u202eb"])
    def test_what_is_no_name(self, name: str, archive: Archive) -> None:
        with pytest.raises(Rejected) as caught:
            archive.name(archive.recording(1), "SPEAKER_01", name)
        assert caught.value.code is Code.VOICE_UNFIT

    def test_a_voice_that_says_too_little(self, archive: Archive) -> None:
        with pytest.raises(Rejected) as caught:
            archive.name(archive.recording(1), "SPEAKER_01", ANNA, printer=ScriptedPrinter([]))
        assert caught.value.code is Code.VOICE_UNFIT
        assert archive.kept() == []

    def test_a_recording_that_is_forgotten_meanwhile_leaves_no_print(self, archive: Archive) -> None:
        first = archive.recording(1)
        attribution = archive.attribution(first)
        archive.rooms.library.forget(first.id)
        with pytest.raises(NotFound):
            name_voice(
                attribution,
                "SPEAKER_01",
                ANNA,
                project="default",
                sound=archive.sound(first),
                printer=printer_of(HERS),
                library=archive.rooms.library,
                archive=archive.rooms.archive,
                on_progress=lambda _: None,
            )
        assert archive.kept() == []


class TestKept:
    def test_nothing_of_it_is_stored_in_plain(self, archive: Archive) -> None:
        voice = archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        archive.recording(2, NEAR_HERS)
        assert len(archive.kept()) == 2
        for key in archive.kept():
            stored = b"".join(archive.stored.read(key))
            assert ANNA.encode() not in stored
            assert b"vector" not in stored
            assert "sealed" in archive.stored.stat(key).metadata
        assert ANNA not in repr(voice)
        assert "vector" not in repr(voice)

    def test_it_is_copied_into_an_encrypted_store_only(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        archive.recording(2)
        for is_encrypted in (False, True):
            target = MemoryBlobs()
            migrate(archive.rooms.archive, target, on_progress=lambda _: None, is_encrypted=is_encrypted)
            kinds = {layout.kind(one.key) for one in target.list()}
            assert "roles" in kinds
            assert kinds.isdisjoint(layout.BIOMETRIC) is not is_encrypted

    def test_strangers_leave_no_print(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        before = archive.kept()
        archive.recording(2, (0.8, 0.6))
        assert archive.kept() == before

    def test_a_print_that_cannot_be_read_hinders_nobody_and_is_told_by_check(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        key = archive.kept()[0]
        archive.name(archive.recording(2), "SPEAKER_00", BORIS)
        damage(archive.stored, key)
        second = archive.recording(3)
        assert [one.sounds_like[0].name for one in archive.who(second)] == [BORIS]
        with pytest.raises(Integrity):
            archive.forget(BORIS)
        assert [one.name for one in known_voices(archive.rooms.archive)] == []
        rooms = archive.rooms
        problems = check(
            library=rooms.library,
            journal=rooms.journal,
            passages=rooms.passages,
            audio=rooms.audio,
            archive=rooms.archive,
            read=True,
            on_progress=lambda _: None,
        )
        assert [one.key for one in problems] == [key]

    def test_check_finds_nothing_wrong_with_it(self, archive: Archive) -> None:
        archive.name(archive.recording(1), "SPEAKER_01", ANNA)
        archive.recording(2)
        rooms = archive.rooms
        assert [layout.kind(key) for key in archive.kept()] == ["known-voice", "likeness"]
        assert (
            check(
                library=rooms.library,
                journal=rooms.journal,
                passages=rooms.passages,
                audio=rooms.audio,
                archive=rooms.archive,
                read=True,
                on_progress=lambda _: None,
            )
            == []
        )


class TestErased:
    @pytest.fixture
    def known(self, archive: Archive) -> tuple[Recording, Recording]:
        """Anna is named in the first and suggested in the second recording; Boris is named, too."""
        first = archive.recording(1)
        archive.name(first, "SPEAKER_01", ANNA)
        archive.name(first, "SPEAKER_00", BORIS)
        return first, archive.recording(2)

    def test_a_voice_goes_with_its_names_and_suggestions_and_the_others_stay(
        self, archive: Archive, known: tuple[Recording, Recording]
    ) -> None:
        first, second = known
        assert [one.sounds_like[0].name for one in archive.who(second)] == [BORIS, ANNA]
        assert archive.forget(ANNA) == 1
        assert archive.who(first) == [KnownSpeaker(speaker="SPEAKER_00", name=BORIS)]
        assert [one.sounds_like[0].name for one in archive.who(second)] == [BORIS]
        assert len(archive.kept()) == 2
        with pytest.raises(NotFound):
            archive.forget(ANNA)

    def test_all_prints_of_a_name_go_or_those_of_one_recording(
        self, archive: Archive, known: tuple[Recording, Recording]
    ) -> None:
        first, second = known
        archive.name(second, "SPEAKER_01", ANNA)
        assert archive.forget(ANNA, recording=first) == 1
        assert archive.who(second)[1] == KnownSpeaker(speaker="SPEAKER_01", name=ANNA)
        archive.name(first, "SPEAKER_01", ANNA)
        assert archive.forget(ANNA) == 2

    def test_an_interrupted_erasing_says_nothing_any_more_and_is_finished_by_the_next(
        self, archive: Archive, known: tuple[Recording, Recording]
    ) -> None:
        _, second = known
        (hers,) = [one for one in known_voices(archive.rooms.archive) if one.name == ANNA]
        archive.rooms.archive.delete(layout.known_voice(hers.recording, hers.identity))  # and killed there
        assert [one.sounds_like[0].name for one in archive.who(second)] == [BORIS]
        assert any(hers.identity in key for key in archive.kept())
        with pytest.raises(NotFound):
            archive.forget(ANNA)
        assert not any(hers.identity in key for key in archive.kept())

    def test_a_print_goes_with_the_recording_it_was_made_of(
        self, archive: Archive, known: tuple[Recording, Recording]
    ) -> None:
        first, second = known
        archive.forget_recording(first)
        assert archive.kept() == []
        assert archive.who(second) == []

    def test_what_a_forgotten_recording_sounded_like_goes_and_the_print_stays(
        self, archive: Archive, known: tuple[Recording, Recording]
    ) -> None:
        first, second = known
        archive.forget_recording(second)
        assert [layout.kind(key) for key in archive.kept()] == ["known-voice", "known-voice"]
        assert all(first.id in key for key in archive.kept())

    def test_a_voice_that_was_named_elsewhere_too_stays_known_from_there(
        self, archive: Archive, known: tuple[Recording, Recording]
    ) -> None:
        first, second = known
        archive.name(second, "SPEAKER_01", ANNA)
        archive.forget_recording(first)
        assert archive.who(archive.recording(3)) == [anna(1.0)]

    def test_a_suggestion_of_a_print_that_is_erased_meanwhile_is_not_kept(
        self, archive: Archive, known: tuple[Recording, Recording]
    ) -> None:
        """The eraser is quick: it comes between the comparison and the keeping."""
        third = archive.recording(3)
        archive.forget(BORIS)

        class Erasing(ScriptedPrinter):
            def prints(self, sound, turns, *, on_progress):  # type: ignore[no-untyped-def]
                archive.forget(ANNA)
                return super().prints(sound, turns, on_progress=on_progress)

        archive.compare(third, Erasing([(0.0, 10.0, HERS)]))
        assert archive.kept() == []


def damage(blobs: MemoryBlobs, key: str) -> None:
    """Put other bytes in the place of a blob, under the same facts."""
    facts = blobs.stat(key)
    content = bytearray(b"".join(blobs.read(key)))
    content[-1] ^= 1
    blobs.delete(key)
    blobs.put(key, [bytes(content)], metadata=facts.metadata)
