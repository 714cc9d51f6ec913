"""What commands show of runs that wait for something outside: a transcription server, the store."""

from collections.abc import Mapping
from datetime import UTC, datetime

from voxpersona.doors.cli.console import Console
from voxpersona.doors.phrases import spoken
from voxpersona.errors import Code, known_code
from voxpersona.model import Waiting

_AWAITED: Mapping[Code, tuple[str, str]] = {
    Code.TRANSCRIBER_UNAVAILABLE: ("the transcription engine", "движка распознавания"),
    Code.STORE_UNAVAILABLE: ("the store", "хранилища"),
    Code.STORE_UNREACHABLE: ("the store", "хранилища"),
    Code.NO_SPACE: ("room", "свободного места"),
    Code.INDEX_UNAVAILABLE: ("the search index", "поискового индекса"),
}
_ANYTHING = ("something outside", "чего-то внешнего")


def waits_for(waiting: Waiting, console: Console) -> str:
    """One line: for what, why, since when, and when it is tried next."""
    english, russian = _AWAITED.get(known_code(waiting.code), _ANYTHING)
    because = spoken(waiting.reason, russian=console.language == "ru")
    told = f" ({because})" if because else ""
    line = console.pick(
        f"waits for {english}{told} since {_at(waiting.since)}", f"ждёт {russian}{told} с {_at(waiting.since)}"
    )
    if waiting.until <= datetime.now(UTC):
        return line
    until = _at(waiting.until)
    return line + console.pick(f", tries again at {until}", f", следующая попытка в {until}")


def _at(time: datetime) -> str:
    """By the clock of this machine; with its day where that is not today's."""
    here = time.astimezone()
    return here.strftime("%H:%M:%S" if here.date() == datetime.now().astimezone().date() else "%Y-%m-%d %H:%M:%S")
