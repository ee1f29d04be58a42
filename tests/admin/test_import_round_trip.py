"""What comes out as CSV goes in again, and changes nothing."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import transaction
from app.models import (
    Availability,
    Category,
    ProviderProfile,
    ProviderSkill,
    ServiceTier,
)
from tests.admin.csv_files import (
    PROVIDERS,
    check,
    export,
    words,
)
from tests.factories import make_provider, make_service
from tests.sign_in import sign_in


@pytest.fixture(autouse=True)
def admin(client, session):
    return sign_in(client)


TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
RISKY = st.text(alphabet="'=+-@ \t\nab;,\"", min_size=1, max_size=10)
WORDS = (TEXT | RISKY).filter(str.strip)


@given(names=st.lists(WORDS, min_size=1, max_size=3), features=st.lists(WORDS, max_size=2))
def test_an_export_that_is_imported_changes_nothing(client, session, empty_database, names, features):
    empty_database()
    sign_in(client)
    for name in names:
        service = make_service(name=name, description=name * 2, features=features, tiers=1)
        with transaction():
            session.get_one(ServiceTier, service.tiers[0].id).name = name
    page = check(client, export(client))
    assert "Nothing would change" in words(client, page)
    assert "Refused 0" in words(client, page)


def test_the_export_has_each_tier_below_its_service_in_the_order_of_the_shop(client, session):
    make_service(name="Second", sort_order=2)
    make_service(name="First", sort_order=1, tiers=2, description="=1+1")
    table = list(csv.DictReader(io.StringIO(export(client).decode("utf-8-sig"), newline="")))
    assert [(row["Service"], row["Tier"]) for row in table] == [
        ("First", ""),
        ("First", "Tier 1"),
        ("First", "Tier 2"),
        ("Second", ""),
    ]
    assert table[0]["Description"] == "'=1+1"
    assert (table[1]["Price"], table[1]["Currency"]) == ("1000.00", "")
    narrowed = export(client, q="Second").decode("utf-8-sig")
    assert "First" not in narrowed


def test_an_export_of_providers_that_is_imported_changes_nothing(client, session):
    service = make_service(name="Rental; agreement")
    user = make_provider(name="=Priya", capacity=3, availability=Availability.AWAY, categories=())
    make_provider(categories=())
    with transaction():
        profile = session.scalars(select(ProviderProfile).where(ProviderProfile.user_id == user.id)).one()
        profile.skills = [ProviderSkill(category=Category.CA), ProviderSkill(service_id=service.id)]
    page = check(client, export(client, "providers"), PROVIDERS)
    assert "Nothing would change" in words(client, page)
    assert "Unchanged 2" in words(client, page)
