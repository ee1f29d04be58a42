"""Every address of the console, tried by each role that may use it and each that may not."""

import pytest

from app.models import Notification, Payment, ProviderProfile, Role, ServiceTier
from tests.factories import make_provider, make_request, make_service
from tests.sign_in import sign_in

STAFF = {Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER}
EDITED = ("services", "tiers", "providers", "affiliates", "users")
MONEY = ("payments", "refunds", "disputes", "commissions", "payouts")
LISTS = (*EDITED, *MONEY, "requests", "webhook_events", "notifications", "gateways", "audit")
# Lists whose values change in their cells.
INLINE = ("services", "tiers", "providers")
# Lists that not all staff may even read.
FOR_ADMINS = ("users", "audit")
# Who may use what; whatever is not here, all staff may.
NEEDS = {
    **{f"{name}.{view}": {Role.ADMIN} for name in EDITED for view in ("create_view", "edit_view", "delete_view")},
    **{f"{name}.export": {Role.ADMIN, Role.FINANCE} for name in LISTS},
    **{
        f"{name}.{view}": {Role.ADMIN}
        for name in FOR_ADMINS
        for view in ("index_view", "details_view", "action_view", "export", "ajax_update", "ajax_lookup")
    },
    **{
        f"requests.{view}": {Role.ADMIN, Role.OPERATOR}
        for view in ("set_status", "set_provider", "add_note", "providers", "settle")
    },
    "requests.give_back": {Role.ADMIN, Role.FINANCE},
    **{f"payouts.{view}": {Role.ADMIN, Role.FINANCE} for view in ("new", "record", "lines", "batch")},
    "flags.save": {Role.ADMIN},
    **{f"gateways.{view}": {Role.ADMIN} for view in ("save", "check")},
    **{f"{name}.{view}": {Role.ADMIN} for name in INLINE for view in ("show_cell_form", "save_cell")},
    "notifications.resend": {Role.ADMIN, Role.OPERATOR},
    **{
        f"webhook_events.{view}": {Role.ADMIN, Role.OPERATOR, Role.FINANCE}
        for view in ("rehearse", "replay", "replay_many", "review")
    },
}
# Flask-Admin's pages that no list of ours has: there is nothing, for nobody.
NOWHERE = {f"{name}.{view}" for name in LISTS for view in ("ajax_update", "ajax_lookup")} | {
    f"{name}.{view}" for name in set(LISTS) - set(EDITED) for view in ("create_view", "edit_view", "delete_view")
}


def console_rules(app):
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin/")]
    return [(rule, method) for rule in rules for method in sorted(rule.methods & {"GET", "POST"})]


@pytest.fixture
def known(session):
    """An id for each kind of row."""
    make_service(tiers=1)
    request = make_request()
    make_provider()
    rows = {"requests": request, "payments": session.query(Payment).first(), "services": request.service}
    rows |= {"notifications": session.query(Notification).first(), "tiers": session.query(ServiceTier).first()}
    rows |= {"providers": session.query(ProviderProfile).first()}
    return {name: str(row.id) for name, row in rows.items()}


def ask(app, client, rule, method, known):
    key = known.get(rule.endpoint.partition(".")[0], "00000000-0000-7000-8000-000000000000")
    given = {"key": key, "export_type": "csv", "payment_key": known["payments"], "gateway": "sandbox", "kind": "alert"}
    given |= {"flag": "purchase", "batch": "2026-03-01", "what": "price"}
    values = {name: given.get(name, "unknown") for name in rule.arguments}
    with app.test_request_context():
        address = app.url_map.bind("localhost").build(rule.endpoint, values)
    return client.open(address, method=method, query_string={"id": key}, buffered=True)


@pytest.mark.parametrize("role", Role)
def test_each_address_opens_for_those_who_may_and_nobody_else(app, client, session, known, role):
    sign_in(client, role)
    for rule, method in console_rules(app):
        answer = ask(app, client, rule, method, known)
        allowed = NEEDS.get(rule.endpoint, STAFF)
        what = f"{method} {rule} as {role}: {answer.status}"
        if role not in STAFF or role not in allowed:
            wanted = {403, 404} if rule.endpoint in NOWHERE and role in STAFF else {403}
            assert answer.status_code in wanted, what
        elif rule.endpoint in NOWHERE:
            assert answer.status_code == 404, what
        else:
            assert answer.status_code not in {401, 403, 405, 500, 503}, what


def test_a_stranger_is_asked_to_sign_in_everywhere(app, client, known):
    for rule, method in console_rules(app):
        answer = ask(app, client, rule, method, known)
        assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), f"{method} {rule}"


@pytest.mark.parametrize("role", Role)
def test_nothing_is_posted_without_a_token(app, client, session, known, role):
    sign_in(client, role)
    app.config["WTF_CSRF_ENABLED"] = True
    for rule, method in console_rules(app):
        if method == "POST":
            assert ask(app, client, rule, method, known).status_code == 400, str(rule)


def test_the_navigation_shows_what_opens(client, session):
    sign_in(client, Role.VIEWER)
    page = client.get("/admin/").text
    assert 'href="/admin/requests/"' in page
    assert 'href="/admin/users/"' not in page
    assert "New service" not in client.get("/admin/services/").text
    assert "Export CSV" not in client.get("/admin/services/").text


def test_a_partner_is_shown_the_way_to_their_own_pages(client, session):
    sign_in(client, Role.PROVIDER)
    answer = client.get("/admin/requests/")
    assert answer.status_code == 403
    assert 'href="/home"' in answer.text
    assert client.get("/home").location == "/provider/"


def test_no_page_of_the_library_is_served(app, client, session):
    sign_in(client)
    assert not [
        rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin") and "static" in rule.endpoint
    ]
    page = client.get("/admin/services/").text
    assert "bootstrap" not in page.lower()
    assert "jquery" not in page.lower()


def test_pages_are_kept_out_of_caches(client, session):
    sign_in(client)
    for address in ("/admin/", "/admin/requests/", "/admin/users/"):
        assert client.get(address).headers["Cache-Control"] == "no-store"
