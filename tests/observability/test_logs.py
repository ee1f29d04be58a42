"""An error's log line says when, who (by an id), and where in the code; and nothing personal."""

import json
import logging
import sys

import pytest
from flask import g
from hypothesis import given
from hypothesis import strategies as st

from app.models import Role
from app.observability import logs
from tests.api.calls import bearer
from tests.sign_in import sign_in

FORMATTER = logs.make_formatter()
ERRORS = [ValueError, KeyError, ZeroDivisionError, RuntimeError, OSError, UnicodeError, RecursionError]


def line_of(message, *, error=None, level=logging.ERROR):
    trace = None
    if error is not None:
        try:
            raise error
        except type(error):
            trace = sys.exc_info()
    record = logging.getLogger("app.tests").makeRecord("app.tests", level, __file__, 1, message, (), trace)
    return json.loads(FORMATTER.format(record))


@pytest.mark.sqlite
@pytest.mark.property(37)
@given(
    message=st.text(max_size=200),
    error=st.none() | st.builds(lambda kind, text: kind(text), st.sampled_from(ERRORS), st.text(max_size=50)),
    who=st.sampled_from(["nobody", "caller", "job"]),
)
def test_any_error_that_is_logged_has_its_time_its_user_and_its_trace(app, message, error, who):
    if who == "job":
        line = line_of(message, error=error)
        assert line["user"] == "system"
    else:
        with app.test_request_context("/"):
            g.caller_id = "019a3f0c" if who == "caller" else None
            if who == "nobody":
                del g.caller_id
            line = line_of(message, error=error)
        assert line["user"] == ("019a3f0c" if who == "caller" else "anonymous")
    assert line["time"].endswith("Z")
    trace = line["exception"] if error else line["stack"]
    assert "line_of" in trace
    assert type(error).__name__ in trace or error is None


def test_what_is_no_error_is_short(app):
    line = line_of("done", level=logging.INFO)
    assert "stack" not in line
    assert "user" not in line


@pytest.mark.sqlite
@given(
    local=st.from_regex(r"[a-z0-9.]{1,20}", fullmatch=True), digits=st.from_regex(r"\+?[0-9]{10,15}", fullmatch=True)
)
def test_no_address_and_no_number_gets_into_a_line(local, digits):
    line = line_of("a slip", error=ValueError(f"bad row: {local}@example.org, {digits}"))
    assert f"{local}@example.org" not in json.dumps(line)
    assert digits not in json.dumps(line)


@pytest.fixture
def broken(app, monkeypatch):
    """Staff's list breaks, in the API and for who is signed in alike."""
    from app.api import staff_requests

    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(*_arguments, **_more):
        raise ZeroDivisionError

    monkeypatch.setattr(staff_requests.request_pages, "fetch", fail)
    yield
    app.config["PROPAGATE_EXCEPTIONS"] = None


@pytest.mark.parametrize("by", ["session", "token"])
def test_the_line_names_who_met_the_error(client, session, broken, by):
    lines = []

    class Listener(logging.Handler):
        def emit(self, record):
            lines.append(json.loads(FORMATTER.format(record)))

    listener = Listener(logging.ERROR)
    logging.getLogger("app").addHandler(listener)
    try:
        user = sign_in(client, Role.OPERATOR)
        headers = bearer(user) if by == "token" else {}
        answer = client.get("/api/admin/services/requests", headers=headers)
    finally:
        logging.getLogger("app").removeHandler(listener)
    assert answer.status_code == 500
    (line,) = lines
    assert line["user"] == str(user.id)
    assert "ZeroDivisionError" in line["exception"]
    assert line["request_id"] == answer.json["requestId"]
