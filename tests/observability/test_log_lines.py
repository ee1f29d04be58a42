"""Log lines: JSON with time, request, user and stack trace, and nothing of a person."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.observability import logs
from tests.sign_in import sign_in

NAME = "Kavya Iyer"
PEOPLE = st.tuples(
    st.from_regex(r"[a-z]{3,8}\.[a-z]{3,8}@(mail|example)\.(org|in)", fullmatch=True),
    st.from_regex(r"\+91[789]\d{9}", fullmatch=True),
)


@pytest.fixture
def lines(monkeypatch):
    """Every line from here on, as a program reads it."""
    root = logging.getLogger()
    before = root.handlers, root.level
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    logs.configure("INFO")

    def read():
        found = [json.loads(line) for line in written.getvalue().splitlines()]
        written.seek(0)
        written.truncate()
        return found

    yield read
    root.handlers, _ = before[0], root.setLevel(before[1])


@pytest.mark.sqlite
@pytest.mark.property(37)
@given(person=PEOPLE, text=st.text(max_size=30))
def test_an_error_has_time_user_and_stack_trace_and_names_nobody(app, lines, person, text):
    email, phone = person
    with app.test_request_context("/", headers={"X-Request-Id": "request-12345"}):
        app.preprocess_request()
        try:
            int(f"x{text} {email} {phone}")
        except ValueError:
            logging.getLogger("app.test").exception("failed for %s", email, extra={"reason": f"asked by {phone}"})
    [line] = [line for line in lines() if line["logger"] == "app.test"]
    assert line["time"].endswith("Z")
    assert (line["level"], line["request_id"], line["user"]) == ("error", "request-12345", "anonymous")
    assert "ValueError" in line["exception"]
    assert "test_log_lines.py" in line["exception"]
    assert email not in json.dumps(line)
    assert phone not in json.dumps(line)


def test_who_is_signed_in_is_named_by_their_id_alone(app, client, session, lines):
    user = sign_in(client)
    lines()
    client.get("/admin/")
    [line] = [line for line in lines() if line["event"] == "request"]
    assert line["user"] == str(user.id)
    assert (line["route"], line["method"], line["status"]) == ("/admin/", "GET", 200)
    assert user.email not in json.dumps(line)
    assert user.name not in json.dumps(line)


def test_a_page_that_breaks_leaves_a_line_that_its_request_id_finds(make_app, settings, lines):
    app = make_app(settings)

    @app.get("/boom/<name>")
    def boom(name):
        raise RuntimeError("broken")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = app.test_client().get("/boom/kavya@example.org")
    assert answer.status_code == 500
    found = [line for line in lines() if line["request_id"] == answer.headers["X-Request-Id"]]
    [error] = [line for line in found if line["level"] == "error"]
    assert "RuntimeError: broken" in error["exception"]
    assert "user" in error
    assert "kavya" not in json.dumps(found)
    assert [line["status"] for line in found if line["event"] == "request"] == [500]


def test_ids_and_days_stay_readable(lines):
    key = "01934567-8901-7234-8567-890123456789"
    logging.getLogger("app.test").warning("refused", extra={"payment": key, "batch": "2026-11-23-INR-4f2a1c"})
    [line] = lines()
    assert (line["payment"], line["batch"]) == (key, "2026-11-23-INR-4f2a1c")


def test_a_strangers_request_id_is_only_taken_if_it_is_one(client):
    assert client.get("/healthz", headers={"X-Request-Id": "abc-12345678"}).headers["X-Request-Id"] == "abc-12345678"
    for wrong in ("short", "x" * 65, 'in"jected'):
        assert client.get("/healthz", headers={"X-Request-Id": wrong}).headers["X-Request-Id"] != wrong


def test_statements_that_fail_do_not_say_about_whom(session, lines):
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        session.execute(text("SELECT missing FROM users WHERE name = :name"), {"name": NAME})
    except SQLAlchemyError:
        logging.getLogger("app.test").exception("failed")
    session.rollback()
    [line] = [line for line in lines() if line["logger"] == "app.test"]
    assert NAME not in line["exception"]
