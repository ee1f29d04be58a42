"""Every sum that rows keep of others is compared with them, and open work is counted anew on demand."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.db import transaction
from app.kit import clock
from app.kit.money import Money
from app.models import CommissionEntry, Payment, PaymentStatus, Payout, ProviderProfile, Role, ServiceRequest
from app.workflows import kept_sums, payouts, workload
from app.workflows.audit import actor_of
from app.workflows.payouts import Wish
from tests.commissions import give_back, long_ago, make_affiliate, sell
from tests.factories import make_provider, make_user


@pytest.fixture
def payment(session):
    """Sold through an affiliate, partly given back, paid out, and in a provider's hands."""
    make_provider()
    affiliate = make_affiliate()
    payment = sell(affiliate, 100_000, at=long_ago())
    give_back(payment, 40_000)
    finance = actor_of(make_user(Role.FINANCE))
    with transaction():
        earlier = clock.utc_now() - timedelta(hours=1)
        wish = Wish(affiliate.user_id, Money(6_000, "INR"), paid_at=earlier, batch="")
        payouts.record(wish, actor=finance)
    return payment


def found():
    return [mistake.what for mistake in kept_sums.mistakes()]


def spoil(model, **values):
    with transaction() as session:
        session.execute(update(model).values(values).execution_options(synchronize_session=False))


def test_what_the_workflows_keep_is_right(payment):
    assert found() == []


@pytest.mark.parametrize(
    ("model", "values", "what"),
    [
        (ProviderProfile, {"open_work": 7}, ["open work"]),
        (ServiceRequest, {"payment_status": PaymentStatus.PENDING}, ["payment status of request"]),
        (ServiceRequest, {"refunded_minor": 1}, ["refunded of request"]),
        (Payment, {"refunded_minor": 1}, ["refunded of request", "refunded of payment"]),
        (Payment, {"refunded_minor": 0}, ["refunded of request", "refunded of payment"]),
        (Payout, {"amount_minor": 1}, ["amount of payout"]),
        (CommissionEntry, {"paid_out_at": None}, ["commission marked as paid"] * 2),
    ],
)
def test_what_is_wrong_is_named(payment, model, values, what):
    spoil(model, **values)
    assert found() == what


def test_open_work_is_counted_anew(payment):
    spoil(ProviderProfile, open_work=7)
    with transaction():
        workload.recount()
    assert found() == []


def test_the_command_tells_and_recounts(app, payment):
    runner = app.test_cli_runner()
    spoil(ProviderProfile, open_work=7)
    checked = runner.invoke(args=["figures", "--check"])
    assert checked.exit_code == 1
    assert "open work" in checked.output
    assert "kept 7, counted 1" in checked.output
    runner.invoke(args=["figures", "--recount"])
    assert runner.invoke(args=["figures", "--check"]).exit_code == 0
