"""OpenAITranscriber against a real server that fails in every way it can."""

import json
import logging
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import numpy as np
import pytest

from tests.builders_speech import a_piece_text, sample_sound, sample_truth, short_piece, text_of, words_of
from tests.speech_server import PATH, Reply, Request, SpeechServer, failing, hearing, serving
from voxpersona.adapters.transcriber import opus
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.adapters.transcriber.openai import OpenAITranscriber
from voxpersona.errors import Code, Configuration, Integrity, Unavailable, VoxPersonaError
from voxpersona.model import Doubt, Dropped, PieceText
from voxpersona.pipeline.pieces import in_halves
from voxpersona.ports import RATE, Floats

KEY = "sk-very-secret-123"
QUIET: Floats = np.zeros(2 * RATE, np.float32)
SPOKEN: Floats = short_piece()[: 2 * RATE]
SAID = "the guest said this in confidence"


def ask(
    server: SpeechServer,
    *,
    language: str | None = None,
    words: Sequence[str] = (),
    timeout: float = 10.0,
    sound: Floats = QUIET,
    times: int = 1,
) -> PieceText:
    with closing(over_http(server.url, timeout=timeout)) as transcriber:
        for _ in range(times):
            heard = transcriber.transcribe(sound, language=language, words=words, on_progress=lambda _: None)
    return heard


def over_http(url: str, keys: Sequence[str] = (KEY,), *, timeout: float = 10.0) -> OpenAITranscriber:
    return OpenAITranscriber(url, keys=keys, model="whisper-1", in_halves=in_halves, timeout=timeout)


def hear(transcriber: OpenAITranscriber, sound: Floats = SPOKEN, language: str | None = None) -> PieceText:
    return transcriber.transcribe(sound, language=language, on_progress=lambda _: None)


def failure(replies: Sequence[Reply], *, timeout: float = 10.0, sound: Floats = QUIET) -> VoxPersonaError:
    with failing(replies) as server, pytest.raises(VoxPersonaError) as failed:
        ask(server, timeout=timeout, sound=sound)
    return failed.value


def answering(answer: Any, **more: Any) -> Reply:
    return Reply(body=json.dumps(answer).encode(), **more)


def test_the_request_is_what_the_interface_asks_for() -> None:
    with failing([answering({"text": ""})]) as server:
        ask(server, language="ru")
    (request,) = server.requests
    assert request.path == PATH
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.sound.startswith(b"OggS")
    assert b"OpusHead" in request.sound[:64]
    assert request.fields == {
        "model": ["whisper-1"],
        "language": ["ru"],
        "temperature": ["0"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
    }


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", PATH])
def test_the_url_may_end_anywhere_on_the_way(ending: str) -> None:
    with failing([answering({"text": ""})]) as server:
        server.url += ending
        ask(server)
    assert [request.path for request in server.requests] == [PATH]


def test_words_to_expect_are_the_prompt() -> None:
    with failing([answering({"text": ""})]) as server:
        ask(server, words=("Анна Петрова", "Sochi"))
    assert server.requests[0].fields["prompt"] == ["Анна Петрова, Sochi"]


def test_a_proxy_of_the_environment_never_sees_the_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing([answering({"text": ""})]) as proxy, failing([answering({"text": ""})]) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "")
        ask(server)
    assert (len(server.requests), proxy.requests) == (1, [])


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
def test_a_server_in_trouble_is_unavailable(status: int) -> None:
    failed = failure([Reply(status=status, body=b"<html>busy</html>")])
    assert isinstance(failed, Unavailable)
    assert failed.code == Code.TRANSCRIBER_UNAVAILABLE
    assert "retry_after" not in failed.facts


def test_retry_after_is_passed_on_in_seconds() -> None:
    for status in (429, 503):
        told = failure([Reply(status=status, headers={"Retry-After": "17"})]).facts["retry_after"]
        assert told == pytest.approx(17.0, abs=2.0)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < float(failure([Reply(status=503, headers={"Retry-After": later})]).facts["retry_after"]) <= 90
    for nonsense in ("soon", "nan", "inf", ""):
        assert "retry_after" not in failure([Reply(status=429, headers={"Retry-After": nonsense})]).facts


def test_a_server_that_hangs_is_unavailable() -> None:
    failed = failure([Reply(hangs=True)], timeout=0.3)
    assert isinstance(failed, Unavailable)
    assert failed.facts["reason"] == "timed out"


def test_a_server_that_hangs_up_in_the_middle_is_unavailable() -> None:
    failed = failure([answering({"text": SAID}, cut=9)])
    assert isinstance(failed, Unavailable)


def test_nobody_listening_is_unavailable() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        server = SpeechServer(url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable):
            ask(server)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 413, 422])
def test_a_refusal_is_a_matter_of_configuration(status: int) -> None:
    failed = failure([Reply(status=status, headers={"Location": "http://127.0.0.1:9/elsewhere"})])
    assert isinstance(failed, Configuration)
    assert failed.code == Code.TRANSCRIBER_REFUSED
    assert f"HTTP {status}" in failed.detail


def test_the_servers_word_for_the_error_is_passed_on_but_not_its_sentence() -> None:
    body = {"error": {"code": "invalid_api_key", "message": f"Incorrect key {KEY}, you said: {SAID}"}}
    failed = failure([answering(body, status=401)])
    assert "invalid_api_key" in failed.detail
    assert_tells_nothing(failed)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"text": null}',
        b'{"text": 7}',
        json.dumps({"text": SAID, "segments": []}).encode()[:-9],
        b"\xff\xfe{",
        b"[" * 100_000,
        json.dumps({"text": SAID, "segments": "none"}).encode(),
        json.dumps({"text": SAID, "words": [SAID]}).encode(),
        json.dumps({"text": SAID, "segments": [{"text": SAID}]}).encode(),
        json.dumps({"text": SAID, "segments": [{"text": SAID, "start": "0", "end": 1}]}).encode(),
        json.dumps({"text": SAID, "segments": [{"text": SAID, "start": float("nan"), "end": 1}]}).encode(),
        json.dumps({"text": SAID, "segments": [{"text": SAID, "start": 120_000, "end": 130_000}]}).encode(),
    ],
)
def test_an_answer_that_makes_no_sense_breaks_the_promise_loudly(body: bytes) -> None:
    failed = failure([Reply(body=body)])
    assert isinstance(failed, Integrity)
    assert failed.code == Code.TRANSCRIBER_ANSWER
    assert_tells_nothing(failed)


def test_an_empty_answer_to_silence_is_no_speech() -> None:
    with failing([answering({"text": " ", "language": "russian", "segments": []})]) as server:
        assert ask(server) == PieceText(language="ru", language_confidence=0.0, segments=())


def test_an_empty_answer_to_speech_is_not_believed() -> None:
    failed = failure([answering({"text": ""})], sound=short_piece())
    assert isinstance(failed, Integrity)
    assert float(failed.facts["seconds"]) > 10


def test_plain_text_without_times_keeps_every_word_and_marks_its_times_as_estimated() -> None:
    with failing([answering({"text": "Yes. No, not at all!"})]) as server:
        heard = ask(server, sound=SPOKEN)
    assert text_of(heard) == "Yes. No, not at all!"
    assert [segment.text for segment in heard.segments] == ["Yes.", "No, not at all!"]
    assert {word.confidence for word in words_of(heard)} == {0.0}
    assert words_of(heard)[-1].end == 2.0
    assert heard.language == "und"


def test_a_server_that_wants_another_format_is_asked_for_plain_text_once_and_then_always() -> None:
    refusal = answering({"error": {"code": "unsupported_value"}}, status=400)
    with failing([refusal, answering({"text": "Yes."})]) as server:
        assert text_of(ask(server, language="en", sound=SPOKEN, times=2)) == "Yes."
    formats = [request.fields["response_format"] for request in server.requests]
    assert formats == [["verbose_json"], ["json"], ["json"]]


def test_segments_without_words_bound_the_estimated_times() -> None:
    segments = [
        {"text": " One two.", "start": 0.0, "end": 0.5, "avg_logprob": -0.2},
        {"text": " Three.", "start": 1.0, "end": 30.0, "avg_logprob": -0.4},
    ]
    with failing([answering({"text": "One two. Three.", "language": "en", "segments": segments})]) as server:
        heard = ask(server, sound=SPOKEN)
    assert [(word.text, word.confidence) for word in words_of(heard)] == [("One", 0.0), ("two.", 0.0), ("Three.", 0.0)]
    assert [(segment.start, segment.end) for segment in heard.segments] == [(0.0, 0.5), (1.0, 2.0)]
    assert heard.segments[0].confidence == pytest.approx(0.8187)


def test_segments_that_lost_text_do_not_win_over_the_text() -> None:
    segments = [{"text": " One.", "start": 0.0, "end": 0.5}]
    words = [{"word": "one", "start": 0.1, "end": 0.4}, {"word": "three", "start": 1.6, "end": 1.9}]
    with failing([answering({"text": "One. Two, three.", "segments": segments, "words": words})]) as server:
        heard = ask(server, sound=SPOKEN)
    assert [(word.text, word.start, word.end) for word in words_of(heard)] == [
        ("One.", 0.1, 0.4),
        ("Two,", 0.4, 1.6),
        ("three.", 1.6, 1.9),
    ]


def test_text_for_silence_is_invented_and_leaves_a_trace() -> None:
    with failing([answering({"text": "Yes, of course. Thank you."})]) as server:
        heard = ask(server)
    assert heard.segments == ()
    assert [(each.text, each.reason) for each in heard.dropped] == [
        ("Yes, of course.", Doubt.NO_VOICE),
        ("Thank you.", Doubt.NO_VOICE),
    ]


def test_what_the_server_itself_takes_for_no_speech_is_invented() -> None:
    said = {"text": " I am sorry.", "start": 0.0, "end": 1.2, "avg_logprob": -0.2, "no_speech_prob": 0.1}
    credit = {"text": " Thanks for watching!", "start": 1.2, "end": 2.0, "avg_logprob": -0.6, "no_speech_prob": 0.9}
    answer = {"text": "I am sorry. Thanks for watching!", "language": "en", "segments": [said, credit]}
    with failing([answering(answer)]) as server:
        heard = ask(server, sound=SPOKEN)
    assert text_of(heard) == "I am sorry."
    assert heard.dropped == (Dropped(start=1.2, end=2.0, text="Thanks for watching!", reason=Doubt.PHANTOM),)


def test_neither_key_nor_text_is_told_to_a_log_an_error_or_a_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with failing([answering({"text": SAID})]) as server:
        address = server.url.removeprefix("http://")
        secret = over_http(f"http://anna:pass-word@{address}")
        with closing(secret):
            assert text_of(hear(secret, SPOKEN, "en")) == SAID
        told = f"{secret!r} {secret.name} {vars(secret)} {caplog.text}"
    for never in (KEY, "pass-word", "anna", SAID):
        assert never not in told


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY} x", "ключ"])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(Configuration) as refused:
        over_http("http://127.0.0.1:9", [KEY, key])
    assert refused.value.code == Code.SETTING_INVALID
    assert key.strip() not in str(refused.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://127.0.0.1/?key=1"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Configuration) as refused:
        over_http(url, [])
    assert refused.value.code == Code.SETTING_INVALID


def by_key(answers: Mapping[str, Reply]) -> Callable[[Request], Reply]:
    return lambda request: answers[request.headers["Authorization"].removeprefix("Bearer ")]


def asked(server: SpeechServer) -> list[str]:
    """With which keys."""
    return [request.headers["Authorization"].removeprefix("Bearer ") for request in server.requests]


YES = answering({"text": "Yes.", "language": "english"})
EXPIRED = answering({"error": {"code": "expired"}}, status=401)


def throttled(seconds: float | None = None) -> Reply:
    return Reply(status=429, headers={} if seconds is None else {"Retry-After": f"{seconds}"})


def test_a_throttled_key_rests_and_the_next_is_used() -> None:
    answers = {"one": throttled(3600), "two": YES, "three": YES}
    with serving(by_key(answers)) as server, closing(over_http(server.url, list(answers))) as transcriber:
        assert [text_of(hear(transcriber)) for _ in range(2)] == ["Yes.", "Yes."]
    assert asked(server) == ["one", "two", "two"]


def test_a_key_that_has_rested_is_used_again() -> None:
    answers = {"one": throttled(0.2), "two": YES}
    with serving(by_key(answers)) as server, closing(over_http(server.url, list(answers))) as transcriber:
        hear(transcriber)
        time.sleep(0.3)
        answers["one"] = YES
        hear(transcriber)
    assert asked(server) == ["one", "two", "one"]


def test_only_when_all_keys_rest_is_it_unavailable_for_the_shortest_of_their_times() -> None:
    answers = {"one": throttled(3600), "two": throttled(60), "three": EXPIRED}
    with serving(by_key(answers)) as server, closing(over_http(server.url, list(answers))) as transcriber:
        for _ in range(2):
            with pytest.raises(Unavailable) as failed:
                hear(transcriber)
            assert failed.value.code is Code.TRANSCRIBER_UNAVAILABLE
            assert 30 < float(failed.value.facts["retry_after"]) <= 60
    assert asked(server) == ["one", "two", "three"]


def test_keys_throttled_without_a_time_are_all_tried_and_none_rests() -> None:
    answers = {"one": throttled(), "two": throttled()}
    with serving(by_key(answers)) as server, closing(over_http(server.url, list(answers))) as transcriber:
        for _ in range(2):
            with pytest.raises(Unavailable) as failed:
                hear(transcriber)
            assert "retry_after" not in failed.value.facts
    assert asked(server) == ["one", "two", "one", "two"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_set_aside_with_a_warning_that_does_not_show_it(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answers = {KEY: answering({"error": {"message": f"bad key {KEY}"}}, status=status), "two": YES}
    with serving(by_key(answers)) as server, closing(over_http(server.url, list(answers))) as transcriber:
        assert [text_of(hear(transcriber)) for _ in range(2)] == ["Yes.", "Yes."]
    assert asked(server) == [KEY, "two", "two"]
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "the transcription server refuses key 1 of 2, which is set aside"
    ]
    assert KEY not in caplog.text


def test_only_when_all_keys_are_refused_is_it_a_refusal_and_the_next_try_asks_anew() -> None:
    answers = {"one": EXPIRED, "two": EXPIRED}
    with serving(by_key(answers)) as server, closing(over_http(server.url, list(answers))) as transcriber:
        with pytest.raises(Configuration) as failed:
            hear(transcriber)
        assert failed.value.code is Code.TRANSCRIBER_REFUSED
        assert failed.value.facts["reason"] == "HTTP 401 expired"
        answers["one"] = YES  # somebody has paid
        assert text_of(hear(transcriber)) == "Yes."
    assert asked(server) == ["one", "two", "one"]


def test_without_a_key_none_is_sent() -> None:
    with failing([YES]) as server, closing(over_http(server.url, [])) as transcriber:
        hear(transcriber)
    assert "Authorization" not in server.requests[0].headers


def test_the_same_piece_sent_again_carries_the_same_idempotency_key_and_another_one_another() -> None:
    with failing([Reply(status=500), YES]) as server, closing(over_http(server.url)) as transcriber:
        with pytest.raises(Unavailable):
            hear(transcriber)
        hear(transcriber)
        hear(transcriber, QUIET)
        hear(transcriber, language="ru")
    first, again, other, told = (request.headers["Idempotency-Key"] for request in server.requests)
    assert first == again
    assert len({first, other, told}) == 3
    assert server.requests[0].sound == server.requests[1].sound


def listen(sound: Floats, _language: str | None) -> PieceText:
    """The turns of the sample that are whole in this part of it, found by laying it over the sample."""
    coarse, size = 8, 1 << 18
    whole, part = (np.fft.rfft(each[::coarse], size) for each in (sample_sound(), sound))
    alike = np.fft.irfft(whole * np.conj(part), size)
    start = int(np.argmax(alike[: len(sample_sound()) // coarse])) * coarse / RATE
    end = start + len(sound) / RATE + 0.05
    inside = [turn for turn in sample_truth()["turns"] if start - 0.05 <= turn["start"] and turn["end"] <= end]
    return a_piece_text(*((max(turn["start"] - start, 0.0), turn["end"] - start, turn["text"]) for turn in inside))


def test_what_is_too_large_is_heard_in_halves_and_no_word_is_lost_doubled_or_out_of_time() -> None:
    sound = sample_sound()
    most = round(0.4 * len(opus.encode(sound)))
    with hearing(ScriptedTranscriber(listen), most=most) as server, closing(over_http(server.url)) as transcriber:
        heard = hear(transcriber, sound)
        requests = len(server.requests)
        hear(transcriber, sound)
    turns = sample_truth()["turns"]
    assert text_of(heard).split() == " ".join(turn["text"] for turn in turns).split()
    for turn, segment in zip(turns, heard.segments, strict=True):
        assert (segment.start, segment.end) == pytest.approx((turn["start"], turn["end"]), abs=0.2)
    assert heard.language == "en"
    sent = [len(request.sound) for request in server.requests]
    assert requests > 3
    assert max(sent[:requests]) > most
    assert max(sent[requests:]) <= most, "what is known to be too large was sent again"


def test_a_server_that_finds_the_smallest_too_large_refuses() -> None:
    failed = failure([Reply(status=413)], sound=short_piece())
    assert failed.code is Code.TRANSCRIBER_REFUSED
    assert str(failed.facts["reason"]).startswith("HTTP 413 to ")


def assert_tells_nothing(failed: VoxPersonaError) -> None:
    told = f"{failed} {failed.detail} {failed.facts} {failed.__cause__}"
    assert KEY not in told
    assert SAID not in told
