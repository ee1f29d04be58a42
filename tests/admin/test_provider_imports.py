"""CSV files of providers: checked line by line, saved as checked."""

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import (
    AuditEntry,
    Availability,
    Category,
    ProviderProfile,
    Role,
    User,
)
from tests.admin.csv_files import (
    PROVIDERS,
    check,
    lines,
    save,
    words,
)
from tests.factories import make_provider, make_service, make_user
from tests.sign_in import sign_in


@pytest.fixture(autouse=True)
def admin(client, session):
    return sign_in(client)


def profiles(session):
    session.rollback()
    session.expire_all()
    return {profile.user.email: profile for profile in session.scalars(select(ProviderProfile))}


def test_providers_are_made_and_changed(client, session):
    service = make_service(name="Rental agreement")
    make_provider(name="Arvind Rao", email="arvind@example.com", capacity=5, categories=(Category.CA,))
    page = check(
        client,
        "Name,Email,Open requests at most,Availability,Knows all of,Services,Account\n"
        "Priya Raman,Priya@Example.com,7,away,legal;ca,rental agreement,active\n"
        "Arvind Rao,ARVIND@example.com,8,,Legal,,closed\n".replace(",8,,", ",8,available,"),
        PROVIDERS,
    )
    told = words(client, page)
    assert "Priya Raman New New provider: Email Priya@Example.com, Open requests at most 7" in told
    assert "Open requests at most 5 → becomes 8 Knows all of Chartered accountancy → becomes Legal" in told
    assert "2 saved, 0 refused" in save(client, page)
    found = profiles(session)
    new, old = found["priya@example.com"], found["arvind@example.com"]
    assert (new.capacity, new.availability, new.user.password_hash) == (7, Availability.AWAY, None)
    assert {skill.category or skill.service_id for skill in new.skills} == {Category.CA, Category.LEGAL, service.id}
    assert (old.capacity, old.user.is_enabled, {skill.category for skill in old.skills}) == (8, False, {Category.LEGAL})
    actions = session.scalars(select(AuditEntry.action)).all()
    assert {"provider.created", "provider.changed", "user.disabled"} <= set(actions)


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (",,x@example.com,,,,", "Name", "A new provider needs this"),
        (",A,no-address,,,,", "Email", "Enter an email address"),
        (",A,staff@example.com,,,,", "Email", "has an account already, as Operator"),
        (",A,x@example.com,-1,,,", "Open requests at most", "whole number"),
        (",A,x@example.com,1,asleep,,", "Availability", "available or away"),
        (",A,x@example.com,1,,cooking,", "Knows all of", "“cooking” is no category"),
        (",A,x@example.com,1,,,Nothing known", "Services", "we know no such service"),
        ("zzz,A,x@example.com,1,,,", "Id", "No provider has this id"),
    ],
)
def test_a_provider_that_makes_no_sense_is_refused_in_words(client, session, line, column, reason):
    make_user(Role.OPERATOR, email="staff@example.com")
    headings = "Id,Name,Email,Open requests at most,Availability,Knows all of,Services"
    page = check(client, f"{headings}\n{line}\n", PROVIDERS)
    told = lines(client, page, "refused")
    assert f"Refused {column} : " in told if column else "Refused " in told
    assert reason in told
    assert "confirm" not in client.get(page).text


def test_a_provider_takes_nobodys_address(client, session):
    first = make_provider(email="first@example.com")
    make_provider(email="second@example.com")
    key = profiles(session)["first@example.com"].id
    page = check(client, f"Id,Name,Email\n{key},{first.name},second@example.com\n", PROVIDERS)
    assert "This address is" in words(client, page, "refused")
    page = check(client, f"Id,Name,Email\n{key},{first.name},free@example.com\n", PROVIDERS)
    make_user(email="free@example.com")
    assert "0 saved, 1 refused" in save(client, page)
    assert session.scalars(select(User).where(User.email == "first@example.com")).one()


def test_a_provider_changed_since_the_check_is_refused(client, session):
    make_provider(email="first@example.com", name="A", capacity=5)
    page = check(client, "Name,Email,Open requests at most\nA,first@example.com,9\n", PROVIDERS)
    with transaction():
        profiles(session)["first@example.com"].capacity = 6
    assert "0 saved, 1 refused" in save(client, page)
    assert profiles(session)["first@example.com"].capacity == 6
