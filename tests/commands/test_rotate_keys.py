"""Keys are changed while the service runs: nothing fails, nothing is lost, and the old key can go."""

import threading

import pytest
from sqlalchemy import LargeBinary, func, select, type_coerce

from app.columns import KeyedHash, SealedColumn, keyring
from app.db import Model, db, transaction
from app.extensions import limiter
from app.jobs import audit as audit_job
from app.models import AuditEntry, KeyMark, NameWord, Role, ServiceRequest
from app.workflows import key_rotation, keys
from tests.auditing import problem
from tests.factories import make_customer, make_gateway, make_request, make_service, make_user
from tests.servers.worker import ENCRYPTION_KEY as OLD
from tests.sign_in import sign_in
from tests.statements import asked_with_values

NEW = "a-newer-key-for-tests-9876543210-zyxwvutsrq"


@pytest.fixture(autouse=True)
def _keys_of_this_process(session):
    yield
    keyring.use([OLD])


@pytest.fixture
def unlimited():
    limiter.enabled = False
    yield
    limiter.enabled = True


def run(app, *arguments):
    return app.test_cli_runner().invoke(args=["rotate-keys", *arguments])


def key_ids():
    """Of every sealed value there is."""
    columns = [(table, column) for table in Model.metadata.sorted_tables for column in table.columns]
    db.session.rollback()
    return {
        bytes(value)[:4]
        for table, column in columns
        if isinstance(column.type, SealedColumn)
        for value in db.session.scalars(select(type_coerce(column, LargeBinary)).where(column.is_not(None)))
    }


def search(client, **arguments):
    return client.get("/admin/requests/", query_string={"view": "all", **arguments}).text


def test_everything_is_read_and_found_during_a_rotation_and_after_the_old_key_is_gone(app, client, session):
    make_user(Role.ADMIN)
    make_gateway(api_secret="sk_1234567890")
    requests = [make_request(customer=make_customer(full_name=f"Kavya Iyer{'abc'[n]}")) for n in range(3)]
    audit_job.chain()
    keyring.use([NEW, OLD])
    sign_in(client)
    for word in ("iyerb", "kavya.iyer@example.org", "+917000012345"):
        assert requests[1].reference_number in search(client, q=word)
    assert run(app, "--check").exit_code == 1
    result = run(app)
    assert result.exit_code == 0, result.output
    assert "The other keys can be removed" in result.output
    assert run(app, "--check").exit_code == 0
    keyring.use([NEW])
    assert key_ids() == set(keyring.key_ids)
    for word in ("iyerb", "kavya.iyer@example.org", "+917000012345"):
        assert requests[1].reference_number in search(client, q=word)
    assert client.get(f"/admin/requests/{requests[0].id}").status_code == 200
    assert problem(app) is None
    session.rollback()
    assert session.scalar(select(func.count()).select_from(NameWord)) == 6
    assert [mark.key_id for mark in session.scalars(select(KeyMark))] == [keys.newest()]


def test_it_changes_no_version_and_no_time_and_is_on_record(app, session):
    request = make_request()
    before = (request.version, request.updated_at)
    keyring.use([NEW, OLD])
    assert run(app).exit_code == 0
    session.rollback()
    session.refresh(request)
    assert (request.version, request.updated_at) == before
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "keys.rotated")).one()
    assert run(app).exit_code == 0
    session.rollback()
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "keys.rotated")).all()) == 1


def test_stopped_in_the_middle_it_is_taken_up_again(app, session):
    requests = [make_request() for _ in range(3)]
    keyring.use([NEW, OLD])
    place = next(each for each in key_rotation.places() if each.name == "service_requests")
    with transaction():
        assert key_rotation.reseal_some(place, None, 1).resealed == 1
    assert key_rotation.count_left(place) == 2
    assert len(key_ids()) == 2
    session.expire_all()
    assert {request.customer_name for request in requests} == {"Kavya Iyer"}
    assert run(app).exit_code == 0
    assert key_ids() == {keyring.key_ids[0]}


@pytest.mark.postgres
def test_a_row_that_somebody_works_on_is_left_for_the_next_round(app, session):
    request = make_request()
    keyring.use([NEW, OLD])
    place = next(each for each in key_rotation.places() if each.name == "service_requests")
    counts = []

    def rotate():
        with app.app_context(), transaction():
            counts.append(key_rotation.reseal_some(place, None, 10).resealed)

    with transaction():
        locked = session.get(ServiceRequest, request.id, with_for_update=True)
        other = threading.Thread(target=rotate)
        other.start()
        other.join(10)
        locked.customer_name = "Anand Rao"
    assert counts == [0]
    assert run(app).exit_code == 0
    session.expire_all()
    assert session.get_one(ServiceRequest, request.id).customer_name == "Anand Rao"


def test_customers_buy_and_staff_search_while_it_runs(app, session, unlimited):
    make_gateway()
    service = make_service()
    place = f"/services/{service.id}"
    make_user(Role.ADMIN)
    for _ in range(20):
        make_request(service)
    keyring.use([NEW, OLD])
    stop, answers = threading.Event(), []

    def buy():
        client, number = app.test_client(), 0
        while not stop.is_set() and number < 40:
            number += 1
            fields = {
                "full_name": "Meera Nair",
                "email": "meera@example.org",
                "phone": "+917000012345",
                "requirements": "x",
                "submission": f"page-{number}",
            }
            answers.append(client.post(place, data=fields).status_code == 303)

    def look():
        with app.app_context():
            client = app.test_client()
            sign_in(client)
        while not stop.is_set():
            answers.append("Kavya" in search(client, q="kavya"))

    threads = [threading.Thread(target=buy), threading.Thread(target=look)]
    for thread in threads:
        thread.start()
    result = run(app)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert result.exit_code == 0, result.output
    assert answers
    assert all(answers)
    keyring.use([NEW])
    assert run(app, "--check").exit_code == 0
    session.rollback()
    bought = session.scalars(select(ServiceRequest)).all()
    assert {each.customer_name for each in bought} <= {"Kavya Iyer", "Meera Nair"}


def test_a_lost_key_is_one_clear_line_at_the_start_and_a_calm_page(app, client, session):
    make_gateway()
    page = f"/admin/requests/{make_request().id}"
    with transaction():
        keys.ensure_known()
    lost = keys.newest()
    sign_in(client)
    keyring.use([NEW])
    result = run(app)
    assert result.exit_code == 1
    assert f"ENCRYPTION_KEYS lacks {lost}" in result.output
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.get(page)
    assert answer.status_code == 500
    assert "A record could not be read" in answer.text
    assert lost not in answer.text


def test_a_value_that_no_key_opens_is_named_and_the_others_are_sealed_anew(app, session):
    first, second = make_request().id, make_request().id
    with transaction():
        table = ServiceRequest.__table__
        column = table.c.customer_phone_sealed
        raw = db.bindparam("raw", b"junk" * 12, type_=LargeBinary)
        session.execute(table.update().where(table.c.id == first).values({column: raw}))
    keyring.use([NEW, OLD])
    result = run(app)
    assert result.exit_code == 1
    assert str(first) in result.output
    assert "still under an old key: 1 in service_requests" in result.output
    keyring.use([NEW])
    session.expire_all()
    assert session.get_one(ServiceRequest, second).customer_name == "Kavya Iyer"


def test_every_sealed_column_is_found_and_every_hash_that_can_be_made_anew(app):
    found = {column for place in key_rotation.places() for column in (*place.sealed, *place.hashes)}
    columns = [column for table in Model.metadata.sorted_tables for column in table.columns]
    assert {each for each in columns if isinstance(each.type, SealedColumn | KeyedHash)} == found


def test_no_key_is_ever_part_of_a_statement(app, session):
    make_request()
    keyring.use([NEW, OLD])
    with asked_with_values() as statements:
        said = run(app).output
    for secret in (OLD, NEW):
        assert secret not in said
        assert not any(secret in str(each) for each in statements)
    assert OLD not in repr(keyring)
