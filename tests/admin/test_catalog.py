"""Services, tiers, providers and accounts as administrators edit them."""

import json

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import (
    AuditEntry,
    Category,
    ProviderProfile,
    ProviderSkill,
    Role,
    Service,
    ServiceRequest,
    ServiceTier,
    User,
)
from tests.factories import PASSWORD, make_provider, make_request, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in

SERVICE = {
    "name": "GST registration",
    "short_description": "Your GSTIN.",
    "description": "At length.",
    "category": "ca",
    "price": "4,999.00",
    "currency": "INR",
    "features": "Filed\n\n Certificate by email \n",
    "first_contact_hours": "12",
    "is_active": "y",
}


@pytest.fixture(autouse=True)
def admin(client, session):
    return sign_in(client)


def save(client, table, row, **changes):
    """Open the form of a row, change some fields, send all of them, as a browser does."""
    address = f"/admin/{table}/edit/?id={row.id}"
    return client.post(address, data=fields_of(client.get(address).text) | changes)


def fields_of(html):
    form = html.partition('class="sheet"')[2].partition("</form>")[0]
    page, fields = Page(form), {}
    for each in page.find("input"):
        if each.get("type") == "checkbox" and "checked" not in each:
            continue
        fields.setdefault(each.get("name"), []).append(each.get("value") or "")
    chosen = {}
    for select_ in form.split("<select")[1:]:
        name = select_.partition('name="')[2].partition('"')[0]
        chosen[name] = select_.partition("selected value=")[2].strip('"').partition('"')[0]
    for area in form.split("<textarea")[1:]:
        chosen[area.partition('name="')[2].partition('"')[0]] = (
            area.partition(">")[2].partition("</textarea>")[0].strip()
        )
    return {name: values for name, values in fields.items() if name} | chosen


def fresh(session, row):
    session.rollback()
    return session.get_one(type(row), row.id, populate_existing=True)


def test_a_price_is_written_in_whole_units_and_stored_in_minor_ones(client, session):
    assert client.post("/admin/services/new/", data=SERVICE).status_code == 302
    service = session.scalars(select(Service)).one()
    assert (service.price_minor, service.currency) == (499_900, "INR")
    assert service.features == ["Filed", "Certificate by email"]
    assert "₹4,999.00" in Page(client.get("/admin/services/").text).words
    assert 'value="4999.00"' in client.get(f"/admin/services/edit/?id={service.id}").text


@pytest.mark.parametrize(
    ("currency", "price", "minor"), [("JPY", "5000", 5000), ("KWD", "1.250", 1250), ("usd", "0.01", 1)]
)
def test_every_currency_has_its_own_decimals(client, session, currency, price, minor):
    client.post("/admin/services/new/", data=SERVICE | {"currency": currency, "price": price})
    assert session.scalars(select(Service)).one().price_minor == minor


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "-1"},
        {"price": "0"},
        {"price": "4.999"},
        {"price": "a lot"},
        {"price": "1e30"},
        {"price": "NaN"},
        {"currency": "XXQ"},
        {"currency": "rupees"},
        {"name": ""},
        {"name": "x" * 201},
        {"category": "zzz"},
        {"first_contact_hours": "0"},
        {"first_contact_hours": "99999999999999999999"},
    ],
)
def test_what_makes_no_sense_is_said_next_to_its_field(client, session, wrong):
    answer = client.post("/admin/services/new/", data=SERVICE | wrong)
    assert answer.status_code == 200
    assert f'id="{next(iter(wrong))}-error"' in answer.text
    assert session.scalars(select(Service)).all() == []


def test_a_change_is_audited_with_before_and_after(client, session, admin):
    service = make_service(price_minor=249_900)
    assert save(client, "services", service, price="2999").status_code == 302
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "service.changed")).one()
    assert json.loads(entry.changes) == {"before": {"price_minor": 249_900}, "after": {"price_minor": 299_900}}
    assert entry.actor_user_id == admin.id


def test_an_edit_of_an_old_picture_is_refused(client, session):
    service = make_service(name="First name")
    address = f"/admin/services/edit/?id={service.id}"
    shown = fields_of(client.get(address).text)
    with transaction():
        fresh(session, service).name = "Somebody else's name"
    answer = client.post(address, data=shown | {"name": "Mine"})
    assert "Somebody changed “Name” in the meantime" in answer.text
    assert client.post(address, data=fields_of(answer.text) | {"name": "Mine"}).status_code == 200
    assert fresh(session, service).name == "Somebody else's name"
    assert save(client, "services", service, name="Mine").status_code == 302
    assert fresh(session, service).name == "Mine"


def test_what_was_sold_is_retired_and_not_deleted(client, session):
    service = make_service(tiers=1)
    request = make_request(service)
    tier = service.tiers[0]
    for name, row in (("tiers", tier), ("services", service)):
        client.post(f"/admin/{name}/delete/", data={"id": str(row.id)})
        assert "was sold, so it cannot be deleted" in client.get(f"/admin/{name}/").text
        assert fresh(session, row) is not None
    fields = fields_of(client.get(f"/admin/services/edit/?id={service.id}").text)
    del fields["is_active"]
    client.post(f"/admin/services/edit/?id={service.id}", data=fields)
    assert fresh(session, service).is_active is False
    assert session.get_one(ServiceRequest, request.id).service_name == service.name


def test_what_was_never_sold_can_be_deleted(client, session):
    service = make_service()
    client.post("/admin/services/delete/", data={"id": str(service.id)})
    session.rollback()
    assert session.scalars(select(Service)).all() == []


def test_a_price_edit_changes_nothing_that_was_sold(client, session):
    service = make_service(price_minor=249_900)
    request = make_request(service)
    save(client, "services", service, price="9999", name="Another name")
    sold = fresh(session, request)
    assert (sold.amount_minor, sold.service_name) == (249_900, request.service_name)


def test_a_tier_is_added_to_its_service(client, session):
    service = make_service(currency="JPY", price_minor=5000)
    page = client.get(f"/admin/tiers/new/?service={service.id}").text
    fields = fields_of(page) | {"name": "Express", "price": "7000", "is_active": "y"}
    assert fields["service_id"] == str(service.id)
    assert client.post("/admin/tiers/new/", data=fields).status_code == 302
    tier = session.scalars(select(ServiceTier)).one()
    assert (tier.price_minor, tier.service_id) == (7000, service.id)
    assert "Express" in client.get(f"/admin/services/edit/?id={service.id}").text


PROVIDER = {
    "name": "Priya Raman",
    "email": "Priya@Example.com",
    "password": "a-long-password",
    "title": "Chartered accountant",
    "capacity": "7",
    "availability": "available",
    "is_enabled": "y",
}


def test_one_form_makes_the_account_the_profile_and_the_skills(client, session):
    service = make_service()
    skills = {"categories": ["ca", "legal"], "services": [str(service.id)]}
    assert client.post("/admin/providers/new/", data=PROVIDER | skills).status_code == 302
    profile = session.scalars(select(ProviderProfile)).one()
    assert (profile.user.email, profile.user.role, profile.capacity) == ("priya@example.com", Role.PROVIDER, 7)
    assert {skill.category or skill.service_id for skill in profile.skills} == {Category.CA, Category.LEGAL, service.id}
    client.post("/logout")
    sign_in_answer = client.post("/login", data={"email": "priya@example.com", "password": "a-long-password"})
    assert sign_in_answer.location == "/provider/"


def test_skills_change_without_stumbling_over_those_that_stay(client, session):
    user = make_provider(categories=(Category.CA, Category.LEGAL))
    profile = session.scalars(select(ProviderProfile).where(ProviderProfile.user_id == user.id)).one()
    assert save(client, "providers", profile, categories=["legal", "other"], capacity="3").status_code == 302
    session.rollback()
    assert {skill.category for skill in session.scalars(select(ProviderSkill))} == {Category.LEGAL, Category.OTHER}
    assert fresh(session, profile).capacity == 3


def test_work_that_comes_and_goes_makes_no_edit_stale(client, session):
    user = make_provider()
    profile = session.scalars(select(ProviderProfile).where(ProviderProfile.user_id == user.id)).one()
    address = f"/admin/providers/edit/?id={profile.id}"
    shown = fields_of(client.get(address).text)
    with transaction():
        fresh(session, profile).open_work = 4
    assert client.post(address, data=shown | {"capacity": "9"}).status_code == 302
    assert (fresh(session, profile).capacity, fresh(session, profile).open_work) == (9, 4)


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "no-address"), ("email", "taken@example.com"), ("password", "short"), ("capacity", "-1")],
)
def test_a_provider_is_refused_in_words(client, session, field, value):
    make_user(email="taken@example.com")
    answer = client.post("/admin/providers/new/", data=PROVIDER | {field: value})
    assert answer.status_code == 200
    assert f'id="{field}-error"' in answer.text
    assert session.scalars(select(ProviderProfile)).all() == []


USER = {
    "name": "Omar",
    "email": "omar@example.com",
    "role": "operator",
    "password": "a-long-password",
    "is_enabled": "y",
}


def test_an_administrator_makes_and_closes_accounts(client, session):
    assert client.post("/admin/users/new/", data=USER).status_code == 302
    user = session.scalars(select(User).where(User.email == "omar@example.com")).one()
    assert user.role is Role.OPERATOR
    fields = fields_of(client.get(f"/admin/users/edit/?id={user.id}").text)
    del fields["is_enabled"]
    client.post(f"/admin/users/edit/?id={user.id}", data=fields)
    assert fresh(session, user).is_enabled is False
    audited = [entry.action for entry in session.scalars(select(AuditEntry).where(AuditEntry.subject_id == user.id))]
    assert {"user.created", "user.disabled"} <= set(audited)
    assert PASSWORD not in "".join(entry.changes for entry in session.scalars(select(AuditEntry)))


def test_nobody_closes_or_demotes_themselves(client, session, admin):
    fields = fields_of(client.get(f"/admin/users/edit/?id={admin.id}").text)
    assert "cannot change your own role" in save(client, "users", admin, role="viewer").text
    del fields["is_enabled"]
    answer = client.post(f"/admin/users/edit/?id={admin.id}", data=fields)
    assert "cannot disable your own account" in answer.text
    assert (fresh(session, admin).role, fresh(session, admin).is_enabled) == (Role.ADMIN, True)


def test_partners_do_not_become_staff(client, session):
    partner = make_user(Role.AFFILIATE)
    assert "do not change sides" in save(client, "users", partner, role="admin").text
    assert fresh(session, partner).role is Role.AFFILIATE


@pytest.mark.parametrize("name", ["services", "tiers", "providers", "users", "payments", "notifications", "gateways"])
@pytest.mark.parametrize("key", ["zzz", "", "\x00", "99999999999999999999", "-1"])
def test_an_odd_id_leads_back_to_the_list(client, name, key):
    for view in ("edit", "details"):
        answer = client.get(f"/admin/{name}/{view}/", query_string={"id": key})
        assert answer.status_code in {302, 404}
