"""What pages keep of themselves is the same as if it were made anew, and nobody sees what another may."""

import re

import pytest

from app.admin import fragments, request_columns
from app.models import Role
from tests.admin.rows import URL, add_request
from tests.factories import make_provider, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in

STAFF = (Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER)
MARKUP = '<img src=x onerror="go()">&{{ 7 * 7 }}'
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def pages(app, session):
    """The list as each role sees it, in turn."""
    clients = {role: app.test_client() for role in STAFF}
    for role, client in clients.items():
        sign_in(client, make_user(role, name="Somebody"))

    def read(*, afresh=False):
        found = {}
        for role, client in clients.items():
            if afresh:
                fragments._kept.clear()
            found[role] = without_tokens(client.get(f"{URL}?view=all").text)
        return found

    return read


def without_tokens(text):
    """Without what is new on every page."""
    return re.sub(r'(value|content|data-since|title|datetime)="[^"]*"', "", text)


def test_each_role_gets_its_own_page_from_what_was_kept_for_others(pages, service):
    add_request(service)
    made_alone = pages(afresh=True)
    fragments._kept.clear()
    assert pages() == made_alone
    assert pages() == made_alone
    assert len(set(made_alone.values())) == len(STAFF)


def test_the_page_one_stands_on_is_marked_on_that_page_only(client, staff):
    for address in (URL, "/admin/payments/", URL):
        [here] = Page(client.get(address).text).find("a", aria_current="page", data_go="r" if address == URL else "p")
        assert here["href"] == address


def test_each_person_has_their_own_token(app, session, service):
    add_request(service)
    tokens = []
    app.config["WTF_CSRF_ENABLED"] = False
    for _ in range(2):
        client = app.test_client()
        sign_in(client, Role.OPERATOR)
        tokens.append(set(_TOKEN.findall(client.get(URL).text)))
        assert len(tokens[-1]) == 1
    assert not tokens[0] & tokens[1]


def test_a_choice_of_one_person_is_not_another_s(app, session, service):
    add_request(service)
    one, other = app.test_client(), app.test_client()
    for client in (one, other):
        sign_in(client, Role.OPERATOR)
    one.post(f"{URL}columns", data={"column": ["email"]})
    assert "kavya.iyer@example.org" in one.get(URL).text
    assert "kavya.iyer@example.org" not in other.get(URL).text
    one.post(f"{URL}columns", data={"column": ["who"]})
    assert "kavya.iyer@example.org" not in one.get(URL).text


def test_whatever_stands_in_a_cell_is_text(client, staff, session):
    client.post(f"{URL}columns", data={"column": [choice.name for choice in request_columns.CHOICES]})
    texts = {
        name: f"{name} {MARKUP}"
        for name in ("customer_name", "customer_email", "customer_phone", "service_name", "tier_name")
    }
    provider = make_provider(name=f"provider_name {MARKUP}")
    operator = make_user(Role.OPERATOR, name=f"operator_name {MARKUP}")
    add_request(
        make_service(),
        **texts,
        affiliate_code=f"code {MARKUP}",
        payment_gateway=f"pay {MARKUP}"[:32],
        assigned_provider_id=provider.id,
        operator_id=operator.id,
    )
    for _ in ("made", "kept"):
        body = client.get(f"{URL}?view=all").text.partition("<tbody>")[2].partition("</tbody>")[0]
        assert "<img" not in body
        words = Page(body).words
        assert all(f"{name} {MARKUP}" in words for name in (*texts, "code", "provider_name", "operator_name"))


def test_an_address_stays_inside_its_link(client, staff, service):
    row = add_request(service)
    page = Page(client.get(URL, query_string={"view": "all", "q": '"><img src=x>'}).text)
    assert not page.find("img")
    page = Page(client.get(URL, query_string={"view": "all", "status": row.status, "gateway": "sandbox"}).text)
    [link] = [a for a in page.find("a") if a.get("href", "").startswith(f"{URL}{row.id}")]
    assert link["href"] == f"{URL}{row.id}?view=all&status={row.status}&gateway=sandbox"


def test_what_is_kept_is_bounded(app, monkeypatch):
    monkeypatch.setattr(fragments, "_MOST", 3)
    shout = app.jinja_env.from_string("{% macro shout(word) %}<b>{{ word }}</b>{% endmacro %}").module.shout
    for word in ("a", "b", "c", "<d>", "a"):
        assert fragments.once(shout, word) == shout(word)
        assert len(fragments._kept) <= 3
    assert fragments.once(shout, ["x", "y"]) == shout(["x", "y"])
