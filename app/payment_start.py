"""The steps every purchase takes, whoever asks for it: commit, ask the gateway, commit its answer."""

from collections.abc import Callable

from app.db import transaction
from app.errors import DomainError
from app.extensions import links
from app.models import Payment
from app.workflows import gateway_health, purchase


def start_payment(open_payment: Callable[[], Payment]) -> Payment:
    """The pending payment that `open_payment` opens, announced to its gateway. Raises DomainError.

    The gateway is asked between two transactions; a payment it knows already is not announced again.
    """
    with transaction():
        payment = open_payment()
    if payment.gateway_intent_id is not None:
        return payment
    try:
        intent = purchase.create_intent(payment, links())
    except DomainError as error:
        with transaction():
            gateway_health.note_failure(payment.gateway, error)
        raise
    with transaction():
        gateway_health.note_answer(payment.gateway)
        return purchase.attach_intent(payment.id, intent)
