"""The public pages: catalogue, checkout, confirmation, receipt, tracking."""

from flask import Flask

from app.checkout import affiliate_cookie, kept_pages, outcome, purchase, shop, tracking, visits
from app.checkout.blueprint import bp

__all__ = ["init_app"]

_PAGES = (affiliate_cookie, outcome, purchase, shop, tracking)
"""Importing them hangs their views on the blueprint."""


def init_app(app: Flask) -> None:
    visits.init_app(app)
    kept_pages.init_app(app)
    app.register_blueprint(bp)
