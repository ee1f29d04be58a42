"""Who sent the visitor is kept on the way to the request."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from app.db import db
from app.kit import clock
from app.models import AffiliateClick, AffiliateProfile, Role, ServiceRequest
from tests.checkout.answers import right_answers
from tests.factories import make_gateway, make_service, make_user


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service()


def code_of_purchase(client: Any, service: Any, query: str = "") -> str | None:
    assert client.post(f"/services/{service.id}{query}", data=right_answers(service)).status_code == 303
    return db.session.scalars(select(ServiceRequest.affiliate_code)).one()


@pytest.mark.parametrize("parameter", ["ref", "aff", "affiliate"])
def test_a_code_is_kept_from_any_page_to_the_request(client: Any, service: Any, parameter: str) -> None:
    client.get(f"/?{parameter}=ASHA10")
    client.get(f"/services/{service.id}")
    assert code_of_purchase(client, service) == "ASHA10"


def test_the_last_code_wins(client: Any, service: Any) -> None:
    client.get("/?ref=FIRST")
    client.get("/track?ref=SECOND")
    assert code_of_purchase(client, service) == "SECOND"


def test_the_form_carries_the_code_of_its_address(client: Any, service: Any) -> None:
    assert f'action="/services/{service.id}?ref=ASHA10"' in client.get(f"/services/{service.id}?ref=ASHA10").text
    assert code_of_purchase(client, service, "?ref=ASHA10") == "ASHA10"


def test_a_known_code_is_credited_and_an_unknown_one_blocks_nothing(app: Any, client: Any, service: Any) -> None:
    affiliate = make_user(Role.AFFILIATE)
    code = db.session.scalars(select(AffiliateProfile.code)).one()
    client.get(f"/?ref={code}")
    client.get("/?ref=NOBODY")
    app.extensions["visits"].store()
    db.session.rollback()
    clicks = {click.code: click.affiliate_id for click in db.session.scalars(select(AffiliateClick))}
    assert clicks == {code: affiliate.id, "NOBODY": None}
    assert code_of_purchase(client, service) == "NOBODY"


def test_a_code_is_forgotten_after_30_days(client: Any, service: Any) -> None:
    with time_machine.travel(clock.utc_now() - timedelta(days=31), tick=True):
        answer = client.get("/?ref=ASHA10")
    cookie = answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    client.set_cookie("affiliate", cookie)
    assert code_of_purchase(client, service) is None


def test_a_cookie_of_another_maker_is_ignored(client: Any, service: Any) -> None:
    client.set_cookie("affiliate", "QVNIQTEw.ZZZZ.forged")
    assert code_of_purchase(client, service) is None


def test_a_code_is_cut_to_what_fits_and_control_characters_are_refused(client: Any, service: Any) -> None:
    client.get("/", query_string={"ref": "a\x00b"})
    client.get("/", query_string={"aff": "L" * 500})
    assert code_of_purchase(client, service) == "L" * 64
