"""The Sandbox company's pay page, where whoever tries things out decides how the payment ends."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.db import transaction
from app.extensions import csrf
from app.kit.money import Money
from app.sandbox import ledger, postman
from app.sandbox.outcomes import OUTCOMES

bp = Blueprint("sandbox", __name__, url_prefix="/sandbox")


@bp.get("/pay/<client_secret>")
def show(client_secret: str) -> str:
    payment = ledger.find_payment(client_secret)
    amount = Money(payment.amount_minor, payment.currency)
    return render_template("checkout/sandbox.html", payment=payment, amount=amount, outcomes=OUTCOMES)


# Whoever has the secret of the address may decide, a program as well as a browser: there is no session to misuse.
@bp.post("/pay/<client_secret>")
@csrf.exempt  # type: ignore[untyped-decorator]
def pay(client_secret: str) -> ResponseReturnValue:
    payment = ledger.find_payment(client_secret)
    with transaction():
        is_news = ledger.decide(payment, request.form.get("outcome", ""))
    if is_news:
        postman.announce(payment)
    return redirect(payment.return_url, 303)
