"""Binds what letters are written with to the application: its templates, strict about names, and its links."""

from functools import partial
from typing import cast

from flask import Flask, current_app
from jinja2 import StrictUndefined

from app.config import Settings
from app.workflows import letter_kinds  # noqa: F401 - knowing them is what makes letters of them
from app.workflows.letters import Stationery
from app.workflows.receipts import Seller, receipt_pdf


def init_app(app: Flask) -> None:
    settings = cast(Settings, app.extensions["settings"])
    seller = Seller(settings.business_name, settings.support_email)
    app.extensions["stationery"] = Stationery(
        # A letter with a hole in it must not go out.
        templates=app.jinja_env.overlay(undefined=StrictUndefined),
        links=app.extensions["links"],
        print_receipt=partial(receipt_pdf, seller=seller, locale=settings.locale, zone=settings.time_zone),
    )


def stationery() -> Stationery:
    return cast(Stationery, current_app.extensions["stationery"])
