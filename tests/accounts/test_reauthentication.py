"""“Confirm it is you”: when it is asked, that nothing sent is lost, and that it cannot be talked round."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from app import reauthentication
from app.db import db, transaction
from app.models import AuditEntry, ProviderProfile, Role, User, UserSession
from app.sandbox import ledger
from app.workflows import payments
from tests.factories import PASSWORD, make_gateway, make_payment, make_provider, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
CHANGED = {"name": "Renamed Person", "email": "renamed@example.com", "role": "viewer", "is_enabled": "y"}


@pytest.fixture
def later():
    """An hour's third after signing in: long enough to be asked again, short enough to be signed in still."""
    with time_machine.travel(START, tick=False) as clock:
        yield lambda: clock.shift(timedelta(minutes=11))


def edit(client, user, **more):
    address = f"/admin/users/edit/?id={user.id}"
    version = Page(client.get(address).text).find("input", name="row_version")[0]["value"]
    return client.post(address, data=CHANGED | {"row_version": version} | more)


def held_in(answer):
    return Page(answer.text).find("input", name="held_form")[0]["value"]


def confirm(client, user, held, **proof):
    return client.post(f"/admin/users/edit/?id={user.id}", data={"held_form": held} | proof)


def name_of(session, user):
    session.expire_all()
    return session.get(User, user.id).name


def test_signing_in_is_proof_enough_for_a_while(client, session, later):
    sign_in(client)
    user = make_user(Role.VIEWER)
    assert edit(client, user).status_code == 302
    assert name_of(session, user) == "Renamed Person"


def test_what_was_sent_goes_on_as_soon_as_the_password_is_right(client, session, later):
    sign_in(client)
    user = make_user(Role.VIEWER)
    later()
    asked = edit(client, user)
    assert asked.status_code == 403
    assert "Confirm that it is you" in asked.text
    assert name_of(session, user) != "Renamed Person"
    answer = confirm(client, user, held_in(asked), confirm_password=PASSWORD)
    assert answer.status_code == 302
    assert name_of(session, user) == "Renamed Person"
    # Ten minutes long nobody asks again.
    assert edit(client, user, name="Renamed Again").status_code == 302


def test_a_wrong_password_changes_nothing_and_loses_nothing(client, session, later):
    sign_in(client)
    user = make_user(Role.VIEWER)
    later()
    held = held_in(edit(client, user))
    wrong = confirm(client, user, held, confirm_password="wrong")
    assert wrong.status_code == 403
    assert "The password is not right." in wrong.text
    assert name_of(session, user) != "Renamed Person"
    assert confirm(client, user, held_in(wrong), confirm_password=PASSWORD).status_code == 302
    assert name_of(session, user) == "Renamed Person"


def test_what_is_held_stands_in_no_page(client, session, later):
    sign_in(client)
    user = make_user(Role.VIEWER)
    later()
    asked = edit(client, user, password="a-fine-new-secret")
    assert "a-fine-new-secret" not in asked.text
    assert "renamed@example.com" not in asked.text


def test_what_is_held_opens_for_the_same_person_and_page_alone(client, app, session, later):
    first = sign_in(client)
    user, other = make_user(Role.VIEWER), make_user(Role.VIEWER)
    later()
    held = held_in(edit(client, user))
    assert confirm(client, other, held, confirm_password=PASSWORD).status_code == 400
    assert confirm(client, user, held[:-6] + "AAAAA=", confirm_password=PASSWORD).status_code == 400
    assert confirm(client, user, "nothing", confirm_password=PASSWORD).status_code == 400
    stranger = app.test_client()
    sign_in(stranger, Role.ADMIN)
    assert confirm(stranger, user, held, confirm_password=PASSWORD).status_code == 400
    assert first.id != user.id
    assert name_of(session, user) != "Renamed Person"


def test_the_proof_belongs_to_one_session(client, app, session, later):
    admin = sign_in(client)
    user = make_user(Role.VIEWER)
    other = app.test_client()
    sign_in(other, admin)
    later()
    confirm(client, user, held_in(edit(client, user)), confirm_password=PASSWORD)
    assert edit(other, user).status_code == 403


def test_guessing_here_has_to_wait_too(client, session, later):
    sign_in(client)
    user = make_user(Role.VIEWER)
    later()
    held = held_in(edit(client, user))
    answers = [confirm(client, user, held, confirm_password="wrong") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert "Wait 15 seconds" in answers[-1].text
    assert confirm(client, user, held, confirm_password=PASSWORD).status_code == 429


def test_a_program_is_told_in_the_shape_of_errors(client, session, later):
    sign_in(client)
    user = make_user(Role.VIEWER)
    later()
    answer = client.post(f"/admin/users/edit/?id={user.id}", data=CHANGED, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "confirmation_needed")


def test_it_can_be_confirmed_beforehand(client, session, later):
    sign_in(client)
    later()
    assert "current-password" in client.get("/account/confirm?next=/admin/users/").text
    assert client.post("/account/confirm", data={"confirm_password": "wrong"}).status_code == 401
    answer = client.post("/account/confirm?next=/admin/users/", data={"confirm_password": PASSWORD})
    assert answer.location == "/admin/users/"
    assert edit(client, make_user(Role.VIEWER)).status_code == 302


def test_a_session_that_ended_meanwhile_is_asked_to_sign_in(client, session, later):
    sign_in(client)
    user = make_user(Role.VIEWER)
    later()
    held = held_in(edit(client, user))
    with transaction() as rows:
        rows.query(UserSession).update({"ended_at": START})
    answer = confirm(client, user, held, confirm_password=PASSWORD)
    assert answer.location.startswith("/login")
    assert rows.query(AuditEntry).filter_by(action="user.changed").count() == 0


def pay(payment):
    with transaction():
        ledger.decide(ledger.find_payment(payment.client_secret), "approve")
    with transaction():
        payments.settle(payment.id, payments.ask_gateway(payment))
    return payment


def profile_of(user):
    return db.session.scalars(select(ProviderProfile).filter_by(user_id=user.id)).one()


def refund(client, payment, amount=""):
    sent = {"payment": str(payment.id), "refundable": str(payment.amount_minor), "reason": ""}
    amount = amount or f"{payment.amount_minor // 100}"
    return client.post(f"/admin/requests/{payment.service_request_id}/refunds", data=sent | {"amount": amount})


@pytest.mark.parametrize(("price", "status"), [(1_000_000, 302), (1_000_001_00, 403)])
def test_only_large_refunds_ask(client, session, later, price, status):
    payment = pay(make_payment(make_service(price_minor=price)))
    sign_in(client, Role.FINANCE)
    later()
    assert refund(client, payment).status_code == status


def test_a_refund_beyond_what_is_left_is_refused_without_asking(client, session, later):
    payment = pay(make_payment(make_service(price_minor=249_900)))
    sign_in(client, Role.FINANCE)
    later()
    answer = refund(client, payment, amount="24990.00")
    assert answer.status_code == 422
    assert "Enter an amount up to ₹2,499.00." in answer.text


def test_gateway_secrets_ask(client, session, later):
    make_gateway()
    sign_in(client)
    later()
    asked = client.post("/admin/gateways/sandbox", data={"mode": "test", "api_secret": "a-secret-of-theirs"})
    assert asked.status_code == 403
    assert "a-secret-of-theirs" not in asked.text
    assert client.post("/admin/gateways/sandbox/end-old-secret").status_code == 403


def test_a_provider_is_moved_about_freely_but_for_how_they_sign_in(client, session, later):
    sign_in(client)
    profile = profile_of(make_provider(email="p@example.com"))
    later()
    page = Page(client.get(f"/admin/providers/edit/?id={profile.id}").text)
    version = page.find("input", name="row_version")[0]["value"]
    kept = {"name": "P", "email": "p@example.com", "is_enabled": "y", "capacity": "7", "availability": "available"}
    address, sent = f"/admin/providers/edit/?id={profile.id}", kept | {"row_version": version}
    assert client.post(address, data=sent | {"email": "q@example.com"}).status_code == 403
    assert client.post(address, data=sent | {"password": "a-fine-new-secret"}).status_code == 403
    assert client.post(address, data=sent).status_code == 302


def test_it_counts_for_ten_minutes():
    assert timedelta(minutes=10) == reauthentication.COUNTS_FOR
