"""Status and provider changed in the list: the row that comes back, and what the database is asked for it."""

import pytest

from app.db import db, transaction
from app.models import Role, ServiceRequest
from app.workflows import preferences
from tests.admin.rows import statements_of
from tests.factories import make_provider, make_request
from tests.sign_in import sign_in

JSON = {"Accept": "application/json"}
COLUMNS = "who what bought amount paid status provider due email phone operator category gateway affiliate refunded"


@pytest.fixture
def prepare(client, session):
    """A change of a request as it stands now, ready to be sent."""

    def prepare(request, what, **sent):
        session.rollback()
        request = session.get_one(ServiceRequest, request.id, populate_existing=True)
        address, body = f"/admin/requests/{request.id}/{what}", {"version": request.version, **sent}
        return lambda: client.post(address, json=body, headers=JSON)

    return prepare


def test_the_row_that_comes_back_is_the_one_that_stands_there(client, session, prepare):
    staff = sign_in(client, Role.OPERATOR)
    with transaction():
        preferences.save(staff.id, "requests.columns", {"columns": COLUMNS.split()})
    request, provider, other = make_request(), make_provider(name="Priya Raman"), make_provider(name="Arvind Rao")
    for what, sent in (
        ("provider", {"provider": str(provider.id)}),
        ("provider", {"provider": str(other.id)}),
        ("operator", {"operator": "none"}),
        ("status", {"status": "in_progress"}),
        ("provider", {"provider": "none"}),
        ("status", {"status": "completed"}),
    ):
        answer = prepare(request, what, **sent)()
        assert answer.status_code == 200, answer.json
        assert answer.json["row"] == client.get(f"/admin/requests/{request.id}/row").json["row"], (what, sent)


def tables(count):
    """In one statement where the database lets rows of several tables go there together."""
    return 1 if db.engine.dialect.name == "postgresql" else count


def test_a_change_asks_the_database_for_little(client, session, prepare):
    sign_in(client, Role.OPERATOR)
    request, provider, other = make_request(), make_provider(), make_provider()
    prepare(request, "provider", provider=str(provider.id))()
    changes = [
        # Who asks, the request; what is written of it, its history, the audit log and the mail.
        (2 + tables(4), "status", {"status": "in_progress"}),
        # Who asks, the request, the provider; what is written of it, both loads, the audit log and the mail.
        (3 + tables(5), "provider", {"provider": str(other.id)}),
    ]
    for count, what, sent in changes:
        assert len(statements_of(prepare(request, what, **sent))) == count


def test_the_page_of_a_request_asks_the_database_for_little(client, session):
    sign_in(client, Role.OPERATOR)
    address = f"/admin/requests/{make_request().id}"
    client.get(address)
    # Who asks, whether it is noted that they look, the request; its payments, steps, notes, mails and audit entries;
    # whom it can be given to.
    assert len(statements_of(lambda: client.get(address))) == 9
