"""The rules of the form, through the pages that apply them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db import transaction
from app.models import ServiceRequest
from app.workflows.purchase_form import PurchaseForm
from tests.checkout.answers import FIELDS, answers, anything, right_answers
from tests.factories import make_gateway, make_service, make_tier
from tests.pages import Page

MESSAGES = {
    "full_name": "Enter your full name.",
    "email": "Enter your email address.",
    "phone": "Enter your phone number.",
    "requirements": "Tell us in a few words what you need.",
}


@pytest.fixture
def service(session: Any) -> Any:
    make_gateway()
    return make_service(tiers=2)


@pytest.mark.sqlite
@pytest.mark.property(6)
@given(judged=answers())
def test_each_value_is_judged_by_the_rule_of_its_field(
    client: Any, service: Any, judged: tuple[dict[str, str], set[str]]
) -> None:
    values, wrong = judged
    verdict = client.post(f"/services/{service.id}/check", data=right_answers(service) | values).json
    assert set(verdict["errors"]) == wrong
    assert verdict["valid"] is not bool(wrong)


@pytest.mark.sqlite
@pytest.mark.property(7)
@given(missing=st.sets(st.sampled_from(FIELDS), min_size=1), blank=st.sampled_from([None, "", "   "]))
def test_every_missing_field_is_named_at_once_and_the_rest_is_kept(
    client: Any, service: Any, missing: set[str], blank: str | None
) -> None:
    fields = right_answers(service, **dict.fromkeys(missing, blank))
    answer = client.post(f"/services/{service.id}", data=fields)
    page = Page(answer.text)
    assert answer.status_code == 422
    for name, message in MESSAGES.items():
        assert page.words.count(message) == (2 if name in missing else 0)  # in the summary and at the field
    kept = {found["name"]: found.get("value") for found in page.find("input") if "name" in found}
    assert all(kept[name] == fields[name] for name in {"full_name", "email", "phone"} - missing)
    assert not list(service_requests())


@pytest.mark.sqlite
@pytest.mark.property(6, 8)
@given(values=anything())
def test_the_live_check_and_the_submit_agree(client: Any, service: Any, values: dict[str, str]) -> None:
    fields = right_answers(service) | values
    verdict = client.post(f"/services/{service.id}/check", data=fields).json
    answer = client.post(f"/services/{service.id}", data=fields)
    assert (answer.status_code == 303) is verdict["valid"]
    assert all(error in Page(answer.text).words for error in verdict["errors"].values())


@pytest.mark.sqlite
@pytest.mark.property(38)
@given(name=st.sampled_from(FIELDS), tiers=st.integers(0, 3))
def test_each_input_has_the_type_of_what_goes_into_it(session: Any, client: Any, name: str, tiers: int) -> None:
    page = Page(client.get(f"/services/{make_service(tiers=tiers).id}").text)
    expected = {
        "full_name": ("input", {"type": "text", "autocomplete": "name", "inputmode": "text"}),
        "email": ("input", {"type": "email", "autocomplete": "email", "inputmode": "email"}),
        "phone": ("input", {"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
        "requirements": ("textarea", {"inputmode": "text"}),
    }
    tag, attributes = expected[name]
    assert len(page.find(tag, name=name, **attributes)) == 1
    assert page.find("label", for_=name)
    assert len(page.find("input", name="tier", type="radio")) == tiers


def test_control_characters_and_line_ends_do_not_reach_the_request(client: Any, service: Any) -> None:
    fields = right_answers(service, full_name=" Asha\t\x00\x1b Rao ", requirements="one\r\ntwo\rthree\x07")
    assert client.post(f"/services/{service.id}", data=fields).status_code == 303
    (bought,) = service_requests()
    assert bought.customer_name == "Asha Rao"
    assert bought.customer_requirements == "one\ntwo\nthree"


def test_a_tier_of_another_service_is_refused(client: Any, service: Any) -> None:
    foreign = make_tier(make_service())
    answer = client.post(f"/services/{service.id}", data=right_answers(service, tier=str(foreign.id)))
    assert answer.status_code == 422
    assert "Choose one of the options." in answer.text


def test_a_price_that_changed_while_the_page_was_open_is_shown_before_it_is_charged(client: Any, service: Any) -> None:
    tier = service.active_tiers[0]
    fields = right_answers(service, shown_prices=f"{tier.id}={tier.price_minor - 100}")
    answer = client.post(f"/services/{service.id}", data=fields)
    assert answer.status_code == 422
    assert "The price changed" in answer.text
    fields["shown_prices"] = Page(answer.text).find("input", name="shown_prices")[0]["value"]
    assert client.post(f"/services/{service.id}", data=fields).status_code == 303


def test_the_same_digits_in_another_currency_are_another_price(client: Any, session: Any) -> None:
    make_gateway()
    service = make_service(currency="INR")
    before = Page(client.get(f"/services/{service.id}").text).find("input", name="shown_prices")[0]["value"]
    with transaction():
        service.currency = "USD"
    fields = right_answers(service, shown_prices=before)
    answer = client.post(f"/services/{service.id}", data=fields)
    assert answer.status_code == 422
    assert "The price changed" in answer.text
    fields["shown_prices"] = Page(answer.text).find("input", name="shown_prices")[0]["value"]
    assert client.post(f"/services/{service.id}", data=fields).status_code == 303
    assert [bought.currency for bought in service_requests()] == ["USD"]


def test_a_form_without_csrf_token_is_shown_again_with_everything_in_it(app: Any, client: Any, service: Any) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post(f"/services/{service.id}", data=right_answers(service))
    assert answer.status_code == 422
    assert "Everything you wrote is still here" in answer.text
    assert "kavya.iyer@example.org" in answer.text
    again = client.submit(f"/services/{service.id}", right_answers(service))
    assert again.status_code == 303


def test_the_check_needs_the_page_token(app: Any, client: Any, service: Any) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post(
        f"/services/{service.id}/check", data=right_answers(service), headers={"Accept": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "csrf_failed"


def test_one_set_of_rules_serves_page_and_api() -> None:
    from app.checkout.forms import CheckoutForm

    assert issubclass(CheckoutForm, PurchaseForm)


def service_requests() -> list[ServiceRequest]:
    from sqlalchemy import select

    from app.db import db

    return list(db.session.scalars(select(ServiceRequest)))
