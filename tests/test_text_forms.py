"""Forms ask for texts: a file in the place of one is as if nothing had come, whoever sends it."""

import io

import pytest
from sqlalchemy import select

from app.db import db
from app.models import Service
from tests.checkout.answers import right_answers
from tests.factories import make_gateway, make_service
from tests.sign_in import sign_in


def a_file():
    return io.BytesIO(b"no text"), "text.txt"


@pytest.mark.parametrize("name", ["full_name", "email", "phone", "requirements", "tier", "submission", "shown_prices"])
def test_of_the_shop(client, session, name):
    make_gateway()
    service = make_service(tiers=2)
    answer = client.post(f"/services/{service.id}", data=right_answers(service) | {name: a_file()})
    assert answer.status_code == (303 if name in {"submission", "shown_prices"} else 422)


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["email", "password"])
def test_of_who_signs_in(client, session, name):
    known = {"email": "priya@example.com", "password": "a few words in a row"}
    answer = client.post("/login", data=known | {name: a_file()})
    assert answer.status_code == 401


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["name", "features", "price"])
def test_of_the_console(client, session, name):
    sign_in(client)
    answer = client.post("/admin/services/new/", data={name: a_file()})
    assert answer.status_code == 200
    assert db.session.scalar(select(Service)) is None
