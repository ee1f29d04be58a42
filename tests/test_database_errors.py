"""The database away, locked, full or in its own way: what the customer reads, and that trying again is one order."""

import errno
import sqlite3
import sys
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import exc, func, select

from app import error_pages, kept_statements
from app.checkout import shop
from app.db import db, insist, transaction
from app.extensions import limiter, links
from app.kit.backoff import Backoff
from app.models import FeatureFlag, FlagState, Payment, ServiceRequest
from app.workflows import flags
from tests.checkout.answers import right_answers
from tests.factories import make_gateway, make_service
from tests.pages import Page
from tests.sign_in import sign_in
from tests.statements import before_each

# Not the session's registry, which the package has under the same name.
database = sys.modules[insist.__module__]
ERRORS = [
    exc.OperationalError("INSERT", {}, Exception("could not connect to server")),
    exc.OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked")),
    exc.OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")),
    exc.InterfaceError("SELECT", {}, Exception("the connection is closed")),
    exc.DBAPIError("SELECT", {}, Exception("server closed the connection"), connection_invalidated=True),
    exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached"),
]


@pytest.fixture(autouse=True)
def _calm(app, monkeypatch):
    """Nobody waits for long, and customers may try as often as they like."""
    monkeypatch.setattr(database, "_BACKOFF", Backoff(first=timedelta(0), factor=1, retries=2))
    limiter.enabled = False
    yield
    limiter.enabled = True


@pytest.fixture
def service(session):
    make_gateway()
    return make_service(tiers=2)


@contextmanager
def failing(error, *, after=0, times=10_000):
    """Statements fail once `after` of them went well, `times` of them; says how many failed."""
    seen = []

    def fail(*_arguments):
        seen.append(1)
        if after < len(seen) <= after + times:
            raise error

    with before_each(fail):
        yield seen


def bought():
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(ServiceRequest))


def offered_again(answer):
    """What the button of the page sends."""
    page = Page(answer.text)
    assert "Try again" in page.words
    return {each["name"]: each["value"] for each in page.find("input", type="hidden")}


@pytest.mark.sqlite
@pytest.mark.property(34)
@given(
    error=st.sampled_from(ERRORS),
    after=st.integers(0, 40),
    name=st.from_regex(r"[A-Z][a-z]{1,20} [A-Z][a-z]{1,20}", fullmatch=True),
)
def test_any_database_error_is_logged_and_offers_a_retry_that_is_one_order(client, service, caplog, error, after, name):
    before, sent = bought(), right_answers(service, full_name=name, submission=f"{name}-{after}-{id(error)}")
    caplog.clear()
    with failing(error, after=after) as seen:
        answer = client.post(f"/services/{service.id}", data=sent)
    if len(seen) <= after:
        assert answer.status_code == 303
        return
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "You have not been charged." in answer.text
    assert any(record.exc_info for record in caplog.records if record.name == "app.error_pages")
    again = offered_again(answer)
    assert again.items() >= {key: value for key, value in sent.items() if value}.items()
    for _ in range(2):
        assert client.post(f"/services/{service.id}", data=again).status_code == 303
    assert bought() == before + 1


@pytest.mark.parametrize("after", range(0, 30, 3))
def test_one_stumble_is_not_even_noticed_once_the_order_is_begun(client, service, after):
    sent = right_answers(service)
    with failing(ERRORS[0], after=10**6) as usual:
        client.post(f"/services/{service.id}", data=right_answers(service, submission="another"))
    # What is read before the first transaction is answered by the page that offers to try again.
    with failing(ERRORS[0], after=min(after + 8, len(usual) - 4), times=1):
        answer = client.post(f"/services/{service.id}", data=sent)
    assert answer.status_code in {303, 503}
    client.post(f"/services/{service.id}", data=sent)
    assert bought() == 2


def test_a_stumble_makes_nobody_go_by_what_does_not_hold_any_more(client, service):
    address, sent = f"/services/{service.id}", right_answers(service)
    client.post(address, data=right_answers(service, submission="another"))
    # In another process, as far as this one knows.
    with transaction():
        db.session.add(FeatureFlag(name=flags.PURCHASE, state=FlagState.OFF, percent=0, user_emails=[]))
    with failing(ERRORS[0], times=1) as seen:
        answer = client.post(address, data=sent)
    assert len(seen) > 1
    assert (answer.status_code, bought()) == (409, 1)


# The second is the company's own.
@pytest.mark.parametrize("lost", [1, 3])
@pytest.mark.parametrize("submission", ["page-token-1", None])
def test_an_order_whose_commit_was_not_answered_is_not_made_twice(client, service, monkeypatch, lost, submission):
    dialect, commits = db.engine.dialect, []
    commit = dialect.do_commit

    def without_answer(connection):
        commit(connection)
        commits.append(1)
        if len(commits) == lost:
            raise dialect.dbapi.OperationalError("the connection was lost")

    with monkeypatch.context() as patch:
        patch.setattr(dialect, "do_commit", without_answer)
        answer = client.post(f"/services/{service.id}", data=right_answers(service, submission=submission))
    assert answer.status_code == 303
    assert len(commits) > lost
    assert bought() == 1
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1


@pytest.mark.postgres
@pytest.mark.parametrize("submission", ["page-token-1", None])
def test_an_order_of_one_statement_that_was_not_answered_is_not_made_twice(client, service, monkeypatch, submission):
    """There the statement is its own commit."""
    client.get(f"/services/{service.id}")
    send, orders = kept_statements._send, []

    def without_answer(connection, text, parameters):
        answer = send(connection, text, parameters)
        if "INSERT INTO service_requests" in text:
            orders.append(1)
            if len(orders) == 1:
                raise ERRORS[4]
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(kept_statements, "_send", without_answer)
        answer = client.post(f"/services/{service.id}", data=right_answers(service, submission=submission))
    assert answer.status_code == 303
    assert len(orders) > 1
    assert bought() == 1
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1


def test_a_step_is_tried_three_times_and_only_for_what_may_pass(session):
    tries = []

    def step(error):
        tries.append(1)
        raise error

    with pytest.raises(exc.OperationalError):
        insist(lambda: step(ERRORS[0]))
    assert len(tries) == 3
    with pytest.raises(exc.IntegrityError):
        insist(lambda: step(exc.IntegrityError("INSERT", {}, Exception("duplicate"))))
    assert len(tries) == 4


def test_a_step_that_took_long_is_not_repeated(session, monkeypatch):
    monkeypatch.setattr(database, "_SLOW", timedelta(0))
    tries = []

    def step():
        tries.append(1)
        raise ERRORS[1]

    with pytest.raises(exc.OperationalError):
        insist(step)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ERRORS[0], 503, "database_unavailable"),
        (ERRORS[2], 503, "storage_full"),
        (ERRORS[5], 503, "database_unavailable"),
        (OSError(errno.ENOSPC, "No space left on device"), 503, "storage_full"),
        (exc.IntegrityError("INSERT", {}, Exception("duplicate key")), 409, "conflict"),
        (exc.DataError("INSERT", {}, Exception("value too long")), 500, "internal_error"),
        (OSError(errno.EPERM, "Not permitted"), 500, "internal_error"),
    ],
)
def test_each_trouble_beneath_has_its_code(app, client, session, monkeypatch, error, status, code):
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def broken():
        raise error

    monkeypatch.setattr(shop.catalog, "active_services", broken)
    answer = client.get("/api/services")
    app.config["PROPAGATE_EXCEPTIONS"] = None
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert "duplicate" not in answer.text


def test_after_paying_nobody_reads_that_they_were_not_charged(client, service):
    answer = client.post(f"/services/{service.id}", data=right_answers(service))
    reference = db.session.scalars(select(ServiceRequest.reference_number)).one()
    assert answer.status_code == 303
    with failing(ERRORS[0]):
        page = Page(client.get(links().confirmation(reference)).text)
    assert "If you have paid already, your payment is safe" in page.words
    assert "not been charged" not in page.words
    assert "Try again" in page.words


def test_every_page_of_the_purchase_says_how_it_stands_with_the_money(app):
    known = error_pages.BEFORE_PAYMENT | error_pages.AROUND_PAYMENT
    without_money = {"checkout.ask", "checkout.follow"}
    endpoints = {
        rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith(("checkout.", "sandbox."))
    }
    assert endpoints == {each for each in known if not each.startswith("api_")} | without_money


@pytest.mark.parametrize("path", ["/admin/requests/", "/provider/", "/affiliate/", "/account"])
def test_who_works_here_is_led_back_to_work_not_to_the_shop(client, session, path):
    sign_in(client)
    with failing(ERRORS[0]):
        answer = client.get(path)
    assert answer.status_code == 503
    leads_to = {each["href"] for each in Page(answer.text).find("a")}
    assert leads_to >= {path, "/home"}
    assert not leads_to & {"/", "/track", "/#services"}


def test_who_sent_something_at_work_reads_how_to_get_it_back(client, session):
    sign_in(client)
    with failing(ERRORS[0]):
        answer = client.post("/account/password", data={"password": "correct horse"})
    assert answer.status_code == 503
    assert "what you wrote is still there" in Page(answer.text).words
    assert "correct horse" not in answer.text


def test_a_password_never_comes_back_in_a_page(client, session):
    with failing(ERRORS[0]):
        answer = client.post("/login", data={"email": "asha@example.com", "password": "correct-horse-battery"})
    assert answer.status_code == 503
    assert "correct-horse" not in answer.text


def test_a_transaction_that_failed_leaves_nothing_behind(session, service):
    def rename():
        with transaction():
            service.name = "Another"

    with failing(ERRORS[0]), pytest.raises(exc.OperationalError):
        rename()
    db.session.expire_all()
    assert service.name != "Another"
