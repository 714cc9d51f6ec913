"""What an engine invented is told from what was said; nothing is lost between the two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpersona.adapters.transcriber.invented import sift
from voxpersona.adapters.transcriber.wording import Line, Signs, mean, spread
from voxpersona.model import Doubt, Dropped, Word

SECONDS = 30.0
SURE = Signs()


def a_line(text: str, *, start: float = 0.0, end: float = SECONDS, sure: float = 0.9, signs: Signs = SURE) -> Line:
    words = tuple(word.model_copy(update={"confidence": sure}) for word in spread(text, start, end))
    return Line(words, mean(words), signs)


def voiced(_start: float, _end: float) -> float:
    return 0.95


def silent(_start: float, _end: float) -> float:
    return 0.1


def doubts(line: Line, *, is_voiced: bool = True) -> list[Doubt]:
    return [each.reason for each in sift([line], voiced if is_voiced else silent, SECONDS)[1]]


PHANTOMS = [
    "Редактор субтитров А.Синецкая Корректор А.Егорова",
    "Субтитры сделал DimaTorzok",
    "Субтитры создавал кто-то",
    "Продолжение следует...",
    "Спасибо за просмотр!",
    "Подписывайтесь на мой канал!",
    "ДИНАМИЧНАЯ МУЗЫКА",
    "Thank you for watching!",
    "Thanks for watching, bye!",
    "Subtitles by the Amara.org community",
    "Please like and subscribe to my channel.",
    "[Music]",
    "(applause)",
    "♪ ♪",
]
SAID = [
    "Спасибо за просмотр номера, нам всё понравилось.",
    "Музыка в лобби была слишком громкой.",
    "Мы продолжение завтра запишем.",
    "Thank you for watching our bags while we were out.",
    "The music was too loud.",
    "Спасибо за внимание.",
    "Да, да, да.",
]


class TestPhantoms:
    @pytest.mark.parametrize("text", PHANTOMS)
    def test_a_known_one_goes_where_the_engine_doubts_it_too(self, text: str) -> None:
        assert doubts(a_line(text, signs=Signs(no_speech=0.78, sureness=-0.61))) == [Doubt.PHANTOM]
        assert doubts(a_line(text), is_voiced=False) == [Doubt.NO_VOICE]

    @pytest.mark.parametrize("text", PHANTOMS)
    def test_said_by_a_voice_and_believed_by_the_engine_it_stays(self, text: str) -> None:
        assert doubts(a_line(text, signs=Signs(no_speech=0.1, sureness=-0.2))) == []
        assert doubts(a_line(text, signs=Signs(no_speech=0.68, sureness=-0.25))) == []

    @pytest.mark.parametrize("text", SAID)
    def test_what_only_begins_like_one_is_none(self, text: str) -> None:
        assert doubts(a_line(text, signs=Signs(no_speech=0.78, sureness=-0.61))) == []


class TestSigns:
    @pytest.mark.parametrize("signs", [Signs(no_speech=0.68, sureness=-0.25), Signs(no_speech=0.05, sureness=-1.95)])
    def test_one_alone_is_not_enough_where_a_voice_is_heard(self, signs: Signs) -> None:
        """Both were measured with real speech."""
        assert doubts(a_line("Наберите новый номер", signs=signs)) == []
        assert doubts(a_line("Наберите новый номер", signs=signs), is_voiced=False) == [Doubt.NO_VOICE]

    def test_both_are(self) -> None:
        assert doubts(a_line("Sznäh", signs=Signs(no_speech=0.7, sureness=-1.2))) == [Doubt.UNSURE]
        assert doubts(a_line("Culstrike, Pl demek", signs=Signs(no_speech=0.39, sureness=-2.13))) == [Doubt.UNSURE]

    def test_words_the_engine_believes_are_not_compared_with_the_voice(self) -> None:
        assert doubts(a_line("A whisper in the noise."), is_voiced=False) == []

    def test_estimated_times_are_believed_nowhere_so_the_whole_piece_is_asked(self) -> None:
        asked: list[tuple[float, float]] = []

        def loudest(start: float, end: float) -> float:
            asked.append((start, end))
            return 0.1

        kept, dropped = sift([a_line("Good evening.", start=3, end=4, sure=0.0)], loudest, SECONDS)
        assert (kept, asked) == ([], [(0.0, SECONDS)])
        assert dropped == (Dropped(start=3.0, end=4.0, text="Good evening.", reason=Doubt.NO_VOICE),)


class TestEchoes:
    PROMPT = ("Анна Петрова", "отель «Север»")

    def doubts(self, text: str, signs: Signs, voice: float) -> list[Doubt]:
        return [each.reason for each in sift([a_line(text, signs=signs)], lambda *_: voice, SECONDS, self.PROMPT)[1]]

    def test_the_prompt_said_back_into_silence_is_no_speech(self) -> None:
        assert self.doubts("Анна Петрова, Север.", SURE, 0.1) == [Doubt.NO_VOICE]
        assert self.doubts("Север, Север, Анна, Анна", Signs(no_speech=0.55, sureness=-0.6), 0.9) == [Doubt.ECHO]

    def test_names_that_are_said_stay(self) -> None:
        assert self.doubts("Анна Петрова.", SURE, 0.9) == []
        assert self.doubts("Меня зовут Анна Петрова.", Signs(no_speech=0.8, sureness=-0.7), 0.9) == []


class TestRounds:
    LOOP = Signs(compression=3.1)

    def test_of_a_loop_the_first_round_stands(self) -> None:
        line = a_line("So. " + "We will see. " * 6 + "Bye.", signs=self.LOOP)
        kept, dropped = sift([line], voiced, SECONDS)
        assert [each.text for each in kept] == ["So. We will see. Bye."]
        assert [(each.text, each.reason) for each in dropped] == [(("We will see. " * 5).strip(), Doubt.REPEATED)]

    def test_it_is_found_over_lines_too(self) -> None:
        lines = [a_line("Не знаю, что сказать.", start=at, end=at + 2, signs=self.LOOP) for at in range(0, 10, 2)]
        kept, dropped = sift(lines, voiced, SECONDS)
        assert (len(kept), len(dropped)) == (1, 4)

    def test_people_say_short_things_often(self) -> None:
        assert doubts(a_line("Да, да, да, да, да, да, да, да, да, да.", end=4.0, signs=self.LOOP)) == []
        assert doubts(a_line("Да, да, да, да, да, да, да, да, да, да.", end=0.5, signs=self.LOOP)) == [Doubt.REPEATED]
        assert doubts(a_line("We will see. " * 6, signs=Signs(compression=2.0))) == []


WORDS = st.lists(st.sampled_from(["Да", "no", "thank", "you", "—", "Музыка"]), min_size=1, max_size=14)
SIGNS = st.builds(Signs, st.floats(0, 1), st.floats(-3, 0), st.floats(0, 5))


@given(said=st.lists(st.tuples(WORDS, SIGNS, st.sampled_from([0.0, 0.3, 0.9])), max_size=5), voice=st.floats(0, 1))
def test_no_word_is_lost_between_what_is_kept_and_what_is_dropped(
    said: list[tuple[list[str], Signs, float]], voice: float
) -> None:
    lines = [
        a_line(" ".join(words), start=5.0 * at, end=5.0 * at + 4, sure=sure, signs=signs)
        for at, (words, signs, sure) in enumerate(said)
    ]
    kept, dropped = sift(lines, lambda _start, _end: voice, SECONDS)
    after = [word for line in kept for word in line.text.split()] + [w for each in dropped for w in each.text.split()]
    assert sorted(after) == sorted(word.text for line in lines for word in line.words)
    assert all(0.0 <= each.start <= each.end <= SECONDS for each in dropped)
    assert all(isinstance(word, Word) for line in kept for word in line.words)
