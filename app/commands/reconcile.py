"""Asking every gateway about the payments of the last days, and saying what differs."""

from datetime import timedelta

import click

from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.db import db
from app.errors import DomainError
from app.exchanges import check_payment
from app.kit import clock
from app.models import Payment
from app.workflows import payments, reconciliation


@command()
@click.option("--days", type=click.IntRange(min=1), default=3, show_default=True, help="How far back.")
@click.option("--report-only", is_flag=True, help="Say what differs and change nothing.")
@with_application
def reconcile(days: int, *, report_only: bool) -> None:
    """Ask the gateways how recent payments stand, settle them, and report what still differs."""
    now = clock.utc_now()
    asked = differing = unanswered = 0
    for payment_id in reconciliation.payments_between(now - timedelta(days=days), now):
        payment = db.session.get_one(Payment, payment_id)
        try:
            if not report_only:
                check_payment(payment_id)
            snapshot = payments.look_up(payment)
        except DomainError as error:
            unanswered += 1
            click.echo(f"{payment.service_request.reference_number}  {payment.gateway}: {error.message}")
            continue
        asked += 1
        for difference in reconciliation.differences(payment, snapshot) if snapshot else ():
            differing += 1
            reference = payment.service_request.reference_number
            click.echo(f"{reference}  {difference.what}: ours {difference.ours}, {payment.gateway} {difference.theirs}")
    click.echo(f"Asked about {asked} payments: {differing} differences, {unanswered} without an answer.")
