"""The shop window and the way from it to the checkout page."""

from collections.abc import Callable
from typing import Any

import pytest
from babel.numbers import get_currency_symbol
from hypothesis import given
from hypothesis import strategies as st

from app.kit.money import Money, known_currencies
from app.models import Category, Service
from tests.factories import make_gateway, make_service, make_tier
from tests.pages import Page, squeeze
from tests.strategies import names, prices

CURRENCIES = st.sampled_from(["INR", "USD", "EUR", "JPY", "KWD", "GBP"])
FEATURES = st.lists(names(), min_size=1, max_size=4)


@st.composite
def services(draw: st.DrawFn, *, tiers: st.SearchStrategy[int] | None = None) -> dict[str, Any]:
    """What `make_service` and, for each of "tier_rows", `make_tier` take."""
    return {
        "name": draw(names()),
        "short_description": draw(names()),
        "description": draw(names()),
        "category": draw(st.sampled_from(Category)),
        "price_minor": draw(prices()),
        "currency": draw(CURRENCIES),
        "features": draw(FEATURES),
        "tier_rows": [
            {"name": draw(names()), "price_minor": draw(prices()), "features": draw(FEATURES)}
            for _ in range(0 if tiers is None else draw(tiers))
        ],
    }


def sell(values: dict[str, Any]) -> Service:
    service = make_service(**{name: value for name, value in values.items() if name != "tier_rows"})
    for tier in values["tier_rows"]:
        make_tier(service, **tier)
    return service


@pytest.mark.sqlite  # what is rendered does not depend on the database
@pytest.mark.property(1)
@given(values=services())
def test_a_card_has_name_description_price_and_buy_now(
    session: Any, client: Any, empty_database: Callable[[], None], values: dict[str, Any]
) -> None:
    empty_database()
    service = sell(values)
    page = Page(client.get("/").text)
    assert squeeze(service.name) in page.words
    assert squeeze(service.short_description) in page.words
    assert squeeze(service.price.format()) in page.words
    assert "Buy Now" in page.words
    assert page.find("a", href=f"/services/{service.id}")


@pytest.mark.property(2)
@given(minor=prices(), currency=st.sampled_from(sorted(known_currencies())))
def test_a_price_is_written_with_its_currency_symbol(minor: int, currency: str) -> None:
    assert get_currency_symbol(currency, "en_IN") in Money(minor, currency).format("en_IN")


@pytest.mark.sqlite
@pytest.mark.property(3)
@given(values=services(tiers=st.integers(2, 5)))
def test_every_tier_stands_on_card_and_page_with_price_and_features(
    session: Any, client: Any, empty_database: Callable[[], None], values: dict[str, Any]
) -> None:
    empty_database()
    service = sell(values)
    for address in ("/", f"/services/{service.id}"):
        words = Page(client.get(address).text).words
        for tier in service.tiers:
            assert squeeze(tier.name) in words
            assert squeeze(tier.price.format()) in words
            assert all(squeeze(feature) in words for feature in tier.features)


@pytest.mark.sqlite
@pytest.mark.property(4)
@given(values=services(tiers=st.integers(0, 4)), chosen=st.integers(0, 3))
def test_a_choice_arrives_on_the_checkout_page_with_its_price(
    session: Any, client: Any, empty_database: Callable[[], None], values: dict[str, Any], chosen: int
) -> None:
    empty_database()
    service = sell(values)
    tiers = service.active_tiers
    tier = tiers[chosen % len(tiers)] if tiers else None
    link = f"/services/{service.id}" + (f"?tier={tier.id}" if tier else "")
    assert Page(client.get("/").text).find("a", href=link)
    page = Page(client.get(link).text)
    assert squeeze(service.name) in page.words
    assert squeeze((tier or service).price.format()) in page.words
    checked = [radio["value"] for radio in page.find("input", type="radio") if "checked" in radio]
    assert checked == ([str(tier.id)] if tier else [])


def test_an_empty_shop_says_what_to_do(client: Any) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Nothing is on sale right now" in page.text


def test_a_retired_service_is_not_shown_and_not_sold(session: Any, client: Any) -> None:
    service = make_service(name="Old thing", is_active=False)
    assert "Old thing" not in client.get("/").text
    answer = client.get(f"/services/{service.id}")
    assert answer.status_code == 410
    assert "not on sale any more" in answer.text


def test_a_retired_tier_is_not_offered(session: Any, client: Any) -> None:
    service = make_service()
    old = make_tier(service, name="Bygone", is_active=False)
    make_tier(service, name="Present")
    page = client.get(f"/services/{service.id}?tier={old.id}").text
    assert "Present" in page
    assert "Bygone" not in page


@pytest.mark.parametrize("address", ["/services/nonsense", "/services/00000000-0000-7000-8000-000000000000"])
def test_an_unknown_service_is_told_in_words(client: Any, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert "See all services" in answer.text


def test_a_shop_without_a_gateway_says_so_before_the_form_is_filled(session: Any, client: Any) -> None:
    service = make_service()
    assert "Payments are not available right now" in client.get(f"/services/{service.id}").text
    make_gateway()
    assert "Payments are not available right now" not in client.get(f"/services/{service.id}").text
