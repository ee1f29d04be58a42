"""Where programs talk to us: gateways' webhooks, customers' own software, load balancers and Prometheus."""

from flask import Flask

from app.api import catalog, health, purchase, tracking, webhooks
from app.extensions import csrf


def init_app(app: Flask) -> None:
    # Gateways sign their messages, and a purchase brings all it needs: no session is involved.
    csrf.exempt(webhooks.bp)
    csrf.exempt(purchase.bp)
    for blueprint in (webhooks.bp, health.bp, catalog.bp, purchase.bp, tracking.bp):
        app.register_blueprint(blueprint)
