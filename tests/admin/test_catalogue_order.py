"""The order of services and tiers: by arrows, by number, at the same time."""

from functools import partial

import pytest
from sqlalchemy import select

from app.models import Service
from tests.admin.catalogue import URL, entries, names, put
from tests.factories import make_service
from tests.pages import Page
from tests.sign_in import sign_in
from tests.threads import at_once


@pytest.fixture
def admin(client, session):
    return sign_in(client)


@pytest.fixture
def five(session):
    # Some share a number, as rows made by hand do.
    return [
        make_service(name=f"Service {name}", sort_order=order)
        for name, order in zip("ABCDE", (0, 0, 3, 3, 9), strict=True)
    ]


@pytest.mark.parametrize(
    ("which", "to", "wanted"), [(0, 2, "BACDE"), (4, 1, "EABCD"), (2, 4, "ABDCE"), (1, 99, "ACDEB"), (3, 4, "ABCDE")]
)
def test_a_service_moves_to_any_place(client, session, admin, five, which, to, wanted):
    answer = put(client, five[which], "position", str(to), seen=str(which + 1))
    assert (answer.status_code, answer.json["isMoved"]) == (200, True)
    assert [name[-1] for name in names(client)] == list(wanted)
    if wanted != "ABCDE":
        shop = [card["id"] for card in Page(client.get("/").text).find("li", class_="card")]
        assert shop == [f"service-{five['ABCDE'.index(letter)].id}" for letter in wanted]
    assert len(entries(session, "service.moved")) == (wanted != "ABCDE")


def test_the_arrows_move_one_step(client, session, admin, five):
    steps = Page(client.get(URL).text).find("button", class_="step")
    down = steps[1]
    assert client.post(down["formaction"], data={"value": down["value"], "list": ""}).status_code == 302
    assert [name[-1] for name in names(client)] == list("BACDE")
    assert "disabled" in steps[0]


def test_in_a_part_of_the_list_there_is_no_order_to_change(client, session, admin, five):
    assert 'class="step"' in client.get(URL).text
    for part in ("?category=ca", "?q=Service", "?sale=on"):
        assert 'class="step"' not in client.get(URL + part).text


@pytest.mark.parametrize("place", ["0", "-1", "x", "", "1.5", "99999999999"])
def test_an_odd_place_is_refused(client, session, admin, five, place):
    assert put(client, five[0], "position", place, seen="1").status_code == 422


def test_tiers_move_within_their_service(client, session, admin):
    service, other = make_service(tiers=3), make_service(tiers=2)
    assert put(client, service.tiers[2], "position", "1", seen="3").status_code == 200
    session.rollback()
    session.expire_all()
    assert [tier.name for tier in session.get_one(Service, service.id).tiers] == ["Tier 3", "Tier 1", "Tier 2"]
    assert [tier.name for tier in session.get_one(Service, other.id).tiers] == ["Tier 1", "Tier 2"]


def test_two_who_move_at_once_leave_each_a_place(app, client, session, admin, five):
    moves = [(five[0].id, "1", "4"), (five[4].id, "5", "2")] * 2
    clients = [app.test_client() for _ in moves]
    for own in clients:
        sign_in(own, admin)

    def move(own, key, seen, to):
        own.post(f"{URL}{key}/cell/position", json={"value": to, "seen": seen})

    steps = [partial(move, own, *each) for own, each in zip(clients, moves, strict=True)]
    assert at_once(app, steps) == [None] * 4
    session.rollback()
    assert sorted(session.scalars(select(Service.sort_order))) == [1, 2, 3, 4, 5]


def test_a_new_service_and_a_new_tier_come_last(client, session, admin, five):
    sent = {"name": "New", "short_description": "x", "description": "x", "category": "ca", "price": "1"}
    sent |= {"currency": "INR", "first_contact_hours": "1"}
    client.post(f"{URL}new/", data=sent)
    assert names(client)[-1] == "New"
