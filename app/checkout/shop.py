"""The shop window: a card for every service on sale."""

from flask import render_template

from app.checkout.blueprint import bp
from app.workflows import catalog


@bp.get("/")
def home() -> str:
    return render_template("checkout/home.html", services=catalog.active_services())
