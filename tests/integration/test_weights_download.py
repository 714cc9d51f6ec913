"""Downloading a model from a server that speaks the hub's protocol. A process of its own: the client reads the hub's
address from the environment when it is imported."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from voxpersona.adapters.weights.find import missing_from_whisper

ONNX_NAMES = ("v3_e2e_rnnt_encoder.onnx", "v3_e2e_rnnt_decoder.onnx", "v3_e2e_rnnt_joint.onnx", "v3_e2e_rnnt_vocab.txt")
NAMES = (
    "model.bin",
    "config.json",
    "tokenizer.json",
    "vocabulary.txt",
    "preprocessor_config.json",
    "README.md",
    *ONNX_NAMES,
    "v3_ctc.onnx",
)
FILES = {name: f"what {name} holds".encode() * 99 for name in NAMES}
COMMIT = "a" * 40
PROGRAM = """
import sys
from pathlib import Path
from voxpersona.adapters.weights import Hints, find_onnx, find_whisper
from voxpersona.errors import VoxPersonaError
try:
    cache, hints = Path(sys.argv[1]), Hints("A_PATH", "A_PERMISSION")
    told = {"path": None, "cache": cache, "model": sys.argv[2], "allow_download": True, "hints": hints}
    print(find_onnx(**told, quantization="") if sys.argv[2].startswith("gigaam") else find_whisper(**told))
except VoxPersonaError as error:
    print(error.code, error.detail)
"""


@contextmanager
def hub(*, cuts: str = "") -> Iterator[str]:
    """The URL of a hub that holds FILES under every repository; it hangs up in the middle of the file `cuts`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            name = path.rsplit("/", 1)[-1]
            if "/resolve/" in path and name in FILES:
                tag = hashlib.sha1(FILES[name]).hexdigest()
                self.reply(FILES[name], name == cuts, ETag=f'"{tag}"', **{"X-Repo-Commit": COMMIT})
            elif "/tree/" in path:
                self.reply(json.dumps([{"type": "file", "path": n, "size": len(FILES[n]), "oid": n} for n in NAMES]))
            elif path.startswith("/api/models/"):
                self.reply(json.dumps({"id": "x/y", "sha": COMMIT, "siblings": [{"rfilename": n} for n in NAMES]}))
            else:
                self.send_error(404)

        def do_HEAD(self) -> None:
            self.do_GET()

        def reply(self, body: bytes | str, is_cut: bool = False, **headers: str) -> None:
            content = body.encode() if isinstance(body, str) else body
            self.send_response(200)
            for field, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(field, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content[:50] if is_cut else content)
                self.close_connection = is_cut

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name for it
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetch(url: str, home: Path, model: str) -> str:
    environment = os.environ | {
        "HF_ENDPOINT": url,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(home / "hub"),
    }
    command = [sys.executable, "-c", PROGRAM, str(home / "cache"), model]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def test_an_allowed_download_is_kept_whole_and_stays(tmp_path: Path) -> None:
    with hub() as url:
        directory = Path(fetch(url, tmp_path, "small"))
    assert directory == tmp_path / "cache" / "whisper-small"
    assert missing_from_whisper(directory) == []
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {
        name: content for name, content in FILES.items() if name != "README.md" and "v3" not in name
    }
    assert fetch("http://127.0.0.1:9", tmp_path, "small") == str(directory)


def test_of_a_model_of_onnx_asr_the_files_it_needs_are_kept_all_at_once(tmp_path: Path) -> None:
    name, cache = "gigaam-v3-e2e-rnnt", tmp_path / "cache"
    with hub(cuts=ONNX_NAMES[2]) as url:
        told = fetch(url, tmp_path, name)
    assert told.startswith("model-absent")
    assert "A_PERMISSION: the download failed (" in told
    assert list((cache / f"onnx-{name}").iterdir()) == []
    with hub() as url:
        directory = Path(fetch(url, tmp_path, name))
    assert directory == cache / f"onnx-{name}"
    assert {path.name for path in directory.iterdir()} == {*ONNX_NAMES, "config.json"}
    assert all((directory / name).read_bytes() == FILES[name] for name in ONNX_NAMES)
    assert [path.name for path in cache.iterdir() if path.name.startswith(".download")] == []
    assert fetch("http://127.0.0.1:9", tmp_path, name) == str(directory)


def test_a_download_that_breaks_off_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    with hub(cuts="model.bin") as url:
        told = fetch(url, tmp_path, "small")
    assert told.startswith("model-absent")
    assert "A_PERMISSION: the download failed (" in told
    assert list((tmp_path / "cache" / "whisper-small").iterdir()) == []


def test_a_download_of_a_pinned_model_must_be_the_pinned_one(tmp_path: Path) -> None:
    with hub() as url:
        told = fetch(url, tmp_path, "tiny.en")
    assert told.startswith("model-altered")
    assert not (tmp_path / "cache" / "whisper-tiny.en" / "model.bin").exists()
