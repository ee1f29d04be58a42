"""The Sandbox payment company: its ledger, its pay page and its webhooks, on the far side of the gateway contract.

It is left out in production. Nothing of ours knows it but `app.gateways.sandbox`, through a protocol.
"""

from flask import Flask

from app.extensions import settings
from app.gateways.sandbox import Sandbox
from app.sandbox import pages
from app.sandbox.ledger import DatabaseLedger


def init_app(app: Flask) -> None:
    with app.app_context():
        if settings().is_production:
            Sandbox.ledger = None
            return
    Sandbox.ledger = DatabaseLedger()
    app.register_blueprint(pages.bp)
