"""Templates: what a report looks for and how it is to be written, as versioned text anybody can edit or add.

A template is a Markdown file: YAML front matter between two lines `---`, then the instructions in plain language.

    ---
    name: interview            # one name, one file per language
    version: 1                 # raised with every change of the file; reports carry it
    language: en
    title: Interview report
    scenario: interview        # or site-audit
    buildings: [hotel]         # left out: every building type
    topics:
      - key: breakfast         # stands in reports, never shown
        title: Breakfast       # shown
        kind: subject          # see `Kind`; left out: subject
        buildings: [hotel]     # left out: every building type of the template
        words: [breakfast, scrambled eggs]
        unless: [breakfast television]
        praise: [hot]          # what counts as praise or complaint with this topic, beside the general word list
        complaint: [cold]
    ---
    Instructions ...

Words are plain: they are compared by stem, so one form stands for its inflections; several words make a phrase; an
equals sign before a word (`=cleaning`) asks for exactly that form.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator

from voxpersona.errors import Code, Configuration
from voxpersona.model import Building, Details, Scenario

FALLBACK_LANGUAGE = "en"

_HERE = Path(__file__).parent
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C, where PyYAML was built with it
_FENCE = re.compile(r"-{3}[ \t]*")


class Kind(StrEnum):
    """What a topic is, which decides how sentences find their way to it."""

    SUBJECT = "subject"
    """A thing or a group of people that can be spoken about: the breakfast, the front desk."""
    ASPECT = "aspect"
    """A property of something: cleanliness, price. What is said about it also counts for the subject at hand."""
    OVERALL = "overall"
    """The visit as a whole; gives way wherever a subject is named."""
    WISH = "wish"
    """What people ask to be changed or added; every suggestion belongs here, too."""


def _no_blank(text: str) -> str:
    if not text.strip() or text != text.strip():
        raise ValueError("must not be empty or begin or end with a blank")
    return text


_Line = Annotated[str, AfterValidator(_no_blank)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


class Topic(_Strict):
    """One thing a report has to look for. `buildings` empty means: all of the template's."""

    key: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: _Line
    kind: Kind = Kind.SUBJECT
    buildings: tuple[Building, ...] = ()
    words: tuple[_Line, ...] = Field(min_length=1)
    unless: tuple[_Line, ...] = ()
    praise: tuple[_Line, ...] = ()
    complaint: tuple[_Line, ...] = ()


class Template(_Strict):
    """One report to be written: its topics, and `text`, the instructions for whoever (or whatever) writes it."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    version: StrictInt = Field(ge=1)
    language: str = Field(pattern=r"^[a-z]{2}$")
    title: _Line
    scenario: Scenario
    buildings: tuple[Building, ...] = ()
    topics: tuple[Topic, ...] = Field(min_length=1)
    text: str = Field(min_length=1)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        keys = [topic.key for topic in self.topics]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"topic keys stand twice: {', '.join(twice)}")
        strangers = [topic.key for topic in self.topics if self.buildings and set(topic.buildings) - {*self.buildings}]
        if strangers:
            raise ValueError(f"topics name a building type the template does not: {', '.join(strangers)}")
        return self


def load(directory: Path | None = None) -> tuple[Template, ...]:
    """Read the packaged templates and, if a directory is given, every `*.md` in it; ascending by name and language.

    The user's own win over packaged ones of the same name and language. A file that is no template, two of one
    directory with the same name and language, or a directory that is not there: Configuration TEMPLATE_INVALID with
    the facts `file`, `line` (0 where unknown) and `problem`.
    """
    found = _directory(_HERE)
    if directory is not None:
        found |= _directory(directory)
    return tuple(found[key] for key in sorted(found))


def fitting(templates: Iterable[Template], details: Details, language: str, *, speakers: int) -> tuple[Template, ...]:
    """The templates to be used for one recording: one per name, ascending by name; possibly none.

    `language` is the transcript's: its own template if there is one, else the English one. Where the scenario is
    not known it is guessed from the number of speakers: a site audit is one person dictating, two or more talk.
    """
    guessed = Scenario.INTERVIEW if speakers >= 2 else Scenario.SITE_AUDIT
    scenario = details.scenario or guessed
    chosen: dict[str, Template] = {}
    for template in templates:
        suits = not template.buildings or details.building is None or details.building in template.buildings
        if template.scenario is not scenario or not suits:
            continue
        is_fallback = template.language == FALLBACK_LANGUAGE and template.name not in chosen
        if template.language == language or is_fallback:
            chosen[template.name] = template
    return tuple(chosen[name] for name in sorted(chosen))


def _directory(directory: Path) -> dict[tuple[str, str], Template]:
    found: dict[tuple[str, str], Template] = {}
    paths: dict[tuple[str, str], Path] = {}
    if not directory.is_dir():
        raise _invalid(directory, 0, "there is no such directory")
    for path in sorted(directory.glob("*.md")):
        template = _read(path)
        key = (template.name, template.language)
        if key in found:
            raise _invalid(path, 0, f"{paths[key].name} is named {key[0]} in {key[1]}, too")
        found[key], paths[key] = template, path
    return found


def _read(path: Path) -> Template:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise _invalid(path, 0, "is not UTF-8 text") from error
    except OSError as error:
        raise _invalid(path, 0, "cannot be read") from error
    fences = [place for place, line in enumerate(lines) if _FENCE.fullmatch(line)]
    if not fences or fences[0] != 0:
        raise _invalid(path, 1, "does not begin with front matter (a line ---)")
    if len(fences) < 2:
        raise _invalid(path, 1, "the front matter has no closing line ---")
    front, text = "\n".join(lines[: fences[1]]), "\n".join(lines[fences[1] + 1 :]).strip()
    if not text:
        raise _invalid(path, len(lines), "has no instructions after the front matter")
    node, values = _parsed(path, front)
    try:
        return Template.model_validate({**values, "text": text})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "front matter"
        raise _invalid(path, _line(node, first["loc"]), f"{where}: {first['msg']}") from error


def _parsed(path: Path, front: str) -> tuple[yaml.MappingNode, Mapping[str, object]]:
    """The front matter as nodes, which know their lines, and as plain values: no tag can name a Python object."""
    try:
        loader = _Loader(front)
        node = loader.get_single_node()
        values = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "not understood"
        raise _invalid(path, _line_of(error), f"is not good YAML: {problem}") from error
    if not isinstance(node, yaml.MappingNode) or not isinstance(values, dict):
        raise _invalid(path, 2, "the front matter is no list of `name: value` lines")
    if any(key.value == "text" for key, _ in node.value):
        raise _invalid(path, 2, "text: the instructions stand below the front matter, not in it")
    for key in _repeated(node):
        raise _invalid(path, key.start_mark.line + 1, f"{key.value} stands twice")
    return node, values


def _repeated(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Keys that stand twice in one mapping: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                yield key
            seen.add(str(key.value))
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        yield from chain.from_iterable(_repeated(value) for value in node.value)


def _line(node: yaml.Node, location: Sequence[int | str]) -> int:
    """The line, counted from 1, of the deepest place of `location` that stands in the file."""
    for part in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            inner = [value for key, value in node.value if key.value == part]
            if not inner:
                break
            node = inner[0]
    return node.start_mark.line + 1


def _line_of(error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return 0 if mark is None else mark.line + 1


def _invalid(path: Path, line: int, problem: str) -> Configuration:
    where = f"{path}, line {line}" if line else str(path)
    return Configuration(Code.TEMPLATE_INVALID, f"{where}: {problem}", file=str(path), line=line, problem=problem)
