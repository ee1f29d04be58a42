"""Fields that no form has, sent along by hand: they change nothing."""

from typing import Any

from app.models import PaymentStatus, Role, ServiceRequest, User
from tests.factories import make_gateway, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in


def test_an_account_takes_the_fields_of_its_form_alone(client: Any, session: Any) -> None:
    sign_in(client)
    user = make_user(Role.VIEWER)
    kept = {name: getattr(user, name) for name in ("id", "password_hash", "session_epoch", "totp_confirmed_at")}
    address = f"/admin/users/edit/?id={user.id}"
    version = Page(client.get(address).text).find("input", name="row_version")[0]["value"]
    form = {"name": "Renamed", "email": user.email, "role": "viewer", "is_enabled": "y", "row_version": version}
    planted = {"id": "x", "password_hash": "x", "session_epoch": "7", "totp_confirmed_at": "2026-01-01 00:00:00"}
    assert client.post(address, data=form | planted).status_code == 302
    session.expire_all()
    found = session.get(User, user.id)
    assert found.name == "Renamed"
    assert {name: getattr(found, name) for name in kept} == kept


def test_nobody_raises_their_own_role_from_their_account_page(client: Any, session: Any) -> None:
    user = sign_in(client, Role.VIEWER)
    for address in ("/account/password", "/account/second-factor", "/account/confirm"):
        client.post(address, data={"role": "admin", "is_enabled": "y", "email": "other@example.com"})
    session.expire_all()
    assert session.get(User, user.id).role is Role.VIEWER


def test_a_customer_chooses_neither_price_nor_status(client: Any, session: Any) -> None:
    make_gateway()
    service = make_service(price_minor=249_900)
    token = Page(client.get(f"/services/{service.id}").text).find("input", name="submission")[0]["value"]
    form = {"full_name": "Kavya Iyer", "email": "k@example.org", "phone": "+917000012345", "requirements": "Call me."}
    planted = {"amount_minor": "1", "price_minor": "1", "status": "completed", "payment_status": "completed"}
    client.post(f"/services/{service.id}", data=form | planted | {"submission": token})
    bought = session.query(ServiceRequest).one()
    assert (bought.amount_minor, bought.payment_status) == (249_900, PaymentStatus.PENDING)
