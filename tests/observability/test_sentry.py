"""Errors told to Sentry carry what broke and where, and nothing of whom it happened to."""

import json
import logging

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from app.config import Settings, SettingsError
from app.kit import log_context
from app.observability import sentry

NAME, EMAIL = "Kavya Iyer", "kavya@example.org"
DSN = "https://key@sentry.example.com/1"


@pytest.fixture
def sent():
    """What would have left this machine."""
    envelopes = []

    class Kept(Transport):
        def capture_envelope(self, envelope):
            envelopes.append(envelope)

    sentry.start(DSN, "test", transport=Kept)
    yield envelopes
    sentry_sdk.get_client().close()
    sentry_sdk.init()


def break_something(name, email):
    order = {"customer": name}
    raise ValueError(f"cannot read {order['customer']} <{email}>")


def test_an_error_arrives_without_anything_personal(sent):
    with log_context.bound(request_id="request-12345", job="app.jobs.sweep"):
        try:
            break_something(NAME, EMAIL)
        except ValueError:
            logging.getLogger("app.test").exception("could not tell %s", NAME, extra={"email": EMAIL})
    [event] = [item.payload.json for envelope in sent for item in envelope.items if item.type == "event"]
    whole = json.dumps(event)
    for secret in ("Kavya", "kavya", "example.org", "could not tell K"):
        assert secret not in whole
    assert event["exception"]["values"][0]["type"] == "ValueError"
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "break_something"
    assert all("vars" not in frame for frame in frames)
    assert event["logentry"] == {"message": "could not tell %s"}
    assert event["tags"] == {"request_id": "request-12345", "job": "app.jobs.sweep"}


def test_what_is_no_error_is_not_sent(sent):
    logging.getLogger("app.test").warning("a payment was not announced")
    assert sent == []


def test_an_error_in_a_page_is_sent_without_its_address(sent, make_app, settings):
    app = make_app(settings)

    @app.get("/boom/<name>")
    def boom(name):
        raise RuntimeError(name)

    app.config["PROPAGATE_EXCEPTIONS"] = False
    client = app.test_client()
    assert client.get("/boom/SR-7K3M-9QXW-2HTB?email=kavya@example.org").status_code == 500
    whole = json.dumps([item.payload.json for envelope in sent for item in envelope.items])
    assert "RuntimeError" in whole
    for secret in ("SR-7K3M", "kavya", "Cookie"):
        assert secret not in whole


def test_it_is_off_unless_asked_for_and_a_wrong_address_stops_the_start():
    assert Settings.from_env({}).sentry_dsn is None
    assert Settings.from_env({"SENTRY_DSN": DSN}).sentry_dsn == DSN
    assert DSN not in repr(Settings.from_env({"SENTRY_DSN": DSN}))
    for wrong in ("sentry.example.com", "https://sentry.example.com/1", "https://key@sentry.example.com/", "https://["):
        with pytest.raises(SettingsError, match="SENTRY_DSN must be"):
            Settings.from_env({"SENTRY_DSN": wrong})


def test_without_the_library_the_start_says_what_to_install(monkeypatch):
    monkeypatch.setattr("app.config.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"counterfoil\[sentry\]"):
        Settings.from_env({"SENTRY_DSN": DSN})
