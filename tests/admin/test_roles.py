"""Every address of the console, tried by each role that may use it and each that may not."""

import pytest

from app.admin.permissions import PERMISSIONS
from app.models import Notification, Payment, ProviderProfile, Role, ServiceTier
from tests import bulk
from tests.factories import make_provider, make_request, make_service
from tests.sign_in import sign_in

# What the database answers does not depend on who asks: PostgreSQL is asked by the administrator, who sees everything.
EACH_ROLE = [pytest.param(role, marks=[] if role is Role.ADMIN else [pytest.mark.sqlite]) for role in Role]
STAFF = {Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER}
ADMIN, WORKERS, MONEY = {Role.ADMIN}, {Role.ADMIN, Role.OPERATOR}, {Role.ADMIN, Role.FINANCE}
EDITED = ("services", "tiers", "providers", "affiliates", "users")
READ_ONLY = (
    "requests",
    "bulk_changes",
    "payments",
    "refunds",
    "disputes",
    "commissions",
    "payouts",
    "webhook_events",
    "notifications",
    "gateways",
    "audit",
    "looks",
)
LISTS = (*EDITED, *READ_ONLY)
# Lists that not all staff may even read.
FOR_ADMINS = ("users", "audit", "looks")
USUAL = ("index_view", "details_view", "action_view", "export", "ajax_update", "ajax_lookup")


def views(names, of, allowed):
    return {f"{name}.{view}": allowed for name in names for view in of}


# Who may use what; a page to read that is not here, all staff may.
NEEDS = {
    **views(LISTS, ["action_view"], STAFF),
    **views(EDITED, ["create_view", "edit_view", "delete_view"], ADMIN),
    **views(LISTS, ["export"], MONEY),
    **views(FOR_ADMINS, [*USUAL, "create_view", "edit_view", "delete_view"], ADMIN),
    **views(["providers", "services", "tiers"], ["show_cell_form", "save_cell"], ADMIN),
    **views(
        ["services", "providers"],
        [f"import_{view}" for view in ("form", "check", "template", "page", "confirm", "progress")],
        ADMIN,
    ),
    **views(
        ["requests"],
        ["set_status", "set_provider", "set_operator", "set_clock", "add_note", "providers", "settle"],
        WORKERS,
    ),
    **views(["bulk_changes"], ["confirm", "undo"], WORKERS),
    **views(["requests"], ["give_back"], MONEY),
    # What is one's own: the columns, the views, the keys.
    **views(["requests"], ["choose_columns", "save_view", "change_view", "remove_view"], STAFF),
    **views(["palette"], ["found", "choose_keys"], STAFF),
    **views(["notifications"], ["resend"], WORKERS),
    **views(["queue"], ["retry", "resend"], WORKERS),
    **views(["webhook_events"], ["rehearse", "replay", "replay_many", "review"], WORKERS | MONEY),
    **views(["payouts"], ["new", "record", "lines", "batch", "preview", "record_batch", "take_back"], MONEY),
    **views(["gateways"], ["save", "check", "end_old_secret"], ADMIN),
    **views(["users"], ["invite", "reset_second_factor", "end_sessions"], ADMIN),
    **views(["working_hours"], ["save", "save_of_provider"], ADMIN),
    **views(["flags"], ["save"], ADMIN),
    **views(["customers"], ["index", "act"], ADMIN),
    **views(["tokens"], ["index", "make", "revoke"], ADMIN),
}
# Flask-Admin's pages that no list of ours has: there is nothing, for nobody.
NOWHERE = views(LISTS, ["ajax_update", "ajax_lookup"], set()) | views(
    READ_ONLY, ["create_view", "edit_view", "delete_view"], set()
)


def console_rules(app):
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin/")]
    return [(rule, method) for rule in rules for method in sorted(rule.methods & {"GET", "POST"})]


@pytest.fixture
def known(session):
    """An id for each kind of row."""
    make_service(tiers=1)
    request = make_request()
    provider = make_provider()
    rows = {"requests": request, "payments": session.query(Payment).first(), "services": request.service}
    rows |= {"notifications": session.query(Notification).first(), "tiers": session.query(ServiceTier).first()}
    rows |= {"providers": session.query(ProviderProfile).first(), "working_hours": provider}
    rows |= {"bulk_changes": bulk.run("set_status", request, status=bulk.IN_PROGRESS)}
    return {name: str(row.id) for name, row in rows.items()}


def ask(app, client, rule, method, known):
    key = known.get(rule.endpoint.partition(".")[0], "00000000-0000-7000-8000-000000000000")
    given = {"key": key, "export_type": "csv", "payment_key": known["payments"], "gateway": "sandbox", "kind": "alert"}
    given |= {"flag": "purchase", "batch": "2026-03-01", "what": "price"}
    values = {name: given.get(name, "unknown") for name in rule.arguments}
    with app.test_request_context():
        address = app.url_map.bind("localhost").build(rule.endpoint, values)
    return client.open(address, method=method, query_string={"id": key}, buffered=True)


def test_everything_that_can_be_posted_says_who_may(app):
    unnamed = {rule.endpoint for rule, method in console_rules(app) if method == "POST"} - NEEDS.keys() - NOWHERE.keys()
    assert not unnamed, "give each a line in NEEDS"


@pytest.mark.parametrize("role", EACH_ROLE)
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


@pytest.mark.sqlite
def test_a_stranger_is_asked_to_sign_in_everywhere(app, client, known):
    for rule, method in console_rules(app):
        answer = ask(app, client, rule, method, known)
        assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), f"{method} {rule}"


@pytest.mark.parametrize("role", EACH_ROLE)
def test_nothing_is_posted_without_a_token(app, client, session, known, role):
    sign_in(client, role)
    app.config["WTF_CSRF_ENABLED"] = True
    for rule, method in console_rules(app):
        if method == "POST":
            assert ask(app, client, rule, method, known).status_code == 400, str(rule)


def actions(app):
    """The actions of every list, as somebody might post them by hand."""
    console = app.extensions["admin"][0]
    return [
        (view, name, permission)
        for view in console._views
        for name, permission in getattr(view, "action_permissions", {}).items()
    ]


@pytest.mark.parametrize("role", EACH_ROLE)
def test_an_action_is_for_those_whose_role_has_it(app, client, session, known, role):
    sign_in(client, role)
    assert actions(app)
    for view, name, permission in actions(app):
        sent = {"action": name, "rowid": [known.get(view.endpoint, "x")]}
        answer = client.post(f"{view.url}/action/", data=sent, buffered=True)
        is_allowed = permission in PERMISSIONS[role] and view.permission in PERMISSIONS[role]
        assert (answer.status_code == 403) is not is_allowed, f"{name} of {view.endpoint} as {role}: {answer.status}"


@pytest.mark.parametrize("role", sorted(STAFF))
def test_an_action_that_no_list_has_is_nowhere(client, session, role):
    sign_in(client, role)
    for name in ("delete", "drop", ""):
        assert client.post("/admin/payouts/action/", data={"action": name, "rowid": ["x"]}).status_code == 404


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
