"""doctor: walk through what can be wrong with a set-up; say what each failure means and how to mend it.

What is looked at stands in looks.py. Whatever hangs, the doctor ends: chains of looks go side by side in threads, and
a look that takes too long is given up.
"""

import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import typer

from voxpersona.doors.cli.app import Json, app, opened
from voxpersona.doors.cli.console import Console, exit_code
from voxpersona.doors.cli.look import Chain, Look
from voxpersona.doors.cli.looks import chains, ground
from voxpersona.doors.remedies import label, remedy
from voxpersona.errors import Code, Integrity, VoxPersonaError
from voxpersona.settings import language_asked_for, read_settings, read_store_settings
from voxpersona.wiring import House

_IN_ALL = 35.0
"""Seconds after which what is not done is given up."""

_CONNECT, _SILENCE, _SPEECH = 3.0, 5.0, 20.0
"""Seconds that a store may take to connect or keep silent (both are tried three times), and a transcription server for
a second of silence: a person waits for the doctor."""

_log = logging.getLogger("voxpersona.doctor")

_OF_THE_BUCKET = frozenset({"bucket", "where", "key", "tries", "seconds"})
"""Facts in which two buckets may differ that have the same trouble."""


@dataclass(frozen=True)
class _Finding:
    """What came of a look: what it found, or what is wrong, or neither where it was left out."""

    look: Look
    found: str = ""
    error: VoxPersonaError | None = None

    @property
    def is_left_out(self) -> bool:
        return not self.found and self.error is None


@app.command()
def doctor(wants_json: Json = False) -> None:
    """Look at everything a set-up needs and say what is wrong, what it means and how to mend it."""
    _refuse_settings(wants_json=wants_json)
    with opened(wants_json=wants_json) as (house, console):
        findings: list[_Finding] = []
        is_hung = False
        for one in _walked(_impatient(house), console):
            is_hung |= one.is_hung
            for finding in one.findings:
                _show(finding, console)
            findings += one.findings
        wrong = [finding.error for finding in findings if finding.error is not None]
        console.document({"ok": not wrong, "checks": [_plain(one, console) for one in findings if not one.is_left_out]})
        _conclude(findings, console)
        code = max((exit_code(type(error)) for error in wrong), default=0)
        if is_hung:
            # Its thread may hold the process up for minutes yet, and has nothing left to tell.
            sys.stdout.flush()
            os._exit(code)
        raise typer.Exit(code)


def _refuse_settings(*, wants_json: bool) -> None:
    """Settings that cannot be used are the first thing a doctor tells; nothing else can be looked at then."""
    console = Console(wants_json=wants_json, language=language_asked_for())
    try:
        console.language = read_settings().language
        read_store_settings()
    except VoxPersonaError as error:
        finding = _Finding(Look("settings", str), error=error)
        checked = _plain(finding, console)
        told = {"code": error.code, "message": checked["detail"]}
        console.document({"ok": False, "checks": [checked], "error": told})
        _show(finding, console)
        raise typer.Exit(exit_code(type(error))) from None


def _impatient(house: House) -> House:
    """The same house, whose store and transcription server are given up after seconds."""
    timeout = min(house.settings.transcriber_timeout, _SPEECH)
    settings, store = house.settings.model_copy(update={"transcriber_timeout": timeout}), house.store_settings
    if store is not None:
        waits = {
            "connect_timeout": min(store.connect_timeout, _CONNECT),
            "read_timeout": min(store.read_timeout, _SILENCE),
            "retry_seconds": min(store.retry_seconds, _SILENCE),
            "retry_attempts": 2,
        }
        store = store.model_copy(update=waits)
    return House(settings, store)


class _Walk:
    """A chain on its way, in a thread of its own."""

    def __init__(self, chain: Chain, wrong: frozenset[str]) -> None:
        """`wrong`: names of the looks before, of other chains, that went wrong."""
        self.findings: list[_Finding] = []
        self.is_hung = False
        self._chain = chain
        self._wrong = set(wrong)
        self._since = time.monotonic()
        self._found: queue.SimpleQueue[_Finding] = queue.SimpleQueue()
        threading.Thread(target=self._go, daemon=True).start()

    @property
    def wrong(self) -> frozenset[str]:
        return frozenset(finding.look.name for finding in self.findings if not finding.found)

    def wait(self, until: float) -> None:
        """Gather the findings, at the latest by then; two of one cause become one."""
        for look in self._chain.looks:
            if self.is_hung:
                self._add(_Finding(look))
                continue
            left = min(self._since + self._chain.patience, until) - time.monotonic()
            try:
                finding = self._found.get(timeout=max(left, 0))
            except queue.Empty:
                self.is_hung = True
                finding = _Finding(look, error=self._chain.hung)
            self._add(finding)

    def _add(self, finding: _Finding) -> None:
        for before in self.findings:
            if finding.error is not None and before.error is not None and _is_same(finding.error, before.error):
                told = before.error.facts
                told["bucket"] = f"{told.get('bucket')}, {finding.error.facts.get('bucket')}"
                finding = _Finding(finding.look)
        self.findings.append(finding)

    def _go(self) -> None:
        is_over = False
        for look in self._chain.looks:
            finding = _Finding(look)
            if not is_over and not self._wrong.intersection(look.needs):
                finding = _looked(look)
            if not finding.found:
                self._wrong.add(look.name)
                is_over |= finding.error is not None and finding.error.code in self._chain.fatal
            self._since = time.monotonic()
            self._found.put(finding)


def _looked(look: Look) -> _Finding:
    try:
        return _Finding(look, found=look.look())
    except VoxPersonaError as error:
        return _Finding(look, error=error)
    except Exception as error:  # noqa: BLE001  # a fault of ours; the rest is looked at all the same
        reason = type(error).__name__
        _log.error("the look at %s failed", look.name, exc_info=error)
        return _Finding(look, error=Integrity(Code.INTERNAL, reason, reason=reason))


def _is_same(one: VoxPersonaError, other: VoxPersonaError) -> bool:
    """Whether two buckets have the same trouble."""
    facts = ({name: error.facts[name] for name in error.facts.keys() - _OF_THE_BUCKET} for error in (one, other))
    return one.code is other.code and next(facts) == next(facts)


def _walked(house: House, console: Console) -> Iterator[_Walk]:
    """First the ground, then everything that stands on it, side by side."""
    until = time.monotonic() + _IN_ALL
    first = _Walk(ground(house, console), frozenset())
    first.wait(until)
    yield first
    for walk in [_Walk(chain, first.wrong) for chain in chains(house, console)]:
        walk.wait(until)
        yield walk


def _sentence(finding: _Finding, console: Console) -> str:
    if finding.error is None:
        return finding.found
    return remedy(finding.look.about or finding.look.name, finding.error, console.language)


def _plain(finding: _Finding, console: Console) -> dict[str, object]:
    return {
        "name": finding.look.name,
        "ok": finding.error is None,
        "code": None if finding.error is None else finding.error.code,
        "detail": _sentence(finding, console),
    }


def _show(finding: _Finding, console: Console) -> None:
    if finding.is_left_out:
        return
    mark = console.pick("ok   ", "ок   ") if finding.error is None else console.pick("WRONG", "ПЛОХО")
    console.line(f"{mark}  {label(finding.look.name, console.language)}: {_sentence(finding, console)}")


def _conclude(findings: list[_Finding], console: Console) -> None:
    left_out = ", ".join(label(one.look.name, console.language) for one in findings if one.is_left_out)
    if left_out:
        console.line(
            console.pick(
                f"Not looked at because of that: {left_out}. Mend what is wrong and run this again.",
                f"Из-за этого не проверено: {left_out}. Исправьте то, что плохо, и запустите ещё раз.",
            )
        )
    elif not any(one.error for one in findings):
        console.line(console.pick("Nothing is wrong.", "Всё в порядке."))
