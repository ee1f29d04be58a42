"""Setting up gateways in the console: secrets go in, and only their last four characters come out."""

import json

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.models import AuditEntry, GatewayConfig, Role
from app.workflows import gateway_health
from tests.factories import make_gateway
from tests.pages import Page
from tests.sign_in import sign_in

SECRETS = {"api_key": "pk_test_0123456789", "api_secret": "sk_test_9876543210", "webhook_secret": "whsec_abcdefghij"}


@pytest.fixture
def admin(client, session):
    return sign_in(client)


def save(client, gateway="stripe", **changes):
    """Open the page, change some fields, send all of them."""
    [version] = Page(client.get(f"/admin/gateways/{gateway}").text).find("input", name="version") or [{"value": ""}]
    form = {"mode": "test", "is_active": "on", "version": version["value"], **SECRETS} | changes
    return client.post(f"/admin/gateways/{gateway}", data={k: v for k, v in form.items() if v is not None})


def end_old_secret(client):
    return client.post("/admin/gateways/stripe/end-old-secret", follow_redirects=True)


def config(gateway="stripe"):
    db.session.expire_all()
    return db.session.scalars(select(GatewayConfig).where(GatewayConfig.gateway == gateway)).one()


def test_the_list_leads_to_the_gateways_that_are_not_set_up_yet(client, admin):
    make_gateway()
    page = client.get("/admin/gateways/").text
    assert "Set up Stripe" in page
    assert "Set up Sandbox" not in page


def test_a_gateway_is_set_up_and_its_secrets_are_never_shown_again(client, admin):
    assert save(client, is_default="on").status_code == 302
    assert (config().api_secret, config().is_default) == (SECRETS["api_secret"], True)
    page = client.get("/admin/gateways/stripe").text
    assert not any(secret in page for secret in SECRETS.values())
    assert "ends in 3210" in page
    assert "/api/services/payment/webhook/stripe" in page
    entries = "".join(db.session.scalars(select(AuditEntry.changes)))
    assert not any(secret in entries for secret in SECRETS.values())


def test_blank_keeps_what_is_stored(client, admin):
    save(client)
    save(client, api_key="", api_secret="", webhook_secret="", mode="live")
    assert (config().api_secret, config().mode) == (SECRETS["api_secret"], "live")


def test_a_new_webhook_secret_leaves_the_old_one_valid_until_somebody_ends_it(client, admin):
    save(client)
    assert "Stop believing" not in client.get("/admin/gateways/stripe").text
    save(client, webhook_secret="whsec_the_next_one")
    believed = (config().webhook_secret, config().previous_webhook_secret)
    assert believed == ("whsec_the_next_one", SECRETS["webhook_secret"])
    assert "ends in ghij) is believed too" in client.get("/admin/gateways/stripe").text
    for _ in range(2):
        assert "Only the present webhook secret" in end_old_secret(client).text
    assert (config().webhook_secret, config().previous_webhook_secret) == ("whsec_the_next_one", "")
    ended = db.session.scalars(select(AuditEntry.action).where(AuditEntry.action == "gateway.old_secret_ended")).all()
    assert len(ended) == 1


def test_there_is_one_default_and_one_that_is_switched_off_is_none(client, admin):
    make_gateway()
    save(client, is_default="on")
    assert (config().is_default, config("sandbox").is_default) == (True, False)
    save(client, is_active=None)
    assert (config().is_active, config().is_default) == (False, False)


def test_where_customers_pay_is_chosen_for_gateways_with_a_form_of_their_own(client, admin):
    save(client, pays_on="gateway")
    assert config().options["pays_on"] == "gateway"
    assert 'value="gateway" selected' in client.get("/admin/gateways/stripe").text
    assert "pays_on" not in client.get("/admin/gateways/paypal").text


def test_the_connection_is_checked_on_request_and_the_answer_is_kept(client, admin):
    make_gateway()
    [button] = [each for each in Page(client.get("/admin/gateways/").text).find("button") if "formaction" in each]
    assert client.post(button["formaction"]).status_code == 302
    assert config("sandbox").last_success_at is not None


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_others_read_how_a_gateway_does_and_change_nothing(client, session, role):
    make_gateway()
    sign_in(client, role)
    assert "Save" not in client.get("/admin/gateways/sandbox").text
    assert "formaction" not in client.get("/admin/gateways/").text
    assert save(client, "sandbox").status_code == 403
    for change in ("check", "end-old-secret"):
        assert client.post(f"/admin/gateways/sandbox/{change}").status_code == 403


@pytest.mark.parametrize(("gateway", "form", "status"), [("nobody", {}, 404), ("stripe", {"mode": "real"}, 422)])
def test_nonsense_is_refused(client, admin, gateway, form, status):
    assert save(client, gateway, **form).status_code == status
    assert client.get(f"/admin/gateways/{gateway}").status_code == (404 if status == 404 else 200)


def test_what_somebody_else_changed_is_not_overwritten(client, admin):
    save(client)
    shown = Page(client.get("/admin/gateways/stripe").text).find("input", name="version")[0]["value"]
    save(client, mode="live")
    answer = save(client, version=shown, mode="test")
    assert (answer.status_code, "Somebody changed Stripe" in answer.text) == (412, True)
    assert config().mode == "live"
    assert save(client, version="").status_code == 412


def test_news_of_the_gateway_makes_no_change_stale(client, admin):
    save(client)
    shown = Page(client.get("/admin/gateways/stripe").text).find("input", name="version")[0]["value"]
    with transaction():
        gateway_health.note_webhook("stripe")
    assert save(client, version=shown, mode="live").status_code == 302


def test_while_any_takes_payments_exactly_one_is_the_default(client, admin):
    def defaults():
        db.session.rollback()
        return db.session.scalars(select(GatewayConfig.gateway).where(GatewayConfig.is_default)).all()

    save(client)
    assert defaults() == ["stripe"]
    save(client, "razorpay")
    assert defaults() == ["stripe"]
    save(client, "razorpay", is_default="on")
    assert defaults() == ["razorpay"]
    save(client, "razorpay", is_active=None)
    assert defaults() == ["stripe"]
    save(client, is_active=None)
    assert defaults() == []


def test_the_log_says_which_secret_was_replaced_and_never_by_what(client, admin):
    save(client)
    save(client, api_secret="sk_test_another_one")
    entries = list(db.session.scalars(select(AuditEntry)))
    changes = [
        json.loads(each.changes)["after"].get("replaced") for each in entries if each.action == "gateway.configured"
    ]
    assert sorted(filter(None, changes)) == [["api_key", "api_secret", "webhook_secret"], ["api_secret"]]
    assert "another_one" not in "".join(each.changes for each in entries)


def test_the_list_has_what_one_looks_for(client, admin):
    make_gateway("paypal", is_default=False, mode="live", webhook_secret="")
    make_gateway()
    page = client.get("/admin/gateways/")
    words = Page(page.text).words
    for part in ("PayPal", "Live", "Test", "Default", "No secret: all are refused"):
        assert part in words
    assert (
        Page(page.text).find("button", class_="copy")[0]["data-copy"].endswith("/api/services/payment/webhook/paypal")
    )
    assert "Test mode: no money moves." in client.get("/admin/gateways/sandbox").text
    assert "No webhook secret is set" in client.get("/admin/gateways/paypal").text
