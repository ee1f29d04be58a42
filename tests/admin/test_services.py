"""Services and tiers changed where they stand: prices, sale, order; what was sold and what was not."""

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import Category, Role, Service, ServiceTier
from tests.admin.catalogue import URL, entries, names, put
from tests.admin.rows import count_queries
from tests.factories import make_request, make_service, make_tier
from tests.pages import Page
from tests.sign_in import sign_in


@pytest.fixture
def admin(client, session):
    return sign_in(client)


def fresh(session, row):
    session.rollback()
    return session.get_one(type(row), row.id, populate_existing=True)


# --- prices


def test_a_price_changes_in_the_list_and_is_on_record(client, session, admin):
    service = make_service(price_minor=249_900)
    answer = put(client, service, "price", "2,999", seen="2499.00")
    assert answer.status_code == 200
    assert 'data-inline="2999.00"' in answer.json["cell"]
    assert fresh(session, service).price_minor == 299_900
    assert entries(session, "service.changed") == [
        {"before": {"price_minor": 249_900}, "after": {"price_minor": 299_900}}
    ]


def test_the_list_has_the_price_of_each_tier_to_change(client, session, admin):
    service = make_service(tiers=2)
    page = Page(client.get(URL).text)
    assert [link["data-inline"] for link in page.find("a", class_="inline") if "price" in link["href"]] == [
        "1000.00",
        "2000.00",
    ]
    assert put(client, service.tiers[1], "price", "2500", seen="2000.00").status_code == 200
    assert fresh(session, service.tiers[1]).price_minor == 250_000
    assert len(entries(session, "tier.changed")) == 1


def test_a_price_that_somebody_else_changed_is_told_and_not_overwritten(client, session, admin):
    service = make_service(price_minor=249_900)
    with transaction():
        fresh(session, service).price_minor = 500_000
    answer = put(client, service, "price", "2999", seen="2499.00")
    assert answer.status_code == 412
    assert answer.json["error"]["message"].startswith("It is ₹5,000.00 by now")
    assert answer.json["error"]["details"] == {"value": "5000.00"}
    # Nor by who typed nothing new.
    assert put(client, service, "price", "2499.00", seen="2499.00").status_code == 412
    assert fresh(session, service).price_minor == 500_000
    assert put(client, service, "price", "2999", seen="5000.00").status_code == 200


def test_the_same_again_is_no_change(client, session, admin):
    service = make_service(price_minor=249_900)
    for _ in range(2):
        assert put(client, service, "price", "2999.00", seen="2499.00").status_code == 200
    assert len(entries(session, "service.changed")) == 1


@pytest.mark.parametrize("price", ["", "-1", "0", "4.999", "a lot", "1e30", "NaN", "x" * 5_000])
def test_a_price_that_makes_no_sense_is_refused_in_words(client, session, admin, price):
    service = make_service(price_minor=249_900)
    answer = put(client, service, "price", price, seen="2499.00")
    assert answer.status_code == 422
    assert answer.json["error"]["details"]["price"]
    assert fresh(session, service).price_minor == 249_900


def test_without_scripts_a_price_has_a_page_of_its_own(client, session, admin):
    service = make_service(price_minor=249_900, category=Category.LEGAL)
    page = Page(client.get(f"{URL}?category=legal").text)
    [link] = [each for each in page.find("a", class_="inline") if "price" in each["href"]]
    form = client.get(link["href"])
    fields = {each["name"]: each.get("value") for each in Page(form.text).find("input") if each.get("name")}
    assert (fields["value"], fields["seen"], fields["list"]) == ("2499.00", "2499.00", "category=legal")
    refused = client.post(link["href"], data=fields | {"value": "nothing"})
    assert (refused.status_code, "Write an amount in INR" in refused.text) == (422, True)
    assert 'value="nothing"' in refused.text
    answer = client.post(link["href"], data=fields | {"value": "3000"})
    assert answer.location == f"{URL}?category=legal#row-{service.id}"
    assert fresh(session, service).price_minor == 300_000


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_those_who_only_read_change_nothing(client, session, role):
    sign_in(client, role)
    service = make_service(tiers=1)
    assert "data-inline" not in client.get(URL).text
    assert "data-press" not in client.get(URL).text
    assert "data-inline" not in client.get(f"{URL}details/?id={service.id}").text
    for row in (service, service.tiers[0]):
        for name, value in {"price": "1", "sale": "off", "position": "1"}.items():
            assert put(client, row, name, value, seen="").status_code == 403
    assert client.get(f"{URL}{service.id}/cell/price").status_code == 403
    assert client.post(f"{URL}action/", data={"action": "retire", "rowid": str(service.id)}).status_code == 403
    assert fresh(session, service).is_active


def test_there_is_no_other_cell_and_no_other_row(client, session, admin):
    service = make_service()
    assert put(client, service, "currency", "USD", seen="INR").status_code == 404
    missing = "00000000-0000-7000-8000-000000000000"
    assert client.post(f"{URL}{missing}/cell/price", json={"value": "1"}).status_code == 404
    assert client.get(f"{URL}{missing}/cell/price").status_code == 404
    assert client.post(f"{URL}{service.id}/cell/price", json=["value"]).status_code == 412


# --- sale


def test_one_press_takes_a_service_off_sale_and_another_puts_it_back(client, session, admin):
    service = make_service()
    [button] = [each for each in Page(client.get(URL).text).find("button") if "data-press" in each]
    client.post(button["formaction"], data={button["name"]: button["value"], "list": ""})
    assert fresh(session, service).is_active is False
    assert put(client, service, "sale", "on", seen="off").status_code == 200
    assert fresh(session, service).is_active is True
    assert put(client, service, "sale", "maybe", seen="on").status_code == 422
    assert len(entries(session, "service.changed")) == 2


def test_many_are_put_on_and_off_sale_at_once(client, session, admin):
    services = [make_service() for _ in range(3)]
    sent = {"rowid": [str(each.id) for each in services[:2]]}
    assert "2 done" in Page(client.post(f"{URL}action/", data=sent | {"action": "retire"}).text).words
    assert [fresh(session, each).is_active for each in services] == [False, False, True]
    client.post(f"{URL}action/", data=sent | {"action": "sell"})
    assert [fresh(session, each).is_active for each in services] == [True, True, True]


def test_without_a_tier_on_sale_the_page_says_what_it_costs_then(client, session, admin):
    service = make_service(tiers=1, price_minor=777_700)
    put(client, service.tiers[0], "sale", "off", seen="on")
    assert "No tier is on sale , so the service is sold at its own price, ₹7,777.00." in (
        Page(client.get(f"{URL}edit/?id={service.id}").text).words
    )


# --- sold or not


def test_what_was_sold_is_told_from_what_was_not(client, session, admin):
    sold, unsold = make_service(tiers=1), make_service()
    make_request(sold)
    assert names(client, sold="yes") == [sold.name]
    assert names(client, sold="no") == [unsold.name]
    assert "Delete" not in client.get(f"{URL}edit/?id={sold.id}").text
    assert "It was sold, so it stays on record" in client.get(f"{URL}edit/?id={sold.id}").text
    assert "It was sold" in client.get(f"/admin/tiers/edit/?id={sold.tiers[0].id}").text
    assert "Delete" in client.get(f"{URL}edit/?id={unsold.id}").text


def test_a_service_that_was_not_sold_goes_with_its_tiers(client, session, admin):
    service = make_service(tiers=2)
    client.post(f"{URL}delete/", data={"id": str(service.id)})
    session.rollback()
    assert session.scalars(select(Service)).all() == []
    assert session.scalars(select(ServiceTier)).all() == []
    assert (len(entries(session, "service.deleted")), len(entries(session, "tier.deleted"))) == (1, 2)


def test_a_service_with_tiers_keeps_its_currency(client, session, admin):
    service = make_service(tiers=1)
    sent = {"name": "New", "short_description": "x", "description": "x", "category": "ca", "price": "1"}
    page = client.get(f"{URL}edit/?id={service.id}")
    version = Page(page.text).find("input", name="row_version")[0]["value"]
    sent |= {"currency": "JPY", "first_contact_hours": "1", "row_version": version}
    answer = client.post(f"{URL}edit/?id={service.id}", data=sent)
    assert "Its tiers are priced in INR" in answer.text
    assert fresh(session, service).currency == "INR"


def test_a_tier_is_added_where_the_others_stand(client, session, admin):
    service = make_service(tiers=1)
    page = client.get(f"{URL}edit/?id={service.id}").text
    assert 'class="add-tier"' in page
    sent = {"service_id": str(service.id), "is_active": "y", "name": "Express", "price": "4,500", "features": "Fast"}
    assert client.post("/admin/tiers/new/", data=sent).location.endswith(f"{URL}edit/?id={service.id}#tiers")
    session.expire_all()
    assert [tier.name for tier in fresh(session, service).tiers] == ["Tier 1", "Express"]
    assert put(client, service.tiers[0], "name", "Standard", seen="Tier 1").status_code == 200
    assert put(client, service.tiers[0], "name", " ", seen="Standard").status_code == 422


# --- as customers see it


def test_a_service_is_seen_as_in_the_shop_before_it_is_on_sale(client, session, admin):
    on_sale, off_sale = make_service(), make_service(is_active=False, tiers=1)
    page = Page(client.get(URL).text)
    assert page.find("a", href=f"/services/{on_sale.id}")
    assert page.find("a", href=f"{URL}{off_sale.id}/preview")
    words = Page(client.get(f"{URL}{off_sale.id}/preview").text).words
    assert off_sale.name in words
    assert "once it is on sale" in words
    assert "₹1,000.00" in words


def test_the_list_asks_as_much_of_the_database_however_many_there_are(client, session, admin):
    make_service(tiers=2)
    few = count_queries(client, URL)
    for _ in range(9):
        make_tier(make_service(tiers=1))
    assert count_queries(client, URL) == few
