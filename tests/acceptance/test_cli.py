"""The command line as scripts and people meet it: exit codes, one JSON document, clear refusals, no traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders_media import flac_of
from tests.program import SAMPLE, Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "data")


def test_two_names_for_the_same_bytes_are_one_recording(program: Program, tmp_path: Path) -> None:
    for name in ("a.ogg", "b.ogg"):
        (tmp_path / name).write_bytes(SAMPLE.read_bytes())
    received = program.json("receive", str(tmp_path / "a.ogg"), str(tmp_path / "b.ogg"))["recordings"]
    assert [recording["duplicate_of"] for recording in received] == [None, received[0]["id"]]
    assert len(program.json("list")["recordings"]) == 1
    assert set(received[0]) >= {"id", "name", "state", "sha256", "bytes", "duplicate_of"}


def test_a_policy_is_printed_before_there_is_a_store_and_says_what_it_needs(tmp_path: Path) -> None:
    refused = Program(tmp_path / "data").json("storage", "policy", code=7)["error"]
    assert refused["code"] == "setting-missing"
    assert "MINIO_ACCESS_KEY, MINIO_AUDIO_BUCKET_NAME, MINIO_BUCKET_NAME" in refused["message"]
    assert "half configured" not in refused["message"]
    names = {"MINIO_ACCESS_KEY": "auditor", "MINIO_AUDIO_BUCKET_NAME": "audio", "MINIO_BUCKET_NAME": "main-one"}
    told = Program(tmp_path / "data", **names).run("storage", "policy")
    assert (told.code, "arn:aws:s3:::main-one/*" in told.out) == (0, True)
    assert "--user auditor" in told.err
    assert "$MINIO_URL" not in told.err
    assert not (tmp_path / "data").exists()


def test_an_empty_database_beside_a_store_that_was_used_hints_at_rebuild(program: Program) -> None:
    empty = program.run("list")
    assert "receive PATH" in empty.err
    assert "rebuild" not in empty.err
    program.json("receive", str(SAMPLE))
    for path in program.data.glob("voxpersona.db*"):
        path.unlink()
    (program.data / "archive.id").unlink()  # as where only the store's own directory was brought back
    for command in (["list"], ["status"], ["ask", "What was wrong?"]):
        assert "`voxpersona rebuild`" in program.run(*command).err, command
    program.json("rebuild")
    for command in (["list"], ["status"], ["ask", "What was wrong?"]):
        assert "`voxpersona rebuild`" not in program.run(*command).err, command


def test_a_directory_is_taken_in_recursively_with_a_summary(program: Program, tmp_path: Path) -> None:
    visit = tmp_path / "visit"
    (visit / "day 1").mkdir(parents=True)
    (visit / "day 1" / "interview.ogg").write_bytes(SAMPLE.read_bytes())
    (visit / "day 1" / "copy.ogg").write_bytes(SAMPLE.read_bytes())
    (visit / "notes.txt").write_text("not a sound")
    (visit / "empty.mp3").touch()
    os.mkfifo(visit / "pipe")
    outcome = program.run("receive", str(visit))
    assert outcome.code == 3
    assert "1 kept, 1 here already, 3 rejected" in outcome.out
    refused = program.json("receive", str(visit), code=3)["rejected"]
    codes = {Path(entry["path"]).name: entry["code"] for entry in refused}
    assert codes == {"notes.txt": "not-audio", "empty.mp3": "empty", "pipe": "not-a-file"}
    assert all(entry["reason"] for entry in refused)


def test_standard_input_needs_a_name_and_is_kept_under_it(program: Program, tmp_path: Path) -> None:
    assert program.run("receive", "-", stdin=SAMPLE.read_bytes()).code == 2
    outcome = program.run("receive", "-", "--name", "из потока.ogg", "--json", stdin=SAMPLE.read_bytes())
    assert [recording["name"] for recording in outcome.document["recordings"]] == ["из потока.ogg"]
    program.run("original", outcome.document["recordings"][0]["id"], "--output", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == SAMPLE.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["receive"], 2),
        (["receive", "x", "--scenario", "wedding"], 2),
        (["receive", "x", "--date", "23.11.2026"], 2),
        (["receive", "/nowhere/at all.ogg"], 4),
        (["receive", "/dev/zero"], 3),
        (["show", "zzz"], 4),
        (["show", ""], 4),
        (["show", "%"], 4),
        (["export", "zzz", "--format", "pdf"], 2),
        (["export", "zzz", "--format", "srt"], 4),
        (["sound", "zzz"], 2),
        (["sound", "zzz", "--peaks"], 4),
        (["original", "zzz", "--output", "x"], 4),
        (["retry", "zzz"], 4),
        (["retry", "zzz", "--from", "dance"], 3),
        (["forget", "zzz"], 4),
        (["ask", "  "], 2),
        (["storage", "migrate", "--to", "nope.env"], 2),
        (["dance"], 2),
    ],
)
def test_what_cannot_be_done_ends_with_its_code_and_a_sentence(
    arguments: list[str], code: int, program: Program
) -> None:
    outcome = program.run(*arguments)
    assert outcome.code == code, outcome
    assert outcome.err.strip() or outcome.out.strip()
    assert "Traceback" not in outcome.err + outcome.out


def test_commands_on_an_empty_archive_say_so_calmly(program: Program) -> None:
    assert program.json("list") == {"recordings": []}
    assert program.json("status")["counts"] == {"received": 0, "working": 0, "ready": 0, "failed": 0}
    assert program.json("check", "--read") == {"ok": True, "problems": []}
    assert program.json("ask", "Is anybody there?")["found"] is False
    assert program.json("version")["version"]
    assert program.json("reindex")["recordings"] == 0
    assert program.json("worker", "--until-idle") == {"stopped": False, "idle": True}


def test_a_failure_in_json_is_a_document_too(program: Program) -> None:
    error = program.json("show", "zzz", code=4)["error"]
    assert error["code"] == "recording-unknown"
    assert "zzz" in error["message"]


def test_messages_come_in_russian_when_asked(tmp_path: Path) -> None:
    program = Program(tmp_path / "data", VOXPERSONA_LANGUAGE="ru")
    assert "Записи zzz нет" in program.json("show", "zzz", code=4)["error"]["message"]


def test_forgetting_removes_every_byte_and_is_remembered(program: Program, tmp_path: Path) -> None:
    identity = program.json("receive", str(SAMPLE))["recordings"][0]["id"]
    assert program.run("forget", identity[:4]).code == 2
    assert program.json("forget", identity) == {"id": identity, "forgotten": True}
    assert program.json("list") == {"recordings": []}
    kept = [path for path in (program.data / "store").rglob("*") if path.is_file()]
    assert [path for path in kept if identity in str(path)] == []
    assert program.json("receive", str(SAMPLE), code=3)["rejected"][0]["code"] == "forgotten"
    anew = program.json("receive", str(SAMPLE), "--again")["recordings"][0]
    assert anew["id"] != identity
    assert program.json("check") == {"ok": True, "problems": []}


def test_a_second_worker_is_told_and_leaves(program: Program) -> None:
    first = program.start("worker")
    try:
        _until(lambda: program.json("status")["worker"])
        assert program.json("worker", code=5)["error"]["code"] == "worker-running"
    finally:
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0


def test_a_running_worker_does_what_another_process_received(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "short.flac"
    path.write_bytes(flac_of(start=6.5, end=16.2))
    worker = program.start("worker")
    try:
        _until(lambda: program.json("status")["worker"])
        received = program.json("receive", str(path), "--wait")
        assert [recording["state"] for recording in received["recordings"]] == ["ready"]
        assert worker.poll() is None
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0


def test_a_worker_without_its_model_refuses_to_start(tmp_path: Path) -> None:
    program = Program(tmp_path / "data", VOXPERSONA_WHISPER_PATH=str(tmp_path / "nowhere"))
    error = program.json("worker", "--until-idle", code=7)["error"]
    assert error["code"] == "model-absent"
    assert "VOXPERSONA_WHISPER_PATH" in error["message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("VOXPERSONA_THREADS", "many"), ("VOXPERSONA_LANGUAGE", "de"), ("VOXPERSONA_TRANSCRIBER_URL", "ftp://x")],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str, tmp_path: Path) -> None:
    error = Program(tmp_path / "data", **{name: value}).json("list", code=7)["error"]
    assert error["code"] == "setting-invalid"
    assert name in error["message"]


def test_a_data_directory_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = Program(tmp_path / "file" / "data").json("list", code=7)["error"]
    assert error["code"] == "data-directory"
    assert "VOXPERSONA_DATA" in error["message"]


def test_doctor_finds_nothing_wrong_with_a_good_set_up(program: Program) -> None:
    told = program.json("doctor")
    assert told["ok"], told
    assert all(check["ok"] for check in told["checks"])


def test_doctor_names_what_is_wrong_and_goes_on(tmp_path: Path) -> None:
    program = Program(tmp_path / "data", VOXPERSONA_WHISPER_PATH=str(tmp_path / "nowhere"))
    told = program.json("doctor", code=7)
    wrong = {check["name"]: check["code"] for check in told["checks"] if not check["ok"]}
    assert wrong == {"speech": "model-absent"}
    assert told["checks"][-1]["ok"]


def test_a_reader_that_has_had_enough_is_no_error(program: Program) -> None:
    piped = subprocess.run(
        ["/bin/sh", "-c", 'voxpersona version | true; voxpersona list >/dev/null; echo "ended $?"'],
        env={**program.environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert piped.stdout == "ended 0\n"
    assert "Traceback" not in piped.stderr


def _until(holds: Callable[[], object]) -> None:
    for _ in range(120):
        if holds():
            return
        time.sleep(0.25)
    raise AssertionError("never came about")
