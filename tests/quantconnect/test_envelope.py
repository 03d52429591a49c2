"""What an HTTP answer means."""

import json
import os
import time
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.errors import (
    ApiError,
    Malformed,
    NoDeployment,
    RateLimited,
    Refused,
    Rejected,
    Unauthorized,
    Unavailable,
)
from exporter.quantconnect.envelope import MOST_CONTAINERS, MOST_FORGIVEN, Response, interpret
from exporter.quantconnect.wire.live import ListShape

WALL = 1_795_178_096.0
DATE = "Fri, 20 Nov 2026 12:34:56 GMT"
"""The same moment as ``WALL``."""

HASH = sha256(b"token:1795178096").hexdigest()
HASH_TEXT = f"Hash doesn't match. UID: 100001 hash: {HASH} timestamp: 1795178096"
HTML = b"<!DOCTYPE html><html><body><h1>Attention Required!</h1></body></html>"
NONE_FOUND = "No live deployment found for project 5"


def response(status: int = 200, content: object = None, **headers: str) -> Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, WALL)


def error_of(answer: Response) -> ApiError:
    with pytest.raises(ApiError) as caught:
        interpret(answer)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        {"success": True},
        {"success": True, "errors": []},
        {"success": True, "errors": None},
        {"success": True, "errors": ""},
        {"success": True, "errors": {}},
        {"success": True, "errors": [""]},
        {"success": True, "message": "Algorithm says: hash doesn't match"},
        {"success": True, "error": "a member of a row", "Message": "x", "messages": ["y"]},
    ],
)
def test_success_gives_the_body(body):
    """A body with success true and without errors is what was asked for, whatever its other texts say."""
    assert body == interpret(response(200, body))


def test_genuine_body_is_a_success(sample):
    """A recorded answer of the API, which has no member errors, is a success."""
    content = sample("qc_api_backtests_create_response_2024.json").read_bytes()
    assert interpret(response(200, content))["backtest"]["projectId"] == 17490547


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invalid argument: projectId", Rejected),
        ("Chart Signal not found", Rejected),
        (NONE_FOUND, NoDeployment),
        (NONE_FOUND.upper(), NoDeployment),
        (HASH_TEXT, Unauthorized),
        ("UserID not valid. REF: 4821907", Unauthorized),
        ("Too many requests, slow down", RateLimited),
        ("API rate limit exceeded", RateLimited),
        ("Cannot read the project: hash doesn't match.", Rejected),
        ("The chart 'UserID not valid' does not exist", Rejected),
        ("Algorithm stopped: too many requests to the data provider", Rejected),
        ("Project 5: no live deployment found", Rejected),
        ("  Hash doesn't match. UID: 1", Unauthorized),
        ("Internal Error 1234567", Rejected),
    ],
)
def test_refusal_with_status_200(text, expected):
    """A refusal comes with HTTP 200, and its text in any of five members tells what it is."""
    for member in ("errors", "messages", "Message", "message", "error"):
        for stated in (text, [text], ["", text], {"1": text}):
            assert expected is type(error_of(response(200, {"success": False, member: stated})))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (response(200, {"success": False, "errors": [HASH_TEXT]}), Refused.HASH),
        (response(200, {"success": False, "errors": ["UserID not valid. REF: 4821907"]}), Refused.USER_ID),
        (response(401, {"success": False, "errors": [HASH_TEXT]}), Refused.HASH),
        (response(401, b"<html>"), None),
        (response(401, {"success": False, "errors": ["key too old"]}), None),
    ],
)
def test_refused_credentials_say_which(answer, expected):
    """Which of the credentials was refused is kept as far as QuantConnect says it, and its text is not."""
    error = error_of(answer)

    assert error.refused is expected
    assert HASH not in str(error)
    assert "100001" not in str(error)


def test_refusal_names_its_texts():
    """The error's text carries every text of the refusal."""
    body = {"success": False, "errors": ["Invalid argument", "end"], "Message": "REF 7"}
    assert str(error_of(response(200, body))) == "Invalid argument; end; REF 7"


@pytest.mark.parametrize("errors", [None, [], "", {}, [None], 7, [0], False])
def test_refusal_without_a_text(errors):
    """A refusal that says nothing is still a refusal."""
    error = error_of(response(200, {"success": False, "errors": errors}))
    assert (Rejected, "refused without an error text") == (type(error), str(error))


@pytest.mark.parametrize("errors", [["not there yet"], "not there yet", [{"code": 5}], {"3": "gap"}])
def test_success_with_errors_is_refused(errors):
    """A success that names errors is not believed: values would be beside them that are not there yet."""
    assert type(error_of(response(200, {"success": True, "errors": errors}))) is Rejected


def test_error_that_is_no_text_is_shown():
    """An error that is an object is shown as JSON."""
    assert str(error_of(response(200, {"success": False, "errors": [{"code": 5}]}))) == '{"code": 5}'


@pytest.mark.parametrize("success", [None, "true", "false", 1, 0, [], "yes"])
def test_success_must_be_true_or_false(success):
    """Without a boolean success nothing is believed."""
    body = {"success": success, "portfolio": {"cash": {}}}
    assert type(error_of(response(200, body))) is Malformed
    assert type(error_of(response(200, {"portfolio": {"cash": {}}}))) is Malformed


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (401, {"success": False, "errors": ["key too old"]}, Unauthorized),
        (401, b"", Unauthorized),
        (401, HTML, Unauthorized),
        (401, b"[1]", Unauthorized),
        (403, HTML, Unavailable),
        (403, {"success": False, "errors": ["no access to this project"]}, Rejected),
        (403, {"success": False, "errors": [HASH_TEXT]}, Unauthorized),
        (400, {"success": False, "errors": ["Invalid argument"]}, Rejected),
        (400, {"success": False, "errors": [NONE_FOUND]}, NoDeployment),
        (400, {"success": True, "errors": []}, Unavailable),
        (403, {"success": False, "errors": ["rate limit exceeded"]}, RateLimited),
        (404, HTML, Unavailable),
        (404, {"success": False, "errors": [NONE_FOUND]}, NoDeployment),
        (413, b"", Unavailable),
        (429, HTML, RateLimited),
        (429, b"", RateLimited),
        (429, {"success": False}, RateLimited),
        (500, {"success": False, "errors": [HASH_TEXT]}, Unauthorized),
        (500, {"Message": "Internal Error 1234567"}, Unavailable),
        (500, {"success": True}, Unavailable),
        (500, b"", Unavailable),
        (502, HTML, Unavailable),
        (503, HTML, Unavailable),
        (503, {"success": False, "errors": [NONE_FOUND]}, Unavailable),
        (504, b"upstream timed out", Unavailable),
        (599, b"[]", Unavailable),
        (300, b"", Unavailable),
        (301, HTML, Unavailable),
        (302, {"success": True}, Unavailable),
        (304, b"", Unavailable),
        (307, b"", Unavailable),
        (399, b"", Unavailable),
    ],
)
def test_other_statuses(status, content, expected):
    """Each HTTP status gives the error that says what to do about it, and never a body."""
    assert expected is type(error_of(response(status, content)))


@pytest.mark.parametrize(
    ("content", "expected", "text"),
    [
        (b"", Malformed, "at byte 0 of 0"),
        (b'{"success": tru', Malformed, "at byte 12 of 15"),
        (b'{"success": true, "live": [', Malformed, "not JSON"),
        (b'{"success": true}{"success": true}', Malformed, "Extra data"),
        (b"\xff\xfe\xfd", Malformed, "not UTF-8"),
        (b'{"success": true, "x": "\xe9"}', Malformed, "not UTF-8"),
        (b'{"success": true, "x": ' + b"[" * 100_000, Malformed, "nested too deeply"),
        (b'{"success": true, "x": ' + b"1" * 5000 + b"}", Malformed, "a number too long"),
        (b"[]", Malformed, "not a JSON object"),
        (b"null", Malformed, "not a JSON object"),
        (b"true", Malformed, "not a JSON object"),
        (b'"success"', Malformed, "not a JSON object"),
        (b"NaN", Malformed, "not a JSON object"),
        (HTML, Unavailable, "not JSON"),
        (b"\n  <html>", Unavailable, "not JSON"),
    ],
)
def test_bodies_that_are_no_object(content, expected, text):
    """A body that is no JSON object is malformed, and a page of HTML is something in between answering."""
    error = error_of(response(200, content))
    assert (expected, True) == (type(error), text in str(error))


@pytest.mark.parametrize(("status", "expected"), [(200, Malformed), (401, Unauthorized), (500, Unavailable)])
def test_large_body_of_another_shape(status, expected):
    """A body that is not of the expected shape is read up to a bound of bytes only."""
    content = b'{"success": true, "live": ["' + b"x" * MOST_FORGIVEN + b'"]}'
    assert type(error_of(response(status, content))) is expected


@pytest.mark.parametrize(("status", "expected"), [(200, Malformed), (401, Unauthorized), (500, Unavailable)])
def test_body_of_many_containers(status, expected):
    """A body of very many objects and arrays is not read: in memory it would be seventy times as large."""
    content = b'{"success": true, "live": [' + b"[]," * MOST_CONTAINERS + b"1]}"
    error = error_of(response(status, content))
    assert type(error) is expected
    if status == 200:
        assert str(error) == "the body is of more than 200000 objects and arrays"


def test_large_body_of_the_expected_shape():
    """A body of the expected shape is read whatever its size, and what is not asked for is skipped."""
    row = {
        "projectId": 5,
        "deployId": "L",
        "status": "Running",
        "launched": None,
        "files": "x" * MOST_FORGIVEN,
    }
    assert interpret(response(200, {"success": True, "live": [row]}), ListShape)["live"][0] == {
        "projectId": 5,
        "deployId": "L",
        "status": "Running",
        "launched": None,
    }


@pytest.mark.parametrize(
    ("ours", "date", "expected"),
    [
        (0, "", 0),
        (0, DATE, 0),
        (-500, DATE, 0),
        (500, DATE, 500),
        (0, "soon", 0),
        (-7200, DATE, 0),
        (-7201, DATE, -7201),
        (0, "Fri, 31 Dec 9999 23:59:59 GMT", 0),
    ],
)
def test_latest_clock(ours, date, expected):
    """It is as late as the later of both clocks, unless the server's would have refused our signature."""
    assert Response(200, {"Date": date}, b"", WALL + ours).latest_clock() == WALL + expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_of_json(encoding):
    """JSON in any of its encodings is read."""
    assert interpret(response(200, '{"success": true, "x": "é"}'.encode(encoding)))["x"] == "é"


def test_errors_nested_to_the_edge():
    """An error nested as deeply as JSON can be read at all is still reported as an ApiError."""
    for depth in range(900, 1000):
        content = b'{"success":false,"errors":[' + b"[" * depth + b"1" + b"]" * depth + b"]}"
        assert type(error_of(response(200, content))) in (Rejected, Malformed)


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "errors": [HASH_TEXT]},
        {"success": False, "Message": f"refused: {HASH}"},
        {"success": False, "errors": [{"hash": HASH}]},
        {"success": True, "errors": [f"refused {HASH}"]},
    ],
)
def test_hash_is_never_in_the_text(body):
    """The hash that QuantConnect echoes does not reach the error's text, under any status."""
    for status in (200, 400, 401, 403, 500, 503):
        error = error_of(response(status, body))
        assert HASH[:12] not in f"{error} {error!r}"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("Fri, 20 Nov 2026 12:36:56 GMT", 120.0),
        ("Friday, 20-Nov-26 12:36:56 GMT", 120.0),
        ("Fri Nov 20 12:36:56 2026", 120.0),
        ("Fri, 20 Nov 2026 12:30:00 GMT", 0.0),
        ("9" * 18, 1e18),
        ("9" * 30, None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        ("Fri, 20 Nov 99999 12:36:56 GMT", None),
    ],
)
def test_retry_after(stated, expected):
    """The wait that a 429 names is read as seconds or as a date, and anything else is as if it named none."""
    error = error_of(response(429, b"", Retry_After=stated, Date=DATE))
    assert expected == error.retry_after


def test_retry_after_may_be_missing():
    """A 429 need not name a wait."""
    assert error_of(response(429, b"")).retry_after is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        # the server's clock is an hour behind ours: the wait is by its clock
        ({"Date": "Fri, 20 Nov 2026 11:34:56 GMT", "Retry-After": "Fri, 20 Nov 2026 11:35:56 GMT"}, 60.0),
        # without its clock, ours must do
        ({"Retry-After": "Fri, 20 Nov 2026 12:35:56 GMT"}, 60.0),
        ({"Date": "nonsense", "Retry-After": "Fri, 20 Nov 2026 12:35:56 GMT"}, 60.0),
    ],
)
def test_retry_after_as_a_date_is_by_the_servers_clock(headers, expected):
    """A date in Retry-After is compared with the clock that wrote it."""
    with pytest.raises(RateLimited) as caught:
        interpret(Response(429, headers, b"", WALL))
    assert expected == caught.value.retry_after


@pytest.mark.parametrize(
    ("date", "wall", "expected"),
    [
        (DATE, WALL, -0.5),
        (DATE, WALL + 0.5, 0.0),
        (DATE, WALL + 30.5, 30.0),
        (DATE, WALL - 29.5, -30.0),
        ("Fri Nov 20 12:34:56 2026", WALL + 0.5, 0.0),
        ("Fri, 20 Nov 2026 12:34:56 -0000", WALL + 0.5, 0.0),
        ("Fri, 20 Nov 2026 14:34:56 +0200", WALL + 0.5, 0.0),
        ("", WALL, None),
        ("yesterday", WALL, None),
        ("Fri, 31 Feb 2026 12:34:56 GMT", WALL, None),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_clock_skew(date, wall, expected, zone, monkeypatch):
    """The skew is our clock minus the server's, the cut half second allowed for, in whichever time zone."""
    monkeypatch.setitem(os.environ, "TZ", zone)
    time.tzset()
    try:
        assert expected == Response(200, {"Date": date}, b"", wall).clock_skew()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_clock_skew_needs_a_date():
    """Without a Date header there is no skew."""
    assert response().clock_skew() is None


@given(st.text(alphabet=st.characters(max_codepoint=255)))
@example("Wed,")
@example(" ")
@example("Fri, 20 Nov 2026 12:34:56 +99999999999999999")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
def test_any_header_text(text):
    """No text in a header raises anything but the error of the answer."""
    answer = Response(429, {"Date": text, "Retry-After": text}, b"", WALL)
    answer.clock_skew()
    assert isinstance(error_of(answer), RateLimited)


@given(st.integers(200, 599), st.binary() | st.from_regex(rb'\{"success":(true|false|1),"errors":.*\}'))
def test_any_bytes(status, content):
    """Any bytes under any status give a body or an ApiError."""
    try:
        success = interpret(Response(status, {}, content, WALL))["success"]
    except ApiError as error:
        success, text = None, str(error)
    assert success or len(text) < 300


@pytest.mark.parametrize("content", [HTML, {"success": False, "errors": ["maintenance"]}])
def test_server_error_may_name_a_wait(content):
    """A 503 with Retry-After says when to come back, whether its body is JSON or a page."""
    error = error_of(response(503, content, Retry_After="120"))
    assert isinstance(error, Unavailable)
    assert error.retry_after == 120
