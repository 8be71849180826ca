"""What is kept of failed requests: of both clients, bounded, without secrets, and nothing is read for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests

import tidal
from tidal.generator import failed as module
from tidal.generator.failed import OF_ONE_MAX, OF_RUN_MAX, Exchange, FailedRequests, failed_request, rules
from tidal.generator.fast_response import ErrorResponse, FastRequest
from tidal.generator.http_response import ResponseContextManager
from tidal.generator.recorder import Recorder
from tidal.model.redact import MARK, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = ("POST", "/login", "500")
NOW_US = 1_700_000_000_000_000


@pytest.fixture
def own_rules() -> Iterator[None]:
    """What a file says is forgotten afterwards."""
    yield
    module._words.clear()
    module._rules[0] = Redactor()


class Answer:
    """What a client of ours gives."""

    def __init__(self, **parts: Any) -> None:
        self._told = Exchange(**parts)

    def exchange(self) -> Exchange:
        """What it knows."""
        return self._told


def text_of(response: Any, **more: Any) -> Any:
    """The failed request of a response."""
    return failed_request(KEY, 5, 1_000, {"response": response, **more})


def answered(status: int = 500, body: bytes | None = b"{}") -> Any:
    """A response of requests, made ours; no body: it is not read yet."""
    response = requests.Response()
    response.status_code = status
    response.url = "http://shop/login?token=abc"
    response._content = False if body is None else body  # type: ignore[assignment] # False: not read
    response.headers["Content-Type"] = "application/json"
    response.headers["Set-Cookie"] = "sid=abc; HttpOnly"
    sent = {"Authorization": "Bearer abcdef123456"}
    request = requests.Request("POST", response.url, json={"password": "abc"}, headers=sent)
    response.request = request.prepare()
    response.__class__ = ResponseContextManager
    return response


def test_of_requests_everything_is_there_without_secrets() -> None:
    """Headers, bodies and URL, both ways."""
    kept = text_of(answered(body=b'{"error": "no", "session_id": "abc"}'))
    assert (kept.status, kept.url) == (500, f"http://shop/login?token={MARK}")
    assert kept.request_body == f'{{"password": "{MARK}"}}'
    assert kept.response_body == f'{{"error": "no", "session_id": "{MARK}"}}'
    assert dict(kept.request_headers)["Authorization"] == f"Bearer {MARK}"
    assert dict(kept.response_headers)["Set-Cookie"] == f"sid={MARK}; HttpOnly"


def test_a_stream_stays_unread() -> None:
    """Reading it is the file's to do."""
    response = answered(body=None)
    assert text_of(response).response_body == ""
    assert response._content is False


def test_where_no_answer_came() -> None:
    """Of both clients: what was asked is there."""
    error = requests.ConnectionError(request=answered().request)
    kept = text_of(ResponseContextManager.failed(error))
    assert (kept.status, kept.request_body) == (0, f'{{"password": "{MARK}"}}')
    request = FastRequest("http://shop/x?api_key=abc", "GET")
    kept = text_of(ErrorResponse(request, OSError("gone")))
    assert (kept.status, kept.url) == (0, f"http://shop/x?api_key={MARK}")


@pytest.mark.parametrize("response", [None, object(), SimpleNamespace(exchange="text"), 7])
def test_of_another_protocol_only_the_outline_is_known(response: Any) -> None:
    """A file fires the hook with what it likes."""
    kept = text_of(response, url="mqtt://ann:abc@broker/x")
    assert (kept.error, kept.took_us, kept.url, kept.status) == ("500", 1_000, f"mqtt://{MARK}@broker/x", 0)


def test_all_of_it_is_bounded() -> None:
    """Whatever a target sends: one fits where it is carried."""
    headers = [(f"X-{n}" * 50, "v" * 9_000) for n in range(500)]
    kept = text_of(
        Answer(
            url="http://" + "u" * 9_000, sent=headers, sent_body="x" * 99_999, got=headers, got_body=b"\xff" * 99_999
        )
    )
    assert kept.size < 12_000
    assert kept.response_body.startswith("(99,999 bytes")


@pytest.mark.parametrize("body", [iter([b"x"]), {"a": 1}, object(), 7, bytearray(b"abc"), "", b"", None])
def test_a_body_may_be_anything(body: Any) -> None:
    """What can be read only once is not read."""
    kept = text_of(Answer(sent_body=body))
    assert kept.request_body in {"", "abc", f"({type(body).__name__})"}


def test_odd_text_can_be_sent() -> None:
    """Lone surrogates, bytes, numbers."""
    kept = text_of(Answer(url="http://x/\ud800", got=[(b"A", b"\xff"), ("\ud800", 7)], got_body="\ud800", status="500"))
    for text in (kept.url, kept.response_body, *(part for line in kept.response_headers for part in line)):
        assert text.encode()
    assert kept.status == 0


def test_a_file_names_more(own_rules: None) -> None:
    """Names in any spelling, patterns between slashes; a wrong one is refused and changes nothing."""
    tidal.redact("tenant-id", r"/\d{4} \d{4}/")
    with pytest.raises(ValueError, match="regular expression"):
        tidal.redact("/(/")
    tidal.redact("other")
    body = b'{"tenantId": "abc", "other": "abc", "number": "1234 5678", "kept": "abc"}'
    assert text_of(Answer(got_body=body)).response_body.count(MARK) == 3
    assert rules().is_secret("Tenant-ID")


def test_only_the_first_few_are_kept() -> None:
    """Of a kind, and of the run; a batch takes them."""
    kept = FailedRequests()
    for _ in range(OF_ONE_MAX + 2):
        kept.note(KEY, 5, None, {})
    assert len(kept.take()) == OF_ONE_MAX
    for n in range(OF_RUN_MAX + 10):
        kept.note(("GET", "/", f"error {n}"), 5, None, {})
    assert len(kept.take()) == OF_RUN_MAX - OF_ONE_MAX
    assert kept.take() == ()


def test_a_response_that_raises_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, and the request counts as ever."""

    class Broken:
        def exchange(self) -> Exchange:
            raise RuntimeError("odd")

    recorder = Recorder(lambda: NOW_US)
    for _ in range(3):
        recorder.sample("GET", "/", 5.0, 1, exception="no", response=Broken())
    batch = recorder.take()
    assert batch.failed == ()
    assert batch.failures[0].occurrences == 3
    assert sum("could not be kept" in line for line in caplog.messages) == 1


def test_the_recorder_keeps_what_failed_and_nothing_else() -> None:
    """With the words that the failure is counted under."""
    recorder = Recorder(lambda: NOW_US)
    recorder.sample("GET", "/", 5.0, 1, response=answered(200))
    recorder.sample("POST", "/login", 5.0, 1, exception="no", response=answered(), url="http://shop/login")
    batch = recorder.take()
    (kept,) = batch.failed
    (failure,) = batch.failures
    assert (kept.method, kept.name, kept.error) == (failure.method, failure.name, failure.error)
    assert (kept.at_ms, kept.took_us) == (NOW_US // 1000, 5_000)
