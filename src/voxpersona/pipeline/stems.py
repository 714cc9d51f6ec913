"""Words cut down to stems, so that "завтраки" finds "завтрак" and "dropping" finds "dropped".

The language of a word is told by its script: Cyrillic is stemmed as Russian, Latin as English, anything else is left
as it is. A text may mix them. Pure; safe to call from several threads.
"""

import re
import threading
import unicodedata
from functools import lru_cache

VERSION = 1
"""Raise it when the stems of a text change: an index holds stems and has to be built again."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = re.compile(r"[a-z]")
_FLEETING = re.compile(r"(?<=...)([бвгджзклмнпрстфхцчшщ])[ое]([кц])$")
"""The vowel of "перчаток" and "полотенец", which "перчатки" and "полотенце" have not; Snowball leaves it."""
_APOSTROPHES = str.maketrans("’ʼ`", "'''")

_STOP_EN = """
a about above after again all also am an and any are as at be because been before being below between both but by can
could did do does doing down during each few for from further had has have having he her here hers herself him himself
his how i if in into is it it's its itself just me more most my myself no nor not now of off on once only or other our
ours ourselves out over own same she should so some such than that the their theirs them themselves then there these
they this those through to too under until up very was we were what when where which while who whom why will with would
you your yours yourself yourselves i'm i've i'll i'd you're you've we're we've they're they've don't doesn't didn't
isn't wasn't aren't weren't can't couldn't won't wouldn't that's there's what's let's
"""
_STOP_RU = """
а без более бы был была были было быть в вам вас ваш ваша ваше ваши весь во вот все всего всех всю вся вы где да даже
для до его ее если есть еще же за здесь и из или им ими их к как какая какие какой каких каком когда кто куда ли либо
меня мне много может можно мой моя мое мои мы на над нам нас наш наша наше наши не него нее нет ни них но ну о об
однако он она они оно от очень по под после потому почему при про с сам сама сами свой своя свое свои себе себя со так
такая также такие такой там те тем то того тоже той только том ту тут ты у уж уже хотя чего чей чем что чтобы чье чья
эта эти это этого этой этом этот эту я
"""


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower().replace("ё", "е")


_STOP_WORDS = frozenset(_folded(_STOP_EN + _STOP_RU).split())
_stemmers = threading.local()  # a Snowball stemmer keeps the word it works on: one per thread


def words(text: str) -> list[str]:
    """The words of a text in order, lower-case, with е for ё; numbers are words, punctuation is not."""
    return _WORD.findall(_folded(text))


def stems(text: str) -> list[str]:
    """The stems of a text's words in order, repeated where a word is, without the stop words of both languages."""
    return [stem(word) for word in words(text) if word not in _STOP_WORDS]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The stem of one word as `words` gives it."""
    if _CYRILLIC.search(word):
        language = "russian"
    elif _LATIN.search(word):
        language = "english"
    else:
        return word
    stemmer = getattr(_stemmers, language, None)
    if stemmer is None:
        import snowballstemmer  # imported here: it brings thirty languages, and most commands need none

        stemmer = snowballstemmer.stemmer(language)
        setattr(_stemmers, language, stemmer)
    found = str(stemmer.stemWord(word))
    return _FLEETING.sub(r"\1\2", found) if language == "russian" else found
