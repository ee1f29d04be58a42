"""The command palette: what it offers to whom, and what it finds."""

import pytest

from app.db import transaction
from app.models import RequestStatus, Role
from app.workflows import saved_views
from tests.factories import acting, make_customer, make_payment, make_provider, make_request, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in
from tests.statements import asked

URL = "/admin/palette/"


def entries(client, group=None):
    offered = client.get(URL).json["entries"]
    return [each for each in offered if group in {None, each["group"]}]


def labels(client, group):
    return [each["label"] for each in entries(client, group)]


def find(client, text):
    answer = client.post(f"{URL}found", json={"text": text})
    assert answer.status_code == 200
    return answer.json["entries"]


def found_labels(client, text, group="Requests"):
    return [each["label"] for each in find(client, text) if each["group"] == group]


def queries_of(ask):
    with asked() as statements:
        ask()
    return len(statements)


@pytest.mark.sqlite
@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_it_offers_the_pages_that_the_role_may_open(client, session, role):
    sign_in(client, role)
    offered = entries(client)
    for entry in offered:
        assert client.get(entry["address"]).status_code == 200, entry
    assert ("Accounts" in labels(client, "Pages")) is (role is Role.ADMIN)
    assert {"Today", "Requests", "Payments"} <= set(labels(client, "Pages"))


def test_it_offers_what_the_role_may_make(client, session):
    sign_in(client, Role.ADMIN)
    assert {"New service", "New tier", "New provider", "New account"} <= set(labels(client, "New"))


def test_whoever_may_make_nothing_is_offered_nothing_to_make(client, staff):
    assert labels(client, "New") == []


def test_it_offers_given_views_own_ones_and_shared_ones(client, staff):
    other = make_user(Role.FINANCE)
    with transaction():
        saved_views.save(
            staff, "Calls for today", "view=todo&status=pending_contact", is_shared=False, actor=acting(staff)
        )
        saved_views.save(other, "Refunds of the week", "view=all", is_shared=True, actor=acting(other))
        saved_views.save(other, "Only theirs", "view=all", is_shared=False, actor=acting(other))
    views = {each["label"]: each for each in entries(client, "Views")}
    assert {"To do", "Overdue", "Calls for today", "Refunds of the week"} <= views.keys()
    assert "Only theirs" not in views
    assert "status=pending_contact" in views["Calls for today"]["address"]
    assert views["Refunds of the week"]["hint"] == "Shared view"


def test_requests_are_found_as_the_search_finds_them(client, staff, service):
    wanted = make_request(
        service, make_customer(full_name="Asha Menon", email="asha@example.org", phone="+917000099999")
    )
    make_request(service)
    reference = wanted.reference_number
    payment = wanted.payment_transaction_id
    for text in (reference, reference.lower(), reference[:9], "asha@example.org", "70000 99999", "menon asha", payment):
        assert found_labels(client, text) == [reference], text


def test_a_found_request_tells_whose_it_is_and_how_it_stands(client, staff, service):
    request = make_request(service, make_customer(full_name="Asha Menon"), status=RequestStatus.IN_PROGRESS)
    (entry,) = find(client, request.reference_number)
    assert (entry["detail"], entry["state"]) == ("Asha Menon", ["In progress", "moving"])
    assert entry["hint"] == "GST registration"
    assert client.get(entry["address"]).status_code == 200


def test_a_request_that_is_not_paid_says_so(client, staff, service):
    payment = make_payment(service)
    (entry,) = find(client, payment.service_request.reference_number)
    assert entry["hint"] == "GST registration: Not paid yet"


def test_the_newest_eight_are_shown(client, staff, service):
    made = [make_request(service).reference_number for _ in range(9)]
    assert found_labels(client, "kavya iyer") == made[:0:-1]


def test_providers_and_services_are_found_by_parts_of_their_names(client, staff):
    make_provider(name="Priya Raman", title="Chartered accountant", capacity=7)
    make_provider(name="Arvind Rao")
    make_service(name="GST registration")
    make_service(name="GST return", is_active=False)
    (provider,) = find(client, "raman pri")
    assert (provider["group"], provider["label"], provider["hint"]) == ("Providers", "Priya Raman", "0 of 7 open")
    services = find(client, "gst")
    assert [each["label"] for each in services] == ["GST registration", "GST return"]
    assert [each["state"] for each in services] == [None, ["Off sale", "stopped"]]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_what_is_found_opens_for_whoever_found_it(client, session, role):
    sign_in(client, role)
    make_provider(name="Gita Shah")
    make_service(name="Gita's filing")
    make_request(customer=make_customer(full_name="Gita"))
    found = find(client, "gita")
    assert [each["group"] for each in found] == ["Requests", "Providers", "Services"]
    for entry in found:
        assert client.get(entry["address"]).status_code == 200


@pytest.mark.parametrize("text", ["", " ", "k", "%", "\0\0", "x" * 5000, "' OR 1=1", "%%", "__", "SR-", None, 7, ["a"]])
def test_it_finds_nothing_for_what_means_nothing(client, staff, text):
    make_request()
    make_provider(name="Priya Raman")
    assert find(client, text) == []


def test_a_body_that_is_no_question_finds_nothing(client, staff):
    for body in ("", "[]", "7", "not json"):
        answer = client.post(f"{URL}found", data=body, content_type="application/json")
        assert (answer.status_code, answer.json) == (200, {"entries": []})


def test_more_results_take_no_more_queries(client, staff, service):
    for _ in range(2):
        make_request(service)
        make_provider(name="Kavya Rao")
    find(client, "kavya")
    few = queries_of(lambda: find(client, "kavya"))
    for _ in range(6):
        make_request(service)
        make_provider(name="Kavya Rao")
    assert len(find(client, "kavya")) == 12
    assert queries_of(lambda: find(client, "kavya")) == few


def test_partners_and_strangers_get_nothing(client, session):
    json = {"Accept": "application/json"}
    assert client.get(URL, headers=json).status_code == 401
    assert client.post(f"{URL}found", json={"text": "kavya"}, headers=json).status_code == 401
    sign_in(client, Role.PROVIDER)
    assert client.get(URL, headers=json).status_code == 403
    assert client.post(f"{URL}found", json={"text": "kavya"}, headers=json).status_code == 403


def test_single_keys_are_switched_off_for_one_person_on_every_page(client, session):
    one, other = make_user(Role.OPERATOR), make_user(Role.OPERATOR)
    sign_in(client, one)
    assert client.post(f"{URL}keys", data={}).status_code == 204
    for page in ("/admin/", "/admin/requests/"):
        assert "data-keys-off" in Page(client.get(page).text).find("body")[0]
    sign_in(client, other)
    assert "data-keys-off" not in Page(client.get("/admin/").text).find("body")[0]
    sign_in(client, one)
    assert client.post(f"{URL}keys", data={"single": "on"}).status_code == 204
    assert "data-keys-off" not in Page(client.get("/admin/").text).find("body")[0]


def test_each_letter_leads_to_one_page(client, session):
    sign_in(client, Role.ADMIN)
    links = [each for each in Page(client.get("/admin/").text).find("a") if "data-go" in each]
    letters = [each["data-go"] for each in links]
    assert len(letters) == len(set(letters))
    offered = {each["address"]: each["key"] for each in entries(client, "Pages") if each["key"]}
    assert offered == {each["href"]: f"g {each['data-go']}" for each in links}
