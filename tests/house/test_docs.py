"""The documents say what the code does: a setting, command, error, exit code or noun without its line fails here."""

import re
import string
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from voxpersona import model
from voxpersona.doors.cli import correcting, doctor, keeping, keys, reading, showing, steering, storage, taking, voices
from voxpersona.doors.cli.app import app
from voxpersona.doors.cli.console import EXIT_CODES
from voxpersona.doors.texts import ERRORS, say
from voxpersona.errors import Code, kind_of
from voxpersona.pipeline.check import Kind
from voxpersona.settings import Settings, StoreSettings

_DOCS = Path(__file__).parents[2] / "docs"
_KINDS = {
    "Rejected": "rejected",
    "NotFound": "not found",
    "Forbidden": "forbidden",
    "Unavailable": "unavailable",
    "Integrity": "integrity",
    "Configuration": "configuration",
}


def _rows(document: str) -> list[list[str]]:
    lines = (_DOCS / document).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


def test_every_setting_is_documented_and_no_other() -> None:
    documented = {row[0].strip("`"): row[2] for row in _rows("settings.md") if row[0].startswith("`")}
    settings = {
        f"{kind.model_config['env_prefix']}{name.upper()}": field.description
        for kind in (Settings, StoreSettings)
        for name, field in kind.model_fields.items()
    }
    assert documented == settings


def test_every_error_is_documented_under_its_kind() -> None:
    documented = {row[0].strip("`"): row[1] for row in _rows("errors.md") if row[0].startswith("`")}
    assert documented == {code.value: _KINDS[kind_of(code).__name__] for code in Code}


@pytest.mark.parametrize("code", list(Code))
def test_every_error_has_words_in_both_languages_over_the_same_facts(code: Code) -> None:
    english, russian = ERRORS[code]
    assert re.search("[а-яё]", russian)
    assert not re.search("[а-яё]", english)
    named = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, russian)]
    assert named[0] == named[1]
    assert "{" not in say(code, "en", {})


def test_every_command_is_documented() -> None:
    assert all((correcting, doctor, keeping, keys, reading, showing, steering, storage, taking, voices))
    whole = typer.main.get_command(app)
    assert isinstance(whole, TyperGroup)
    commands = set()
    for name, command in whole.commands.items():
        commands |= {f"{name} {part}" for part in command.commands} if isinstance(command, TyperGroup) else {name}
    kinds = {kind.value for kind in Kind}
    cells = [cell for row in _rows("commands.md") if row[0].startswith("`") for cell in row[0].split("`")[1::2]]
    named = {" ".join(word for word in cell.split() if word.islower() and word[0] != "-") for cell in cells}
    assert named - kinds == commands


def test_every_exit_code_is_documented() -> None:
    documented = {int(row[0]) for row in _rows("commands.md") if row[0].isdigit()}
    assert documented == {0, 2, 130, *EXIT_CODES.values()}


def test_everything_check_can_find_is_documented() -> None:
    text = (_DOCS / "commands.md").read_text(encoding="utf-8")
    assert [kind.value for kind in Kind if f"`{kind.value}`" not in text] == []


def test_every_noun_is_in_the_vocabulary() -> None:
    text = (_DOCS / "vocabulary.md").read_text(encoding="utf-8")
    nouns = [name for name in model.__all__ if name[1].islower() and name != "RecordingId"]
    assert [noun for noun in nouns if f"**{noun}**" not in text] == []


_MEANT = {"data", "data_key"}
"""The data directory, and cryptography's own word for the key of one blob."""

_BANNED = re.compile(
    r"(^|_)(manager|helper|helpers|util|utils|common|core|misc|base|processor|service|data|info|item|chunk)(_|$)|^handle_"
)


def test_no_module_function_or_class_bears_a_banned_name() -> None:
    source = Path(__file__).parents[2] / "src" / "voxpersona"
    found = []
    for path in source.rglob("*.py"):
        names = [path.stem, *re.findall(r"^\s*(?:def|class) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)]
        for name in names:
            snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
            if _BANNED.search(snake.strip("_")) and name not in _MEANT:
                found.append(f"{path.relative_to(source)}: {name}")
    assert found == []
