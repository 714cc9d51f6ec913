"""The judge of the torture finds what was planted: a judge that never finds anything would say the same of a ruin."""

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders_media import flac_of
from tests.program import Program
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS
from tests.torture.checker import Acknowledged, Evidence, Verdict, examine
from tests.torture.speech import torture_speech


@dataclass
class Scene:
    """An archive of two recordings as it should be; damage to its database is done to a copy, that to its buckets is
    undone."""

    evidence: Evidence
    server: S3Server
    before: dict[tuple[str, str], Any]

    @property
    def first(self) -> Acknowledged:
        return self.evidence.acknowledged[0]

    @property
    def second(self) -> Acknowledged:
        return self.evidence.acknowledged[1]

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self.server.keeper.put_object(Bucket=bucket, Key=key, Body=content)

    def get(self, bucket: str, key: str) -> bytes:
        return self.server.keeper.get_object(Bucket=bucket, Key=key)["Body"].read()

    def delete(self, bucket: str, key: str) -> None:
        self.server.keeper.delete_object(Bucket=bucket, Key=key)

    def key(self, bucket: str, part: str) -> str:
        """The one key of the first recording that has this in it."""
        (found,) = [key for key in self.server.keys(bucket) if key.startswith(f"recordings/{self.first.id}/{part}")]
        return found

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.evidence.database)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def change(self, **evidence: object) -> None:
        self.evidence = replace(self.evidence, **evidence)  # type: ignore[arg-type]

    def everything(self) -> dict[tuple[str, str], bytes]:
        buckets = (self.evidence.audio, self.evidence.main)
        return {(bucket, key): self.get(bucket, key) for bucket in buckets for key in self.server.keys(bucket)}

    def restore(self) -> None:
        now = self.everything()
        for bucket, key in now.keys() - self.before.keys():
            self.delete(bucket, key)
        for (bucket, key), content in self.before.items():
            if now.get((bucket, key)) != content:
                self.put(bucket, key, content)


@pytest.fixture(scope="module")
def whole(seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    directory, server = tmp_path_factory.mktemp("whole"), seaweedfs.plain
    audio, main = server.bucket(), server.bucket()
    acknowledged = []
    with torture_speech() as speech:
        program = Program(
            directory / "data",
            MINIO_ENDPOINT=server.endpoint,
            MINIO_ACCESS_KEY=server.access_key,
            MINIO_SECRET_KEY=server.secret_key,
            MINIO_AUDIO_BUCKET_NAME=audio,
            MINIO_BUCKET_NAME=main,
            VOXPERSONA_TRANSCRIBER_URL=speech.url,
        )
        for number in range(2):
            content = flac_of(start=5.0 * number, end=5.0 * number + 4.0)
            path = directory / f"{number}.flac"
            path.write_bytes(content)
            (received,) = program.json("receive", str(path), "--scenario", "interview")["recordings"]
            acknowledged.append(Acknowledged(received["id"], hashlib.sha256(content).hexdigest(), len(content)))
        assert program.run("worker", "--until-idle").code == 0
        evidence = Evidence(
            keeper=server.keeper,
            audio=audio,
            main=main,
            database=str(directory / "data" / "voxpersona.db"),
            acknowledged=acknowledged,
            paid=dict(speech.paid),
            interruptions=0,
            checked=program.json("check", "--read"),
        )
    scene = Scene(evidence, server, {})
    scene.before = scene.everything()
    return scene


@pytest.fixture
def scene(whole: Scene, tmp_path: Path) -> Iterator[Scene]:
    copy = tmp_path / "copy.db"
    shutil.copyfile(whole.evidence.database, copy)
    yield Scene(replace(whole.evidence, database=str(copy)), whole.server, whole.before)
    whole.restore()


def test_what_is_whole_is_clean(scene: Scene) -> None:
    verdict = examine(scene.evidence)
    assert verdict == Verdict(recordings=2, steps=2 * 4 + 2)
    assert verdict.is_clean


def _no_row(scene: Scene) -> None:
    scene.sql(f"DELETE FROM recording WHERE id = '{scene.first.id}'")


def _no_original(scene: Scene) -> None:
    scene.delete(scene.evidence.audio, scene.key(scene.evidence.audio, "original/"))


def _flipped(scene: Scene) -> None:
    key = scene.key(scene.evidence.audio, "original/")
    content = bytearray(scene.get(scene.evidence.audio, key))
    content[100] ^= 1
    scene.put(scene.evidence.audio, key, bytes(content))


def _cut(scene: Scene) -> None:
    key = scene.key(scene.evidence.audio, "original/")
    scene.put(scene.evidence.audio, key, scene.get(scene.evidence.audio, key)[:-1])


def _other_hash(scene: Scene) -> None:
    scene.sql(f"UPDATE recording SET sha256 = 'other' WHERE id = '{scene.first.id}'")


def _second_original(scene: Scene) -> None:
    content = scene.get(scene.evidence.audio, scene.key(scene.evidence.audio, "original/"))
    scene.put(scene.evidence.audio, f"recordings/{scene.second.id}/original/again.flac", content)


def _second_row(scene: Scene) -> None:
    scene.sql(
        "CREATE TABLE loose AS SELECT * FROM recording",
        "DROP TABLE recording",
        "ALTER TABLE loose RENAME TO recording",
        f"INSERT INTO recording SELECT * FROM recording WHERE id = '{scene.first.id}'",
    )


def _second_id(scene: Scene) -> None:
    told = replace(scene.first, id=scene.second.id)
    scene.change(acknowledged=[*scene.evidence.acknowledged, told])


def _no_manifest(scene: Scene) -> None:
    scene.delete(scene.evidence.audio, f"recordings/{scene.first.id}/manifest.json")


def _unknown_row(scene: Scene) -> None:
    scene.change(acknowledged=scene.evidence.acknowledged[1:])


def _no_transcript(scene: Scene) -> None:
    scene.delete(scene.evidence.main, f"recordings/{scene.first.id}/transcript/1.json")


def _no_transcript_row(scene: Scene) -> None:
    scene.sql(f"DELETE FROM transcription WHERE recording_id = '{scene.first.id}'")


def _other_transcript(scene: Scene) -> None:
    main = scene.evidence.main
    other = scene.get(main, f"recordings/{scene.second.id}/transcript/1.json")
    scene.put(main, f"recordings/{scene.first.id}/transcript/1.json", other)


def _nothing_heard(scene: Scene) -> None:
    empty = "{}"
    scene.sql(f"UPDATE transcription SET document = '{empty}' WHERE recording_id = '{scene.first.id}'")
    scene.put(scene.evidence.main, f"recordings/{scene.first.id}/transcript/1.json", empty.encode())


def _no_report_text(scene: Scene) -> None:
    keys = [key for key in scene.server.keys(scene.evidence.main) if key.endswith(".md")]
    scene.delete(scene.evidence.main, keys[0])


def _no_roles(scene: Scene) -> None:
    scene.delete(scene.evidence.main, f"recordings/{scene.first.id}/roles/1.json")


def _unsaved_result(scene: Scene) -> None:
    scene.sql(f"DELETE FROM attribution WHERE recording_id = '{scene.first.id}'")


def _result_of_nobody(scene: Scene) -> None:
    scene.put(scene.evidence.main, "recordings/000000000000/transcript/1.json", b"{}")


def _not_ready(scene: Scene) -> None:
    scene.sql(f"UPDATE run SET state = 'working' WHERE recording_id = '{scene.first.id}'")


def _end_not_told(scene: Scene) -> None:
    scene.delete(scene.evidence.main, f"recordings/{scene.first.id}/runs/1.json")


def _unfinished_stage(scene: Scene) -> None:
    scene.sql(f"UPDATE stage SET finished_at = NULL WHERE recording_id = '{scene.first.id}' AND stage = 'report'")


def _begun_again(scene: Scene) -> None:
    scene.sql("UPDATE stage SET attempts = 2")


def _paid_again(scene: Scene) -> None:
    scene.change(paid=dict.fromkeys(scene.evidence.paid, 2))


def _check_complains(scene: Scene) -> None:
    problem = {"kind": "index-behind", "recording": scene.first.id, "key": "", "detail": ""}
    scene.change(checked={"ok": False, "problems": [problem]})


def _check_died(scene: Scene) -> None:
    scene.change(checked=None)


@pytest.mark.parametrize(
    ("plant", "kind", "says"),
    [
        (_no_row, "lost", "no row of it"),
        (_no_original, "lost", "no original"),
        (_flipped, "altered", "not what was sent"),
        (_cut, "altered", "not what was sent"),
        (_other_hash, "altered", "other bytes"),
        (_second_original, "twice", "2 originals"),
        (_second_row, "twice", "2 rows"),
        (_second_id, "twice", "acknowledged under"),
        (_no_manifest, "problems", "no manifest"),
        (_unknown_row, "problems", "nobody was told of"),
        (_no_transcript, "problems", "not in the bucket"),
        (_no_transcript_row, "problems", "no transcript"),
        (_other_transcript, "problems", "not what the database says"),
        (_other_transcript, "problems", "says what was said in"),
        (_nothing_heard, "problems", "no current transcript"),
        (_no_report_text, "problems", "not in the bucket"),
        (_no_roles, "problems", "not in the bucket"),
        (_unsaved_result, "problems", "half visible: in the bucket"),
        (_result_of_nobody, "problems", "half visible: no row"),
        (_not_ready, "problems", "newest run is working"),
        (_end_not_told, "problems", "does not say that run 1 ended well"),
        (_unfinished_stage, "problems", "report is not finished"),
        (_begun_again, "problems", "stages were begun again"),
        (_paid_again, "problems", "pieces were paid for again"),
        (_check_complains, "problems", "check: index-behind"),
        (_check_died, "problems", "did not end"),
    ],
)
def test_what_was_planted_is_found(scene: Scene, plant: Callable[[Scene], None], kind: str, says: str) -> None:
    plant(scene)
    verdict = examine(scene.evidence)
    assert not verdict.is_clean
    assert any(says in line for line in getattr(verdict, kind)), verdict


def test_the_original_of_a_delivery_that_was_never_acknowledged_is_counted_and_no_fault(scene: Scene) -> None:
    key = "recordings/000000000000/original/a.flac"
    scene.put(scene.evidence.audio, key, b"killed before its row")
    problem = {"kind": "blob-without-row", "recording": "000000000000", "key": key, "detail": ""}
    scene.change(checked={"ok": False, "problems": [problem]})
    verdict = examine(scene.evidence)
    assert verdict.orphans == 1
    assert verdict.is_clean


def test_what_was_repeated_is_counted(scene: Scene) -> None:
    scene.sql(f"UPDATE stage SET attempts = 3 WHERE recording_id = '{scene.first.id}' AND stage = 'index'")
    piece = next(iter(scene.evidence.paid))
    scene.change(paid={**scene.evidence.paid, piece: 2}, interruptions=3)
    verdict = examine(scene.evidence)
    assert (verdict.steps, verdict.again, verdict.paid_again) == (10, 3, 1)
    assert verdict.is_clean
