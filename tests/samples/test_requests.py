"""What is loaded in bulk is what the live service would have written."""

import os
import threading
from collections import Counter

import pytest
from sqlalchemy import func, inspect, select, text

from app.commands.figures import count_missing
from app.db import Model, db, transaction
from app.extensions import settings
from app.kit import clock
from app.models import (
    OPEN_STATUSES,
    CommissionEntry,
    KeptFigures,
    Notification,
    Payment,
    PaymentStatus,
    ProviderProfile,
    Refund,
    RequestStatus,
    SandboxPayment,
    ServiceRequest,
    StatusChange,
)
from app.samples import catalog, makers, requests
from app.sandbox import ledger
from app.workflows import figure_keeping, notifications, reconciliation, request_search
from app.workflows.request_search import RequestFilters
from app.workflows.status import ALLOWED
from tests.factories import make_request

COUNT = 400
# Of a purchase in the shop, not of its kind: the form it was sent with, and what the customer's browser was given.
BROWSERS_OWN = {"submission_hash", "client_secret", "redirect_url", "form_action", "client_parameters"}


def rows(model):
    db.session.expire_all()
    return db.session.scalars(select(model)).all()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def filled(row):
    """The attributes that have a value."""
    names = {attribute.key for attribute in inspect(type(row)).column_attrs}
    return {name for name in names - BROWSERS_OWN if getattr(row, name) is not None}


def test_so_many_are_added_and_told_of(load):
    assert sum(load(COUNT)) == COUNT
    assert count(ServiceRequest) == count(Payment) == COUNT


def test_all_references_lead_somewhere(load):
    load(COUNT)
    for table in Model.metadata.sorted_tables:
        for key in table.foreign_keys:
            target = key.column.table.alias("target")
            lost = (
                select(func.count())
                .select_from(table)
                .where(key.parent.is_not(None), ~select(target).where(target.c[key.column.name] == key.parent).exists())
            )
            assert db.session.scalar(lost) == 0, f"{table.name}.{key.parent.name}"


def test_a_paid_request_has_what_one_bought_in_the_shop_has(load):
    bought = make_request(catalog_service())
    with transaction():
        ledger.decide(ledger.find_payment(purchase_rows(bought)[0].client_secret), "approve")
    live, owed = {type(row): filled(row) for row in (bought, *purchase_rows(bought))}, kinds(bought)
    load(COUNT, days=1)
    twins = [request for request in rows(ServiceRequest) if is_twin(request, bought)]
    assert twins
    for twin in twins:
        assert {type(row): filled(row) for row in (twin, *purchase_rows(twin))} == live
        assert kinds(twin) == owed


def is_twin(request, bought):
    """Paid, with somebody to do it, and nothing has happened since: what was bought and how agrees as well."""
    return (
        request.id != bought.id
        and request.payment_status is bought.payment_status
        and request.status is bought.status
        and bool(request.provider) is bool(bought.provider)
        and bool(request.service_tier_id) is bool(bought.service_tier_id)
        and bool(request.affiliate_code) is bool(bought.affiliate_code)
        and request.due_at > clock.utc_now()
    )


def catalog_service():
    with transaction():
        return catalog.add_services()[0]


def purchase_rows(request):
    """Its payment, the first step of its history, and the ledger's row."""
    payment = db.session.scalars(select(Payment).where(Payment.service_request_id == request.id)).one()
    changes = select(StatusChange).where(StatusChange.service_request_id == request.id)
    ledger = select(SandboxPayment).where(SandboxPayment.payment_reference == str(payment.id))
    return (
        payment,
        db.session.scalars(changes.order_by(StatusChange.created_at, StatusChange.id)).first(),
        db.session.scalars(ledger).one(),
    )


def kinds(request):
    owed = select(Notification.kind).where(Notification.service_request_id == request.id)
    return Counter(db.session.scalars(owed))


def test_every_history_is_one_that_could_have_been(load):
    load(COUNT)
    histories = {}
    for change in sorted(rows(StatusChange), key=lambda change: change.created_at):
        histories.setdefault(change.service_request_id, []).append(change)
    now = clock.utc_now()
    for request in rows(ServiceRequest):
        status = RequestStatus.PENDING_CONTACT
        for change in histories.get(request.id, []):
            assert change.old_status is status
            assert change.new_status in ALLOWED[status] | {RequestStatus.PAYMENT_CONFIRMED}
            assert request.created_at <= change.created_at <= now
            status = change.new_status
        assert request.status is status
        assert (request.closed_at is None) == (status in OPEN_STATUSES)
        if status in {RequestStatus.TEAM_ASSIGNED, RequestStatus.IN_PROGRESS}:
            assert request.provider
            assert (request.first_contact_at is not None) == (status is RequestStatus.IN_PROGRESS)


def test_the_sums_of_money_agree(load):
    load(COUNT * 3)
    refunded, commission = Counter(), Counter()
    for refund in rows(Refund):
        refunded[refund.payment_id] += refund.amount_minor
    rates = {}
    for entry in rows(CommissionEntry):
        commission[entry.payment_id] += entry.amount_minor
        rates[entry.payment_id] = entry.rate_basis_points
    assert refunded
    assert set(rates) & set(refunded)
    for payment in rows(Payment):
        request = payment.service_request
        assert payment.refunded_minor == request.refunded_minor == refunded[payment.id]
        assert payment.status is request.payment_status
        assert (
            payment.settles_request == (payment.completed_at is not None) == (request.payment_completed_at is not None)
        )
        assert payment.gateway_payment_id == request.payment_transaction_id
        assert (payment.status is PaymentStatus.REFUNDED) == (payment.refunded == payment.amount)
        left = (payment.amount - payment.refunded).share(rates.get(payment.id, 0))
        assert commission[payment.id] == left.minor


def test_the_gateway_tells_the_same_of_every_payment(load):
    load(COUNT)
    recent = [row.payment_reference for row in rows(SandboxPayment)]
    payments = [payment for payment in rows(Payment) if str(payment.id) in recent]
    assert payments
    for payment in payments:
        comparison = reconciliation.compare(payment)
        assert comparison.trouble is None
        assert comparison.differences == ()


def test_providers_have_in_hand_what_was_added_to_what_they_had(load):
    make_request(catalog_service())
    load(COUNT, days=5)
    load(COUNT, days=5)
    assigned = Counter(request.assigned_provider_id for request in rows(ServiceRequest) if request.is_open)
    for profile in rows(ProviderProfile):
        assert profile.open_work == assigned[profile.user_id]


def test_nobody_is_told_a_second_time(load):
    load(COUNT, days=3)
    before = count(Notification)
    paid = select(Payment).where(Payment.completed_at.is_not(None)).limit(20)
    with transaction() as session:
        for payment in session.scalars(paid):
            request = payment.service_request
            notifications.payment_confirmed(request, payment)
            notifications.new_request(request)
            if who := request.provider:
                notifications.provider_assigned(request, notifications.Recipient(who.email, who.id))
    assert count(Notification) == before


def test_customers_are_found_by_all_that_they_go_by(load):
    load(COUNT)
    zone = settings().time_zone
    request = rows(ServiceRequest)[7]
    for words in (request.reference_number, request.customer_email, request.customer_phone, request.customer_name):
        found = db.session.scalars(request_search.select_requests(RequestFilters(text=words), zone=zone)).all()
        assert request.id in {each.id for each in found}
        assert len(found) < COUNT / 4


def test_of_older_requests_only_the_books_are_kept(load):
    load(COUNT, days=100, detailed_days=10)
    long_ago = clock.utc_now().timestamp() - 11 * 86_400
    assert count(Notification) > 0
    assert all(row.created_at.timestamp() > long_ago for row in (*rows(Notification), *rows(SandboxPayment)))


def test_the_dashboard_counts_the_past_anew(load):
    load(10, days=30)
    count_missing()
    assert count(KeptFigures) > 0
    load(COUNT, days=30)
    count_missing()
    assert list(figure_keeping.differences(settings().time_zone)) == []


def test_two_loads_at_once_both_arrive(load, app):
    failures = []

    def load_more(seed):
        with app.app_context():
            try:
                load(COUNT, seed=seed)
            except Exception as error:
                failures.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=load_more, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert count(ServiceRequest) == 2 * COUNT
    assigned = Counter(request.assigned_provider_id for request in rows(ServiceRequest) if request.is_open)
    assert all(profile.open_work == assigned[profile.user_id] for profile in rows(ProviderProfile))


def test_what_several_processes_make_is_one_load(load, monkeypatch):
    monkeypatch.setattr(requests, "BATCH", 50)
    monkeypatch.setattr(makers, "count_processes", lambda _: 2)
    said = load(COUNT, days=5)
    assert said == [50] * (COUNT // 50)
    assert count(ServiceRequest) == COUNT
    assigned = Counter(request.assigned_provider_id for request in rows(ServiceRequest) if request.is_open)
    assert all(profile.open_work == assigned[profile.user_id] for profile in rows(ProviderProfile))
    hours = {request.created_at.replace(minute=0, second=0, microsecond=0) for request in rows(ServiceRequest)}
    assert len(hours) > 4 * 24


def test_a_maker_that_dies_is_not_waited_for(load, monkeypatch):
    monkeypatch.setattr(requests, "BATCH", 50)
    monkeypatch.setattr(makers, "count_processes", lambda _: 2)
    monkeypatch.setattr(makers.Maker, "make", lambda *_: os._exit(1))
    with pytest.raises(EOFError):
        load(COUNT)
    assert count(ServiceRequest) == 0


@pytest.mark.postgres
def test_indexes_taken_down_for_many_are_all_built_again(load, monkeypatch):
    monkeypatch.setattr(requests, "BULK", COUNT)
    before = indexes()
    load(COUNT)
    assert count(ServiceRequest) == COUNT
    assert indexes() == before


@pytest.mark.postgres
def test_a_large_load_that_breaks_off_leaves_everything_as_it_was(load, monkeypatch):
    monkeypatch.setattr(requests, "BULK", COUNT)
    monkeypatch.setattr(requests, "BATCH", 100)
    before = indexes()
    batches = iter(range(3))

    def break_off(*_):
        if next(batches) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(COUNT, progress=break_off)
    assert count(ServiceRequest) == 0
    assert indexes() == before


def indexes():
    definitions = text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef")
    constraints = text("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY conname")
    found = list(db.session.scalars(definitions)), db.session.execute(constraints).all()
    db.session.rollback()
    return found
