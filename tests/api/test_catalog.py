"""The catalogue as programs read it."""

from typing import Any

from tests.factories import make_service


def test_the_catalogue_has_what_is_on_sale_with_integer_prices(session: Any, client: Any) -> None:
    service = make_service(tiers=2, features=["Filed"])
    make_service(is_active=False)
    (listed,) = client.get("/api/services").json["services"]
    assert listed["id"] == str(service.id)
    assert (listed["name"], listed["shortDescription"]) == (service.name, service.short_description)
    assert (listed["category"], listed["features"]) == ("ca", ["Filed"])
    assert listed["pricing"]["amount"] == 100_000
    assert listed["pricing"]["currency"] == "INR"
    assert [tier["amount"] for tier in listed["pricing"]["tiers"]] == [100_000, 200_000]
    assert [tier["id"] for tier in listed["pricing"]["tiers"]] == [str(tier.id) for tier in service.tiers]
