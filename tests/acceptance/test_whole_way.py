"""The main job on real speech through the real program: bytes in, a cited answer out."""

import hashlib
import io
import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any

import jiwer
import pytest
from docx import Document

from tests.program import PROGRAM, SAMPLE, SAMPLES, Outcome, Program

_TRUTH = json.loads((SAMPLES / "en_interview_two_speakers.json").read_text(encoding="utf-8"))
_SLACK = 0.5  # seconds by which an engine's word times may differ from the truth


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Outcome]:
    """An archive that took the sample in, and what it said meanwhile."""
    program = Program(tmp_path_factory.mktemp("whole"))
    told = ("--scenario", "interview", "--building", "hotel", "--place", "Отель «Заря»")
    return program, program.run("receive", str(SAMPLE), *told, "--wait", "--json")


@pytest.fixture(scope="module")
def program(received: tuple[Program, Outcome]) -> Program:
    """An archive that holds the sample."""
    program, outcome = received
    assert [recording["state"] for recording in outcome.document["recordings"]] == ["ready"]
    return program


@pytest.fixture(scope="module")
def shown(program: Program) -> dict[str, Any]:
    identity = program.json("list")["recordings"][0]["id"]
    shown: dict[str, Any] = program.json("show", identity[:5])
    return shown


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", " ", text.lower()).split())


def test_every_stage_is_told_in_few_lines_and_to_its_end(received: tuple[Program, Outcome]) -> None:
    told: dict[str, list[str]] = {}
    for line in received[1].err.splitlines():
        title, _, share = line.rpartition(": ")
        if share.endswith(" %"):
            told.setdefault(title.split()[1], []).append(share)
    assert "transcribe" in told
    for shares in told.values():
        assert shares[-1] == "100 %"
        assert "0 %" not in shares
        assert len(shares) == len(set(shares)) <= 10


def test_the_transcript_is_what_was_said(shown: dict[str, Any]) -> None:
    heard = " ".join(segment["text"] for segment in shown["transcript"]["segments"])
    assert jiwer.wer(_plain(_TRUTH["text"]), _plain(heard)) < 0.05
    assert shown["transcript"]["language"] == "en"


def test_words_carry_ascending_times_inside_their_segment(shown: dict[str, Any]) -> None:
    for segment in shown["transcript"]["segments"]:
        times = [time for word in segment["words"] for time in (word["start"], word["end"])]
        assert times == sorted(times)
        assert segment["start"] <= times[0]
        assert times[-1] <= segment["end"]
        assert segment["text"] == " ".join(word["text"] for word in segment["words"])


def test_two_speakers_have_the_right_roles_and_words(shown: dict[str, Any]) -> None:
    assert [speaker["role"] for speaker in shown["speakers"]] == ["interviewer", "client"]
    roles = {"af_heart": "interviewer", "am_michael": "client"}
    right = total = 0
    for segment in shown["transcript"]["segments"]:
        for word in segment["words"]:
            middle = (word["start"] + word["end"]) / 2
            turn = min(_TRUTH["turns"], key=lambda turn: max(turn["start"] - middle, middle - turn["end"], 0.0))
            total += 1
            right += roles[turn["speaker"]] == segment["role"]
    assert right / total >= 0.98


def test_every_finding_carries_quotes_that_stand_in_the_transcript_at_their_times(shown: dict[str, Any]) -> None:
    (report,) = shown["reports"]
    assert report["template"] == "interview"
    assert len(report["findings"]) >= 3
    words = [word for segment in shown["transcript"]["segments"] for word in segment["words"]]
    for finding in report["findings"]:
        assert finding["quotes"]
        for quote in finding["quotes"]:
            inside = [word for word in words if quote["start"] <= word["start"] and word["end"] <= quote["end"]]
            assert " ".join(word["text"] for word in inside) == quote["text"]
            assert quote["verified"]
            assert quote["role"] == "client"


def test_the_breakfast_is_answered_with_the_right_second(program: Program) -> None:
    answer = program.json("ask", "What was wrong with the breakfast?")
    assert answer["found"]
    first = answer["citations"][0]
    assert "breakfast was cold" in first["text"]
    turn = _TRUTH["turns"][1]
    assert turn["start"] - _SLACK <= first["start"] < first["end"] <= turn["end"] + _SLACK
    assert first["role"] == "client"


def test_a_russian_question_finds_the_english_words(program: Program) -> None:
    answer = program.json("ask", "Что было не так с завтраком?")
    assert answer["found"]
    assert "breakfast was cold" in answer["citations"][0]["text"]


@pytest.mark.parametrize("question", ["How deep is the swimming pool?", "Сколько стоит экскурсия на яхте?"])
def test_what_the_archive_does_not_say_is_not_said(question: str, program: Program) -> None:
    answer = program.json("ask", question)
    assert answer["found"] is False
    assert answer["citations"] == []


@pytest.mark.parametrize("form", ["srt", "vtt", "txt", "md", "json"])
def test_every_export_holds_the_words(form: str, program: Program, shown: dict[str, Any], tmp_path: Path) -> None:
    written = program.json("export", shown["id"], "--format", form, "--output", str(tmp_path))
    text = Path(written["path"]).read_text(encoding="utf-8")
    assert written["path"].endswith(f".{form}")
    assert "breakfast was cold" in " ".join(text.split())
    assert program.run("export", shown["id"], "--format", form).out == text


def test_the_original_comes_back_byte_for_byte(program: Program, shown: dict[str, Any], tmp_path: Path) -> None:
    back = tmp_path / "back.ogg"
    told = program.json("original", shown["id"], "--output", str(back))
    assert back.read_bytes() == SAMPLE.read_bytes()
    assert told["sha256"] == shown["original"]["sha256"]
    assert program.json("original", shown["id"], "--output", str(back), code=3)["error"]["code"] == "output-exists"


def test_another_run_makes_a_version_and_changes_nothing_that_was_said(program: Program, shown: dict[str, Any]) -> None:
    retried = program.json("retry", shown["id"], "--from", "attribute", "--wait")
    assert retried == {"id": shown["id"], "run": 2, "from": "attribute", "state": "ready"}
    again = program.json("show", shown["id"])
    assert again["transcript"] == shown["transcript"]
    assert program.json("check") == {"ok": True, "problems": []}


def test_reindexing_gives_the_same_answer(program: Program) -> None:
    before = program.json("ask", "How was the parking?")
    assert before["found"]
    assert program.json("reindex")["recordings"] == 1
    assert program.json("ask", "How was the parking?") == before


def test_a_flipped_byte_is_found_and_never_served(program: Program, shown: dict[str, Any], tmp_path: Path) -> None:
    (stored,) = (program.data / "store" / "audio").glob("recordings/*/original/*.ogg")
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.chmod(0o600)
    stored.write_bytes(content)
    try:
        found = program.json("check", "--read", code=6)
        assert [(problem["kind"], problem["recording"]) for problem in found["problems"]] == [
            ("hash-differs", shown["id"])
        ]
        target = tmp_path / "served.ogg"
        assert program.json("original", shown["id"], "--output", str(target), code=6)["error"]["code"] == "blob-corrupt"
        assert not target.exists()
    finally:
        stored.write_bytes(SAMPLE.read_bytes())
    assert program.json("check", "--read") == {"ok": True, "problems": []}


def test_a_document_for_a_client_is_written_to_a_file_and_not_shown(
    program: Program, shown: dict[str, Any], tmp_path: Path
) -> None:
    written = program.json("export", shown["id"], "--format", "docx", "--output", str(tmp_path))
    content = Path(written["path"]).read_bytes()
    assert written["path"].endswith(".docx")
    said = " ".join(paragraph.text for paragraph in Document(io.BytesIO(content)).paragraphs)
    assert "breakfast was cold" in said
    refused = program.json("export", shown["id"], "--format", "docx", code=3)
    assert refused["error"]["code"] == "output-binary"
    terminal, screen = pty.openpty()
    try:
        on_terminal = subprocess.run(
            [PROGRAM, "export", shown["id"], "--format", "docx"],
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    finally:
        os.close(screen)
        os.close(terminal)
    assert on_terminal.returncode == 3
    assert b"--output" in on_terminal.stderr


def test_the_sound_is_made_for_browsers_once(program: Program, shown: dict[str, Any], tmp_path: Path) -> None:
    written = program.json("sound", shown["id"], "--output", str(tmp_path))
    content = Path(written["path"]).read_bytes()
    assert written["path"].endswith(".m4a")
    assert hashlib.sha256(content).hexdigest() == written["sha256"]
    assert content.index(b"moov") < content.index(b"mdat")
    peaks = program.json("sound", shown["id"], "--peaks")
    assert len(peaks["data"]) == 2 * peaks["length"] * peaks["channels"]
    again = program.json("sound", shown["id"], "--output", str(tmp_path / "again.m4a"))
    assert again["sha256"] == written["sha256"]
    shown_at_all = program.json("sound", shown["id"], "--output", "-", code=3)
    assert shown_at_all["error"]["code"] == "output-binary"
    assert program.run("sound", shown["id"], "--peaks").out == json.dumps(peaks, separators=(",", ":")) + "\n"
    assert program.json("check", "--read")["ok"]
