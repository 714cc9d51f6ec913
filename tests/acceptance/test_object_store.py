"""The main job with everything kept in real object stores, as the least-privilege user that `storage policy` prints."""

import io
import json
import math
import secrets
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import urllib3

from tests.program import SAMPLE, Program
from tests.servers.minio import NEEDS_MINIO
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS

VISIT = "Визит в «Отель» №2.ogg"


@dataclass(frozen=True)
class Kept:
    """An installation whose buckets are in a store."""

    program: Program
    server: S3Server
    audio: str
    main: str

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in self.program.environment.items() if name.startswith("MINIO_")}


def settings(server: S3Server, access_key: str, secret_key: str, audio: str, main: str) -> dict[str, str]:
    chosen = {
        "MINIO_ENDPOINT": server.endpoint,
        "MINIO_ACCESS_KEY": access_key,
        "MINIO_SECRET_KEY": secret_key,
        "MINIO_AUDIO_BUCKET_NAME": audio,
        "MINIO_BUCKET_NAME": main,
    }
    return chosen | ({} if server.ca_file is None else {"MINIO_CA_FILE": str(server.ca_file)})


def installed(server: S3Server, data: Path, **environment: str) -> Kept:
    """New buckets made by the keeper, a user under the policy that the program itself prints, and the program."""
    audio, main = server.bucket(), server.bucket()
    unprivileged = Program(data, **settings(server, "nobody", "yet", audio, main))
    policy = unprivileged.json("storage", "policy")
    keys = server.user(policy)
    return Kept(Program(data, **settings(server, *keys, audio, main), **environment), server, audio, main)


@pytest.fixture(scope="module")
def sealed(seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """SeaweedFS over TLS, everything encrypted, the sample taken the whole way."""
    place = tmp_path_factory.mktemp("sealed")
    key_file = place / "keys.json"
    kept = installed(seaweedfs.tls, place / "data", VOXPERSONA_KEY_FILE=str(key_file))
    kept.program.json("keys", "generate")
    kept.program.json("receive", str(SAMPLE), "--scenario", "interview", "--wait")
    return kept


@pytest.fixture(scope="module")
def plain(minio_plain: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """MinIO over plain HTTP, nothing encrypted, two recordings kept and not yet worked on."""
    place = tmp_path_factory.mktemp("plain")
    kept = installed(minio_plain, place / "data")
    for name, content in ((VISIT, SAMPLE.read_bytes()), ("сигнал.wav", tone())):
        (place / name).write_bytes(content)
        kept.program.json("receive", str(place / name))
    return kept


def tone() -> bytes:
    """Two seconds of a plain tone."""
    held = io.BytesIO()
    with wave.open(held, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16_000)
        samples = (round(9000 * math.sin(number / 7)) for number in range(32_000))
        written.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return held.getvalue()


def contents(kept: Kept) -> Iterator[tuple[str, bytes]]:
    """Every object of both buckets as the store has it."""
    for bucket in (kept.audio, kept.main):
        for key in kept.server.keys(bucket):
            yield key, kept.server.keeper.get_object(Bucket=bucket, Key=key)["Body"].read()


class TestSealed:
    def test_the_whole_way_works(self, sealed: Kept, tmp_path: Path) -> None:
        (recording,) = sealed.program.json("list")["recordings"]
        assert recording["state"] == "ready"
        assert sealed.program.json("ask", "What was wrong with the breakfast?")["found"]
        sealed.program.json("original", recording["id"], "--output", str(tmp_path / "back.ogg"))
        assert (tmp_path / "back.ogg").read_bytes() == SAMPLE.read_bytes()
        assert sealed.program.json("check", "--read") == {"ok": True, "problems": []}

    def test_the_store_sees_no_word_name_or_sound(self, sealed: Kept) -> None:
        original = SAMPLE.read_bytes()
        seen = list(contents(sealed))
        assert len(seen) >= 7
        for key, content in seen:
            assert original[1000:1100] not in content, key
            assert b"breakfast" not in content.lower(), key
        for bucket in (sealed.audio, sealed.main):
            for key in sealed.server.keys(bucket):
                told = json.dumps(sealed.server.keeper.head_object(Bucket=bucket, Key=key)["Metadata"])
                assert "interview" not in told.lower(), key

    def test_database_and_index_come_back_from_the_buckets_alone(self, sealed: Kept, tmp_path: Path) -> None:
        before = _answers(sealed.program)
        environment = {**sealed.environment, "VOXPERSONA_KEY_FILE": sealed.program.environment["VOXPERSONA_KEY_FILE"]}
        elsewhere = Program(tmp_path / "another-machine", **environment)
        elsewhere.json("rebuild")
        assert _answers(elsewhere) == before
        assert elsewhere.json("check", "--read") == {"ok": True, "problems": []}

    def test_without_its_key_file_the_archive_refuses(self, sealed: Kept, tmp_path: Path) -> None:
        blind = Program(tmp_path / "blind", **sealed.environment)
        refused = blind.json("receive", str(SAMPLE), code=7)
        assert [one["code"] for one in refused["rejected"]] == ["master-key-absent"]
        other = Program(tmp_path / "other", **sealed.environment, VOXPERSONA_KEY_FILE=str(tmp_path / "keys.json"))
        assert blind.run("keys", "generate", "--output", str(tmp_path / "keys.json")).code == 7
        Program(tmp_path / "apart").json("keys", "generate", "--output", str(tmp_path / "keys.json"))
        assert other.json("check", code=7)["error"]["code"] == "master-key-wrong"

    def test_rotation_changes_no_byte_and_the_archive_stays_readable(self, sealed: Kept) -> None:
        before = dict(contents(sealed))
        sealed.program.json("keys", "rotate", "--yes")
        status = sealed.program.json("keys", "status")
        assert status["current"] == "k2"
        assert all(set(bucket["under"]) == {"k2"} and not bucket["plain"] for bucket in status["buckets"])
        after = dict(contents(sealed))
        changed = {key for key in before if before[key] != after[key]}
        assert all(key.startswith(".voxpersona/") for key in changed)
        assert sealed.program.json("check", "--read") == {"ok": True, "problems": []}

    def test_an_encrypted_original_has_no_link_and_says_so(self, sealed: Kept) -> None:
        (recording,) = sealed.program.json("list")["recordings"]
        refused = sealed.program.json("link", recording["id"], code=7)["error"]
        assert refused["code"] == "link-unsupported"
        assert "is encrypted" in refused["message"]
        assert "`voxpersona original`" in refused["message"]


def _answers(program: Program) -> list[object]:
    listed = program.json("list")
    shown = [program.json("show", recording["id"]) for recording in listed["recordings"]]
    asked = [program.json("ask", question) for question in ("What was wrong with the breakfast?", "Who sang?")]
    status = program.json("status")
    del status["free_bytes"]  # of this machine's disk, of this moment
    return [listed, shown, asked, status]


@NEEDS_MINIO
class TestPlain:
    def test_a_link_downloads_the_recording_under_its_true_name(self, plain: Kept) -> None:
        recording = next(one for one in plain.program.json("list")["recordings"] if one["name"] == VISIT)
        told = plain.program.json("link", recording["id"], "--minutes", "5")
        with urllib3.PoolManager() as http:
            answer = http.request("GET", told["url"])
            assert (answer.status, answer.data) == (200, SAMPLE.read_bytes())
            assert f"filename*=UTF-8''{quote(VISIT)}" in answer.headers["Content-Disposition"]

    def test_usage_counts_what_stands_there(self, plain: Kept) -> None:
        told = plain.program.json("storage", "usage")
        kinds = {(one["bucket"], one["kind"]): (one["blobs"], one["stored"]) for one in told["usage"]}
        assert kinds[plain.audio, "original"] == (2, len(SAMPLE.read_bytes()) + len(tone()))
        assert kinds[plain.audio, "manifest"][0] == 2
        assert told["growth"][-1]["total"] == sum(stored for _, stored in kinds.values())
        metrics = plain.program.run("storage", "usage", "--metrics")
        stored = kinds[plain.audio, "original"][1]
        assert f'voxpersona_store_bytes{{bucket="{plain.audio}",kind="original"}} {stored}\n' in metrics.out

    def test_an_archive_moves_house_and_is_the_same_there(self, plain: Kept, tmp_path: Path) -> None:
        key_file = tmp_path / "keys.json"
        Program(tmp_path / "apart").json("keys", "generate", "--output", str(key_file))
        target = installed(plain.server, tmp_path / "moved", VOXPERSONA_KEY_FILE=str(key_file))
        there = tmp_path / "there.env"
        there.write_text(
            "".join(f"{name}={value}\n" for name, value in target.environment.items())
            + f"VOXPERSONA_KEY_FILE={key_file}\n"
        )
        first = plain.program.json("storage", "migrate", "--to", str(there))
        assert (first["ok"], sum(one["copied"] for one in first["buckets"])) == (True, 4)
        again = plain.program.json("storage", "migrate", "--to", str(there))
        assert [(one["copied"], one["skipped"]) for one in again["buckets"]] == [(0, 4), (0, 0)]
        target.program.json("rebuild")
        assert target.program.json("check", "--read") == {"ok": True, "problems": []}
        names = {one["name"] for one in plain.program.json("list")["recordings"]}
        assert {one["name"] for one in target.program.json("list")["recordings"]} == names
        back = tmp_path / "back.env"
        back.write_text("")
        home = Program(tmp_path / "moved", **target.environment, VOXPERSONA_KEY_FILE=str(key_file))
        assert home.json("storage", "migrate", "--to", str(back))["ok"]
        assert {path.name for path in (tmp_path / "moved" / "store" / "audio" / "recordings").iterdir()} == {
            one["id"] for one in plain.program.json("list")["recordings"]
        }

    def test_without_its_settings_the_archive_is_not_split(self, plain: Kept) -> None:
        plain.program.json("check")
        lost = Program(plain.program.data)
        for command in (["receive", str(SAMPLE)], ["check"], ["check", "--repair"], ["worker", "--until-idle"]):
            told = lost.json(*command, code=7)
            error = told.get("error") or told["rejected"][0]
            assert error["code"] == "store-other"
        assert [*(plain.program.data / "store").rglob("*.wav*")] == []
        assert plain.program.json("check") == {"ok": True, "problems": []}

    def test_a_move_into_another_archive_is_refused(self, plain: Kept, minio_plain: S3Server, tmp_path: Path) -> None:
        places = settings(
            minio_plain, minio_plain.access_key, minio_plain.secret_key, minio_plain.bucket(), minio_plain.bucket()
        )
        Program(tmp_path / "other", **places).json("check")
        there = tmp_path / "there.env"
        there.write_text("".join(f"{name}={value}\n" for name, value in places.items()))
        told = plain.program.json("storage", "migrate", "--to", str(there), code=7)
        assert told["error"]["code"] == "store-other"

    def test_a_move_onto_itself_is_refused(self, plain: Kept, tmp_path: Path) -> None:
        same = tmp_path / "same.env"
        same.write_text("".join(f"{name}={value}\n" for name, value in plain.environment.items()))
        refused = plain.program.json("storage", "migrate", "--to", str(same), code=7)
        assert refused["error"]["code"] == "setting-invalid"

    def test_rules_are_shown_configured_and_standing(self, minio_plain: S3Server, tmp_path: Path) -> None:
        audio, main = minio_plain.bucket(), minio_plain.bucket()
        places = settings(minio_plain, minio_plain.access_key, minio_plain.secret_key, audio, main)
        program = Program(tmp_path / "data", **places, MINIO_EXPIRE_DERIVED_DAYS="30")
        before = program.json("storage", "lifecycle")["buckets"]
        assert [(len(one["configured"]), len(one["standing"])) for one in before] == [(0, 0), (4, 0)]
        after = program.json("storage", "lifecycle", "--apply")["buckets"]
        assert [one["standing"] for one in after] == [one["configured"] for one in after]
        assert minio_plain.keeper.get_bucket_lifecycle_configuration(Bucket=main)["Rules"]

    def test_minio_has_no_rule_for_unfinished_uploads_which_is_said(
        self, minio_plain: S3Server, tmp_path: Path
    ) -> None:
        places = settings(
            minio_plain, minio_plain.access_key, minio_plain.secret_key, minio_plain.bucket(), minio_plain.bucket()
        )
        program = Program(tmp_path / "data", **places, MINIO_ABANDON_UPLOADS_DAYS="1")
        shown = program.run("storage", "lifecycle")
        assert shown.out.count("MinIO, which has no such rule") == 2
        assert "unfinished uploads are dropped after 1 day\n" in shown.out
        refused = program.json("storage", "lifecycle", "--apply", code=7)["error"]
        assert refused["code"] == "lifecycle-unsupported"
        assert "MINIO_API_STALE_UPLOADS_EXPIRY" in refused["message"]

    def test_an_original_that_a_rule_may_have_removed_is_told_so(self, minio_plain: S3Server, tmp_path: Path) -> None:
        audio, main = minio_plain.bucket(), minio_plain.bucket()
        places = settings(minio_plain, minio_plain.access_key, minio_plain.secret_key, audio, main)
        program = Program(tmp_path / "data", **places, MINIO_EXPIRE_ORIGINALS_DAYS="30")
        program.json("receive", str(SAMPLE))
        (original,) = (key for key in minio_plain.keys(audio) if "/original/" in key)
        minio_plain.keeper.delete_object(Bucket=audio, Key=original)
        (problem,) = program.json("check", code=6)["problems"]
        assert problem["kind"] == "blob-missing"
        assert "MINIO_EXPIRE_ORIGINALS_DAYS may have removed it" in problem["detail"]


def test_half_a_set_up_refuses_to_start_and_names_the_variable(tmp_path: Path) -> None:
    program = Program(tmp_path / "data", MINIO_ENDPOINT="http://127.0.0.1:1", MINIO_ACCESS_KEY=secrets.token_hex(4))
    for command in (["list"], ["receive", str(SAMPLE)], ["doctor"]):
        refused = program.json(*command, code=7)
        assert refused["error"]["code"] == "setting-missing"
        assert "MINIO_SECRET_KEY" in refused["error"]["message"]
    assert not (tmp_path / "data" / "voxpersona.db").exists()
